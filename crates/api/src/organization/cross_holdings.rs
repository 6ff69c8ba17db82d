//! `/v1/reports/cross-holdings`: 交叉任职.

use actix_web::get;
use organization::cross_holding::{self, CrossHolding, CrossHoldingFilter};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::query::{PageParams, Query};
use crate::reply::{List, Reply};

/// Report who holds a post in the party organization and a seat of the owners · 交叉任职报告
///
/// People in the committee of a compound's party organization who also sit in its owners' committee, management committee or
/// council on the day, once a compound. Managers of property projects are named by text alone, so they are not among them.
#[utoipa::path(tag = "organization", params(CrossHoldingFilter, PageParams), security(("Bearer" = ["party_post.read"])))]
#[get("/reports/cross-holdings")]
async fn list_cross_holdings(caller: Caller, filter: Query<CrossHoldingFilter>) -> Reply<List<CrossHolding>> {
    caller.page(None, async |view, paging| cross_holding::list(view, &filter, paging).await).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_cross_holdings);
}
