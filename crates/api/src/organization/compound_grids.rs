//! `/v1/compound-grids`: 小区的网格归属.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::compound_grid::{self, CompoundGrid, CompoundGridFilter, CompoundGridId, CompoundGridPatch, NewCompoundGrid};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List links of compounds to grids · 列出小区的网格归属
#[utoipa::path(tag = "organization", params(CompoundGridFilter, PageParams), security(("Bearer" = ["compound.read"])))]
#[get("/compound-grids")]
async fn list_compound_grids(caller: Caller, filter: Query<CompoundGridFilter>) -> Reply<List<CompoundGrid>> {
    caller.page(None, async |view, paging| compound_grid::list(view, &filter, paging).await).await
}

/// Get a link of a compound to a grid · 读取小区的网格归属
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.read"])))]
#[get("/compound-grids/{id}")]
async fn get_compound_grid(caller: Caller, id: Id<CompoundGridId>) -> Reply<One<CompoundGrid>> {
    caller.read(async |view| compound_grid::get(view, *id).await.map(One)).await
}

/// Create a link of a compound to a grid · 登记小区的网格归属
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[post("/compound-grids")]
async fn create_compound_grid(caller: Caller, new: Json<NewCompoundGrid>) -> WriteReply<Created<CompoundGrid>> {
    caller.write("compound_grid.create", async |tx| compound_grid::create(tx, &new).await.map(Created)).await
}

/// Change a link of a compound to a grid · 更改小区的网格归属
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[patch("/compound-grids/{id}")]
async fn update_compound_grid(caller: Caller, id: Id<CompoundGridId>, version: IfMatch, patch: Json<CompoundGridPatch>) -> WriteReply<One<CompoundGrid>> {
    caller.write("compound_grid.update", async |tx| compound_grid::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a link of a compound to a grid by your own key · 按自有编号登记或更改小区的网格归属
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[put("/compound-grids/by-ref/{source}/{ref}")]
async fn put_compound_grid(caller: Caller, key: ByRef, new: Json<NewCompoundGrid>) -> WriteReply<One<CompoundGrid>> {
    caller.write("compound_grid.put", async |tx| compound_grid::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a link of a compound to a grid · 终止小区的网格归属
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[post("/compound-grids/{id}/end")]
async fn end_compound_grid(caller: Caller, id: Id<CompoundGridId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<CompoundGrid>> {
    caller.write("compound_grid.end", async |tx| compound_grid::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end links of compounds to grids in one request · 批量处理小区的网格归属
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[post("/compound-grids:batch")]
async fn batch_compound_grids(caller: Caller, batch: Json<Batch<NewCompoundGrid, CompoundGridPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("compound_grid.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => compound_grid::create(tx, new).await,
            BatchItem::Update(update) => compound_grid::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => compound_grid::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a link of a compound to a grid · 列出小区的网格归属的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["compound.read"])))]
#[get("/compound-grids/{id}/history")]
async fn list_compound_grid_history(caller: Caller, id: Id<CompoundGridId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            compound_grid::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_compound_grids)
        .service(get_compound_grid)
        .service(create_compound_grid)
        .service(update_compound_grid)
        .service(put_compound_grid)
        .service(end_compound_grid)
        .service(batch_compound_grids)
        .service(list_compound_grid_history);
}
