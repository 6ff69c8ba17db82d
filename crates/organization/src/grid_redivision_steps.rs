//! The steps of a re-division of grids up to its day: a command for each action of its workflow, and what may be done next (ORG-12).

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::end_of;
use kernel::change::RefusedBy;
use kernel::text::{Line, Name};
use kernel::workflow::{self, NextActions, decide};
use kernel::{AreaCode, Expected, Prepare, Result, Tx, View};
use schema::{file, grid_redivision};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::grid_redivision::{CONSTRAINTS, GridRedivision, GridRedivisionId, KIND, get, lock};
use crate::grid_redivision_check::{UNREASONED, first_broken};
use crate::grid_redivision_flow::{NO_NOTICE, RedivisionAction, RedivisionFacts, RedivisionFlow, RedivisionState};
use crate::grid_redivision_ground::{MINUTES, count};

/// A step onward.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "已召开居民代表会议征求意见", "version": 2}))]
pub struct GridRedivisionStep {
    /// A note, kept in the journal.
    pub note: Option<Line>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// A step back, or to the end.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GridRedivisionRefusal {
    /// Why; kept in the journal.
    #[schema(example = "3栋与5栋划分不便于服务")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// The publication.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"notice_number": "示例〔2022〕15号", "version": 5}))]
pub struct GridRedivisionPublication {
    /// Number of the notice, a policy document that has been entered.
    pub notice_number: Option<Name>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Submits, accepts, passes or approves: one of the actions that need no more than a note.
pub async fn pass(tx: &Tx<'_>, id: GridRedivisionId, expected: Expected, action: RedivisionAction, step: &GridRedivisionStep) -> Result<GridRedivision> {
    take(tx, id, expected, action, step.note.as_ref(), None).await
}

/// Publishes it by a notice.
pub async fn publish(tx: &Tx<'_>, id: GridRedivisionId, expected: Expected, publication: &GridRedivisionPublication) -> Result<GridRedivision> {
    take(tx, id, expected, RedivisionAction::Publish, None, publication.notice_number.as_ref()).await
}

/// Returns, withdraws or revokes it.
pub async fn refuse(
    tx: &Tx<'_>,
    id: GridRedivisionId,
    expected: Expected,
    action: RedivisionAction,
    refusal: &GridRedivisionRefusal,
) -> Result<GridRedivision> {
    take(tx, id, expected, action, Some(&refusal.reason), None).await
}

/// What the caller may do next with it, and which rule forbids the rest.
pub async fn next_actions(view: &View<'_>, id: GridRedivisionId) -> Result<NextActions> {
    let redivision = get(view, id).await?;
    let may = |permission| view.actor.may_at(permission, redivision.area_code.as_str()).map(|_| ());
    workflow::next_actions::<RedivisionFlow>(redivision.state, redivision.version, may, &facts(view, &redivision).await?)
}

/// What the guards look at: where its state takes an action that they guard, the plan is checked.
pub(crate) async fn facts(view: &View<'_>, redivision: &GridRedivision) -> Result<RedivisionFacts> {
    let (mut broken, mut other) = (None, None);
    if redivision.state.is_checked() {
        broken = first_broken(view, redivision).await?;
        other = another(view, redivision).await?;
    }
    let unreasoned = match redivision.state {
        RedivisionState::Draft => count(view, redivision, UNREASONED).await?,
        _ => 0,
    };
    Ok(RedivisionFacts {
        previous: redivision.previous_state,
        has_plan: redivision.planned_grids > 0,
        unreasoned,
        has_minutes: redivision.state == RedivisionState::SubdistrictReview && has_files(view, redivision).await?,
        today: view.today(),
        effective_on: redivision.effective_on,
        broken,
        other,
    })
}

/// Whether a file is attached to it: what the minutes of a consultation say, people read.
async fn has_files(view: &View<'_>, of: &GridRedivision) -> Result<bool> {
    let files = file::table.filter(file::object_kind.eq(KIND).and(file::object_id.eq(of.id.0)));
    Ok(diesel::select(exists(files)).get_result(&mut view.conn()).await?)
}

/// The title of another one on its way that divides the same grids: a plan is of all grids of its area, so it is one whose
/// area lies in this one's or around it.
async fn another(view: &View<'_>, of: &GridRedivision) -> Result<Option<String>> {
    let around: Vec<AreaCode> = of.area_code.ancestors().collect();
    let inside = grid_redivision::area_code.ge(of.area_code.clone()).and(grid_redivision::area_code.lt(end_of(&of.area_code)));
    let others = grid_redivision::table
        .filter(grid_redivision::id.ne(of.id))
        .filter(grid_redivision::state.eq_any(RedivisionState::ON_ITS_WAY))
        .filter(inside.or(grid_redivision::area_code.eq_any(around)))
        .order(grid_redivision::id)
        .select(grid_redivision::title);
    Ok(others.first(&mut view.conn()).await.optional()?)
}

/// Takes one step.
async fn take(
    tx: &Tx<'_>,
    id: GridRedivisionId,
    expected: Expected,
    action: RedivisionAction,
    reason: Option<&Line>,
    notice: Option<&Name>,
) -> Result<GridRedivision> {
    let before = lock(tx, id).await?;
    // Of two who do the same at once the second hears that it has changed since he looked.
    expected.check(before.version)?;
    if before.state.is_checked() {
        // A plan of the whole city is checked against all its households.
        tx.take_minutes(MINUTES).await?;
    }
    if action == RedivisionAction::Submit {
        // Two plans for the same grids, submitted at once: the second waits here, and meets the first.
        tx.lock("grid_redivision submit").await?;
    }
    let to = decide::<RedivisionFlow>(before.state, action, |permission| tx.may_at(permission, before.area_code.as_str()), &facts(tx, &before).await?)?;
    let notice_number = match action {
        // A notice published what it said then; what comes of it is published by another.
        RedivisionAction::Return => None,
        _ => notice.cloned().or_else(|| before.notice_number.clone()),
    };
    if to == RedivisionState::Published && notice_number.is_none() {
        return Err(NO_NOTICE.at("/notice_number").into());
    }
    let after = diesel::update(grid_redivision::table.find(id))
        .set((
            grid_redivision::notice_number.eq(notice_number),
            grid_redivision::state.eq(to),
            grid_redivision::previous_state.eq(before.state),
            grid_redivision::version.eq(before.version + 1),
            grid_redivision::updated_at.eq(tx.now),
        ))
        .returning(GridRedivision::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record(action.told(), Some(&before), &after, reason.map(Line::as_str))?;
    Ok(after)
}
