//! Membership of the Party: a dated fact of a person, as far as governance needs it (ORG-14, WRK-01). Never dues, discipline
//! or files: the roll itself lies in the Party's own network.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Name};
use kernel::{
    AreaCode, Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, text_enum, within,
};
use schema::{party_membership, person};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::party_standing::{covers_posts, hold_posts};
use crate::person::{HomeCode, PersonId, refer};

id!(
    /// A membership of the Party.
    PartyMembershipId
);

text_enum!(
    /// How far a member has come.
    MembershipStage {
        /// On probation (预备党员).
        Probationary = "probationary" "预备党员",
        /// A full member (正式党员).
        Full = "full" "正式党员",
    }
);

/// Where a member's organizational relation is, and since when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartyMembership {
    /// Identity, for ever.
    pub id: PartyMembershipId,
    /// The person.
    pub person_id: PersonId,
    /// The party organization that holds his organizational relation.
    pub organization: Name,
    /// Day of admission; from it on he is on probation.
    pub joined_on: NaiveDate,
    /// Day on which he became a full member; null while he is on probation.
    pub full_on: Option<NaiveDate>,
    /// First day on which the organization holds the relation.
    pub valid_from: NaiveDate,
    /// First day on which it no longer does; null while it does.
    pub valid_to: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
    #[serde(skip)]
    area_code: HomeCode,
}

#[derive(HasQuery)]
#[diesel(table_name = party_membership)]
struct Row {
    id: PartyMembershipId,
    person_id: PersonId,
    organization: Name,
    joined_on: NaiveDate,
    full_on: Option<NaiveDate>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    source: Option<Key>,
    #[diesel(column_name = ref_)]
    reference: Option<Key>,
    version: i32,
    created_at: Stamp,
    updated_at: Stamp,
}

impl Row {
    /// The membership, in the area of its person.
    fn in_area(self, area_code: HomeCode) -> PartyMembership {
        PartyMembership {
            id: self.id,
            person_id: self.person_id,
            organization: self.organization,
            joined_on: self.joined_on,
            full_on: self.full_on,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            source: self.source,
            reference: self.reference,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            area_code,
        }
    }
}

/// A membership to be entered.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = party_membership)]
#[serde(deny_unknown_fields)]
pub struct NewPartyMembership {
    /// The person.
    pub person_id: PersonId,
    /// The party organization that holds his organizational relation.
    #[schema(example = "柳岸社区党委第一党支部")]
    pub organization: Name,
    /// Day of admission.
    pub joined_on: NaiveDate,
    /// Day on which he became a full member; null while he is on probation.
    pub full_on: Option<NaiveDate>,
    /// First day on which the organization holds the relation; the day of admission unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a membership: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = party_membership)]
#[serde(deny_unknown_fields, default)]
pub struct PartyMembershipPatch {
    /// The party organization, corrected. A transfer is an end and a new membership.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "柳岸社区党委第二党支部")]
    pub organization: Option<Name>,
    /// Day of admission, corrected.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub joined_on: Option<NaiveDate>,
    /// Day on which he became a full member.
    #[serde(deserialize_with = "nullable")]
    pub full_on: Option<Option<NaiveDate>>,
    /// First day on which the organization holds the relation, corrected.
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

impl From<NewPartyMembership> for PartyMembershipPatch {
    fn from(new: NewPartyMembership) -> Self {
        Self { organization: Some(new.organization), joined_on: Some(new.joined_on), full_on: Some(new.full_on), valid_from: new.valid_from, ..Self::default() }
    }
}

/// Which memberships a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PartyMembershipFilter {
    /// Of this person.
    pub person_id: Option<PersonId>,
    /// Of people in this area or under it.
    pub area_code: Option<AreaCode>,
    /// Of members who have come so far on the day.
    #[param(inline)]
    pub stage: Option<MembershipStage>,
    /// All of them, not only those that hold on the day.
    pub ever: Option<bool>,
}

/// May see memberships.
pub const READ: Permission = Permission("party_membership.read");
/// May write memberships.
pub const WRITE: Permission = Permission("party_membership.write");

/// No such membership.
pub const UNKNOWN: Refusal =
    Refusal::not_found("party_membership.unknown", "没有该党员身份记录,或其不在您的区域内。", "There is no such membership, or it is not in your area.");
/// The person is not there.
pub const WHOSE: Refusal = Refusal::invalid(
    "party_membership.whose",
    "没有标识为 {person_id} 的人员,或其不在您的区域内。",
    "There is nobody with the id {person_id}, or he is not in your area.",
);
/// Two relations at a time.
pub const ONE_AT_A_TIME: Refusal = Refusal::conflict(
    "party_membership.one_at_a_time",
    "该党员在此期间已有组织关系;一人同时只有一个组织关系,请先终止原组织关系。",
    "The member has an organizational relation at that time; there is one at a time, so end the other first.",
);
/// In an import: two relations at a time.
pub const ONE_HERE: Refusal = Refusal::invalid(
    "party_membership.one_here",
    "该党员在此期间已有另一组织关系,或在本文件中出现两次。",
    "The member has another organizational relation at that time, or stands twice in this file.",
);
/// Full before admission.
pub const FULL_BEFORE_JOINED: Refusal =
    Refusal::invalid("party_membership.full_before_joined", "转正日期不能早于入党日期。", "A member cannot be full before his admission.");
/// A relation before admission.
pub const FROM_BEFORE_JOINED: Refusal =
    Refusal::invalid("party_membership.from_before_joined", "组织关系起始日期不能早于入党日期。", "An organizational relation cannot begin before admission.");

const CONSTRAINTS: &[Constraint] = &[
    ("party_membership_from_joined", &FROM_BEFORE_JOINED, "/valid_from"),
    ("party_membership_full_after_joined", &FULL_BEFORE_JOINED, "/full_on"),
    ("party_membership_one_at_a_time", &ONE_AT_A_TIME, "/valid_from"),
    ("party_membership_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("party_membership_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("party_membership_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("party_membership_years", &period::OUT_OF_YEARS, "/joined_on"),
];

impl Recorded for PartyMembership {
    const KIND: &'static str = "party_membership";

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
        vec![
            ("organization", Some(self.organization.to_string())),
            ("joined_on", Some(self.joined_on.to_string())),
            ("full_on", self.full_on.map(|day| day.to_string())),
            // As a rule it is the day of admission.
            ("valid_from", Some(self.valid_from.to_string())),
        ]
    }
}

/// Lists the memberships of people whom the caller may see, in the order in which they begin.
pub async fn list(view: &View<'_>, filter: &PartyMembershipFilter, paging: &Paging) -> Result<Page<PartyMembership>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = party_membership::table.inner_join(person::table).filter(within!(scope, person::area_code)).into_boxed();
        if filter.ever != Some(true) {
            query = query.filter(holds_on!(party_membership, view.as_of));
        }
        if let Some(id) = filter.person_id {
            query = query.filter(party_membership::person_id.eq(id));
        }
        if let Some(area) = &filter.area_code {
            query = query.filter(person::area_code.ge(area.clone()).and(person::area_code.lt(kernel::area::end_of(area))));
        }
        match filter.stage {
            Some(MembershipStage::Full) => query = query.filter(party_membership::full_on.le(view.as_of)),
            Some(MembershipStage::Probationary) => {
                query = query.filter(party_membership::full_on.is_null().or(party_membership::full_on.gt(view.as_of)));
            }
            None => {}
        }
        query
    };
    let mut page = chosen().select((Row::as_select(), person::area_code)).order((party_membership::valid_from, party_membership::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let day: NaiveDate = after.key.parse().map_err(|_| Paging::broken())?;
        let same = party_membership::valid_from.eq(day).and(party_membership::id.gt(after.id));
        page = page.filter(party_membership::valid_from.gt(day).or(same));
    }
    let rows: Vec<(Row, HomeCode)> = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(party_membership::id).limit(MAX_TOTAL).load::<PartyMembershipId>(&mut view.conn()).await?.len()),
        false => None,
    };
    let memberships = rows.into_iter().map(|(row, area)| row.in_area(area)).collect();
    paging.page(view.as_of, memberships, total, filter, |row: &PartyMembership| Cursor { key: row.valid_from.to_string(), id: row.id.0 })
}

/// The membership with this id.
pub async fn get(view: &View<'_>, id: PartyMembershipId) -> Result<PartyMembership> {
    let scope = view.may(READ)?;
    let found = party_membership::table
        .inner_join(person::table)
        .filter(party_membership::id.eq(id).and(within!(scope, person::area_code)))
        .select((Row::as_select(), person::area_code))
        .first::<(Row, HomeCode)>(&mut view.conn())
        .await
        .optional()?;
    found.map(|(row, area)| row.in_area(area)).ok_or_else(|| (&UNKNOWN).into())
}

/// Enters a membership of a person.
pub async fn create(tx: &Tx<'_>, new: &NewPartyMembership) -> Result<PartyMembership> {
    tx.may(WRITE)?;
    let (person_id, area_code) = whose(tx, new.person_id).await?;
    tx.may_at(WRITE, area_code.as_str())?;
    let row: Row = diesel::insert_into(party_membership::table)
        .values((
            &NewPartyMembership { person_id, ..new.clone() },
            party_membership::id.eq(PartyMembershipId::fresh()),
            party_membership::valid_from.eq(new.valid_from.unwrap_or(new.joined_on)),
        ))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    let membership = row.in_area(area_code);
    tx.record("party_membership.created", None, &membership, None)?;
    Ok(membership)
}

/// Changes a membership. Its first day does not move from under posts.
pub async fn update(tx: &Tx<'_>, id: PartyMembershipId, expected: Expected, patch: &PartyMembershipPatch) -> Result<PartyMembership> {
    if patch.valid_from.is_some() {
        hold_posts(tx).await?;
    }
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the membership that the caller knows by a key of his own. It stays with its person.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewPartyMembership) -> Result<PartyMembership> {
    tx.lock(&format!("party_membership {source} {reference}")).await?;
    let known = party_membership::table.filter(party_membership::source.eq(source).and(party_membership::ref_.eq(reference))).select(party_membership::id);
    match known.first::<PartyMembershipId>(&mut tx.conn()).await.optional()? {
        None => create(tx, &NewPartyMembership { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(id) => {
            if new.valid_from.is_some() {
                hold_posts(tx).await?;
            }
            let before = lock(tx, id).await?;
            period::still_open(before.valid_to)?;
            if before.person_id != whose(tx, new.person_id).await?.0 {
                return Err(CODE_FIXED.at("/person_id").with("code", before.person_id).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Changes a membership that is locked; where its first day moves, imports of posts are held.
async fn change(tx: &Tx<'_>, before: &PartyMembership, patch: &PartyMembershipPatch) -> Result<PartyMembership> {
    let row: Row = diesel::update(party_membership::table.find(before.id))
        .set((patch, party_membership::version.eq(before.version + 1), party_membership::updated_at.eq(tx.now)))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    if patch.valid_from.is_some() {
        covers_posts(tx, &[before.person_id]).await?;
    }
    let after = row.in_area(before.area_code.clone());
    tx.record("party_membership.changed", Some(before), &after, None)?;
    Ok(after)
}

/// Ends a membership on a day: the relation was transferred, or he is no longer a member. Refused while he has posts from that
/// day on.
pub async fn end(tx: &Tx<'_>, id: PartyMembershipId, expected: Expected, ending: &Ending) -> Result<PartyMembership> {
    hold_posts(tx).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let row: Row = diesel::update(party_membership::table.find(id))
        .set((party_membership::valid_to.eq(on), party_membership::version.eq(before.version + 1), party_membership::updated_at.eq(tx.now)))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    covers_posts(tx, &[before.person_id]).await?;
    let after = row.in_area(before.area_code.clone());
    tx.record("party_membership.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// The person behind an id, whose membership the caller may write, and the area that answers for him.
async fn whose(tx: &Tx<'_>, id: PersonId) -> Result<(PersonId, HomeCode)> {
    let person = refer(tx, id, WRITE).await.map_err(|error| match error.code() {
        Some(_) => WHOSE.at("/person_id").with("person_id", id).into(),
        None => error,
    })?;
    Ok((person.id, person.area_code))
}

/// The membership, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: PartyMembershipId) -> Result<PartyMembership> {
    let found: Option<Row> = Row::query().filter(party_membership::id.eq(id)).for_update().first(&mut tx.conn()).await.optional()?;
    let row = found.ok_or(&UNKNOWN)?;
    let area: HomeCode = person::table.find(row.person_id).select(person::area_code).first(&mut tx.conn()).await?;
    if !tx.scope(&[READ, WRITE]).covers(area.as_str()) {
        return Err((&UNKNOWN).into());
    }
    tx.may_at(WRITE, area.as_str())?;
    Ok(row.in_area(area))
}
