//! The steps of a hand-over: a command for each action of its workflow, and what may be done next (ORG-11).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::RefusedBy;
use kernel::text::Line;
use kernel::workflow::{self, NextActions, decide};
use kernel::{Expected, Prepare, Result, Tx, View};
use schema::compound_handover;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::compound_handover::{CONSTRAINTS, CompoundHandoverId, DAYS, KeptHandover, NOT_YET, get, lock};
use crate::compound_handover_flow::{HandoverAction, HandoverFacts, HandoverFlow};
use crate::compound_handover_verdict::CompoundHandover;

/// A step onward.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "物业、社区、住建三方到场", "version": 1}))]
pub struct HandoverStep {
    /// A note, kept in the journal.
    pub note: Option<Line>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// A step back, or to the end.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverRefusal {
    /// Why; kept in the journal.
    #[schema(example = "消防设施未通过查验")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// When the compound was given into use.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverDay {
    /// The day; said again, it is corrected.
    #[schema(example = "2026-06-30")]
    pub handed_over_on: NaiveDate,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// When the hand-over was accepted.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverAcceptance {
    /// The day, not before that of the hand-over.
    #[schema(example = "2026-07-10")]
    pub accepted_on: NaiveDate,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// What a step writes besides the state.
#[derive(Default, AsChangeset)]
#[diesel(table_name = compound_handover)]
struct Written {
    handed_over_on: Option<Option<NaiveDate>>,
    accepted_on: Option<Option<NaiveDate>>,
    rejected_on: Option<Option<NaiveDate>>,
}

/// One of the actions that need no more than a note: an inspection begins or is passed, the hand-over is ready or archived.
pub async fn pass(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, action: HandoverAction, step: &HandoverStep) -> Result<CompoundHandover> {
    take(tx, id, expected, action, step.note.as_ref(), |_| Ok(Written::default())).await
}

/// Has the developer mend what the inspection found.
pub async fn order_rectification(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, refusal: &HandoverRefusal) -> Result<CompoundHandover> {
    take(tx, id, expected, HandoverAction::OrderRectification, Some(&refusal.reason), |_| Ok(Written::default())).await
}

/// Enters the day on which the compound was given into use.
pub async fn hand_over(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, day: &HandoverDay) -> Result<CompoundHandover> {
    take(tx, id, expected, HandoverAction::HandOver, None, |_| {
        happened(tx, day.handed_over_on, "/handed_over_on")?;
        Ok(Written { handed_over_on: Some(Some(day.handed_over_on)), ..Written::default() })
    })
    .await
}

/// Accepts it. What was deferred is still owed.
pub async fn accept(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, acceptance: &HandoverAcceptance) -> Result<CompoundHandover> {
    take(tx, id, expected, HandoverAction::Accept, None, |before| {
        happened(tx, acceptance.accepted_on, "/accepted_on")?;
        if before.handed_over_on.is_some_and(|handed_over| acceptance.accepted_on < handed_over) {
            return Err(DAYS.at("/accepted_on").into());
        }
        Ok(Written { accepted_on: Some(Some(acceptance.accepted_on)), ..Written::default() })
    })
    .await
}

/// Refuses it for good, on a day, today unless said; the compound may be registered anew.
pub async fn reject(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, on: Option<NaiveDate>, reason: &Line) -> Result<CompoundHandover> {
    let on = on.unwrap_or(tx.today());
    take(tx, id, expected, HandoverAction::Reject, Some(reason), |_| {
        happened(tx, on, "/on")?;
        Ok(Written { rejected_on: Some(Some(on)), ..Written::default() })
    })
    .await
}

/// What the caller may do next with it, and which rule forbids the rest.
pub async fn next_actions(view: &View<'_>, id: CompoundHandoverId) -> Result<NextActions> {
    let kept = get(view, id).await?.kept;
    let may = |permission| view.actor.may_at(permission, kept.area_code.as_str()).map(|_| ());
    workflow::next_actions::<HandoverFlow>(kept.state, kept.version, may, &HandoverFacts::from(&kept))
}

/// Refuses a day that has not come.
fn happened(tx: &Tx<'_>, on: NaiveDate, at: &str) -> Result<()> {
    if on > tx.today() { Err(NOT_YET.at(at).into()) } else { Ok(()) }
}

/// Takes one step; `write` checks its body and says what it writes.
async fn take(
    tx: &Tx<'_>,
    id: CompoundHandoverId,
    expected: Expected,
    action: HandoverAction,
    reason: Option<&Line>,
    write: impl FnOnce(&KeptHandover) -> Result<Written>,
) -> Result<CompoundHandover> {
    let before = lock(tx, id).await?;
    // Of two who do the same at once the second hears that it has changed since he looked.
    expected.check(before.version)?;
    let to = decide::<HandoverFlow>(before.state, action, |permission| tx.may_at(permission, before.area_code.as_str()), &HandoverFacts::from(&before))?;
    let written = write(&before)?;
    let after: KeptHandover = diesel::update(compound_handover::table.find(id))
        .set((&written, compound_handover::state.eq(to), compound_handover::version.eq(before.version + 1), compound_handover::updated_at.eq(tx.now)))
        .returning(KeptHandover::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record(action.told(), Some(&before), &after, reason.map(Line::as_str))?;
    Ok(after.into())
}
