//! Moves of households from grid to grid: dated, never in the future, never before the last one (ORG-04).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::RefusedBy;
use kernel::text::Line;
use kernel::{Expected, Prepare, Refusal, Result, Tx, period};
use schema::household;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::code::GridCode;
use crate::household::{CONSTRAINTS, Household, HouseholdId, WRITE, lock};
use crate::{grid as grids, household_grid as homes};

/// A move of a household to another grid.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The grid that it moves to.
    pub grid_code: GridCode,
    /// First day in that grid; today unless said.
    pub on: Option<NaiveDate>,
    /// Why; kept in the journal.
    #[schema(example = "网格调整")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// A move before the last one.
pub const MOVE_BEFORE_LAST: Refusal = Refusal::invalid(
    "household.move_before_last",
    "该户自 {since} 起在现网格,迁移日期不能早于此日。",
    "The household has been in its grid since {since}; it cannot move before that day.",
);
/// A move that has not happened.
pub const MOVE_IN_FUTURE: Refusal =
    Refusal::invalid("household.move_in_future", "迁移日期不能晚于今天 {today}。", "A move cannot lie in the future; today is {today}.");
/// In an import: a move before the last one.
pub const MOVED_LATER: Refusal = Refusal::invalid(
    "household.moved_later",
    "该户在导入生效日期之后已迁入现网格;请改用更晚的生效日期。",
    "The household moved to its grid after the day of this import; import as of a later day.",
);
/// In an import: a move that has not happened.
pub const MOVE_AHEAD: Refusal = Refusal::invalid(
    "household.move_ahead",
    "导入生效日期在今天之后,不能迁移已登记的户。",
    "The day of this import lies in the future, so a household cannot move on it.",
);

/// Moves a household to another grid of its community on a day, not in the future and not before its last move.
pub async fn relocate(tx: &Tx<'_>, id: HouseholdId, expected: Expected, to: &Move) -> Result<Household> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    settle_in(tx, &before, &to.grid_code, to.on.unwrap_or(tx.today()), Some(to.reason.as_str())).await
}

/// Puts a locked household into a grid from a day on.
pub(crate) async fn settle_in(tx: &Tx<'_>, before: &Household, grid_code: &GridCode, on: NaiveDate, reason: Option<&str>) -> Result<Household> {
    tx.may_at(WRITE, grid_code.as_str())?;
    if on > tx.today() {
        return Err(MOVE_IN_FUTURE.at("/on").with("today", tx.today()).into());
    }
    let since = homes::since(tx, before.id).await?.unwrap_or(before.valid_from);
    if on < since {
        return Err(MOVE_BEFORE_LAST.at("/on").with("since", since).into());
    }
    grids::host(tx, grid_code, on).await?;
    let after = diesel::update(household::table.find(before.id))
        .set((household::grid_code.eq(grid_code), household::version.eq(before.version + 1), household::updated_at.eq(tx.now)))
        .returning(Household::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    homes::settle(tx, vec![after.code.to_string()], on).await?;
    tx.record("household.moved", Some(before), &after, reason)?;
    Ok(after)
}
