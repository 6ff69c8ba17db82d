//! Finding people by what must not stand in an address: names, numbers, phones. Those who look alike are shown as such.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::personal::{Clear, Keeper, Kept};
use kernel::text::Name;
use kernel::{AreaCode, Page, Paging, Refusal, Result, View, holds_on, text_enum, within};
use schema::person;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::id_number::{self, ID_NUMBER, IdKind};
use crate::person::{Person, PersonId, READ, Row};
use crate::phone::PHONE;

/// Whom to look for. Everything that is given must fit.
#[derive(Clone, Debug, Default, Deserialize, Serialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PersonSearch {
    /// Whose name holds this text.
    #[schema(example = "张小明")]
    pub name: Option<Name>,
    /// Kind of the document; `resident_id` unless said.
    pub id_kind: Option<IdKind>,
    /// Whose document has just this number.
    pub id_number: Option<Clear>,
    /// Who has just this phone, or had it in an entry that was merged.
    pub phone: Option<Clear>,
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
}

text_enum!(
    /// Why two entries may be one person. Two different numbers of documents show that they are not.
    Likeness {
        /// The same name and the same phone.
        NameAndPhone = "name_and_phone" "姓名和电话相同",
        /// The same name in the same community or grid.
        NameAndArea = "name_and_area" "姓名和所属区域相同",
    }
);

/// Somebody who may be the same person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PossibleDuplicate {
    /// Who.
    pub id: PersonId,
    /// Why.
    pub likeness: Likeness,
}

/// A person who was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundPerson {
    /// He.
    pub person: Person,
    /// Others whom the caller may see and who may be the same person.
    pub possible_duplicates: Vec<PossibleDuplicate>,
}

/// A search for nobody in particular.
pub const FOR_WHOM: Refusal =
    Refusal::invalid("person.search_for_whom", "请至少填写姓名、证件号码、电话之一。", "Give at least one of name, number and phone.");

/// People with the same name that are compared with those of a page.
const MOST_NAMESAKES: i64 = 1_000;

/// Finds people that the caller may see, in the order in which they were entered.
pub async fn search(view: &View<'_>, sought: &PersonSearch, paging: &Paging) -> Result<Page<FoundPerson>> {
    let scope = view.may(READ)?;
    if sought.name.is_none() && sought.id_number.is_none() && sought.phone.is_none() {
        return Err((&FOR_WHOM).into());
    }
    let number = sought.id_number.as_ref().map(|number| {
        let kind = sought.id_kind.unwrap_or(IdKind::ResidentId);
        id_number::read(number.expose(), kind, view.today()).map_err(|refused| refused.at("/id_number"))
    });
    let number = number.transpose()?;
    let phone = sought.phone.as_ref().map(|phone| (PHONE.read)(phone.expose(), "").map_err(|refused| refused.at("/phone"))).transpose()?;
    let keeper = Keeper::find(view).await?;
    let hash = |personal, clear: Option<String>| match (&keeper, clear) {
        (Some(keeper), Some(clear)) => Some(keeper.hash(personal, &clear)),
        // Nobody was ever kept with one, so nobody has this one.
        (None, Some(_)) => Some(Vec::new()),
        (_, None) => None,
    };
    let number = hash(&ID_NUMBER, number);
    let phone = hash(&PHONE, phone);
    let chosen = || {
        let mut query =
            Row::query().filter(person::merged_into.is_null()).filter(holds_on!(person, view.as_of)).filter(within!(scope, person::area_code)).into_boxed();
        if let Some(area) = &sought.area_code {
            query = query.filter(person::area_code.ge(area.clone()).and(person::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(name) = &sought.name {
            query = query.filter(person::name.like(name.pattern()));
        }
        if let Some(number) = &number {
            query = query.filter(person::id_number_hash.eq(number.clone()));
        }
        if let Some(phone) = &phone {
            let merged = diesel::alias!(person as merged);
            let had = merged.filter(merged.field(person::phone_hash).eq(phone.clone())).select(merged.field(person::merged_into));
            query = query.filter(person::phone_hash.eq(phone.clone()).or(person::id.nullable().eq_any(had)));
        }
        query
    };
    let mut page = chosen().order(person::id).limit(paging.fetch());
    if let Some(after) = paging.after(sought)? {
        page = page.filter(person::id.gt(after.id));
    }
    let rows: Vec<Row> = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(person::id).limit(MAX_TOTAL).load::<PersonId>(&mut view.conn()).await?.len()),
        false => None,
    };
    let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
    let namesakes: Vec<Row> = Row::query()
        .filter(person::name.eq_any(names))
        .filter(person::merged_into.is_null())
        .filter(holds_on!(person, view.as_of))
        .filter(within!(scope, person::area_code))
        .order(person::id)
        .limit(MOST_NAMESAKES)
        .load(&mut view.conn())
        .await?;
    let found = rows.into_iter().map(|row| Ok(FoundPerson { possible_duplicates: duplicates(&row, &namesakes), person: row.show(view)? }));
    let found = found.collect::<Result<Vec<_>>>()?;
    paging.page(view.as_of, found, total, sought, |found: &FoundPerson| Cursor { key: String::new(), id: found.person.id.0 })
}

/// Those among people of the same name who may be the same person.
fn duplicates(row: &Row, namesakes: &[Row]) -> Vec<PossibleDuplicate> {
    let others = namesakes.iter().filter(|other| other.id != row.id && other.name == row.name && !differ(&row.id_number, &other.id_number));
    others
        .filter_map(|other| {
            let likeness = match () {
                () if same(&row.phone, &other.phone) => Likeness::NameAndPhone,
                () if row.area_code == other.area_code => Likeness::NameAndArea,
                () => return None,
            };
            Some(PossibleDuplicate { id: other.id, likeness })
        })
        .collect()
}

/// Whether both are known, and the same.
fn same(one: &Option<Kept>, other: &Option<Kept>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one.hash() == other.hash())
}

/// Whether both are known, and differ.
pub(crate) fn differ(one: &Option<Kept>, other: &Option<Kept>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one.hash() != other.hash())
}
