//! `/v1/api-keys`: 密钥.

use actix_web::{get, post};
use kernel::journal::{self, Change};
use platform::api_key::{self, ApiKey, ApiKeyFilter, ApiKeyId, NewApiKey, Revocation};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::domains;
use crate::query::{Id, IfMatch, PageParams, Query};
use crate::reply::{CreatedOnce, List, One, Reply, WriteReply};

/// A key, with itself, which is shown once.
#[derive(Serialize, ToSchema)]
pub struct ApiKeyWithSecret {
    /// All but the key.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// The key: `Authorization: Bearer lk_live_…`.
    #[schema(example = "lk_live_…")]
    pub key: String,
}

/// List API keys · 列出密钥
#[utoipa::path(tag = "access", params(ApiKeyFilter, PageParams), security(("Bearer" = ["api_key.read"])))]
#[get("/api-keys")]
async fn list_api_keys(caller: Caller, filter: Query<ApiKeyFilter>) -> Reply<List<ApiKey>> {
    caller.page(None, async |view, paging| api_key::list(view, &filter, paging).await).await
}

/// Get an API key · 读取密钥信息
#[utoipa::path(tag = "access", security(("Bearer" = ["api_key.read"])))]
#[get("/api-keys/{id}")]
async fn get_api_key(caller: Caller, id: Id<ApiKeyId>) -> Reply<One<ApiKey>> {
    caller.read(async |view| api_key::get(view, *id).await.map(One)).await
}

/// Make an API key · 建立密钥
///
/// The answer holds the key; it is shown this once. For rotation make the second, switch, revoke the first.
#[utoipa::path(tag = "access", security(("Bearer" = ["api_key.write"])))]
#[post("/api-keys")]
async fn create_api_key(caller: Caller, new: Json<NewApiKey>) -> WriteReply<CreatedOnce<ApiKey, ApiKeyWithSecret>> {
    let known: Vec<&str> = domains::permissions().map(|(name, ..)| name).collect();
    let made = caller.write("api_key.create", async |tx| {
        let (object, key) = api_key::create(tx, &known, &new).await?;
        Ok(CreatedOnce { shown: ApiKeyWithSecret { api_key: object.clone(), key }, object })
    });
    made.await
}

/// Revoke an API key · 撤销密钥
///
/// Within a second no replica takes it any more, nor a token that came of it.
#[utoipa::path(tag = "access", security(("Bearer" = ["api_key.write"])))]
#[post("/api-keys/{id}/revoke")]
async fn revoke_api_key(caller: Caller, id: Id<ApiKeyId>, version: IfMatch, why: Json<Revocation>) -> WriteReply<One<ApiKey>> {
    caller.write("api_key.revoke", async |tx| api_key::revoke(tx, *id, version.or(why.version)?, &why.reason).await.map(One)).await
}

/// List the changes of an API key · 列出密钥的变更
#[utoipa::path(tag = "access", params(PageParams), security(("Bearer" = ["api_key.read"])))]
#[get("/api-keys/{id}/history")]
async fn list_api_key_history(caller: Caller, id: Id<ApiKeyId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            api_key::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_api_keys).service(get_api_key).service(create_api_key).service(revoke_api_key).service(list_api_key_history);
}
