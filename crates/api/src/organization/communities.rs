//! `/v1/communities`: 社区.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::community::{self, Community, CommunityFilter, CommunityId, CommunityPatch, NewCommunity};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, SortParam};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List communities · 列出社区
#[utoipa::path(tag = "organization", params(CommunityFilter, SortParam, PageParams), security(("Bearer" = ["community.read"])))]
#[get("/communities")]
async fn list_communities(caller: Caller, filter: Query<CommunityFilter>) -> Reply<List<Community>> {
    caller.list(filter, community::list).await
}

/// Get a community · 读取社区
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.read"])))]
#[get("/communities/{id}")]
async fn get_community(caller: Caller, id: Id<CommunityId>) -> Reply<One<Community>> {
    caller.read(async |view| community::get(view, *id).await.map(One)).await
}

/// Create a community · 登记社区
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.write"])))]
#[post("/communities")]
async fn create_community(caller: Caller, new: Json<NewCommunity>) -> WriteReply<Created<Community>> {
    caller.write("community.create", async |tx| community::create(tx, &new).await.map(Created)).await
}

/// Change a community · 更改社区
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.write"])))]
#[patch("/communities/{id}")]
async fn update_community(caller: Caller, id: Id<CommunityId>, version: IfMatch, patch: Json<CommunityPatch>) -> WriteReply<One<Community>> {
    caller.write("community.update", async |tx| community::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a community by your own key · 按自有编号登记或更改社区
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.write"])))]
#[put("/communities/by-ref/{source}/{ref}")]
async fn put_community(caller: Caller, key: ByRef, new: Json<NewCommunity>) -> WriteReply<One<Community>> {
    caller.write("community.put", async |tx| community::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a community · 终止社区
///
/// Refused while grids or compounds are in it from that day on.
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.write"])))]
#[post("/communities/{id}/end")]
async fn end_community(caller: Caller, id: Id<CommunityId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Community>> {
    caller.write("community.end", async |tx| community::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end communities in one request · 批量处理社区
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.write"])))]
#[post("/communities:batch")]
async fn batch_communities(caller: Caller, batch: Json<Batch<NewCommunity, CommunityPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("community.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => community::create(tx, new).await,
            BatchItem::Update(update) => community::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => community::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a community · 列出社区的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["community.read"])))]
#[get("/communities/{id}/history")]
async fn list_community_history(caller: Caller, id: Id<CommunityId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            community::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_communities)
        .service(get_community)
        .service(create_community)
        .service(update_community)
        .service(put_community)
        .service(end_community)
        .service(batch_communities)
        .service(list_community_history);
}
