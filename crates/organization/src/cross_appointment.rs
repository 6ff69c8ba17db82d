//! Cross appointments (双向进入、交叉任职): a secretary on the way to be director of the owners' committee (ORG-08), or a property
//! manager on the way into the party organization of the compound (ORG-09).
//!
//! One a person, a compound and a direction at a time. The seat and the post are entered where they belong, and linked: nothing
//! here makes anybody a member of anything.

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::expression::BoxableExpression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line, Passage, SquareMetres};
use kernel::{Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, id, period};
use schema::cross_appointment;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::charter_inclusion::Places;
use crate::code::CompoundCode;
use crate::compound;
use crate::cross_appointment_election::{AREAS, NUMBERS};
use crate::cross_appointment_flow::{CrossDirection, CrossEndCause, CrossState};
use crate::governance_body_member::GovernanceBodyMemberId;
use crate::party_post::PartyPostId;
use crate::person::{PersonId, refer};

id!(
    /// A cross appointment.
    CrossAppointmentId
);

/// A cross appointment as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = cross_appointment)]
pub struct CrossAppointment {
    /// Identity, for ever.
    pub id: CrossAppointmentId,
    /// The compound.
    pub compound_code: CompoundCode,
    /// Which way he enters.
    pub direction: CrossDirection,
    /// The community, from the code of the compound.
    pub area_code: AreaCode,
    /// The secretary or the manager.
    pub person_id: PersonId,
    /// Where it is on its way.
    pub state: CrossState,
    /// Where it was before; null before its first move.
    pub previous_state: Option<CrossState>,
    /// Of a manager: what shows his political awareness (政治觉悟高).
    pub political_awareness: Option<Passage>,
    /// Of a manager: what shows that he serves well (服务能力强).
    pub service_ability: Option<Passage>,
    /// Of a secretary: minutes of the owners' assembly that elected him a member.
    pub assembly: Option<Line>,
    /// Day of that election.
    pub elected_on: Option<NaiveDate>,
    /// Owners by head.
    pub eligible: Option<i32>,
    /// Owners who took part, by head.
    pub attending: Option<i32>,
    /// Owners who agreed, by head.
    pub agreeing: Option<i32>,
    /// Area of all exclusive parts, in square metres.
    pub area_total: Option<SquareMetres>,
    /// Area of the owners who took part, in square metres.
    pub area_participating: Option<SquareMetres>,
    /// Area of the owners who agreed, in square metres.
    pub area_agreeing: Option<SquareMetres>,
    /// His seat as director, kept with the body.
    pub governance_body_member_id: Option<GovernanceBodyMemberId>,
    /// Day on which the election was filed; within thirty days of it (Regulations on Property Management, article 16).
    pub filed_on: Option<NaiveDate>,
    /// With whom it was filed.
    pub filed_with: Option<Line>,
    /// Number of the filing.
    pub filing_number: Option<Line>,
    /// Of a manager: the upper party organization that approved, and its document.
    pub approved_by: Option<Line>,
    /// Day of that approval.
    pub approved_on: Option<NaiveDate>,
    /// His post in the party organization of the compound, kept with the organization.
    pub party_post_id: Option<PartyPostId>,
    /// Why he is no longer in the seat or the post; null where nobody said.
    pub end_cause: Option<CrossEndCause>,
    /// First day in the seat or the post; null before.
    pub valid_from: Option<NaiveDate>,
    /// First day no longer in it, or day on which it came to nothing; null while it stands or is on its way.
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

/// A nomination of a secretary, or a recommendation of a manager.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = cross_appointment)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"compound_code": "421181001001X001", "direction": "secretary_to_director", "person_id": "00000000-0000-7000-8000-000000000000"}))]
pub struct NewCrossAppointment {
    /// The compound.
    pub compound_code: CompoundCode,
    /// Which way he enters.
    pub direction: CrossDirection,
    /// The secretary or the manager.
    pub person_id: PersonId,
    /// Of a manager alone: what shows his political awareness; needed before he is checked.
    pub political_awareness: Option<Passage>,
    /// Of a manager alone: what shows that he serves well; needed before he is checked.
    pub service_ability: Option<Passage>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a nomination or a recommendation: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = cross_appointment)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"service_ability": "连续三年业主满意度第一。", "version": 1}))]
pub struct CrossAppointmentPatch {
    /// Of a manager alone: what shows his political awareness.
    #[serde(deserialize_with = "nullable")]
    pub political_awareness: Option<Option<Passage>>,
    /// Of a manager alone: what shows that he serves well.
    #[serde(deserialize_with = "nullable")]
    pub service_ability: Option<Option<Passage>>,
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

impl From<NewCrossAppointment> for CrossAppointmentPatch {
    fn from(new: NewCrossAppointment) -> Self {
        Self { political_awareness: Some(new.political_awareness), service_ability: Some(new.service_ability), ..Self::default() }
    }
}

/// Which cross appointments a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CrossAppointmentFilter {
    /// Of compounds in this area, or in this grid today.
    pub area_code: Option<AreaCode>,
    /// Of this compound.
    pub compound_code: Option<CompoundCode>,
    /// Of this direction.
    #[param(inline)]
    pub direction: Option<CrossDirection>,
    /// Of this person.
    pub person_id: Option<PersonId>,
    /// In this state.
    #[param(inline)]
    pub state: Option<CrossState>,
    /// Also those that are over, or not yet in the seat or the post, on the day.
    pub ever: Option<bool>,
}

/// May see cross appointments.
pub const READ: Permission = Permission("cross_appointment.read");
/// May nominate and recommend, and enter elections, filings, posts and ends.
pub const WRITE: Permission = Permission("cross_appointment.write");
/// May review for the party organization of the community.
pub const PARTY_REVIEW: Permission = Permission("cross_appointment.party_review");
/// May review for the residents' committee whether somebody is eligible.
pub const ELIGIBILITY_REVIEW: Permission = Permission("cross_appointment.eligibility_review");
/// May approve for the upper party organization.
pub const APPROVE: Permission = Permission("cross_appointment.approve");
/// May import those who are in office already, past the reviews.
pub const REGISTER: Permission = Permission("cross_appointment.register");

/// Whoever has one of these may see a cross appointment.
const ANY: &[Permission] = &[READ, WRITE, PARTY_REVIEW, ELIGIBILITY_REVIEW, APPROVE];

/// No such appointment.
pub const UNKNOWN: Refusal = Refusal::not_found(
    "cross_appointment.unknown",
    "没有该双向进入记录,或它不在您的区域内。",
    "There is no such cross appointment, or it is not in your area.",
);
/// The person is not there.
pub const WHOSE: Refusal = Refusal::invalid(
    "cross_appointment.whose",
    "没有标识为 {person_id} 的人员,或其不在您的区域内。",
    "There is nobody with the id {person_id}, or he is not in your area.",
);
/// Two of a person at a time.
pub const ALREADY: Refusal = Refusal::conflict(
    "cross_appointment.already",
    "该人员在该小区已有同一方向的双向进入在办理或任职中;请先撤回或终止。",
    "He has a cross appointment of this direction in the compound already, on its way or in office; withdraw or end it first.",
);
/// A change of what is on its way.
pub const UNDER_WAY: Refusal = Refusal::conflict(
    "cross_appointment.under_way",
    "只有提名或推荐环节的内容可以更改。",
    "It can be changed only while it is a nomination or a recommendation.",
);
/// Criteria of a secretary.
pub const CRITERIA_AND_DIRECTION: Refusal = Refusal::invalid(
    "cross_appointment.criteria_and_direction",
    "只有推荐物业负责人时填写政治觉悟和服务能力情况。",
    "Political awareness and service are written of property managers alone.",
);
/// Days in the wrong order.
pub const DAYS: Refusal = Refusal::invalid(
    "cross_appointment.days",
    "备案日期和任职起始日期不能早于当选日期,任职起始日期不能早于批准日期。",
    "The filing and the first day in office cannot lie before the election, nor the first day in office before the approval.",
);

pub(crate) const CONSTRAINTS: &[Constraint] = &[
    ("cross_appointment_approved_on", &period::OUT_OF_YEARS, "/approved_on"),
    ("cross_appointment_areas", &AREAS, "/area_agreeing"),
    ("cross_appointment_criteria", &CRITERIA_AND_DIRECTION, "/political_awareness"),
    ("cross_appointment_days", &DAYS, "/filed_on"),
    ("cross_appointment_elected_on", &period::OUT_OF_YEARS, "/elected_on"),
    ("cross_appointment_filed_on", &period::OUT_OF_YEARS, "/filed_on"),
    ("cross_appointment_numbers", &NUMBERS, "/agreeing"),
    ("cross_appointment_one_at_a_time", &ALREADY, "/person_id"),
    ("cross_appointment_period", &period::ENDS_BEFORE_IT_BEGINS, "/on"),
    ("cross_appointment_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("cross_appointment_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("cross_appointment_years", &period::OUT_OF_YEARS, "/valid_from"),
];

/// The kind of the object in the journal, and as which it holds files.
pub const KIND: &str = "cross_appointment";

impl Recorded for CrossAppointment {
    const KIND: &'static str = KIND;

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
            ("political_awareness", self.political_awareness.as_ref().map(ToString::to_string)),
            ("service_ability", self.service_ability.as_ref().map(ToString::to_string)),
        ]
    }
}

type Condition = Box<dyn BoxableExpression<cross_appointment::table, Pg, SqlType = Bool>>;

/// Whether it may be seen from one of these areas, as posts in party organizations are: its compound lies in it.
fn seen_from(areas: &[AreaCode]) -> Condition {
    let areas: Vec<String> = areas.iter().map(ToString::to_string).collect();
    Box::new(sql::<Bool>("exists (select from unnest(").bind::<Array<Text>, _>(areas).sql(
        ") area where starts_with(cross_appointment.area_code, area) \
         or exists (select from compound_grid g where g.compound_code = cross_appointment.compound_code and starts_with(g.grid_code, area) \
             and g.valid_from <= (now() at time zone 'Asia/Shanghai')::date \
             and (g.valid_to is null or g.valid_to > (now() at time zone 'Asia/Shanghai')::date)))",
    ))
}

/// Lists the cross appointments on a day that the caller may see: those on their way and those in office.
pub async fn list(view: &View<'_>, filter: &CrossAppointmentFilter, paging: &Paging) -> Result<Page<CrossAppointment>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = CrossAppointment::query().filter(seen_from(scope.areas())).into_boxed();
        if filter.ever != Some(true) {
            query = query
                .filter(cross_appointment::valid_from.is_null().or(cross_appointment::valid_from.le(view.as_of)))
                .filter(cross_appointment::valid_to.is_null().or(cross_appointment::valid_to.gt(view.as_of)));
        }
        if let Some(area) = &filter.area_code {
            query = query.filter(seen_from(std::slice::from_ref(area)));
        }
        if let Some(compound) = &filter.compound_code {
            query = query.filter(cross_appointment::compound_code.eq(compound));
        }
        if let Some(direction) = filter.direction {
            query = query.filter(cross_appointment::direction.eq(direction));
        }
        if let Some(person) = filter.person_id {
            query = query.filter(cross_appointment::person_id.eq(person));
        }
        if let Some(state) = filter.state {
            query = query.filter(cross_appointment::state.eq(state));
        }
        query
    };
    let mut page = chosen().order((cross_appointment::compound_code, cross_appointment::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = cross_appointment::compound_code.eq(after.key.clone()).and(cross_appointment::id.gt(after.id));
        page = page.filter(cross_appointment::compound_code.gt(after.key).or(same));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(cross_appointment::id).limit(MAX_TOTAL).load::<CrossAppointmentId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.compound_code.to_string(), id: row.id.0 })
}

/// The cross appointment with this id.
pub async fn get(view: &View<'_>, id: CrossAppointmentId) -> Result<CrossAppointment> {
    let scope = view.may(READ)?;
    let found = CrossAppointment::query().filter(cross_appointment::id.eq(id)).filter(seen_from(scope.areas())).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Nominates a secretary, or recommends a manager.
pub async fn create(tx: &Tx<'_>, new: &NewCrossAppointment) -> Result<CrossAppointment> {
    tx.may(WRITE)?;
    Places::of(tx, &new.compound_code).await?.may(tx, WRITE)?;
    // It keeps the compound from ending, so no end of that is set.
    compound::host(tx, new.compound_code.as_str(), NaiveDate::MAX).await?;
    let person_id = who(tx, new.person_id).await?;
    let appointment = diesel::insert_into(cross_appointment::table)
        .values((
            &NewCrossAppointment { person_id, ..new.clone() },
            cross_appointment::id.eq(CrossAppointmentId::fresh()),
            cross_appointment::state.eq(new.direction.first()),
        ))
        .returning(CrossAppointment::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("cross_appointment.created", None, &appointment, None)?;
    Ok(appointment)
}

/// Changes a nomination or a recommendation.
pub async fn update(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, patch: &CrossAppointmentPatch) -> Result<CrossAppointment> {
    let (before, places) = lock(tx, id).await?;
    places.may(tx, WRITE)?;
    expected.check(before.version)?;
    change(tx, &before, patch).await
}

/// Begins or changes the nomination or recommendation that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewCrossAppointment) -> Result<CrossAppointment> {
    tx.lock(&format!("cross_appointment {source} {reference}")).await?;
    let by_key = cross_appointment::source.eq(source).and(cross_appointment::ref_.eq(reference));
    let known = CrossAppointment::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewCrossAppointment { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let (before, places) = lock(tx, known.id).await?;
            places.may(tx, WRITE)?;
            let same = before.compound_code == new.compound_code && before.direction == new.direction;
            if !same || before.person_id != who(tx, new.person_id).await? {
                let code = format!("{} / {} / {}", before.compound_code, before.direction.word(), before.person_id);
                return Err(CODE_FIXED.at("/compound_code").with("code", code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// The cross appointment, locked, and where it lies. What the caller may do there is for whoever asks.
pub(crate) async fn lock(tx: &Tx<'_>, id: CrossAppointmentId) -> Result<(CrossAppointment, Places)> {
    let found = CrossAppointment::query()
        .filter(cross_appointment::id.eq(id))
        .filter(seen_from(tx.scope(ANY).areas()))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let appointment: CrossAppointment = found.ok_or(&UNKNOWN)?;
    let places = Places::of(tx, &appointment.compound_code).await?;
    Ok((appointment, places))
}

/// The person behind an id, whom the caller may nominate or recommend.
async fn who(tx: &Tx<'_>, id: PersonId) -> Result<PersonId> {
    let found = refer(tx, id, WRITE).await.map_err(|error| match error.code() {
        Some(_) => WHOSE.at("/person_id").with("person_id", id).into(),
        None => error,
    });
    Ok(found?.id)
}

async fn change(tx: &Tx<'_>, before: &CrossAppointment, patch: &CrossAppointmentPatch) -> Result<CrossAppointment> {
    if before.state != before.direction.first() {
        return Err((&UNDER_WAY).into());
    }
    let after = diesel::update(cross_appointment::table.find(before.id))
        .set((patch, cross_appointment::version.eq(before.version + 1), cross_appointment::updated_at.eq(tx.now)))
        .returning(CrossAppointment::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("cross_appointment.changed", Some(before), &after, None)?;
    Ok(after)
}
