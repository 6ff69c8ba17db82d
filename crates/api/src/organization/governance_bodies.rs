//! `/v1/governance-bodies`: 治理机构.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::governance_body::{self, GovernanceBody, GovernanceBodyFilter, GovernanceBodyId, GovernanceBodyPatch, NewGovernanceBody};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List governance bodies · 列出治理机构
#[utoipa::path(tag = "organization", params(GovernanceBodyFilter, PageParams), security(("Bearer" = ["governance_body.read"])))]
#[get("/governance-bodies")]
async fn list_governance_bodies(caller: Caller, filter: Query<GovernanceBodyFilter>) -> Reply<List<GovernanceBody>> {
    caller.page(None, async |view, paging| governance_body::list(view, &filter, paging).await).await
}

/// Get a governance body · 读取治理机构
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.read"])))]
#[get("/governance-bodies/{id}")]
async fn get_governance_body(caller: Caller, id: Id<GovernanceBodyId>) -> Reply<One<GovernanceBody>> {
    caller.read(async |view| governance_body::get(view, *id).await.map(One)).await
}

/// Create a governance body · 登记治理机构
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[post("/governance-bodies")]
async fn create_governance_body(caller: Caller, new: Json<NewGovernanceBody>) -> WriteReply<Created<GovernanceBody>> {
    caller.write("governance_body.create", async |tx| governance_body::create(tx, &new).await.map(Created)).await
}

/// Change a governance body · 更改治理机构
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[patch("/governance-bodies/{id}")]
async fn update_governance_body(
    caller: Caller,
    id: Id<GovernanceBodyId>,
    version: IfMatch,
    patch: Json<GovernanceBodyPatch>,
) -> WriteReply<One<GovernanceBody>> {
    caller.write("governance_body.update", async |tx| governance_body::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a governance body by your own key · 按自有编号登记或更改治理机构
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[put("/governance-bodies/by-ref/{source}/{ref}")]
async fn put_governance_body(caller: Caller, key: ByRef, new: Json<NewGovernanceBody>) -> WriteReply<One<GovernanceBody>> {
    caller.write("governance_body.put", async |tx| governance_body::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a governance body · 终止治理机构
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[post("/governance-bodies/{id}/end")]
async fn end_governance_body(caller: Caller, id: Id<GovernanceBodyId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<GovernanceBody>> {
    caller.write("governance_body.end", async |tx| governance_body::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end governance bodies in one request · 批量处理治理机构
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[post("/governance-bodies:batch")]
async fn batch_governance_bodies(caller: Caller, batch: Json<Batch<NewGovernanceBody, GovernanceBodyPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("governance_body.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => governance_body::create(tx, new).await,
            BatchItem::Update(update) => governance_body::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => governance_body::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a governance body · 列出治理机构的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["governance_body.read"])))]
#[get("/governance-bodies/{id}/history")]
async fn list_governance_body_history(caller: Caller, id: Id<GovernanceBodyId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            governance_body::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_governance_bodies)
        .service(get_governance_body)
        .service(create_governance_body)
        .service(update_governance_body)
        .service(put_governance_body)
        .service(end_governance_body)
        .service(batch_governance_bodies)
        .service(list_governance_body_history);
}
