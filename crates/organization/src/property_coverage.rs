//! How far property services cover an area on a day (ORG-17): which compounds are served as a whole, and which grids
//! with them. Report, statistics and the rows that they count ask the same queries.
//!
//! A compound is covered by an open project that is not of a part alone; self-management counts. A grid is covered
//! by a covered compound that lies in it. All grids of the area count, also those without compounds.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::statistic::per_cent;
use kernel::{AreaCode, Page, Paging, Refusal, Result, View};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::property_project::READ;
use crate::report_area;

/// The area that was asked for is not there, or not the caller's.
pub const UNKNOWN_AREA: Refusal =
    Refusal::not_found("property_coverage.unknown_area", "没有该区域,或它不在您的区域内。", "There is no such area, or it is not within yours.");

/// What the coverage speaks of.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PropertyCoverageQuery {
    /// The area; the whole city unless said.
    pub area_code: Option<AreaCode>,
}

/// Which rows of the coverage a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PropertyCoverageFilter {
    /// The area; the whole city unless said.
    pub area_code: Option<AreaCode>,
    /// Covered ones alone, or those that are not.
    pub covered: Option<bool>,
}

/// A part of a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Share {
    /// The numerator over the denominator in per cent, to one decimal, half up; null where there is nothing to divide by.
    #[schema(pattern = r"^[0-9]{1,3}\.[0-9]$", max_length = 5, example = "100.0")]
    pub value: Option<String>,
    /// How many it is true of.
    pub numerator: i64,
    /// How many there are.
    pub denominator: i64,
}

impl Share {
    /// The part `numerator` of `denominator`.
    #[must_use]
    pub fn of(numerator: i64, denominator: i64) -> Self {
        Self { value: per_cent(numerator, denominator), numerator, denominator }
    }
}

/// How many covered compounds are served by whom; together they are all covered compounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, QueryableByName, ToSchema)]
pub struct ServedBy {
    /// By companies on the market.
    #[diesel(sql_type = BigInt)]
    pub commercial: i64,
    /// By companies founded under the lead of a community.
    #[diesel(sql_type = BigInt)]
    pub community_led: i64,
    /// By work units, for their own housing.
    #[diesel(sql_type = BigInt)]
    pub unit_self: i64,
    /// By the owners themselves.
    #[diesel(sql_type = BigInt)]
    pub owner_self: i64,
}

/// How far property services cover an area on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PropertyCoverage {
    /// The day.
    pub as_of: NaiveDate,
    /// The area.
    pub area_code: AreaCode,
    /// Covered grids of all grids in force.
    pub grids: Share,
    /// Covered compounds of all compounds in force.
    pub compounds: Share,
    /// Covered grids in which another compound is not covered.
    pub partly_covered_grids: i64,
    /// Covered compounds by who serves them.
    pub served_by: ServedBy,
    /// Covered compounds whose contract goes on after the agreed term.
    pub past_agreed_term: i64,
}

/// A grid as the coverage counts it.
#[derive(Clone, Debug, Serialize, QueryableByName, ToSchema)]
pub struct GridCoverage {
    /// The grid.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its code.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether it is covered.
    #[diesel(sql_type = Bool)]
    pub covered: bool,
    /// Compounds that lie in it, wholly or in part.
    #[diesel(sql_type = BigInt)]
    pub compounds: i64,
    /// Covered ones among them.
    #[diesel(sql_type = BigInt)]
    pub covered_compounds: i64,
}

/// A compound as the coverage counts it.
#[derive(Clone, Debug, Serialize, QueryableByName, ToSchema)]
pub struct CompoundCoverage {
    /// The compound.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its code.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether it is covered.
    #[diesel(sql_type = Bool)]
    pub covered: bool,
    /// By whom: `commercial`, `community_led`, `unit_self` or `owner_self`.
    #[diesel(sql_type = Nullable<Text>)]
    #[schema(example = "community_led")]
    pub served_by: Option<String>,
    /// The project that covers it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub project_id: Option<Uuid>,
    /// The company of the project, where there is one.
    #[diesel(sql_type = Nullable<Text>)]
    pub company_code: Option<String>,
}

/// What is in force on the day ($2) in the area ($1), a grid's compounds being those that lie in it; and two tables
/// of what is counted: `grid_row` and `compound_row`.
const GROUND: &str = "with \
    link as (select compound_code, grid_code from compound_grid where grid_code >= $1 and grid_code < $1 || '~' and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    service as (select p.id, p.compound_code, p.company_code, case p.kind when 'full_service' then c.kind else p.kind end as served_by, coalesce(p.agreed_to <= $2, false) as past_term \
        from property_project p left join property_company c on c.code = p.company_code \
        where p.kind <> 'partial_service' and p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2)), \
    compound_row as (select c.id, c.code, c.name, s.id is not null as covered, s.served_by, s.id as project_id, s.company_code, s.past_term \
        from compound c left join service s on s.compound_code = c.code \
        where (c.code >= $1 and c.code < $1 || '~' or exists (select from link l where l.compound_code = c.code and l.grid_code = $1)) \
        and c.valid_from <= $2 and (c.valid_to is null or c.valid_to > $2)), \
    grid_row as (select g.id, g.code, g.name, count(s.id) > 0 as covered, count(l.compound_code) as compounds, count(s.id) as covered_compounds \
        from grid g left join link l on l.grid_code = g.code left join service s on s.compound_code = l.compound_code \
        where g.code >= $1 and g.code < $1 || '~' and g.valid_from <= $2 and (g.valid_to is null or g.valid_to > $2) group by g.id, g.code, g.name)";

/// The covered grids, as statistics count them.
pub(crate) fn covered_grids() -> String {
    format!("{GROUND} select id, 'grid' as kind, code, name, code as area_code, 1 as counts from grid_row where covered")
}

/// How far property services cover an area on the day of the view.
pub async fn coverage(view: &View<'_>, query: &PropertyCoverageQuery) -> Result<PropertyCoverage> {
    #[derive(QueryableByName)]
    struct Counts {
        #[diesel(sql_type = BigInt)]
        grids: i64,
        #[diesel(sql_type = BigInt)]
        covered_grids: i64,
        #[diesel(sql_type = BigInt)]
        partly_covered_grids: i64,
        #[diesel(sql_type = BigInt)]
        compounds: i64,
        #[diesel(sql_type = BigInt)]
        covered_compounds: i64,
        #[diesel(sql_type = BigInt)]
        past_agreed_term: i64,
        #[diesel(embed)]
        served_by: ServedBy,
    }
    let area_code = area(view, query.area_code.as_ref()).await?;
    let select = format!(
        "{GROUND} select * from (select count(*) as grids, count(*) filter (where covered) as covered_grids, \
             count(*) filter (where covered and covered_compounds < compounds) as partly_covered_grids from grid_row) g, \
         (select count(*) as compounds, count(*) filter (where covered) as covered_compounds, count(*) filter (where past_term) as past_agreed_term, \
             count(*) filter (where served_by = 'commercial') as commercial, count(*) filter (where served_by = 'community_led') as community_led, \
             count(*) filter (where served_by = 'unit_self') as unit_self, count(*) filter (where served_by = 'owner_self') as owner_self from compound_row) c"
    );
    let counts: Counts = diesel::sql_query(select).bind::<Text, _>(&area_code).bind::<Date, _>(view.as_of).get_result(&mut view.conn()).await?;
    Ok(PropertyCoverage {
        as_of: view.as_of,
        area_code,
        grids: Share::of(counts.covered_grids, counts.grids),
        compounds: Share::of(counts.covered_compounds, counts.compounds),
        partly_covered_grids: counts.partly_covered_grids,
        served_by: counts.served_by,
        past_agreed_term: counts.past_agreed_term,
    })
}

/// The grids that the coverage counts, by code.
pub async fn grids(view: &View<'_>, filter: &PropertyCoverageFilter, paging: &Paging) -> Result<Page<GridCoverage>> {
    rows(view, "select id, code, name, covered, compounds, covered_compounds from grid_row", filter, paging, |row: &GridCoverage| Cursor {
        key: row.code.clone(),
        id: row.id,
    })
    .await
}

/// The compounds that the coverage counts, by code.
pub async fn compounds(view: &View<'_>, filter: &PropertyCoverageFilter, paging: &Paging) -> Result<Page<CompoundCoverage>> {
    rows(view, "select id, code, name, covered, served_by, project_id, company_code from compound_row", filter, paging, |row: &CompoundCoverage| Cursor {
        key: row.code.clone(),
        id: row.id,
    })
    .await
}

/// A page of the rows that one count is of.
async fn rows<T>(view: &View<'_>, select: &str, filter: &PropertyCoverageFilter, paging: &Paging, cursor: impl Fn(&T) -> Cursor) -> Result<Page<T>>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let area = area(view, filter.area_code.as_ref()).await?;
    let chosen = format!("{select} where ($3 is null or covered = $3)");
    let after = paging.after(filter)?.map(|cursor| cursor.key);
    let page = diesel::sql_query(format!("{GROUND} {chosen} and ($4 is null or code > $4) order by code limit $5"))
        .bind::<Text, _>(&area)
        .bind::<Date, _>(view.as_of)
        .bind::<Nullable<Bool>, _>(filter.covered)
        .bind::<Nullable<Text>, _>(after)
        .bind::<BigInt, _>(paging.fetch());
    let page: Vec<T> = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => {
            let count = diesel::sql_query(format!("{GROUND} select count(*) as total from ({chosen} limit {MAX_TOTAL}) found"))
                .bind::<Text, _>(&area)
                .bind::<Date, _>(view.as_of)
                .bind::<Nullable<Bool>, _>(filter.covered);
            usize::try_from(count.get_result::<Total>(&mut view.conn()).await?.total).ok()
        }
        false => None,
    };
    paging.page(view.as_of, page, total, filter, cursor)
}

/// The area that is asked about, which must be one and lie within the caller's.
async fn area(view: &View<'_>, asked: Option<&AreaCode>) -> Result<AreaCode> {
    report_area::known(view, READ, asked, &UNKNOWN_AREA).await
}
