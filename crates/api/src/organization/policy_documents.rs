//! `/v1/policy-documents`: 政策文件.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::policy_document::{self, NewPolicyDocument, PolicyDocumentFilter, PolicyDocumentId, PolicyDocumentPatch};
use organization::policy_document_file::FiledPolicyDocument;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List policy documents · 列出政策文件
#[utoipa::path(tag = "organization", params(PolicyDocumentFilter, PageParams), security(("Bearer" = ["policy_document.read"])))]
#[get("/policy-documents")]
async fn list_policy_documents(caller: Caller, filter: Query<PolicyDocumentFilter>) -> Reply<List<FiledPolicyDocument>> {
    caller.page(None, async |view, paging| policy_document::list(view, &filter, paging).await).await
}

/// Get a policy document · 读取政策文件
///
/// With its files, each with the hash of its content. A file becomes one by `POST /v1/files/{id}/attach`.
#[utoipa::path(tag = "organization", security(("Bearer" = ["policy_document.read"])))]
#[get("/policy-documents/{id}")]
async fn get_policy_document(caller: Caller, id: Id<PolicyDocumentId>) -> Reply<One<FiledPolicyDocument>> {
    caller.read(async |view| policy_document::get(view, *id).await.map(One)).await
}

/// Create a policy document · 登记政策文件
#[utoipa::path(tag = "organization", security(("Bearer" = ["policy_document.write"])))]
#[post("/policy-documents")]
async fn create_policy_document(caller: Caller, new: Json<NewPolicyDocument>) -> WriteReply<Created<FiledPolicyDocument>> {
    caller.write("policy_document.create", async |tx| policy_document::create(tx, &new).await.map(Created)).await
}

/// Change a policy document · 更改政策文件
#[utoipa::path(tag = "organization", security(("Bearer" = ["policy_document.write"])))]
#[patch("/policy-documents/{id}")]
async fn update_policy_document(
    caller: Caller,
    id: Id<PolicyDocumentId>,
    version: IfMatch,
    patch: Json<PolicyDocumentPatch>,
) -> WriteReply<One<FiledPolicyDocument>> {
    caller.write("policy_document.update", async |tx| policy_document::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a policy document by your own key · 按自有编号登记或更改政策文件
#[utoipa::path(tag = "organization", security(("Bearer" = ["policy_document.write"])))]
#[put("/policy-documents/by-ref/{source}/{ref}")]
async fn put_policy_document(caller: Caller, key: ByRef, new: Json<NewPolicyDocument>) -> WriteReply<One<FiledPolicyDocument>> {
    caller.write("policy_document.put", async |tx| policy_document::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a policy document · 终止政策文件
#[utoipa::path(tag = "organization", security(("Bearer" = ["policy_document.write"])))]
#[post("/policy-documents/{id}/end")]
async fn end_policy_document(caller: Caller, id: Id<PolicyDocumentId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<FiledPolicyDocument>> {
    caller.write("policy_document.end", async |tx| policy_document::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end policy documents in one request · 批量处理政策文件
#[utoipa::path(tag = "organization", security(("Bearer" = ["policy_document.write"])))]
#[post("/policy-documents:batch")]
async fn batch_policy_documents(caller: Caller, batch: Json<Batch<NewPolicyDocument, PolicyDocumentPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("policy_document.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => policy_document::create(tx, new).await,
            BatchItem::Update(update) => policy_document::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => policy_document::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a policy document · 列出政策文件的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["policy_document.read"])))]
#[get("/policy-documents/{id}/history")]
async fn list_policy_document_history(caller: Caller, id: Id<PolicyDocumentId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            policy_document::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_policy_documents)
        .service(get_policy_document)
        .service(create_policy_document)
        .service(update_policy_document)
        .service(put_policy_document)
        .service(end_policy_document)
        .service(batch_policy_documents)
        .service(list_policy_document_history);
}
