//! `/v1/grid-lineages`: 网格沿革. Lines come by imports, and are never changed by hand.

use actix_web::get;
use kernel::journal::{self, Change};
use organization::grid_lineage::{self, Descent, GridLineage, GridLineageFilter, GridLineageId};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::query::{Id, PageParams, Query, ReportDay, Word};
use crate::reply::{Done, List, One, Reply};

/// List what became of grids · 列出网格沿革
#[utoipa::path(tag = "organization", params(GridLineageFilter, PageParams), security(("Bearer" = ["grid.read"])))]
#[get("/grid-lineages")]
async fn list_grid_lineages(caller: Caller, filter: Query<GridLineageFilter>) -> Reply<List<GridLineage>> {
    caller.page(None, async |view, paging| grid_lineage::list(view, &filter, paging).await).await
}

/// Get a line of descent · 读取网格沿革
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.read"])))]
#[get("/grid-lineages/{id}")]
async fn get_grid_lineage(caller: Caller, id: Id<GridLineageId>) -> Reply<One<GridLineage>> {
    caller.read(async |view| grid_lineage::get(view, *id).await.map(One)).await
}

/// List the changes of a line of descent · 列出网格沿革的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["grid.read"])))]
#[get("/grid-lineages/{id}/history")]
async fn list_grid_lineage_history(caller: Caller, id: Id<GridLineageId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            grid_lineage::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// Report what became of a grid and where it comes from · 网格来龙去脉
///
/// An old code leads to the grids that it is on the day, over as many divisions as there were; a new one to all that it
/// comes from.
#[utoipa::path(tag = "organization", params(ReportDay), security(("Bearer" = ["grid.read"])))]
#[get("/reports/grid-descent/{code}")]
async fn get_grid_descent_report(caller: Caller, code: Word, day: Query<ReportDay>) -> Reply<Done<Descent>> {
    let caller = caller.as_of(day.as_of);
    caller.report(async |view| grid_lineage::descent(view, &code).await.map(Done)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_grid_lineages).service(get_grid_lineage).service(list_grid_lineage_history).service(get_grid_descent_report);
}
