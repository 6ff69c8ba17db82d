//! `/v1/property-projects`: 物业服务项目.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::property_project::{self, NewPropertyProject, PropertyProject, PropertyProjectFilter, PropertyProjectId, PropertyProjectPatch};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List property projects · 列出物业服务项目
#[utoipa::path(tag = "organization", params(PropertyProjectFilter, PageParams), security(("Bearer" = ["property_project.read"])))]
#[get("/property-projects")]
async fn list_property_projects(caller: Caller, filter: Query<PropertyProjectFilter>) -> Reply<List<PropertyProject>> {
    caller.page(None, async |view, paging| property_project::list(view, &filter, paging).await).await
}

/// Get a property project · 读取物业服务项目
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_project.read"])))]
#[get("/property-projects/{id}")]
async fn get_property_project(caller: Caller, id: Id<PropertyProjectId>) -> Reply<One<PropertyProject>> {
    caller.read(async |view| property_project::get(view, *id).await.map(One)).await
}

/// Create a property project · 登记物业服务项目
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_project.write"])))]
#[post("/property-projects")]
async fn create_property_project(caller: Caller, new: Json<NewPropertyProject>) -> WriteReply<Created<PropertyProject>> {
    caller.write("property_project.create", async |tx| property_project::create(tx, &new).await.map(Created)).await
}

/// Change a property project · 更改物业服务项目
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_project.write"])))]
#[patch("/property-projects/{id}")]
async fn update_property_project(
    caller: Caller,
    id: Id<PropertyProjectId>,
    version: IfMatch,
    patch: Json<PropertyProjectPatch>,
) -> WriteReply<One<PropertyProject>> {
    caller.write("property_project.update", async |tx| property_project::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a property project by your own key · 按自有编号登记或更改物业服务项目
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_project.write"])))]
#[put("/property-projects/by-ref/{source}/{ref}")]
async fn put_property_project(caller: Caller, key: ByRef, new: Json<NewPropertyProject>) -> WriteReply<One<PropertyProject>> {
    caller.write("property_project.put", async |tx| property_project::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a property project · 终止物业服务项目
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_project.write"])))]
#[post("/property-projects/{id}/end")]
async fn end_property_project(caller: Caller, id: Id<PropertyProjectId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<PropertyProject>> {
    caller.write("property_project.end", async |tx| property_project::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end property projects in one request · 批量处理物业服务项目
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_project.write"])))]
#[post("/property-projects:batch")]
async fn batch_property_projects(caller: Caller, batch: Json<Batch<NewPropertyProject, PropertyProjectPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("property_project.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => property_project::create(tx, new).await,
            BatchItem::Update(update) => property_project::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => property_project::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a property project · 列出物业服务项目的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["property_project.read"])))]
#[get("/property-projects/{id}/history")]
async fn list_property_project_history(caller: Caller, id: Id<PropertyProjectId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            property_project::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_property_projects)
        .service(get_property_project)
        .service(create_property_project)
        .service(update_property_project)
        .service(put_property_project)
        .service(end_property_project)
        .service(batch_property_projects)
        .service(list_property_project_history);
}
