//! Members of governance bodies (ORG-14): who sits in which body, in which role, and when.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line};
use kernel::{Ending, Expected, Page, Paging, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, text_enum, within_or_above};
use schema::governance_body_member;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::CompoundCode;
use crate::governance_body::{self, BodyKind, GovernanceBody, GovernanceBodyId, MEMBERS_AFTER, MEMBERS_BEFORE, READ, WRITE};
use crate::governance_body_person::{GovernanceBodyMember, introduce, introduce_one};
use crate::person::{PersonId, refer};

id!(
    /// A member of a governance body.
    GovernanceBodyMemberId
);

text_enum!(
    /// What a member is in a body.
    BodyRole {
        /// Leads it; there is one at a time.
        Director = "director" "主任",
        /// Stands in for the director.
        DeputyDirector = "deputy_director" "副主任",
        /// Any other member.
        Member = "member" "委员",
    }
);

/// What is kept of a member of a governance body.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = governance_body_member)]
pub struct Seat {
    /// Identity, for ever.
    pub id: GovernanceBodyMemberId,
    /// The body.
    pub governance_body_id: GovernanceBodyId,
    /// The compound of the body.
    pub compound_code: CompoundCode,
    /// What the body is.
    pub body_kind: BodyKind,
    /// The community, from the code of the compound.
    pub area_code: AreaCode,
    /// The person.
    pub person_id: PersonId,
    /// What he is in it.
    pub role: BodyRole,
    /// The election or appointment that made him a member: meeting or document.
    pub chosen_by: Option<Line>,
    /// First day on which he sits in it.
    pub valid_from: NaiveDate,
    /// First day on which he no longer does; null while he does.
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

/// A member of a governance body to be entered.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGovernanceBodyMember {
    /// The body.
    pub governance_body_id: GovernanceBodyId,
    /// The person.
    pub person_id: PersonId,
    /// What he is in it.
    pub role: BodyRole,
    /// The election or appointment that made him a member: meeting or document.
    #[schema(example = "首次业主大会会议纪要2026-3")]
    pub chosen_by: Option<Line>,
    /// First day on which he sits in it; today unless said.
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a member: what is left out stays, null empties. Another person is an end and a new member.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = governance_body_member)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"chosen_by": "首次业主大会会议纪要2026-3", "version": 1}))]
pub struct GovernanceBodyMemberPatch {
    /// What he is in it, corrected. A new office is an end and a new member.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub role: Option<BodyRole>,
    /// The election or appointment that made him a member.
    #[serde(deserialize_with = "nullable")]
    pub chosen_by: Option<Option<Line>>,
    /// First day on which he sits in it, corrected.
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

/// Which members a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct GovernanceBodyMemberFilter {
    /// Of bodies in this area.
    pub area_code: Option<AreaCode>,
    /// Of this body.
    pub governance_body_id: Option<GovernanceBodyId>,
    /// Of bodies of this compound.
    pub compound_code: Option<CompoundCode>,
    /// Of bodies of this kind.
    #[param(inline)]
    pub body_kind: Option<BodyKind>,
    /// This person, wherever he sits.
    pub person_id: Option<PersonId>,
    /// In this role.
    #[param(inline)]
    pub role: Option<BodyRole>,
}

/// No such member.
pub const UNKNOWN: Refusal =
    Refusal::not_found("governance_body_member.unknown", "没有该任职,或它不在您的区域内。", "There is no such member, or he is not in your area.");
/// The person is not there.
pub const WHOSE: Refusal = Refusal::invalid(
    "governance_body_member.whose",
    "没有标识为 {person_id} 的人员,或其不在您的区域内。",
    "There is nobody with the id {person_id}, or he is not in your area.",
);
/// The same person twice in a body.
pub const ALREADY: Refusal =
    Refusal::conflict("governance_body_member.already", "该人员在此期间已是该机构成员。", "The person sits in this body already at that time.");
/// Two directors.
pub const ONE_DIRECTOR: Refusal = Refusal::conflict(
    "governance_body_member.one_director",
    "该机构在此期间已有主任;请先终止其任职。",
    "The body has a director at that time; end his term first.",
);
/// In an import: nobody is found.
pub const WHO_HERE: Refusal = Refusal::invalid(
    "governance_body_member.who",
    "找不到该人员;请先登记人员,再填写其证件号码或人员标识。",
    "Nobody is found; enter the person first, then give his number or id.",
);
/// In an import: he begins before the body does.
pub const BEFORE_THE_BODY: Refusal =
    Refusal::invalid("governance_body_member.before_the_body", "任职起始日期早于机构成立日期。", "He cannot sit in the body before it is there.");

const CONSTRAINTS: &[Constraint] = &[
    ("governance_body_member_once", &ALREADY, "/person_id"),
    ("governance_body_member_one_director", &ONE_DIRECTOR, "/role"),
    ("governance_body_member_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("governance_body_member_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("governance_body_member_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("governance_body_member_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for Seat {
    const KIND: &'static str = "governance_body_member";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// Lists those who sit in governance bodies of the caller's area on a day, by compound.
pub async fn list(view: &View<'_>, filter: &GovernanceBodyMemberFilter, paging: &Paging) -> Result<Page<GovernanceBodyMember>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query =
            Seat::query().filter(holds_on!(governance_body_member, view.as_of)).filter(within_or_above!(scope, governance_body_member::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(governance_body_member::area_code.ge(area.clone()).and(governance_body_member::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(body) = filter.governance_body_id {
            query = query.filter(governance_body_member::governance_body_id.eq(body));
        }
        if let Some(compound) = &filter.compound_code {
            query = query.filter(governance_body_member::compound_code.eq(compound));
        }
        if let Some(kind) = filter.body_kind {
            query = query.filter(governance_body_member::body_kind.eq(kind));
        }
        if let Some(person) = filter.person_id {
            query = query.filter(governance_body_member::person_id.eq(person));
        }
        if let Some(role) = filter.role {
            query = query.filter(governance_body_member::role.eq(role));
        }
        query
    };
    let mut page = chosen().order((governance_body_member::compound_code, governance_body_member::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = governance_body_member::compound_code.eq(after.key.clone()).and(governance_body_member::id.gt(after.id));
        page = page.filter(governance_body_member::compound_code.gt(after.key).or(same));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(governance_body_member::id).limit(MAX_TOTAL).load::<GovernanceBodyMemberId>(&mut view.conn()).await?.len()),
        false => None,
    };
    let rows = introduce(view, rows).await?;
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.seat.compound_code.to_string(), id: row.seat.id.0 })
}

/// The member with this id.
pub async fn get(view: &View<'_>, id: GovernanceBodyMemberId) -> Result<GovernanceBodyMember> {
    let scope = view.may(READ)?;
    let found = Seat::query()
        .filter(governance_body_member::id.eq(id))
        .filter(within_or_above!(scope, governance_body_member::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    introduce_one(view, found.ok_or(&UNKNOWN)?).await
}

/// Enters a member of a body.
pub async fn create(tx: &Tx<'_>, new: &NewGovernanceBodyMember) -> Result<GovernanceBodyMember> {
    tx.may(WRITE)?;
    let from = new.valid_from.unwrap_or(tx.today());
    let body = governance_body::host(tx, new.governance_body_id, from).await?;
    let person = refer(tx, new.person_id, WRITE).await.map_err(|error| match error.code() {
        Some(_) => WHOSE.at("/person_id").with("person_id", new.person_id).into(),
        None => error,
    })?;
    let seat: Seat = diesel::insert_into(governance_body_member::table)
        .values((
            governance_body_member::id.eq(GovernanceBodyMemberId::fresh()),
            governance_body_member::governance_body_id.eq(body.id),
            governance_body_member::compound_code.eq(&body.compound_code),
            governance_body_member::body_kind.eq(body.kind),
            governance_body_member::person_id.eq(person.id),
            governance_body_member::role.eq(new.role),
            governance_body_member::chosen_by.eq(&new.chosen_by),
            governance_body_member::valid_from.eq(from),
            // Of a body that has its end, it is his too.
            governance_body_member::valid_to.eq(body.valid_to),
            governance_body_member::source.eq(&new.source),
            governance_body_member::ref_.eq(&new.reference),
        ))
        .returning(Seat::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("governance_body_member.created", None, &seat, None)?;
    introduce_one(tx, seat).await
}

/// Changes a member.
pub async fn update(tx: &Tx<'_>, id: GovernanceBodyMemberId, expected: Expected, patch: &GovernanceBodyMemberPatch) -> Result<GovernanceBodyMember> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the member that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewGovernanceBodyMember) -> Result<GovernanceBodyMember> {
    tx.lock(&format!("governance_body_member {source} {reference}")).await?;
    let by_key = governance_body_member::source.eq(source).and(governance_body_member::ref_.eq(reference));
    let known = Seat::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewGovernanceBodyMember { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            let person = refer(tx, new.person_id, WRITE).await.map(|person| person.id);
            if before.governance_body_id != new.governance_body_id || !person.is_ok_and(|person| person == before.person_id) {
                return Err(CODE_FIXED.at("/person_id").with("code", format!("{} / {}", before.governance_body_id, before.person_id)).into());
            }
            let patch = GovernanceBodyMemberPatch {
                role: Some(new.role),
                chosen_by: Some(new.chosen_by),
                valid_from: new.valid_from,
                ..GovernanceBodyMemberPatch::default()
            };
            change(tx, &before, &patch).await
        }
    }
}

/// Ends a member's time in a body.
pub async fn end(tx: &Tx<'_>, id: GovernanceBodyMemberId, expected: Expected, ending: &Ending) -> Result<GovernanceBodyMember> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let seat = end_one(tx, &before, on, ending.reason.as_str()).await?;
    introduce_one(tx, seat).await
}

/// Ends the time of all who sit in a body that ends on a day.
pub(crate) async fn end_all(tx: &Tx<'_>, body: &GovernanceBody, on: NaiveDate, reason: &str) -> Result<()> {
    let going_on = governance_body_member::valid_to.is_null().or(governance_body_member::valid_to.gt(on));
    let seats: Vec<Seat> = Seat::query()
        .filter(governance_body_member::governance_body_id.eq(body.id).and(going_on))
        .order(governance_body_member::id)
        .for_update()
        .load(&mut tx.conn())
        .await?;
    if seats.iter().any(|seat| seat.valid_from >= on) {
        return Err(MEMBERS_AFTER.at("/on").into());
    }
    for seat in &seats {
        end_one(tx, seat, on, reason).await?;
    }
    Ok(())
}

/// Refuses where somebody sits in a body before a day: it cannot begin then.
pub(crate) async fn none_before(tx: &Tx<'_>, body: GovernanceBodyId, from: NaiveDate) -> Result<()> {
    let earlier = governance_body_member::governance_body_id.eq(body).and(governance_body_member::valid_from.lt(from));
    match governance_body_member::table.filter(earlier).select(governance_body_member::id).first::<GovernanceBodyMemberId>(&mut tx.conn()).await.optional()? {
        None => Ok(()),
        Some(_) => Err(MEMBERS_BEFORE.at("/valid_from").into()),
    }
}

async fn end_one(tx: &Tx<'_>, before: &Seat, on: NaiveDate, reason: &str) -> Result<Seat> {
    let after = diesel::update(governance_body_member::table.find(before.id))
        .set((governance_body_member::valid_to.eq(on), governance_body_member::version.eq(before.version + 1), governance_body_member::updated_at.eq(tx.now)))
        .returning(Seat::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("governance_body_member.ended", Some(before), &after, Some(reason))?;
    Ok(after)
}

/// The member, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: GovernanceBodyMemberId) -> Result<Seat> {
    let found = Seat::query()
        .filter(governance_body_member::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), governance_body_member::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let seat: Seat = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, seat.area_code.as_str())?;
    Ok(seat)
}

async fn change(tx: &Tx<'_>, before: &Seat, patch: &GovernanceBodyMemberPatch) -> Result<GovernanceBodyMember> {
    if let Some(from) = patch.valid_from {
        governance_body::host(tx, before.governance_body_id, from).await?;
    }
    let after: Seat = diesel::update(governance_body_member::table.find(before.id))
        .set((patch, governance_body_member::version.eq(before.version + 1), governance_body_member::updated_at.eq(tx.now)))
        .returning(Seat::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("governance_body_member.changed", Some(before), &after, None)?;
    introduce_one(tx, after).await
}
