//! `/v1/reports` on the area tree.

use actix_web::get;
use organization::grid_division::{self, GridDivision, GridDivisionQuery};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::query::{Query, ReportDay};
use crate::reply::{Done, Reply};

/// Report what breaks the criteria of grid division · 网格划分报告
///
/// For a community, a subdistrict or the city: buildings and households in no grid or in several, compounds
/// without a grid or with several, grids out of the size band, the spread of load.
#[utoipa::path(tag = "organization", params(GridDivisionQuery, ReportDay), security(("Bearer" = ["grid.read"])))]
#[get("/reports/grid-division")]
async fn get_grid_division_report(caller: Caller, query: Query<GridDivisionQuery>, day: Query<ReportDay>) -> Reply<Done<GridDivision>> {
    let caller = caller.as_of(day.as_of);
    caller.report(async |view| grid_division::report(view, &query).await.map(Done)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_grid_division_report);
}
