//! `/v1/households`: 户.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::household::{self, Household, HouseholdFilter, HouseholdId, HouseholdPatch, NewHousehold};
use organization::household_move::{self, Move};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, SortParam};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List households · 列出户
#[utoipa::path(tag = "organization", params(HouseholdFilter, SortParam, PageParams), security(("Bearer" = ["household.read"])))]
#[get("/households")]
async fn list_households(caller: Caller, filter: Query<HouseholdFilter>) -> Reply<List<Household>> {
    caller.list(filter, household::list).await
}

/// Get a household · 读取户
#[utoipa::path(tag = "organization", security(("Bearer" = ["household.read"])))]
#[get("/households/{id}")]
async fn get_household(caller: Caller, id: Id<HouseholdId>) -> Reply<One<Household>> {
    caller.read(async |view| household::get(view, *id).await.map(One)).await
}

/// Create a household · 登记户
#[utoipa::path(tag = "organization", security(("Bearer" = ["household.write"])))]
#[post("/households")]
async fn create_household(caller: Caller, new: Json<NewHousehold>) -> WriteReply<Created<Household>> {
    caller.write("household.create", async |tx| household::create(tx, &new).await.map(Created)).await
}

/// Change a household · 更改户
#[utoipa::path(tag = "organization", security(("Bearer" = ["household.write"])))]
#[patch("/households/{id}")]
async fn update_household(caller: Caller, id: Id<HouseholdId>, version: IfMatch, patch: Json<HouseholdPatch>) -> WriteReply<One<Household>> {
    caller.write("household.update", async |tx| household::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a household by your own key · 按自有编号登记或更改户
#[utoipa::path(tag = "organization", security(("Bearer" = ["household.write"])))]
#[put("/households/by-ref/{source}/{ref}")]
async fn put_household(caller: Caller, key: ByRef, new: Json<NewHousehold>) -> WriteReply<One<Household>> {
    caller.write("household.put", async |tx| household::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a household · 终止户
///
/// Its time in its grid ends with it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["household.write"])))]
#[post("/households/{id}/end")]
async fn end_household(caller: Caller, id: Id<HouseholdId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Household>> {
    caller.write("household.end", async |tx| household::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Move a household to another grid · 迁移户
///
/// Dated: today unless said, never in the future, never before its last move.
#[utoipa::path(tag = "organization", security(("Bearer" = ["household.write"])))]
#[post("/households/{id}/move")]
async fn move_household(caller: Caller, id: Id<HouseholdId>, version: IfMatch, to: Json<Move>) -> WriteReply<One<Household>> {
    caller.write("household.move", async |tx| household_move::relocate(tx, *id, version.or(to.version)?, &to).await.map(One)).await
}

/// Create, change and end households in one request · 批量处理户
#[utoipa::path(tag = "organization", security(("Bearer" = ["household.write"])))]
#[post("/households:batch")]
async fn batch_households(caller: Caller, batch: Json<Batch<NewHousehold, HouseholdPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("household.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => household::create(tx, new).await,
            BatchItem::Update(update) => household::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => household::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a household · 列出户的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["household.read"])))]
#[get("/households/{id}/history")]
async fn list_household_history(caller: Caller, id: Id<HouseholdId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            household::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_households)
        .service(get_household)
        .service(create_household)
        .service(update_household)
        .service(put_household)
        .service(end_household)
        .service(move_household)
        .service(batch_households)
        .service(list_household_history);
}
