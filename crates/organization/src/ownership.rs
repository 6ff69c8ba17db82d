//! Ownerships (所有权): who owns which dwelling, in what share, and when (ORG-08). No number of a certificate is kept.
//!
//! An owner is a person or an organization. Owner, resident and account are three things: nobody is an owner because he
//! lives there or has logged in.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line};
use kernel::{Page, Paging, Permission, Recorded, Refusal, Result, Stamp, View, holds_on, id, within};
use schema::{building, dwelling, ownership};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CommunityCode, CompoundCode, DwellingCode};
use crate::credit_code::CreditCode;
use crate::ownership_share::{Fraction, Part};
use crate::person::PersonId;

id!(
    /// An ownership.
    OwnershipId
);

/// An ownership as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = ownership)]
pub struct Ownership {
    /// Identity, for ever.
    pub id: OwnershipId,
    /// The dwelling.
    pub dwelling_code: DwellingCode,
    /// The community, from the code of the dwelling.
    pub area_code: CommunityCode,
    /// The person who owns; null where an organization does.
    pub person_id: Option<PersonId>,
    /// The organization that owns; null where a person does.
    pub organization_name: Option<Line>,
    /// Its unified social credit code, where it is known.
    pub organization_code: Option<CreditCode>,
    /// Of the share, the part above the line.
    pub share_numerator: i32,
    /// Of the share, the part below the line.
    pub share_denominator: i32,
    /// Whether this owner votes for the dwelling, on behalf of those who own it with him.
    pub voting_representative: bool,
    /// First day of ownership.
    pub valid_from: NaiveDate,
    /// First day on which it is another's; null while it has no end.
    pub valid_to: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

impl Ownership {
    /// The share and its term, for adding up; none where the share is no fraction.
    pub(crate) fn part(&self) -> Option<Part> {
        let share = Fraction::of(u128::try_from(self.share_numerator).ok()?, u128::try_from(self.share_denominator).ok()?)?;
        Some(Part { from: self.valid_from, to: self.valid_to, share })
    }
}

/// An ownership to be entered.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = ownership)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dwelling_code": "42118100100100001010302", "organization_name": "麻城市示例房地产开发有限公司", "share_numerator": 1, "share_denominator": 1}))]
pub struct NewOwnership {
    /// The dwelling.
    pub dwelling_code: DwellingCode,
    /// The person who owns; either this or `organization_name`.
    pub person_id: Option<PersonId>,
    /// The organization that owns; either this or `person_id`.
    pub organization_name: Option<Line>,
    /// Unified social credit code of the organization, where it is known.
    pub organization_code: Option<CreditCode>,
    /// Of the share, the part above the line; 1 unless said.
    #[validate(range(min = 1, max = 10000))]
    #[schema(minimum = 1, maximum = 10000)]
    pub share_numerator: Option<i32>,
    /// Of the share, the part below the line; 1 unless said.
    #[validate(range(min = 1, max = 10000))]
    #[schema(minimum = 1, maximum = 10000)]
    pub share_denominator: Option<i32>,
    /// Whether this owner votes for the dwelling, on behalf of those who own it with him; false unless said. A sole owner
    /// votes by himself.
    pub voting_representative: Option<bool>,
    /// First day of ownership; today unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of an ownership: what is left out stays, null empties. Another owner is an end and a new ownership.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = ownership)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"voting_representative": true, "version": 1}))]
pub struct OwnershipPatch {
    /// Unified social credit code of the organization.
    #[serde(deserialize_with = "nullable")]
    pub organization_code: Option<Option<CreditCode>>,
    /// Of the share, the part above the line.
    #[serde(deserialize_with = "present")]
    #[validate(range(min = 1, max = 10000))]
    #[schema(nullable = false, minimum = 1, maximum = 10000)]
    pub share_numerator: Option<i32>,
    /// Of the share, the part below the line.
    #[serde(deserialize_with = "present")]
    #[validate(range(min = 1, max = 10000))]
    #[schema(nullable = false, minimum = 1, maximum = 10000)]
    pub share_denominator: Option<i32>,
    /// Whether this owner votes for the dwelling.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub voting_representative: Option<bool>,
    /// First day of ownership, corrected.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    #[serde(deserialize_with = "nullable")]
    pub source: Option<Option<Key>>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref", deserialize_with = "nullable")]
    pub reference: Option<Option<Key>>,
    /// The version that is meant, unless `If-Match` says it.
    #[diesel(skip_update)]
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

impl From<NewOwnership> for OwnershipPatch {
    fn from(new: NewOwnership) -> Self {
        Self {
            organization_code: Some(new.organization_code),
            share_numerator: new.share_numerator,
            share_denominator: new.share_denominator,
            voting_representative: new.voting_representative,
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which ownerships a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct OwnershipFilter {
    /// Of dwellings in this area.
    pub area_code: Option<AreaCode>,
    /// Of this dwelling.
    pub dwelling_code: Option<DwellingCode>,
    /// Of this person.
    pub person_id: Option<PersonId>,
    /// All of them, not only those that hold on the day.
    pub ever: Option<bool>,
}

/// May see who owns dwellings.
pub const READ: Permission = Permission("ownership.read");
/// May write who owns dwellings.
pub const WRITE: Permission = Permission("ownership.write");

/// No such ownership.
pub const UNKNOWN: Refusal =
    Refusal::not_found("ownership.unknown", "没有该所有权,或它不在您的区域内。", "There is no such ownership, or it is not in your area.");
/// The person is not there.
pub const WHOSE: Refusal = Refusal::invalid(
    "ownership.whose",
    "没有标识为 {person_id} 的人员,或其不在您的区域内。",
    "There is nobody with the id {person_id}, or he is not in your area.",
);
/// No owner, or two in one.
pub const ONE_OWNER: Refusal = Refusal::invalid(
    "ownership.one_owner",
    "人员与单位名称须填写其中一项,且只填一项。",
    "Give the person who owns it or the name of the organization: one of them, and not both.",
);
/// In an import: no owner, two in one, or a person whom the caller may not name.
pub const ONE_OWNER_HERE: Refusal = Refusal::invalid(
    "ownership.one_owner_here",
    "须填写一名业主且只填一名:已登记且在您区域内的人员(人员标识或证件号码),或单位名称。",
    "Give one owner and not two: a person who is entered and in your area, by id or number, or the name of an organization.",
);
/// The code of an organization that is not named.
pub const CODE_WITHOUT_NAME: Refusal = Refusal::invalid(
    "ownership.code_without_name",
    "统一社会信用代码须与单位名称同时填写。",
    "Give the name of the organization together with its unified social credit code.",
);
/// More above the line than below it.
pub const BAD_SHARE: Refusal = Refusal::invalid(
    "ownership.bad_share",
    "份额的分子不能大于分母;分母最大为10000。",
    "A share is at most the whole: its numerator must not exceed its denominator.",
);
/// The same owner twice.
pub const ALREADY: Refusal = Refusal::conflict(
    "ownership.already",
    "该业主在此期间已登记为该房屋的业主;份额变动请更改原登记,或先终止原登记。",
    "He owns a share of the dwelling already at that time; change that one, or end it first.",
);
/// Two who vote for one dwelling.
pub const ONE_REPRESENTATIVE: Refusal = Refusal::conflict(
    "ownership.one_representative",
    "该房屋在此期间已有表决权代表;同一时期只有一名,请先取消原代表。",
    "The dwelling has a voting representative already at that time; there is one at a time, so take it from the other first.",
);
/// More than the whole is owned.
pub const MORE_THAN_WHOLE: Refusal = Refusal::conflict(
    "ownership.more_than_whole",
    "该房屋的份额自 {on} 起合计为 {sum},超过整体;请先终止或更正原登记。",
    "From {on} on the shares of the dwelling come to {sum}, which is more than the whole; end or correct another one first.",
);
/// In an import: more than the whole is owned.
pub const MORE_THAN_WHOLE_HERE: Refusal = Refusal::invalid(
    "ownership.more_than_whole_here",
    "该房屋的份额与已登记的及本文件此前各行合计超过整体。",
    "Together with those that are entered and with the rows before it, the shares of the dwelling are more than the whole.",
);
/// Denominators that do not go together.
pub const TOO_FINE: Refusal = Refusal::invalid(
    "ownership.too_fine",
    "该房屋各份额的分母过于零散,无法准确合计;请改用同一分母。",
    "The shares of the dwelling have too many different denominators to be added up exactly; write them over one.",
);

impl Recorded for Ownership {
    const KIND: &'static str = "ownership";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn personal(&self) -> Vec<(&'static str, Option<String>)> {
        // How much of it is whose.
        vec![("share_numerator", Some(self.share_numerator.to_string())), ("share_denominator", Some(self.share_denominator.to_string()))]
    }
}

/// Lists the ownerships of dwellings in the caller's area, by the code of the dwelling. A dwelling is in no grid, so whoever
/// answers for a grid alone sees none.
pub async fn list(view: &View<'_>, filter: &OwnershipFilter, paging: &Paging) -> Result<Page<Ownership>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = Ownership::query().filter(within!(scope, ownership::area_code)).into_boxed();
        if filter.ever != Some(true) {
            query = query.filter(holds_on!(ownership, view.as_of));
        }
        if let Some(area) = &filter.area_code {
            query = query.filter(ownership::area_code.ge(area.clone()).and(ownership::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(dwelling_code) = &filter.dwelling_code {
            query = query.filter(ownership::dwelling_code.eq(dwelling_code));
        }
        if let Some(person) = filter.person_id {
            query = query.filter(ownership::person_id.eq(person));
        }
        query
    };
    let mut page = chosen().order((ownership::dwelling_code, ownership::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = ownership::dwelling_code.eq(after.key.clone()).and(ownership::id.gt(after.id));
        page = page.filter(ownership::dwelling_code.gt(after.key).or(same));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(ownership::id).limit(MAX_TOTAL).load::<OwnershipId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row: &Ownership| Cursor { key: row.dwelling_code.to_string(), id: row.id.0 })
}

/// The ownership with this id.
pub async fn get(view: &View<'_>, id: OwnershipId) -> Result<Ownership> {
    let scope = view.may(READ)?;
    let found = Ownership::query().filter(ownership::id.eq(id)).filter(within!(scope, ownership::area_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Whether a person owns a dwelling of a compound on a day, as who is to direct its owners' committee must (ORG-08). It asks
/// whoever may see it: the caller of this has checked what it answers for.
pub async fn owner_in(view: &View<'_>, person: PersonId, compound: &CompoundCode, day: NaiveDate) -> Result<bool> {
    let found = ownership::table
        .inner_join(dwelling::table.on(dwelling::code.eq(ownership::dwelling_code)))
        .inner_join(building::table.on(building::code.eq(dwelling::building_code)))
        .filter(ownership::person_id.eq(person))
        .filter(building::compound_code.eq(compound))
        .filter(holds_on!(ownership, day))
        .filter(holds_on!(dwelling, day))
        .select(ownership::id)
        .first::<OwnershipId>(&mut view.conn())
        .await
        .optional()?;
    Ok(found.is_some())
}
