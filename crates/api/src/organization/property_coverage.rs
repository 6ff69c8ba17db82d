//! `/v1/reports/property-coverage`: 物业服务覆盖.

use actix_web::get;
use organization::property_coverage::{self, CompoundCoverage, GridCoverage, PropertyCoverage, PropertyCoverageFilter, PropertyCoverageQuery};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::query::{PageParams, Query, ReportDay};
use crate::reply::{Done, List, Reply};

/// Report how far property services cover an area · 物业服务覆盖报告
///
/// For a grid, a community, a subdistrict or the city on a day: covered grids and compounds of all, and who serves them.
/// Self-management counts, a part of the service alone does not. The rows that are counted stand under `/grids` and
/// `/compounds`.
#[utoipa::path(tag = "organization", params(PropertyCoverageQuery, ReportDay), security(("Bearer" = ["property_project.read"])))]
#[get("/reports/property-coverage")]
async fn get_property_coverage_report(caller: Caller, query: Query<PropertyCoverageQuery>, day: Query<ReportDay>) -> Reply<Done<PropertyCoverage>> {
    let caller = caller.as_of(day.as_of);
    caller.report(async |view| property_coverage::coverage(view, &query).await.map(Done)).await
}

/// List the grids that the coverage counts · 列出物业服务覆盖报告所计的网格
#[utoipa::path(tag = "organization", params(PropertyCoverageFilter, PageParams), security(("Bearer" = ["property_project.read"])))]
#[get("/reports/property-coverage/grids")]
async fn list_property_coverage_grids(caller: Caller, filter: Query<PropertyCoverageFilter>) -> Reply<List<GridCoverage>> {
    caller.page(None, async |view, paging| property_coverage::grids(view, &filter, paging).await).await
}

/// List the compounds that the coverage counts · 列出物业服务覆盖报告所计的小区
#[utoipa::path(tag = "organization", params(PropertyCoverageFilter, PageParams), security(("Bearer" = ["property_project.read"])))]
#[get("/reports/property-coverage/compounds")]
async fn list_property_coverage_compounds(caller: Caller, filter: Query<PropertyCoverageFilter>) -> Reply<List<CompoundCoverage>> {
    caller.page(None, async |view, paging| property_coverage::compounds(view, &filter, paging).await).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_property_coverage_report).service(list_property_coverage_grids).service(list_property_coverage_compounds);
}
