//! `/v1/dwellings`: 房屋(专有部分).

use actix_web::{get, patch, post, put};
use kernel::Ending;
use kernel::journal::{self, Change};
use organization::dwelling::{self, Dwelling, DwellingFilter, DwellingId, DwellingPatch, NewDwelling};
use organization::dwelling_entry;
use organization::dwelling_owners::{self, DwellingOwners};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, ReportDay};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};

/// List dwellings · 列出房屋
#[utoipa::path(tag = "organization", params(DwellingFilter, PageParams), security(("Bearer" = ["dwelling.read"])))]
#[get("/dwellings")]
async fn list_dwellings(caller: Caller, filter: Query<DwellingFilter>) -> Reply<List<Dwelling>> {
    caller.page(None, async |view, paging| dwelling::list(view, &filter, paging).await).await
}

/// Get a dwelling · 读取房屋
#[utoipa::path(tag = "organization", security(("Bearer" = ["dwelling.read"])))]
#[get("/dwellings/{id}")]
async fn get_dwelling(caller: Caller, id: Id<DwellingId>) -> Reply<One<Dwelling>> {
    caller.read(async |view| dwelling::get(view, *id).await.map(One)).await
}

/// Create a dwelling · 登记房屋
#[utoipa::path(tag = "organization", security(("Bearer" = ["dwelling.write"])))]
#[post("/dwellings")]
async fn create_dwelling(caller: Caller, new: Json<NewDwelling>) -> WriteReply<Created<Dwelling>> {
    caller.write("dwelling.create", async |tx| dwelling_entry::create(tx, &new).await.map(Created)).await
}

/// Change a dwelling · 更改房屋
#[utoipa::path(tag = "organization", security(("Bearer" = ["dwelling.write"])))]
#[patch("/dwellings/{id}")]
async fn update_dwelling(caller: Caller, id: Id<DwellingId>, version: IfMatch, patch: Json<DwellingPatch>) -> WriteReply<One<Dwelling>> {
    caller.write("dwelling.update", async |tx| dwelling_entry::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a dwelling by your own key · 按自有编号登记或更改房屋
#[utoipa::path(tag = "organization", security(("Bearer" = ["dwelling.write"])))]
#[put("/dwellings/by-ref/{source}/{ref}")]
async fn put_dwelling(caller: Caller, key: ByRef, new: Json<NewDwelling>) -> WriteReply<One<Dwelling>> {
    caller.write("dwelling.put", async |tx| dwelling_entry::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a dwelling · 终止房屋
///
/// Refused while somebody owns it from that day on.
#[utoipa::path(tag = "organization", security(("Bearer" = ["dwelling.write"])))]
#[post("/dwellings/{id}/end")]
async fn end_dwelling(caller: Caller, id: Id<DwellingId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Dwelling>> {
    caller.write("dwelling.end", async |tx| dwelling_entry::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end dwellings in one request · 批量处理房屋
#[utoipa::path(tag = "organization", security(("Bearer" = ["dwelling.write"])))]
#[post("/dwellings:batch")]
async fn batch_dwellings(caller: Caller, batch: Json<Batch<NewDwelling, DwellingPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("dwelling.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => dwelling_entry::create(tx, new).await,
            BatchItem::Update(update) => dwelling_entry::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => dwelling_entry::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// Get who owns a dwelling on a day · 读取房屋在某日的业主
///
/// The owners with their shares, the part that nobody is recorded for, and who votes for the dwelling.
#[utoipa::path(tag = "organization", params(ReportDay), security(("Bearer" = ["ownership.read"])))]
#[get("/dwellings/{id}/owners")]
async fn get_dwelling_owners(caller: Caller, id: Id<DwellingId>, day: Query<ReportDay>) -> Reply<Done<DwellingOwners>> {
    let caller = caller.as_of(day.as_of);
    caller.read(async |view| dwelling_owners::on_day(view, *id).await.map(Done)).await
}

/// List the changes of a dwelling · 列出房屋的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["dwelling.read"])))]
#[get("/dwellings/{id}/history")]
async fn list_dwelling_history(caller: Caller, id: Id<DwellingId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            dwelling::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_dwellings)
        .service(get_dwelling)
        .service(create_dwelling)
        .service(update_dwelling)
        .service(put_dwelling)
        .service(end_dwelling)
        .service(batch_dwellings)
        .service(get_dwelling_owners)
        .service(list_dwelling_history);
}
