//! `/v1/grids`: 网格.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::grid::{self, Grid, GridFilter, GridId, GridPatch, NewGrid};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, SortParam};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List grids · 列出网格
#[utoipa::path(tag = "organization", params(GridFilter, SortParam, PageParams), security(("Bearer" = ["grid.read"])))]
#[get("/grids")]
async fn list_grids(caller: Caller, filter: Query<GridFilter>) -> Reply<List<Grid>> {
    caller.list(filter, grid::list).await
}

/// Get a grid · 读取网格
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.read"])))]
#[get("/grids/{id}")]
async fn get_grid(caller: Caller, id: Id<GridId>) -> Reply<One<Grid>> {
    caller.read(async |view| grid::get(view, *id).await.map(One)).await
}

/// Create a grid · 登记网格
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.write"])))]
#[post("/grids")]
async fn create_grid(caller: Caller, new: Json<NewGrid>) -> WriteReply<Created<Grid>> {
    caller.write("grid.create", async |tx| grid::create(tx, &new).await.map(Created)).await
}

/// Change a grid · 更改网格
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.write"])))]
#[patch("/grids/{id}")]
async fn update_grid(caller: Caller, id: Id<GridId>, version: IfMatch, patch: Json<GridPatch>) -> WriteReply<One<Grid>> {
    caller.write("grid.update", async |tx| grid::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a grid by your own key · 按自有编号登记或更改网格
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.write"])))]
#[put("/grids/by-ref/{source}/{ref}")]
async fn put_grid(caller: Caller, key: ByRef, new: Json<NewGrid>) -> WriteReply<One<Grid>> {
    caller.write("grid.put", async |tx| grid::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a grid · 终止网格
///
/// Refused while households, compounds or people are in it from that day on.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.write"])))]
#[post("/grids/{id}/end")]
async fn end_grid(caller: Caller, id: Id<GridId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Grid>> {
    caller.write("grid.end", async |tx| grid::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end grids in one request · 批量处理网格
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.write"])))]
#[post("/grids:batch")]
async fn batch_grids(caller: Caller, batch: Json<Batch<NewGrid, GridPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("grid.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => grid::create(tx, new).await,
            BatchItem::Update(update) => grid::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => grid::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a grid · 列出网格的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["grid.read"])))]
#[get("/grids/{id}/history")]
async fn list_grid_history(caller: Caller, id: Id<GridId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            grid::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_grids)
        .service(get_grid)
        .service(create_grid)
        .service(update_grid)
        .service(put_grid)
        .service(end_grid)
        .service(batch_grids)
        .service(list_grid_history);
}
