//! `/v1/role-grants`: 角色任职.

use actix_web::{get, post};
use kernel::Ending;
use kernel::journal::{self, Change};
use platform::role_grant::{self, NewRoleGrant, RoleGrant, RoleGrantFilter, RoleGrantId};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::query::{Id, IfMatch, PageParams, Query};
use crate::reply::{Created, List, One, Reply, WriteReply};

/// List who holds which role · 列出角色任职
#[utoipa::path(tag = "access", params(RoleGrantFilter, PageParams), security(("Bearer" = ["role_grant.read"])))]
#[get("/role-grants")]
async fn list_role_grants(caller: Caller, filter: Query<RoleGrantFilter>) -> Reply<List<RoleGrant>> {
    caller.page(None, async |view, paging| role_grant::list(view, &filter, paging).await).await
}

/// Get a role of an account · 读取角色任职
#[utoipa::path(tag = "access", security(("Bearer" = ["role_grant.read"])))]
#[get("/role-grants/{id}")]
async fn get_role_grant(caller: Caller, id: Id<RoleGrantId>) -> Reply<One<RoleGrant>> {
    caller.read(async |view| role_grant::get(view, *id).await.map(One)).await
}

/// Give a role to an account · 授予角色
///
/// In an area and for a term. Nobody gives himself a role, or one that his own roles may not give.
#[utoipa::path(tag = "access", security(("Bearer" = ["role_grant.write"])))]
#[post("/role-grants")]
async fn create_role_grant(caller: Caller, new: Json<NewRoleGrant>) -> WriteReply<Created<RoleGrant>> {
    let powers = &caller.services().powers;
    caller.write("role_grant.create", async |tx| role_grant::create(tx, powers, &new).await.map(Created)).await
}

/// End a role of an account · 终止角色任职
///
/// On a day to come; or at once, where the day is today or past: it then gives nothing within a second.
#[utoipa::path(tag = "access", security(("Bearer" = ["role_grant.write"])))]
#[post("/role-grants/{id}/end")]
async fn end_role_grant(caller: Caller, id: Id<RoleGrantId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<RoleGrant>> {
    let powers = &caller.services().powers;
    caller.write("role_grant.end", async |tx| role_grant::end(tx, powers, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// List the changes of a role of an account · 列出角色任职的变更
#[utoipa::path(tag = "access", params(PageParams), security(("Bearer" = ["role_grant.read"])))]
#[get("/role-grants/{id}/history")]
async fn list_role_grant_history(caller: Caller, id: Id<RoleGrantId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            role_grant::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_role_grants).service(get_role_grant).service(create_role_grant).service(end_role_grant).service(list_role_grant_history);
}
