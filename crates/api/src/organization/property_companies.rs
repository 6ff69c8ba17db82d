//! `/v1/property-companies`: 物业企业.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::property_company::{self, NewPropertyCompany, PropertyCompany, PropertyCompanyFilter, PropertyCompanyId, PropertyCompanyPatch};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, SortParam};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List property companies · 列出物业企业
#[utoipa::path(tag = "organization", params(PropertyCompanyFilter, SortParam, PageParams), security(("Bearer" = ["property_company.read"])))]
#[get("/property-companies")]
async fn list_property_companies(caller: Caller, filter: Query<PropertyCompanyFilter>) -> Reply<List<PropertyCompany>> {
    caller.list(filter, property_company::list).await
}

/// Get a property company · 读取物业企业
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_company.read"])))]
#[get("/property-companies/{id}")]
async fn get_property_company(caller: Caller, id: Id<PropertyCompanyId>) -> Reply<One<PropertyCompany>> {
    caller.browse(async |view| property_company::get(view, *id).await.map(One)).await
}

/// Create a property company · 登记物业企业
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_company.write"])))]
#[post("/property-companies")]
async fn create_property_company(caller: Caller, new: Json<NewPropertyCompany>) -> WriteReply<Created<PropertyCompany>> {
    caller.write("property_company.create", async |tx| property_company::create(tx, &new).await.map(Created)).await
}

/// Change a property company · 更改物业企业
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_company.write"])))]
#[patch("/property-companies/{id}")]
async fn update_property_company(
    caller: Caller,
    id: Id<PropertyCompanyId>,
    version: IfMatch,
    patch: Json<PropertyCompanyPatch>,
) -> WriteReply<One<PropertyCompany>> {
    caller.write("property_company.update", async |tx| property_company::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a property company by your own key · 按自有编号登记或更改物业企业
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_company.write"])))]
#[put("/property-companies/by-ref/{source}/{ref}")]
async fn put_property_company(caller: Caller, key: ByRef, new: Json<NewPropertyCompany>) -> WriteReply<One<PropertyCompany>> {
    caller.write("property_company.put", async |tx| property_company::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a property company · 终止物业企业
///
/// Refused while it serves compounds from that day on.
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_company.write"])))]
#[post("/property-companies/{id}/end")]
async fn end_property_company(caller: Caller, id: Id<PropertyCompanyId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<PropertyCompany>> {
    caller.write("property_company.end", async |tx| property_company::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end property companies in one request · 批量处理物业企业
#[utoipa::path(tag = "organization", security(("Bearer" = ["property_company.write"])))]
#[post("/property-companies:batch")]
async fn batch_property_companies(caller: Caller, batch: Json<Batch<NewPropertyCompany, PropertyCompanyPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("property_company.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => property_company::create(tx, new).await,
            BatchItem::Update(update) => property_company::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => property_company::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a property company · 列出物业企业的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["property_company.read"])))]
#[get("/property-companies/{id}/history")]
async fn list_property_company_history(caller: Caller, id: Id<PropertyCompanyId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            property_company::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_property_companies)
        .service(get_property_company)
        .service(create_property_company)
        .service(update_property_company)
        .service(put_property_company)
        .service(end_property_company)
        .service(batch_property_companies)
        .service(list_property_company_history);
}
