//! Which household was in which grid, and when (ORG-04). Written by moving households, never by itself.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, Date, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::{Page, Paging, Refusal, Result, Tx, View, holds_on, id, within};
use schema::{household, household_grid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::{GridCode, HouseholdCode};
use crate::household::{HOME_BEFORE, HouseholdId, READ};
use crate::household_move::MOVE_BEFORE_LAST;

id!(
    /// A household's time in a grid.
    HouseholdGridId
);

/// A household's time in a grid.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = household_grid)]
pub struct HouseholdGrid {
    /// Identity, for ever.
    pub id: HouseholdGridId,
    /// The household.
    pub household_id: HouseholdId,
    /// Its code.
    pub household_code: HouseholdCode,
    /// The grid.
    pub grid_code: GridCode,
    /// First day in the grid.
    pub valid_from: NaiveDate,
    /// First day no longer in the grid; null while it is there.
    pub valid_to: Option<NaiveDate>,
}

/// Which times in grids a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct HouseholdGridFilter {
    /// Of this household.
    pub household_code: Option<HouseholdCode>,
    /// In this grid.
    pub grid_code: Option<GridCode>,
    /// All times, not only those that hold on the day.
    pub ever: Option<bool>,
}

/// No such time in a grid.
pub const UNKNOWN: Refusal =
    Refusal::not_found("household_grid.unknown", "没有该归属记录,或它不在您的区域内。", "There is no such time in a grid, or it is not in your area.");

/// Lists times in grids that the caller may see: those in grids of his area.
pub async fn list(view: &View<'_>, filter: &HouseholdGridFilter, paging: &Paging) -> Result<Page<HouseholdGrid>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = HouseholdGrid::query().filter(within!(scope, household_grid::grid_code)).into_boxed();
        if filter.ever != Some(true) {
            query = query.filter(holds_on!(household_grid, view.as_of));
        }
        if let Some(household_code) = &filter.household_code {
            let named = household::table.filter(household::code.eq(household_code)).select(household::id);
            query = query.filter(household_grid::household_id.eq_any(named));
        }
        if let Some(grid_code) = &filter.grid_code {
            query = query.filter(household_grid::grid_code.eq(grid_code));
        }
        query
    };
    let mut page = chosen().order((household_grid::household_code, household_grid::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = household_grid::household_code.eq(after.key.clone()).and(household_grid::id.gt(after.id));
        page = page.filter(household_grid::household_code.gt(after.key).or(same));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(household_grid::id).limit(MAX_TOTAL).load::<HouseholdGridId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.household_code.to_string(), id: row.id.0 })
}

/// The time in a grid with this id.
pub async fn get(view: &View<'_>, id: HouseholdGridId) -> Result<HouseholdGrid> {
    let scope = view.may(READ)?;
    let found =
        HouseholdGrid::query().filter(household_grid::id.eq(id)).filter(within!(scope, household_grid::grid_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Since when a household has been in its grid.
pub(crate) async fn since(tx: &Tx<'_>, id: HouseholdId) -> Result<Option<NaiveDate>> {
    let open = household_grid::table.filter(household_grid::household_id.eq(id).and(household_grid::valid_to.is_null()));
    Ok(open.select(household_grid::valid_from).first(&mut tx.conn()).await.optional()?)
}

/// Refuses where a household was in a grid before a day: it cannot begin on it.
pub(crate) async fn not_before(tx: &Tx<'_>, id: HouseholdId, day: NaiveDate) -> Result<()> {
    let first = household_grid::table.filter(household_grid::household_id.eq(id)).select(diesel::dsl::min(household_grid::valid_from));
    match first.first::<Option<NaiveDate>>(&mut tx.conn()).await? {
        Some(first) if first < day => Err(HOME_BEFORE.at("/valid_from").with("first", first).into()),
        _ => Ok(()),
    }
}

/// Ends a household's time in its grid on a day, with the household itself.
pub(crate) async fn close(tx: &Tx<'_>, id: HouseholdId, on: NaiveDate) -> Result<()> {
    if let Some(since) = since(tx, id).await?
        && on <= since
    {
        return Err(MOVE_BEFORE_LAST.at("/on").with("since", since).into());
    }
    let open = household_grid::table.filter(household_grid::household_id.eq(id).and(household_grid::valid_to.is_null()));
    diesel::update(open).set(household_grid::valid_to.eq(on)).execute(&mut tx.conn()).await?;
    Ok(())
}

/// Brings the dated times in grids of these households into line with where the households are now: what
/// changed closes on the day and opens anew; a change on the very day that a time began corrects it. The first
/// time of a household that is new begins with the household, or with the grid if that is younger.
///
/// Everything is looked up household by household (`lateral … limit 1`): while a city is first imported, Postgres knows
/// nothing of the tables and would compare all with all.
pub(crate) async fn settle(tx: &Tx<'_>, codes: Vec<String>, on: NaiveDate) -> Result<()> {
    if codes.is_empty() {
        return Ok(());
    }
    let change = diesel::sql_query(
        "update household_grid m
         set grid_code = case when h.since = $2 then h.grid_code else m.grid_code end, valid_to = case when h.since < $2 then $2 end
         from (select m.id, m.valid_from as since, h.grid_code from unnest($1) as c (code) cross join lateral (select * from household h where h.code = c.code limit 1) h
               cross join lateral (select * from household_grid m where m.household_id = h.id and m.valid_to is null limit 1) m
               where h.grid_code <> m.grid_code and m.valid_from <= $2) h
         where m.id = h.id",
    );
    change.bind::<Array<Text>, _>(&codes).bind::<Date, _>(on).execute(&mut tx.conn()).await?;
    let ids: Vec<Uuid> = codes.iter().map(|_| Uuid::now_v7()).collect();
    let open = diesel::sql_query(
        "insert into household_grid (id, household_id, household_code, grid_code, valid_from)
         select c.id, h.id, h.code, h.grid_code, case when h.version = 1 then greatest(h.valid_from, g.valid_from) else greatest($3, h.valid_from) end
         from unnest($1, $2) as c (code, id) cross join lateral (select * from household h where h.code = c.code limit 1) h
         join grid g on g.code = h.grid_code
         left join lateral (select id from household_grid m where m.household_id = h.id and m.valid_to is null limit 1) m on true
         where m.id is null",
    );
    open.bind::<Array<Text>, _>(codes).bind::<Array<SqlUuid>, _>(ids).bind::<Date, _>(on).execute(&mut tx.conn()).await?;
    Ok(())
}
