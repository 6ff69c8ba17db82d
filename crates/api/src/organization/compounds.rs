//! `/v1/compounds`: 小区.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::compound::{self, Compound, CompoundFilter, CompoundId, CompoundPatch, NewCompound};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, SortParam};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List compounds · 列出小区
#[utoipa::path(tag = "organization", params(CompoundFilter, SortParam, PageParams), security(("Bearer" = ["compound.read"])))]
#[get("/compounds")]
async fn list_compounds(caller: Caller, filter: Query<CompoundFilter>) -> Reply<List<Compound>> {
    caller.list(filter, compound::list).await
}

/// Get a compound · 读取小区
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.read"])))]
#[get("/compounds/{id}")]
async fn get_compound(caller: Caller, id: Id<CompoundId>) -> Reply<One<Compound>> {
    caller.read(async |view| compound::get(view, *id).await.map(One)).await
}

/// Create a compound · 登记小区
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[post("/compounds")]
async fn create_compound(caller: Caller, new: Json<NewCompound>) -> WriteReply<Created<Compound>> {
    caller.write("compound.create", async |tx| compound::create(tx, &new).await.map(Created)).await
}

/// Change a compound · 更改小区
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[patch("/compounds/{id}")]
async fn update_compound(caller: Caller, id: Id<CompoundId>, version: IfMatch, patch: Json<CompoundPatch>) -> WriteReply<One<Compound>> {
    caller.write("compound.update", async |tx| compound::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a compound by your own key · 按自有编号登记或更改小区
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[put("/compounds/by-ref/{source}/{ref}")]
async fn put_compound(caller: Caller, key: ByRef, new: Json<NewCompound>) -> WriteReply<One<Compound>> {
    caller.write("compound.put", async |tx| compound::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a compound · 终止小区
///
/// Refused while buildings or links to grids are open from that day on.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[post("/compounds/{id}/end")]
async fn end_compound(caller: Caller, id: Id<CompoundId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Compound>> {
    caller.write("compound.end", async |tx| compound::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end compounds in one request · 批量处理小区
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound.write"])))]
#[post("/compounds:batch")]
async fn batch_compounds(caller: Caller, batch: Json<Batch<NewCompound, CompoundPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("compound.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => compound::create(tx, new).await,
            BatchItem::Update(update) => compound::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => compound::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a compound · 列出小区的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["compound.read"])))]
#[get("/compounds/{id}/history")]
async fn list_compound_history(caller: Caller, id: Id<CompoundId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            compound::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_compounds)
        .service(get_compound)
        .service(create_compound)
        .service(update_compound)
        .service(put_compound)
        .service(end_compound)
        .service(batch_compounds)
        .service(list_compound_history);
}
