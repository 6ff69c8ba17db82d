//! `/v1/compounds/{id}/five-basics` and `…/one-core`: 五个基本, 一核多元; and the report on the second.

use actix_web::get;
use organization::compound::CompoundId;
use organization::five_basics::{self, FiveBasics};
use organization::one_core::{self, OneCore, OneCoreFilter, OneCoreStanding};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::query::{Id, PageParams, Query, ReportDay};
use crate::reply::{Done, List, Reply};

/// Get a compound in the five basics · 读取小区“五个基本”情况
///
/// Organization as checks, each computed from what is recorded on the day, with the evidence of what is there and a sentence on
/// what is missing. Workforce, rules, activities and guarantees are not yet recorded, so `overall` is null.
#[utoipa::path(tag = "organization", params(ReportDay), security(("Bearer" = ["five_basics.read", "compound.read"])))]
#[get("/compounds/{id}/five-basics")]
async fn get_compound_five_basics(caller: Caller, id: Id<CompoundId>, day: Query<ReportDay>) -> Reply<Done<FiveBasics>> {
    let caller = caller.as_of(day.as_of);
    caller.browse(async |view| five_basics::get(view, *id).await.map(Done)).await
}

/// Say who fills which place in a compound · 读取小区“一核多元”情况
///
/// The core party organization and its secretary, bodies of owners and their directors, who looks after the compound as a whole,
/// each with the day since when, and what is missing. Social organizations are not yet recorded.
#[utoipa::path(tag = "organization", params(ReportDay), security(("Bearer" = ["five_basics.read", "compound.read"])))]
#[get("/compounds/{id}/one-core")]
async fn get_compound_one_core(caller: Caller, id: Id<CompoundId>, day: Query<ReportDay>) -> Reply<Done<OneCore>> {
    let caller = caller.as_of(day.as_of);
    caller.browse(async |view| one_core::get(view, *id).await.map(Done)).await
}

/// Report which compounds lack a place of one core, many actors · “一核多元”缺项报告
///
/// The compounds of a grid, a community, a subdistrict or the city on a day, by code, with what each lacks; `complete=false`
/// leaves those out that lack nothing.
#[utoipa::path(tag = "organization", params(OneCoreFilter, PageParams), security(("Bearer" = ["five_basics.read"])))]
#[get("/reports/one-core")]
async fn list_one_core_standings(caller: Caller, filter: Query<OneCoreFilter>) -> Reply<List<OneCoreStanding>> {
    caller.page(None, async |view, paging| one_core::list(view, &filter, paging).await).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_compound_five_basics).service(get_compound_one_core).service(list_one_core_standings);
}
