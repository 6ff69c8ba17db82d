//! The plan of a re-division of grids: the grids that there are from its day on, and which building, and which household that
//! parts from its building, is in which of them (ORG-03, ORG-04, ORG-12). It is replaced as a whole while it is a draft.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::boundary::Geometry;
use kernel::change::RefusedBy;
use kernel::page::Cursor;
use kernel::text::{Line, Name};
use kernel::{Expected, Fault, Page, Paging, Prepare, Refusal, Result, Tx, View, within};
use schema::{grid_redivision, grid_redivision_building, grid_redivision_grid, grid_redivision_household, household};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::code::{BuildingCode, GridCode, HouseholdCode};
use crate::compound_grid::{HALF_AN_EXCEPTION, LinkException};
use crate::grid::GridKind;
use crate::grid_redivision::{CONSTRAINTS, GridRedivision, GridRedivisionId, NOT_A_DRAFT, WRITE, get, lock, seen};
use crate::grid_redivision_flow::RedivisionState;
use crate::household::READ as SEE_HOUSEHOLDS;
use crate::{building, grid_redivision_boundaries};

/// Faults of a plan that are told at a time.
const MOST_FAULTS: usize = 100;

/// A grid that there is from the day on.
#[derive(Clone, Debug, HasQuery, Deserialize, Serialize, ToSchema)]
#[diesel(table_name = grid_redivision_grid)]
#[serde(deny_unknown_fields)]
pub struct PlannedGrid {
    /// Code: of a grid of the area that goes on, or one that has never been used.
    pub code: GridCode,
    /// Name from that day on.
    #[schema(example = "柳岸社区第一网格")]
    pub name: Name,
    /// What it covers from that day on; unless said, a grid that goes on keeps its kind, and a new one is `urban`.
    pub kind: Option<GridKind>,
    /// Why a compound has further grids beside this one, or this one several compounds; needed for new links that are not one to one.
    pub exception: Option<LinkException>,
    /// The reason in words; with an exception only.
    pub exception_reason: Option<Line>,
    /// Who allowed the exception; with an exception only.
    pub approved_by: Option<Name>,
    /// Why the grid changes; told in its lineage. Needed where it begins, gets another name or takes in one that closes.
    pub reason: Option<Line>,
    /// Its boundary from that day on; unless said, a grid that goes on keeps the one that it has. Where one grid of a community is given
    /// one, all of them have one, without an overlap or a gap.
    pub boundary: Option<Geometry>,
}

/// In which grid a building is from the day on; its households go with it.
#[derive(Clone, Debug, HasQuery, Deserialize, Serialize, ToSchema)]
#[diesel(table_name = grid_redivision_building)]
#[serde(deny_unknown_fields)]
pub struct PlannedBuilding {
    /// The building.
    pub building_code: BuildingCode,
    /// The grid, one of the plan.
    pub grid_code: GridCode,
}

/// A household that parts from its building.
#[derive(Clone, Debug, HasQuery, Deserialize, Serialize, ToSchema)]
#[diesel(table_name = grid_redivision_household)]
#[serde(deny_unknown_fields)]
pub struct PlannedHousehold {
    /// The household.
    pub household_code: HouseholdCode,
    /// The grid, one of the plan.
    pub grid_code: GridCode,
}

/// The whole plan, in place of the one before. Its lists hold ten times the city, and all of them together fit into one body of 4 MiB if
/// reasons are short.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "grids": [{"code": "421181001001011", "name": "柳岸社区第十一网格", "reason": "原第一网格户数过多"}],
    "buildings": [{"building_code": "42118100100100001", "grid_code": "421181001001011"}],
    "households": [],
    "version": 1
}))]
pub struct GridRedivisionPlan {
    /// All grids of the area from the day on. A grid of today that is not among them closes.
    #[validate(length(max = 5000))]
    #[schema(max_items = 5000)]
    pub grids: Vec<PlannedGrid>,
    /// All buildings of the area.
    #[validate(length(max = 30000))]
    #[schema(max_items = 30000)]
    pub buildings: Vec<PlannedBuilding>,
    /// The households that part from their buildings.
    #[serde(default)]
    #[validate(length(max = 20000))]
    #[schema(max_items = 20000)]
    pub households: Vec<PlannedHousehold>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Some entries cannot be.
pub const BAD_PLAN: Refusal =
    Refusal::invalid("grid_redivision.bad_plan", "方案中有 {count} 处不成立,详见 errors。", "{count} entries of the plan cannot be; see errors.");
/// The same twice.
pub const TWICE: Refusal = Refusal::invalid("grid_redivision.twice", "{code} 在方案中出现了两次。", "{code} occurs twice in the plan.");
/// Not of the area.
pub const OUTSIDE: Refusal =
    Refusal::invalid("grid_redivision.outside", "{code} 不在方案的范围 {area_code} 内。", "{code} is not within the area of the plan, {area_code}.");
/// A grid that the plan does not have.
pub const NO_SUCH_TARGET: Refusal =
    Refusal::invalid("grid_redivision.no_such_target", "网格 {grid_code} 不在方案的 grids 中。", "The grid {grid_code} is not among the grids of the plan.");
/// A grid of another community.
pub const OTHER_COMMUNITY: Refusal = Refusal::invalid(
    "grid_redivision.other_community",
    "{code} 与网格 {grid_code} 须在同一社区:两个编码的前12位应相同。",
    "{code} and the grid {grid_code} must be of the same community: the first twelve digits of both codes must be the same.",
);
/// A household that is not there.
pub const NO_SUCH_HOUSEHOLD: Refusal =
    Refusal::invalid("grid_redivision.no_such_household", "户 {code} 不存在,请先登记。", "The household {code} does not exist; enter it first.");

/// What is wrong with a plan for an area, whatever is stored.
fn faults(plan: &GridRedivisionPlan, area: &AreaCode) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut grids = HashSet::new();
    for (index, grid) in plan.grids.iter().enumerate() {
        let at = format!("/grids/{index}");
        faults.extend(misplaced(&format!("{at}/code"), grid.code.as_str(), area, &mut grids));
        let said = [grid.exception.is_some(), grid.exception_reason.is_some(), grid.approved_by.is_some()];
        if said.contains(&true) && said.contains(&false) {
            faults.push(HALF_AN_EXCEPTION.at(format!("{at}/exception")).into_fault());
        }
    }
    let mut places = HashSet::new();
    let buildings =
        plan.buildings.iter().enumerate().map(|(index, one)| (format!("/buildings/{index}"), "building_code", one.building_code.as_str(), &one.grid_code));
    let households =
        plan.households.iter().enumerate().map(|(index, one)| (format!("/households/{index}"), "household_code", one.household_code.as_str(), &one.grid_code));
    for (at, member, code, grid) in buildings.chain(households) {
        faults.extend(misplaced(&format!("{at}/{member}"), code, area, &mut places));
        if !grids.contains(grid.as_str()) {
            faults.push(NO_SUCH_TARGET.at(format!("{at}/grid_code")).with("grid_code", grid).into_fault());
        } else if !code.starts_with(grid.community()) {
            faults.push(OTHER_COMMUNITY.at(format!("{at}/grid_code")).with("code", code).with("grid_code", grid).into_fault());
        }
    }
    faults
}

/// The fault of a code that is not of the area, or that was seen before.
fn misplaced<'a>(at: &str, code: &'a str, area: &AreaCode, seen: &mut HashSet<&'a str>) -> Option<Fault> {
    let first = seen.insert(code);
    if !area.covers(code) {
        return Some(OUTSIDE.at(at).with("code", code).with("area_code", area).into_fault());
    }
    (!first).then(|| TWICE.at(at).with("code", code).into_fault())
}

/// A place in a list whose code is nobody's.
#[derive(QueryableByName)]
struct Stranger {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Text)]
    code: String,
}

/// Those of some codes in an area that a table does not have, by their places in the list. What is elsewhere is at fault already, and
/// whether it is there is not the caller's to learn.
async fn strangers(tx: &Tx<'_>, table: &str, area: &AreaCode, codes: Vec<String>) -> Result<Vec<Stranger>> {
    let query = format!(
        "select s.place - 1 as place, s.code from unnest($1) with ordinality as s (code, place) \
         where s.code ^@ $2 and not exists (select from {table} t where t.code = s.code) order by s.place limit {MOST_FAULTS}"
    );
    Ok(diesel::sql_query(query).bind::<Array<Text>, _>(codes).bind::<Text, _>(area).load(&mut tx.conn()).await?)
}

/// Replaces the plan of a draft.
pub async fn replace(tx: &Tx<'_>, id: GridRedivisionId, expected: Expected, plan: &GridRedivisionPlan) -> Result<GridRedivision> {
    let before = lock(tx, id).await?;
    tx.may_at(WRITE, before.area_code.as_str())?;
    expected.check(before.version)?;
    if before.state != RedivisionState::Draft {
        return Err((&NOT_A_DRAFT).into());
    }
    let buildings: Vec<String> = plan.buildings.iter().map(|one| one.building_code.to_string()).collect();
    let households: Vec<String> = plan.households.iter().map(|one| one.household_code.to_string()).collect();
    let mut found = faults(plan, &before.area_code);
    found.extend(grid_redivision_boundaries::faults(&plan.grids).await?);
    for stranger in strangers(tx, "building", &before.area_code, buildings.clone()).await? {
        let at = format!("/buildings/{}/building_code", stranger.place);
        found.push(building::UNKNOWN_HERE.at(at).with("building_code", stranger.code).into_fault());
    }
    for stranger in strangers(tx, "household", &before.area_code, households.clone()).await? {
        let at = format!("/households/{}/household_code", stranger.place);
        found.push(NO_SUCH_HOUSEHOLD.at(at).with("code", stranger.code).into_fault());
    }
    if !found.is_empty() {
        let refused = BAD_PLAN.with("count", found.len());
        found.truncate(MOST_FAULTS);
        return Err(refused.faults(found).into());
    }
    store(tx, id, plan, buildings, households).await?;
    let after = diesel::update(grid_redivision::table.find(id))
        .set((
            grid_redivision::planned_grids.eq(number(plan.grids.len())),
            grid_redivision::planned_buildings.eq(number(plan.buildings.len())),
            grid_redivision::planned_households.eq(number(plan.households.len())),
            grid_redivision::version.eq(before.version + 1),
            grid_redivision::updated_at.eq(tx.now),
        ))
        .returning(GridRedivision::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("grid_redivision.planned", Some(&before), &after, None)?;
    Ok(after)
}

/// Writes the entries in place of those before.
async fn store(tx: &Tx<'_>, id: GridRedivisionId, plan: &GridRedivisionPlan, buildings: Vec<String>, households: Vec<String>) -> Result<()> {
    let mut conn = tx.conn();
    diesel::delete(grid_redivision_household::table.filter(grid_redivision_household::redivision_id.eq(id))).execute(&mut conn).await?;
    diesel::delete(grid_redivision_building::table.filter(grid_redivision_building::redivision_id.eq(id))).execute(&mut conn).await?;
    diesel::delete(grid_redivision_grid::table.filter(grid_redivision_grid::redivision_id.eq(id))).execute(&mut conn).await?;
    let each = |of: fn(&PlannedGrid) -> Option<String>| plan.grids.iter().map(of).collect::<Vec<_>>();
    let grids = diesel::sql_query(
        "insert into grid_redivision_grid (redivision_id, code, name, kind, exception, exception_reason, approved_by, reason, boundary) \
         select $1, g.* from unnest($2, $3, $4, $5, $6, $7, $8, $9) as g",
    );
    grids
        .bind::<SqlUuid, _>(id.0)
        .bind::<Array<Nullable<Text>>, _>(each(|grid| Some(grid.code.to_string())))
        .bind::<Array<Nullable<Text>>, _>(each(|grid| Some(grid.name.to_string())))
        .bind::<Array<Nullable<Text>>, _>(each(|grid| grid.kind.map(|kind| kind.word().to_owned())))
        .bind::<Array<Nullable<Text>>, _>(each(|grid| grid.exception.map(|exception| exception.word().to_owned())))
        .bind::<Array<Nullable<Text>>, _>(each(|grid| grid.exception_reason.as_ref().map(ToString::to_string)))
        .bind::<Array<Nullable<Text>>, _>(each(|grid| grid.approved_by.as_ref().map(ToString::to_string)))
        .bind::<Array<Nullable<Text>>, _>(each(|grid| grid.reason.as_ref().map(ToString::to_string)))
        .bind::<Array<Nullable<Jsonb>>, _>(plan.grids.iter().map(|grid| grid.boundary.clone()).collect::<Vec<_>>())
        .execute(&mut conn)
        .await?;
    let of_buildings: Vec<String> = plan.buildings.iter().map(|one| one.grid_code.to_string()).collect();
    diesel::sql_query("insert into grid_redivision_building (redivision_id, building_code, grid_code) select $1, p.* from unnest($2, $3) as p")
        .bind::<SqlUuid, _>(id.0)
        .bind::<Array<Text>, _>(buildings)
        .bind::<Array<Text>, _>(of_buildings)
        .execute(&mut conn)
        .await?;
    let of_households: Vec<String> = plan.households.iter().map(|one| one.grid_code.to_string()).collect();
    diesel::sql_query("insert into grid_redivision_household (redivision_id, household_code, grid_code) select $1, p.* from unnest($2, $3) as p")
        .bind::<SqlUuid, _>(id.0)
        .bind::<Array<Text>, _>(households)
        .bind::<Array<Text>, _>(of_households)
        .execute(&mut conn)
        .await?;
    Ok(())
}

fn number(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// Lists the grids of a plan that the caller may see, by code.
pub async fn grids(view: &View<'_>, id: GridRedivisionId, paging: &Paging) -> Result<Page<PlannedGrid>> {
    get(view, id).await?;
    let filter = (id, "grids");
    let mut query = PlannedGrid::query()
        .filter(grid_redivision_grid::redivision_id.eq(id))
        .filter(within!(seen(view), grid_redivision_grid::code))
        .order(grid_redivision_grid::code)
        .limit(paging.fetch())
        .into_boxed();
    if let Some(after) = paging.after(&filter)? {
        query = query.filter(grid_redivision_grid::code.gt(after.key));
    }
    let rows = query.load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, &filter, |row: &PlannedGrid| Cursor { key: row.code.to_string(), id: id.0 })
}

/// Lists the buildings of a plan that the caller may see, by code.
pub async fn buildings(view: &View<'_>, id: GridRedivisionId, paging: &Paging) -> Result<Page<PlannedBuilding>> {
    get(view, id).await?;
    let filter = (id, "buildings");
    let mut query = PlannedBuilding::query()
        .filter(grid_redivision_building::redivision_id.eq(id))
        .filter(within!(seen(view), grid_redivision_building::building_code))
        .order(grid_redivision_building::building_code)
        .limit(paging.fetch())
        .into_boxed();
    if let Some(after) = paging.after(&filter)? {
        query = query.filter(grid_redivision_building::building_code.gt(after.key));
    }
    let rows = query.load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, &filter, |row: &PlannedBuilding| Cursor { key: row.building_code.to_string(), id: id.0 })
}

/// Lists the households of a plan that part from their buildings, by code: those where the caller may see households.
pub async fn households(view: &View<'_>, id: GridRedivisionId, paging: &Paging) -> Result<Page<PlannedHousehold>> {
    get(view, id).await?;
    let filter = (id, "households");
    let mut query = grid_redivision_household::table
        .inner_join(household::table.on(household::code.eq(grid_redivision_household::household_code)))
        .filter(grid_redivision_household::redivision_id.eq(id))
        .filter(within!(view.scope(&[SEE_HOUSEHOLDS]), household::area_code))
        .select(PlannedHousehold::as_select())
        .order(grid_redivision_household::household_code)
        .limit(paging.fetch())
        .into_boxed();
    if let Some(after) = paging.after(&filter)? {
        query = query.filter(grid_redivision_household::household_code.gt(after.key));
    }
    let rows = query.load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, &filter, |row: &PlannedHousehold| Cursor { key: row.household_code.to_string(), id: id.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(code: &str) -> PlannedGrid {
        let (code, name) = (GridCode::parse(code).unwrap(), Name::parse("网格").unwrap());
        PlannedGrid { code, name, kind: None, exception: None, exception_reason: None, approved_by: None, reason: None, boundary: None }
    }

    fn building(code: &str, grid: &str) -> PlannedBuilding {
        PlannedBuilding { building_code: BuildingCode::parse(code).unwrap(), grid_code: GridCode::parse(grid).unwrap() }
    }

    #[test]
    fn org_03_a_plan_is_of_its_area_and_has_nothing_twice() {
        let area: AreaCode = "421181001".parse().unwrap();
        let half = PlannedGrid { exception: Some(LinkException::LargeSplit), ..grid("421181001001003") };
        let plan = GridRedivisionPlan {
            grids: vec![grid("421181001001001"), grid("421181001001001"), grid("421181002001001"), half],
            buildings: vec![
                building("42118100100100001", "421181001001001"),
                building("42118100100100001", "421181001001003"),
                building("42118100100100002", "421181001001009"),
                building("42118100100200001", "421181001001001"),
                building("42118100200100001", "421181002001001"),
            ],
            households: vec![PlannedHousehold {
                household_code: HouseholdCode::parse("42118100100100001010101").unwrap(),
                grid_code: GridCode::parse("421181001001003").unwrap(),
            }],
            version: None,
        };
        let told: Vec<String> = faults(&plan, &area).into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect();
        assert_eq!(
            told,
            [
                "/grids/1/code grid_redivision.twice",
                "/grids/2/code grid_redivision.outside",
                "/grids/3/exception compound_grid.half_an_exception",
                "/buildings/1/building_code grid_redivision.twice",
                "/buildings/2/grid_code grid_redivision.no_such_target",
                "/buildings/3/grid_code grid_redivision.other_community",
                "/buildings/4/building_code grid_redivision.outside",
            ]
        );
    }
}
