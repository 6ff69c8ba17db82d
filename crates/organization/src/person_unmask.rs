//! The one door through which a number or a phone leaves in clear: with a permission and a reason, and journalled, also
//! where it is refused.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::text::Line;
use kernel::{Permission, Recorded, Result, Tx, text_enum};
use schema::person;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::id_number::{ID_NUMBER, number_of};
use crate::person::{HomeCode, PersonId, find};
use crate::phone::PHONE;

text_enum!(
    /// A member of a person that is shown masked.
    MaskedField {
        /// The number of the document.
        IdNumber = "id_number" "证件号码",
        /// The phone.
        Phone = "phone" "电话",
    }
);

/// What is to be seen in clear, and why.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmasking {
    /// Which members.
    #[validate(length(min = 1, max = 2))]
    #[schema(min_items = 1, max_items = 2)]
    pub fields: Vec<MaskedField>,
    /// Why; kept in the journal, for the auditors and for the person himself.
    #[schema(example = "电话核实换届候选人身份")]
    pub reason: Line,
}

/// Members of a person in clear. Not kept anywhere, and not to be printed.
#[derive(Serialize, ToSchema)]
pub struct UnmaskedPerson {
    /// Who.
    pub id: PersonId,
    /// Number of the document; null where it was not asked for or is not known.
    #[schema(max_length = 40)]
    pub id_number: Option<String>,
    /// Phone; null where it was not asked for or there is none.
    #[schema(max_length = 40)]
    pub phone: Option<String>,
}

/// May see numbers and phones in clear, with a reason.
pub const UNMASK: Permission = Permission("person.unmask");

/// What the journal keeps of it.
#[derive(Serialize)]
struct Look {
    #[serde(skip)]
    id: Uuid,
    #[serde(skip)]
    area: String,
    #[serde(skip)]
    version: i32,
    fields: Vec<&'static str>,
}

impl Recorded for Look {
    const KIND: &'static str = "person";

    fn id(&self) -> Uuid {
        self.id
    }

    fn area(&self) -> &str {
        &self.area
    }

    fn version(&self) -> i32 {
        self.version
    }
}

impl Unmasking {
    fn words(&self) -> Vec<&'static str> {
        self.fields.iter().map(|field| field.word()).collect()
    }

    fn asks_for(&self, field: MaskedField) -> bool {
        self.fields.contains(&field)
    }
}

/// Shows members of a person in clear.
pub async fn unmask(tx: &Tx<'_>, id: PersonId, unmasking: &Unmasking) -> Result<UnmaskedPerson> {
    tx.may(UNMASK)?;
    let row = find(tx, id, UNMASK).await?;
    tx.may_at(UNMASK, row.area_code.as_str())?;
    let cipher = tx.cipher()?;
    let number = row.id_number.as_ref().filter(|_| unmasking.asks_for(MaskedField::IdNumber)).map(|kept| kept.open(&ID_NUMBER, cipher)).transpose()?;
    let phone = row.phone.as_ref().filter(|_| unmasking.asks_for(MaskedField::Phone)).map(|kept| kept.open(&PHONE, cipher)).transpose()?;
    let look = Look { id: row.id.0, area: row.area_code.to_string(), version: row.version, fields: unmasking.words() };
    tx.record("person.unmasked", None, &look, Some(unmasking.reason.as_str()))?;
    Ok(UnmaskedPerson { id: row.id, id_number: number.map(|kept| number_of(&kept).to_owned()), phone })
}

/// Notes that somebody was refused it: in a transaction of its own, as the refused one is undone.
pub async fn note_refusal(tx: &Tx<'_>, id: PersonId, unmasking: &Unmasking) -> Result<()> {
    let known = person::table.find(id).select((person::area_code, person::version)).first::<(HomeCode, i32)>(&mut tx.conn()).await.optional()?;
    let (area, version) = known.map_or_else(|| (tx.city.to_string(), 1), |(area, version)| (area.to_string(), version));
    let look = Look { id: id.0, area, version, fields: unmasking.words() };
    tx.record("person.unmask_refused", None, &look, Some(unmasking.reason.as_str()))
}
