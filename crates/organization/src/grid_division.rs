//! The report on grid division: what breaks the seed's criteria of a good one (ORG-03).
//!
//! “规模适中、任务相当,边界清晰、无缝衔接”: every building and household in one grid and no other, grids of a fit
//! size, loads alike. A building is in the grids of its households; one without households is in the grids that
//! its compound lies in.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Text};
use diesel_async::RunQueryDsl;
use kernel::boundary::apart;
use kernel::text::Name;
use kernel::{AreaCode, Refusal, Result, View, holds_on};
use schema::grid_size_band;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::grid::READ;
use crate::plot::{Flaw, Plot, overlaps};

/// Rows that a finding shows; its count is of all.
const SHOWN: i64 = 200;

/// The area that was asked for is not there, or not the caller's.
pub const UNKNOWN_AREA: Refusal =
    Refusal::not_found("grid_division.unknown_area", "没有该区域,或它不在您的区域内。", "There is no such area, or it is not within yours.");

/// A size band that cannot be.
pub const BAD_BAND: Refusal = Refusal::invalid(
    "grid_division.bad_band",
    "户数上下限须为0至100000,且下限不大于上限。",
    "The bounds of households must lie in 0 to 100000, the lower not above the upper.",
);

/// What the report speaks of.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GridDivisionQuery {
    /// The area; the whole city unless said.
    pub area_code: Option<AreaCode>,
    /// Fewest households of a fit grid, instead of the number in force.
    #[param(minimum = 0, maximum = 100000)]
    pub min_households: Option<i32>,
    /// Most households of a fit grid, instead of the number in force.
    #[param(minimum = 0, maximum = 100000)]
    pub max_households: Option<i32>,
}

/// How many households a grid should have.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SizeBand {
    /// The rule that was used; null where the request gave numbers of its own.
    pub rule_id: Option<Uuid>,
    /// Fewest households.
    pub min_households: i32,
    /// Most households.
    pub max_households: i32,
    /// Where the numbers come from.
    pub basis: String,
    /// The policy document that they come from, where there is one; a number names one version of its text.
    pub document_number: Option<Name>,
}

/// How many there are in the area on the day.
#[derive(Clone, Debug, QueryableByName, Serialize, ToSchema)]
pub struct Counts {
    /// Communities.
    #[diesel(sql_type = BigInt)]
    pub communities: i64,
    /// Grids.
    #[diesel(sql_type = BigInt)]
    pub grids: i64,
    /// Compounds.
    #[diesel(sql_type = BigInt)]
    pub compounds: i64,
    /// Buildings.
    #[diesel(sql_type = BigInt)]
    pub buildings: i64,
    /// Households.
    #[diesel(sql_type = BigInt)]
    pub households: i64,
}

/// How the households spread over the grids.
#[derive(Clone, Debug, QueryableByName, Serialize, ToSchema)]
pub struct Load {
    /// Households of the smallest grid.
    #[diesel(sql_type = BigInt)]
    pub min: i64,
    /// Households of the grid in the middle (the lower of the two middles).
    #[diesel(sql_type = BigInt)]
    pub median: i64,
    /// Households of the largest grid.
    #[diesel(sql_type = BigInt)]
    pub max: i64,
    /// Households a grid on average, to two decimals.
    #[diesel(sql_type = Text)]
    #[schema(pattern = r"^[0-9]+\.[0-9]{2}$", max_length = 20, example = "385.88")]
    pub mean: String,
    /// Jain's index, (Σx)² / (n·Σx²), to four decimals: 1 where all grids carry the same, 1/n where one carries all.
    #[diesel(sql_type = Text)]
    #[schema(pattern = r"^[01]\.[0-9]{4}$", max_length = 6, example = "0.9312")]
    pub balance_index: String,
}

/// Something that breaks a criterion.
#[derive(Clone, Debug, QueryableByName, Serialize, ToSchema)]
pub struct Breach {
    /// The code of the building, household, compound or grid.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Of a building, household or compound: in how many grids it is. Of a grid: how many households it has, or of how many square
    /// metres its boundary overlaps others.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
}

/// All that break one criterion.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Finding {
    /// How many.
    pub count: i64,
    /// The first 200, by code.
    pub items: Vec<Breach>,
}

/// What breaks the criteria of grid division in an area on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GridDivision {
    /// The day.
    pub as_of: NaiveDate,
    /// The area.
    pub area_code: AreaCode,
    /// Whether nothing breaks the criteria that admit of no exception: all buildings and households in one grid.
    pub seamless: bool,
    /// How many households a grid should have.
    pub size_band: SizeBand,
    /// How many there are.
    pub counts: Counts,
    /// How the households spread.
    pub load: Load,
    /// Buildings in no grid.
    pub buildings_in_no_grid: Finding,
    /// Buildings in two grids or more.
    pub buildings_in_several_grids: Finding,
    /// Households in no grid.
    pub households_in_no_grid: Finding,
    /// Households in two grids or more; the database allows none.
    pub households_in_several_grids: Finding,
    /// Compounds in no grid.
    pub compounds_in_no_grid: Finding,
    /// Compounds in two grids or more, which need an exception each.
    pub compounds_in_several_grids: Finding,
    /// Grids with fewer households than they should have.
    pub grids_too_small: Finding,
    /// Grids with more households than they should have.
    pub grids_too_large: Finding,
    /// Grids whose boundary overlaps that of another by more than a square metre, as far as boundaries are known.
    pub boundaries_overlap: Finding,
}

/// What is in force on the day ($2) in the area ($1), as the queries below name it.
const GROUND: &str = "with \
    community_now as (select code from community where code >= $1 and code < $1 || '~' and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    grid_now as (select code, name from grid where code >= $1 and code < $1 || '~' and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    compound_now as (select code, name from compound where code >= $1 and code < $1 || '~' and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    building_now as (select code, name, compound_code from building where code >= $1 and code < $1 || '~' and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    household_now as (select code, name from household where code >= $1 and code < $1 || '~' and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    home as (select household_code, grid_code from household_grid where household_code >= $1 and household_code < $1 || '~' and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    link as (select compound_code, grid_code from compound_grid where compound_code >= $1 and compound_code < $1 || '~' and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    lived_in as (select distinct left(household_code, 17) as building_code, grid_code from home), \
    building_in as (select building_code, grid_code from lived_in union all \
        select b.code, l.grid_code from building_now b join link l using (compound_code) where not exists (select from lived_in where building_code = b.code)), \
    loaded as (select g.code, g.name, count(h.household_code) as number from grid_now g left join home h on h.grid_code = g.code group by g.code, g.name)";

/// `code, name, number` of buildings, households and compounds with the number of grids they are in.
const BUILDINGS: &str =
    "select b.code, b.name, count(i.grid_code) as number from building_now b left join building_in i on i.building_code = b.code group by b.code, b.name";
const HOUSEHOLDS: &str =
    "select h.code, h.name, count(m.grid_code) as number from household_now h left join home m on m.household_code = h.code group by h.code, h.name";
const COMPOUNDS: &str =
    "select c.code, c.name, count(l.grid_code) as number from compound_now c left join link l on l.compound_code = c.code group by c.code, c.name";
const GRIDS: &str = "select code, name, number from loaded";

/// A [`Load`] of the `number` of households of each grid in `loaded`.
pub(crate) const SPREAD: &str = "select coalesce(min(number), 0)::bigint as min, coalesce(percentile_disc(0.5) within group (order by number), 0)::bigint as median, coalesce(max(number), 0)::bigint as max, \
     to_char(coalesce(avg(number), 0), 'FM9999999990.00') as mean, \
     to_char(coalesce(sum(number) ^ 2 / nullif(count(*) * sum(number ^ 2), 0), 1), 'FM0.0000') as balance_index from loaded";

/// Draws up the report.
pub async fn report(view: &View<'_>, query: &GridDivisionQuery) -> Result<GridDivision> {
    let scope = view.may(READ)?;
    let area = query.area_code.clone().unwrap_or_else(|| view.city.clone());
    if !scope.covers(area.as_str()) {
        return Err((&UNKNOWN_AREA).into());
    }
    let size_band = size_band(view, query, view.as_of).await?;
    let (min, max) = (i64::from(size_band.min_households), i64::from(size_band.max_households));
    let counts: Counts = ask(
        view,
        &area,
        "select (select count(*) from community_now) as communities, (select count(*) from grid_now) as grids, (select count(*) from compound_now) as compounds, \
         (select count(*) from building_now) as buildings, (select count(*) from household_now) as households",
    )
    .await?;
    if area != view.city && counts.communities + counts.grids == 0 {
        return Err((&UNKNOWN_AREA).into());
    }
    let load = ask(view, &area, SPREAD).await?;
    let buildings_in_no_grid = find(view, &area, BUILDINGS, 0, 0).await?;
    let buildings_in_several_grids = find(view, &area, BUILDINGS, 2, i64::MAX).await?;
    let households_in_no_grid = find(view, &area, HOUSEHOLDS, 0, 0).await?;
    let households_in_several_grids = find(view, &area, HOUSEHOLDS, 2, i64::MAX).await?;
    let seamless =
        [&buildings_in_no_grid, &buildings_in_several_grids, &households_in_no_grid, &households_in_several_grids].iter().all(|finding| finding.count == 0);
    Ok(GridDivision {
        as_of: view.as_of,
        seamless,
        size_band,
        counts,
        load,
        buildings_in_no_grid,
        buildings_in_several_grids,
        households_in_no_grid,
        households_in_several_grids,
        compounds_in_no_grid: find(view, &area, COMPOUNDS, 0, 0).await?,
        compounds_in_several_grids: find(view, &area, COMPOUNDS, 2, i64::MAX).await?,
        grids_too_small: find(view, &area, GRIDS, 0, min - 1).await?,
        grids_too_large: find(view, &area, GRIDS, max + 1, i64::MAX).await?,
        boundaries_overlap: overlapping(view, &area).await?,
        area_code: area,
    })
}

/// The size band in force on a day, with what the request puts in its place.
pub(crate) async fn size_band(view: &View<'_>, query: &GridDivisionQuery, on: NaiveDate) -> Result<SizeBand> {
    let rule: Option<(Uuid, i32, i32, String, Option<Name>)> = grid_size_band::table
        .filter(holds_on!(grid_size_band, on))
        .select((grid_size_band::id, grid_size_band::min_households, grid_size_band::max_households, grid_size_band::basis, grid_size_band::document_number))
        .first(&mut view.conn())
        .await
        .optional()?;
    let in_force = match rule {
        Some((id, min_households, max_households, basis, document_number)) => {
            SizeBand { rule_id: Some(id), min_households, max_households, basis, document_number }
        }
        None => SizeBand { rule_id: None, min_households: 0, max_households: i32::MAX, basis: String::new(), document_number: None },
    };
    let (min_households, max_households) = (in_force.min_households, in_force.max_households);
    Ok(match (query.min_households, query.max_households) {
        (None, None) => in_force,
        (min, max) if !(0..=max.unwrap_or(max_households).min(100_000)).contains(&min.unwrap_or(min_households)) || max.is_some_and(|max| max > 100_000) => {
            return Err(BAD_BAND.at(if min.is_some() { "min_households" } else { "max_households" }).into());
        }
        (min, max) => SizeBand {
            rule_id: None,
            min_households: min.unwrap_or(min_households),
            max_households: max.unwrap_or(max_households),
            basis: "本次查询".to_owned(),
            document_number: None,
        },
    })
}

async fn ask<T>(view: &View<'_>, area: &AreaCode, select: &str) -> Result<T>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    let query = diesel::sql_query(format!("{GROUND} {select}")).bind::<Text, _>(area).bind::<Date, _>(view.as_of);
    Ok(query.get_result(&mut view.conn()).await?)
}

/// Those whose number lies between two bounds, both included.
async fn find(view: &View<'_>, area: &AreaCode, select: &str, from: i64, to: i64) -> Result<Finding> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        breach: Breach,
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(format!(
        "{GROUND} select code, name, number, count(*) over () as total from ({select}) found where number between $3 and $4 order by code limit {SHOWN}"
    ))
    .bind::<Text, _>(area)
    .bind::<Date, _>(view.as_of)
    .bind::<BigInt, _>(from)
    .bind::<BigInt, _>(to)
    .load(&mut view.conn())
    .await?;
    Ok(Finding { count: rows.as_slice().first().map_or(0, |row| row.total), items: rows.into_iter().map(|row| row.breach).collect() })
}

/// Grids whose boundaries overlap, each with all that it shares with others.
async fn overlapping(view: &View<'_>, area: &AreaCode) -> Result<Finding> {
    let select = "select g.code, g.name, g.boundary from grid g join grid_now n on n.code = g.code where g.boundary is not null order by g.code";
    let plots: Vec<Plot> = diesel::sql_query(format!("{GROUND} {select}")).bind::<Text, _>(area).bind::<Date, _>(view.as_of).load(&mut view.conn()).await?;
    let overlaps = if plots.is_empty() { Vec::new() } else { apart(move || overlaps(&plots)).await? };
    let mut shares = BTreeMap::<(String, String), i64>::new();
    for Flaw { plot, other, square_metres } in overlaps {
        for grid in [Some(plot), other].into_iter().flatten() {
            *shares.entry(grid).or_default() += square_metres;
        }
    }
    let count = i64::try_from(shares.len()).unwrap_or(i64::MAX);
    let most = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    Ok(Finding { count, items: shares.into_iter().take(most).map(|((code, name), number)| Breach { code, name, number }).collect() })
}
