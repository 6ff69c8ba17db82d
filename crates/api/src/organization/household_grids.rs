//! `/v1/household-grids`: 户的网格归属, read only; moving a household writes them.

use actix_web::get;
use organization::household_grid::{self, HouseholdGrid, HouseholdGridFilter, HouseholdGridId};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::query::{Id, PageParams, Query};
use crate::reply::{Done, List, Reply};

/// List households' times in grids · 列出户的网格归属
#[utoipa::path(tag = "organization", params(HouseholdGridFilter, PageParams), security(("Bearer" = ["household.read"])))]
#[get("/household-grids")]
async fn list_household_grids(caller: Caller, filter: Query<HouseholdGridFilter>) -> Reply<List<HouseholdGrid>> {
    caller.page(None, async |view, paging| household_grid::list(view, &filter, paging).await).await
}

/// Get a household's time in a grid · 读取户的网格归属
#[utoipa::path(tag = "organization", security(("Bearer" = ["household.read"])))]
#[get("/household-grids/{id}")]
async fn get_household_grid(caller: Caller, id: Id<HouseholdGridId>) -> Reply<Done<HouseholdGrid>> {
    caller.read(async |view| household_grid::get(view, *id).await.map(Done)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_household_grids).service(get_household_grid);
}
