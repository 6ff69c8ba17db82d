//! `/v1/ownerships`: 所有权(业主).

use actix_web::{get, patch, post, put};
use kernel::Ending;
use kernel::journal::{self, Change};
use organization::ownership::{self, NewOwnership, Ownership, OwnershipFilter, OwnershipId, OwnershipPatch};
use organization::ownership_entry;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};

/// List ownerships · 列出所有权
#[utoipa::path(tag = "organization", params(OwnershipFilter, PageParams), security(("Bearer" = ["ownership.read"])))]
#[get("/ownerships")]
async fn list_ownerships(caller: Caller, filter: Query<OwnershipFilter>) -> Reply<List<Ownership>> {
    caller.page(None, async |view, paging| ownership::list(view, &filter, paging).await).await
}

/// Get an ownership · 读取所有权
#[utoipa::path(tag = "organization", security(("Bearer" = ["ownership.read"])))]
#[get("/ownerships/{id}")]
async fn get_ownership(caller: Caller, id: Id<OwnershipId>) -> Reply<One<Ownership>> {
    caller.read(async |view| ownership::get(view, *id).await.map(One)).await
}

/// Enter an ownership · 登记所有权
///
/// On no day are the shares of a dwelling more than the whole. A transfer is the end of one ownership and the beginning of
/// another on the same day; a batch does both at once.
#[utoipa::path(tag = "organization", security(("Bearer" = ["ownership.write"])))]
#[post("/ownerships")]
async fn create_ownership(caller: Caller, new: Json<NewOwnership>) -> WriteReply<Created<Ownership>> {
    caller.write("ownership.create", async |tx| ownership_entry::create(tx, &new).await.map(Created)).await
}

/// Change an ownership · 更改所有权
///
/// Its share, who votes, its beginning. Another owner is an end and a new ownership.
#[utoipa::path(tag = "organization", security(("Bearer" = ["ownership.write"])))]
#[patch("/ownerships/{id}")]
async fn update_ownership(caller: Caller, id: Id<OwnershipId>, version: IfMatch, patch: Json<OwnershipPatch>) -> WriteReply<One<Ownership>> {
    caller.write("ownership.update", async |tx| ownership_entry::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Enter or change an ownership by your own key · 按自有编号登记或更改所有权
#[utoipa::path(tag = "organization", security(("Bearer" = ["ownership.write"])))]
#[put("/ownerships/by-ref/{source}/{ref}")]
async fn put_ownership(caller: Caller, key: ByRef, new: Json<NewOwnership>) -> WriteReply<One<Ownership>> {
    caller.write("ownership.put", async |tx| ownership_entry::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End an ownership · 终止所有权
#[utoipa::path(tag = "organization", security(("Bearer" = ["ownership.write"])))]
#[post("/ownerships/{id}/end")]
async fn end_ownership(caller: Caller, id: Id<OwnershipId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Ownership>> {
    caller.write("ownership.end", async |tx| ownership_entry::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Enter, change and end ownerships in one request · 批量处理所有权
#[utoipa::path(tag = "organization", security(("Bearer" = ["ownership.write"])))]
#[post("/ownerships:batch")]
async fn batch_ownerships(caller: Caller, batch: Json<Batch<NewOwnership, OwnershipPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("ownership.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => ownership_entry::create(tx, new).await,
            BatchItem::Update(update) => ownership_entry::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => ownership_entry::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of an ownership · 列出所有权的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["ownership.read"])))]
#[get("/ownerships/{id}/history")]
async fn list_ownership_history(caller: Caller, id: Id<OwnershipId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            ownership::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_ownerships)
        .service(get_ownership)
        .service(create_ownership)
        .service(update_ownership)
        .service(put_ownership)
        .service(end_ownership)
        .service(batch_ownerships)
        .service(list_ownership_history);
}
