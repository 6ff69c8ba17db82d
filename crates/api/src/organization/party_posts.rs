//! `/v1/party-posts`: 党内任职和中心户党员.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::party_post::{self, PartyPost, PartyPostId};
use organization::party_post_body::{NewPartyPost, PartyPostFilter, PartyPostPatch};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List party posts · 列出党内任职
#[utoipa::path(tag = "organization", params(PartyPostFilter, PageParams), security(("Bearer" = ["party_post.read"])))]
#[get("/party-posts")]
async fn list_party_posts(caller: Caller, filter: Query<PartyPostFilter>) -> Reply<List<PartyPost>> {
    caller.page(None, async |view, paging| party_post::list(view, &filter, paging).await).await
}

/// Get a party post · 读取党内任职
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_post.read"])))]
#[get("/party-posts/{id}")]
async fn get_party_post(caller: Caller, id: Id<PartyPostId>) -> Reply<One<PartyPost>> {
    caller.read(async |view| party_post::get(view, *id).await.map(One)).await
}

/// Create a party post · 登记党内任职
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_post.write"])))]
#[post("/party-posts")]
async fn create_party_post(caller: Caller, new: Json<NewPartyPost>) -> WriteReply<Created<PartyPost>> {
    caller.write("party_post.create", async |tx| party_post::create(tx, &new).await.map(Created)).await
}

/// Change a party post · 更改党内任职
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_post.write"])))]
#[patch("/party-posts/{id}")]
async fn update_party_post(caller: Caller, id: Id<PartyPostId>, version: IfMatch, patch: Json<PartyPostPatch>) -> WriteReply<One<PartyPost>> {
    caller.write("party_post.update", async |tx| party_post::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a party post by your own key · 按自有编号登记或更改党内任职
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_post.write"])))]
#[put("/party-posts/by-ref/{source}/{ref}")]
async fn put_party_post(caller: Caller, key: ByRef, new: Json<NewPartyPost>) -> WriteReply<One<PartyPost>> {
    caller.write("party_post.put", async |tx| party_post::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a party post · 终止党内任职
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_post.write"])))]
#[post("/party-posts/{id}/end")]
async fn end_party_post(caller: Caller, id: Id<PartyPostId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<PartyPost>> {
    caller.write("party_post.end", async |tx| party_post::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end party posts in one request · 批量处理党内任职
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_post.write"])))]
#[post("/party-posts:batch")]
async fn batch_party_posts(caller: Caller, batch: Json<Batch<NewPartyPost, PartyPostPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("party_post.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => party_post::create(tx, new).await,
            BatchItem::Update(update) => party_post::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => party_post::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a party post · 列出党内任职的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["party_post.read"])))]
#[get("/party-posts/{id}/history")]
async fn list_party_post_history(caller: Caller, id: Id<PartyPostId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            party_post::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_party_posts)
        .service(get_party_post)
        .service(create_party_post)
        .service(update_party_post)
        .service(put_party_post)
        .service(end_party_post)
        .service(batch_party_posts)
        .service(list_party_post_history);
}
