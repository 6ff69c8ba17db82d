//! `/v1/buildings`: 楼栋.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::building::{self, Building, BuildingFilter, BuildingId, BuildingPatch, NewBuilding};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, SortParam};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List buildings · 列出楼栋
#[utoipa::path(tag = "organization", params(BuildingFilter, SortParam, PageParams), security(("Bearer" = ["building.read"])))]
#[get("/buildings")]
async fn list_buildings(caller: Caller, filter: Query<BuildingFilter>) -> Reply<List<Building>> {
    caller.list(filter, building::list).await
}

/// Get a building · 读取楼栋
#[utoipa::path(tag = "organization", security(("Bearer" = ["building.read"])))]
#[get("/buildings/{id}")]
async fn get_building(caller: Caller, id: Id<BuildingId>) -> Reply<One<Building>> {
    caller.read(async |view| building::get(view, *id).await.map(One)).await
}

/// Create a building · 登记楼栋
#[utoipa::path(tag = "organization", security(("Bearer" = ["building.write"])))]
#[post("/buildings")]
async fn create_building(caller: Caller, new: Json<NewBuilding>) -> WriteReply<Created<Building>> {
    caller.write("building.create", async |tx| building::create(tx, &new).await.map(Created)).await
}

/// Change a building · 更改楼栋
#[utoipa::path(tag = "organization", security(("Bearer" = ["building.write"])))]
#[patch("/buildings/{id}")]
async fn update_building(caller: Caller, id: Id<BuildingId>, version: IfMatch, patch: Json<BuildingPatch>) -> WriteReply<One<Building>> {
    caller.write("building.update", async |tx| building::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a building by your own key · 按自有编号登记或更改楼栋
#[utoipa::path(tag = "organization", security(("Bearer" = ["building.write"])))]
#[put("/buildings/by-ref/{source}/{ref}")]
async fn put_building(caller: Caller, key: ByRef, new: Json<NewBuilding>) -> WriteReply<One<Building>> {
    caller.write("building.put", async |tx| building::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a building · 终止楼栋
///
/// Refused while households are in it from that day on.
#[utoipa::path(tag = "organization", security(("Bearer" = ["building.write"])))]
#[post("/buildings/{id}/end")]
async fn end_building(caller: Caller, id: Id<BuildingId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Building>> {
    caller.write("building.end", async |tx| building::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end buildings in one request · 批量处理楼栋
#[utoipa::path(tag = "organization", security(("Bearer" = ["building.write"])))]
#[post("/buildings:batch")]
async fn batch_buildings(caller: Caller, batch: Json<Batch<NewBuilding, BuildingPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("building.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => building::create(tx, new).await,
            BatchItem::Update(update) => building::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => building::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a building · 列出楼栋的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["building.read"])))]
#[get("/buildings/{id}/history")]
async fn list_building_history(caller: Caller, id: Id<BuildingId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            building::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_buildings)
        .service(get_building)
        .service(create_building)
        .service(update_building)
        .service(put_building)
        .service(end_building)
        .service(batch_buildings)
        .service(list_building_history);
}
