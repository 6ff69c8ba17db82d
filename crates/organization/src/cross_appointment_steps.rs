//! The steps of a cross appointment: a command for each action of its two workflows, and what may be done next (ORG-08, ORG-09).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::RefusedBy;
use kernel::text::{Line, SquareMetres};
use kernel::workflow::{self, NextActions, decide};
use kernel::{Ending, Expected, Prepare, Refusal, Result, Tx, View, period};
use schema::cross_appointment;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::charter_inclusion::Places;
use crate::cross_appointment::{CONSTRAINTS, CrossAppointment, CrossAppointmentId, DAYS, get, lock};
use crate::cross_appointment_election::{AssemblyElection, BEFORE_CANDIDACY};
use crate::cross_appointment_facts::{day_of, his_post, his_seat, of_manager, of_secretary};
use crate::cross_appointment_flow::{CrossDirection, CrossEndCause, CrossState, ManagerAction, ManagerFlow, SecretaryAction, SecretaryFlow, same};
use crate::governance_body_member::GovernanceBodyMemberId;
use crate::party_post::PartyPostId;

/// A step onward.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "已征求意见", "version": 1}))]
pub struct CrossStep {
    /// A note, kept in the journal.
    pub note: Option<Line>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// A step to the end.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossRefusal {
    /// Why; kept in the journal.
    #[schema(example = "不是该小区业主")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// The seat in which he directs.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectorSeat {
    /// His seat as director, entered among the members of the owners' committee.
    pub governance_body_member_id: GovernanceBodyMemberId,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Where and when the election was filed.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossFiling {
    /// Day of the filing.
    #[schema(example = "2026-03-20")]
    pub filed_on: NaiveDate,
    /// With whom: housing and the subdistrict (Regulations on Property Management, article 16).
    #[schema(example = "龙池桥街道办事处")]
    pub filed_with: Line,
    /// Number of the filing.
    #[schema(example = "备2026-12")]
    pub filing_number: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// The approval of the upper party organization.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpperApproval {
    /// Who approved, by which document.
    #[schema(example = "龙池桥街道党工委〔2026〕5号")]
    pub approved_by: Line,
    /// Day of the approval.
    #[schema(example = "2026-03-20")]
    pub approved_on: NaiveDate,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// The post that he has.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagerPost {
    /// His post in the party organization of the compound, entered there.
    pub party_post_id: PartyPostId,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// The end of his time in the seat or the post.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossEnding {
    /// The first day on which he no longer has it.
    #[schema(example = "2027-01-01")]
    pub on: NaiveDate,
    /// What ended it.
    pub cause: Option<CrossEndCause>,
    /// Why it ends; kept in the journal.
    #[schema(example = "届满换届")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

impl From<Ending> for CrossEnding {
    fn from(ending: Ending) -> Self {
        Self { on: ending.on, cause: None, reason: ending.reason, version: ending.version }
    }
}

/// A step of the other way.
pub const OTHER_DIRECTION: Refusal = Refusal::conflict(
    "cross_appointment.other_direction",
    "该操作不属于这一方向的双向进入;可执行的操作见 next-actions。",
    "That is no step of this direction; next-actions says which there are.",
);
/// An election, an approval or a filing that has not happened.
pub const NOT_YET: Refusal = Refusal::invalid("cross_appointment.not_yet", "该日期不能晚于今天 {today}。", "This day cannot lie ahead; today is {today}.");

/// An action of one of the two ways, or of both.
#[derive(Clone, Copy, Debug)]
enum Step {
    Secretary(SecretaryAction),
    Manager(ManagerAction),
    End,
}

impl Step {
    /// What it is on the way of a secretary.
    const fn of_secretary(self) -> Option<SecretaryAction> {
        match self {
            Self::Secretary(action) => Some(action),
            Self::End => Some(SecretaryAction::End),
            Self::Manager(_) => None,
        }
    }

    /// What it is on the way of a manager.
    const fn of_manager(self) -> Option<ManagerAction> {
        match self {
            Self::Manager(action) => Some(action),
            Self::End => Some(ManagerAction::End),
            Self::Secretary(_) => None,
        }
    }

    /// What the journal says of it.
    const fn told(self) -> &'static str {
        match self {
            Self::Secretary(SecretaryAction::SubmitForPartyReview) => "cross_appointment.submitted",
            Self::Secretary(SecretaryAction::PassPartyReview) => "cross_appointment.party_review_passed",
            Self::Secretary(SecretaryAction::PassEligibilityReview) => "cross_appointment.eligibility_review_passed",
            Self::Secretary(SecretaryAction::FindIneligible) => "cross_appointment.found_ineligible",
            Self::Secretary(SecretaryAction::Elect) => "cross_appointment.elected",
            Self::Secretary(SecretaryAction::ChooseDirector) => "cross_appointment.chosen_director",
            Self::Secretary(SecretaryAction::File) => "cross_appointment.filed",
            Self::Secretary(SecretaryAction::RecordDefeat) => "cross_appointment.defeated",
            Self::Secretary(SecretaryAction::Withdraw) => "cross_appointment.withdrawn",
            Self::Manager(ManagerAction::Check) => "cross_appointment.checked",
            Self::Manager(ManagerAction::Approve) => "cross_appointment.approved",
            Self::Manager(ManagerAction::Appoint) => "cross_appointment.appointed",
            Self::Manager(ManagerAction::Decline) => "cross_appointment.declined",
            Self::End | Self::Secretary(SecretaryAction::End) | Self::Manager(ManagerAction::End) => "cross_appointment.ended",
        }
    }
}

/// What a step writes besides the state; what is left out stays.
#[derive(Default, AsChangeset)]
#[diesel(table_name = cross_appointment)]
struct Written {
    assembly: Option<Line>,
    elected_on: Option<NaiveDate>,
    eligible: Option<i32>,
    attending: Option<i32>,
    agreeing: Option<i32>,
    area_total: Option<SquareMetres>,
    area_participating: Option<SquareMetres>,
    area_agreeing: Option<SquareMetres>,
    governance_body_member_id: Option<GovernanceBodyMemberId>,
    filed_on: Option<NaiveDate>,
    filed_with: Option<Line>,
    filing_number: Option<Line>,
    approved_by: Option<Line>,
    approved_on: Option<NaiveDate>,
    party_post_id: Option<PartyPostId>,
    end_cause: Option<CrossEndCause>,
    valid_from: Option<NaiveDate>,
    valid_to: Option<NaiveDate>,
}

/// Submits a nomination, or passes a review of a secretary.
pub async fn pass(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, action: SecretaryAction, step: &CrossStep) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Secretary(action)).await?;
    finish(tx, taken, &Written::default(), step.note.as_ref()).await
}

/// Ends the way of a secretary before its aim: found ineligible, defeated or withdrawn.
pub async fn stop(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, action: SecretaryAction, refusal: &CrossRefusal) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Secretary(action)).await?;
    finish(tx, taken, &Written { valid_to: Some(tx.today()), ..Written::default() }, Some(&refusal.reason)).await
}

/// Enters that the owners' assembly elected him a member; refused where the numbers do not, or he was no candidate yet.
pub async fn elect(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, election: &AssemblyElection) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Secretary(SecretaryAction::Elect)).await?;
    happened(tx, election.elected_on, "/elected_on")?;
    let candidate_on = day_of(tx, &taken.before, Step::Secretary(SecretaryAction::PassEligibilityReview).told()).await?;
    if election.elected_on < candidate_on {
        return Err(BEFORE_CANDIDACY.at("/elected_on").with("candidate_on", candidate_on).into());
    }
    election.check()?;
    let written = Written {
        assembly: Some(election.assembly.clone()),
        elected_on: Some(election.elected_on),
        eligible: Some(election.eligible),
        attending: Some(election.attending),
        agreeing: Some(election.agreeing),
        area_total: Some(election.area_total.clone()),
        area_participating: Some(election.area_participating.clone()),
        area_agreeing: Some(election.area_agreeing.clone()),
        ..Written::default()
    };
    finish(tx, taken, &written, None).await
}

/// Links his seat as director, which is entered with the body.
pub async fn choose_director(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, seat: &DirectorSeat) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Secretary(SecretaryAction::ChooseDirector)).await?;
    let from = his_seat(tx, &taken.before, seat.governance_body_member_id).await?;
    if taken.before.elected_on.is_some_and(|elected| from < elected) {
        return Err(DAYS.at("/governance_body_member_id").into());
    }
    let written = Written { governance_body_member_id: Some(seat.governance_body_member_id), valid_from: Some(from), ..Written::default() };
    finish(tx, taken, &written, None).await
}

/// Enters where and when the election was filed.
pub async fn file(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, filing: &CrossFiling) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Secretary(SecretaryAction::File)).await?;
    happened(tx, filing.filed_on, "/filed_on")?;
    if taken.before.elected_on.is_some_and(|elected| filing.filed_on < elected) {
        return Err(DAYS.at("/filed_on").into());
    }
    let written = Written {
        filed_on: Some(filing.filed_on),
        filed_with: Some(filing.filed_with.clone()),
        filing_number: Some(filing.filing_number.clone()),
        ..Written::default()
    };
    finish(tx, taken, &written, None).await
}

/// Passes the check of a manager.
pub async fn check(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, step: &CrossStep) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Manager(ManagerAction::Check)).await?;
    finish(tx, taken, &Written::default(), step.note.as_ref()).await
}

/// Enters that the upper party organization approved.
pub async fn approve(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, approval: &UpperApproval) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Manager(ManagerAction::Approve)).await?;
    happened(tx, approval.approved_on, "/approved_on")?;
    let written = Written { approved_by: Some(approval.approved_by.clone()), approved_on: Some(approval.approved_on), ..Written::default() };
    finish(tx, taken, &written, None).await
}

/// Links his post, which is entered with the party organization.
pub async fn appoint(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, post: &ManagerPost) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Manager(ManagerAction::Appoint)).await?;
    let from = his_post(tx, &taken.before, post.party_post_id).await?;
    if taken.before.approved_on.is_some_and(|approved| from < approved) {
        return Err(DAYS.at("/party_post_id").into());
    }
    let written = Written { party_post_id: Some(post.party_post_id), valid_from: Some(from), ..Written::default() };
    finish(tx, taken, &written, None).await
}

/// Does not follow a recommendation.
pub async fn decline(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, refusal: &CrossRefusal) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::Manager(ManagerAction::Decline)).await?;
    finish(tx, taken, &Written { valid_to: Some(tx.today()), ..Written::default() }, Some(&refusal.reason)).await
}

/// Ends his time in the seat or the post, on a day that may lie ahead. Seat and post end where they are kept.
pub async fn end(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, ending: &CrossEnding) -> Result<CrossAppointment> {
    let taken = begin(tx, id, expected, Step::End).await?;
    let on = period::end(taken.before.valid_from.unwrap_or(ending.on), taken.before.valid_to, ending.on)?;
    finish(tx, taken, &Written { end_cause: ending.cause, valid_to: Some(on), ..Written::default() }, Some(&ending.reason)).await
}

/// What the caller may do next with it, and which rule forbids the rest.
pub async fn next_actions(view: &View<'_>, id: CrossAppointmentId) -> Result<NextActions> {
    let appointment = get(view, id).await?;
    let places = Places::of(view, &appointment.compound_code).await?;
    let may = |permission| places.would(&view.actor, permission);
    match appointment.direction {
        CrossDirection::SecretaryToDirector => {
            let facts = of_secretary(view, &appointment).await?;
            workflow::next_actions::<SecretaryFlow>(same(appointment.state)?, appointment.version, may, &facts)
        }
        CrossDirection::ManagerToParty => {
            let facts = of_manager(view, &appointment).await?;
            workflow::next_actions::<ManagerFlow>(same(appointment.state)?, appointment.version, may, &facts)
        }
    }
}

/// Refuses a day that has not come.
fn happened(tx: &Tx<'_>, on: NaiveDate, at: &str) -> Result<()> {
    if on > tx.today() { Err(NOT_YET.at(at).with("today", tx.today()).into()) } else { Ok(()) }
}

/// A step that the rules allow, to be written.
struct Taken {
    before: CrossAppointment,
    step: Step,
    to: CrossState,
}

/// Begins a step: refuses where the state, the permission or a rule forbids it.
async fn begin(tx: &Tx<'_>, id: CrossAppointmentId, expected: Expected, step: Step) -> Result<Taken> {
    let (before, places) = lock(tx, id).await?;
    // Of two who do the same at once the second hears that it has changed since he looked.
    expected.check(before.version)?;
    let may = |permission| places.may(tx, permission);
    let to: CrossState = match (before.direction, step.of_secretary(), step.of_manager()) {
        (CrossDirection::SecretaryToDirector, Some(action), _) => {
            let facts = of_secretary(tx, &before).await?;
            same(decide::<SecretaryFlow>(same(before.state)?, action, may, &facts)?)?
        }
        (CrossDirection::ManagerToParty, _, Some(action)) => {
            let facts = of_manager(tx, &before).await?;
            same(decide::<ManagerFlow>(same(before.state)?, action, may, &facts)?)?
        }
        _ => return Err((&OTHER_DIRECTION).into()),
    };
    Ok(Taken { before, step, to })
}

/// Writes a step, and journals it.
async fn finish(tx: &Tx<'_>, taken: Taken, written: &Written, reason: Option<&Line>) -> Result<CrossAppointment> {
    let Taken { before, step, to } = taken;
    let after = diesel::update(cross_appointment::table.find(before.id))
        .set((
            written,
            cross_appointment::state.eq(to),
            cross_appointment::previous_state.eq(before.state),
            cross_appointment::version.eq(before.version + 1),
            cross_appointment::updated_at.eq(tx.now),
        ))
        .returning(CrossAppointment::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record(step.told(), Some(&before), &after, reason.map(Line::as_str))?;
    Ok(after)
}
