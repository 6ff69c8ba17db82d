//! `/v1/subdistricts`: 街道(乡镇).

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::subdistrict::{self, NewSubdistrict, Subdistrict, SubdistrictFilter, SubdistrictId, SubdistrictPatch};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, SortParam};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List subdistricts · 列出街道(乡镇)
#[utoipa::path(tag = "organization", params(SubdistrictFilter, SortParam, PageParams), security(("Bearer" = ["subdistrict.read"])))]
#[get("/subdistricts")]
async fn list_subdistricts(caller: Caller, filter: Query<SubdistrictFilter>) -> Reply<List<Subdistrict>> {
    caller.list(filter, subdistrict::list).await
}

/// Get a subdistrict · 读取街道(乡镇)
#[utoipa::path(tag = "organization", security(("Bearer" = ["subdistrict.read"])))]
#[get("/subdistricts/{id}")]
async fn get_subdistrict(caller: Caller, id: Id<SubdistrictId>) -> Reply<One<Subdistrict>> {
    caller.read(async |view| subdistrict::get(view, *id).await.map(One)).await
}

/// Create a subdistrict · 登记街道(乡镇)
#[utoipa::path(tag = "organization", security(("Bearer" = ["subdistrict.write"])))]
#[post("/subdistricts")]
async fn create_subdistrict(caller: Caller, new: Json<NewSubdistrict>) -> WriteReply<Created<Subdistrict>> {
    caller.write("subdistrict.create", async |tx| subdistrict::create(tx, &new).await.map(Created)).await
}

/// Change a subdistrict · 更改街道(乡镇)
#[utoipa::path(tag = "organization", security(("Bearer" = ["subdistrict.write"])))]
#[patch("/subdistricts/{id}")]
async fn update_subdistrict(caller: Caller, id: Id<SubdistrictId>, version: IfMatch, patch: Json<SubdistrictPatch>) -> WriteReply<One<Subdistrict>> {
    caller.write("subdistrict.update", async |tx| subdistrict::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a subdistrict by your own key · 按自有编号登记或更改街道(乡镇)
#[utoipa::path(tag = "organization", security(("Bearer" = ["subdistrict.write"])))]
#[put("/subdistricts/by-ref/{source}/{ref}")]
async fn put_subdistrict(caller: Caller, key: ByRef, new: Json<NewSubdistrict>) -> WriteReply<One<Subdistrict>> {
    caller.write("subdistrict.put", async |tx| subdistrict::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a subdistrict · 终止街道(乡镇)
///
/// Refused while communities are in it from that day on.
#[utoipa::path(tag = "organization", security(("Bearer" = ["subdistrict.write"])))]
#[post("/subdistricts/{id}/end")]
async fn end_subdistrict(caller: Caller, id: Id<SubdistrictId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Subdistrict>> {
    caller.write("subdistrict.end", async |tx| subdistrict::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end subdistricts in one request · 批量处理街道(乡镇)
#[utoipa::path(tag = "organization", security(("Bearer" = ["subdistrict.write"])))]
#[post("/subdistricts:batch")]
async fn batch_subdistricts(caller: Caller, batch: Json<Batch<NewSubdistrict, SubdistrictPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("subdistrict.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => subdistrict::create(tx, new).await,
            BatchItem::Update(update) => subdistrict::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => subdistrict::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a subdistrict · 列出街道(乡镇)的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["subdistrict.read"])))]
#[get("/subdistricts/{id}/history")]
async fn list_subdistrict_history(caller: Caller, id: Id<SubdistrictId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            subdistrict::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_subdistricts)
        .service(get_subdistrict)
        .service(create_subdistrict)
        .service(update_subdistrict)
        .service(put_subdistrict)
        .service(end_subdistrict)
        .service(batch_subdistricts)
        .service(list_subdistrict_history);
}
