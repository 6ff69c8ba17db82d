//! `/v1/governance-body-members`: 治理机构成员.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use organization::governance_body_member::{self, GovernanceBodyMemberFilter, GovernanceBodyMemberId, GovernanceBodyMemberPatch, NewGovernanceBodyMember};
use organization::governance_body_person::GovernanceBodyMember;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List members of governance bodies · 列出治理机构成员
#[utoipa::path(tag = "organization", params(GovernanceBodyMemberFilter, PageParams), security(("Bearer" = ["governance_body.read"])))]
#[get("/governance-body-members")]
async fn list_governance_body_members(caller: Caller, filter: Query<GovernanceBodyMemberFilter>) -> Reply<List<GovernanceBodyMember>> {
    caller.page(None, async |view, paging| governance_body_member::list(view, &filter, paging).await).await
}

/// Get a member of a governance body · 读取治理机构成员
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.read"])))]
#[get("/governance-body-members/{id}")]
async fn get_governance_body_member(caller: Caller, id: Id<GovernanceBodyMemberId>) -> Reply<One<GovernanceBodyMember>> {
    caller.read(async |view| governance_body_member::get(view, *id).await.map(One)).await
}

/// Create a member of a governance body · 登记治理机构成员
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[post("/governance-body-members")]
async fn create_governance_body_member(caller: Caller, new: Json<NewGovernanceBodyMember>) -> WriteReply<Created<GovernanceBodyMember>> {
    caller.write("governance_body_member.create", async |tx| governance_body_member::create(tx, &new).await.map(Created)).await
}

/// Change a member of a governance body · 更改治理机构成员
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[patch("/governance-body-members/{id}")]
async fn update_governance_body_member(
    caller: Caller,
    id: Id<GovernanceBodyMemberId>,
    version: IfMatch,
    patch: Json<GovernanceBodyMemberPatch>,
) -> WriteReply<One<GovernanceBodyMember>> {
    caller.write("governance_body_member.update", async |tx| governance_body_member::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Create or change a member of a governance body by your own key · 按自有编号登记或更改治理机构成员
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[put("/governance-body-members/by-ref/{source}/{ref}")]
async fn put_governance_body_member(caller: Caller, key: ByRef, new: Json<NewGovernanceBodyMember>) -> WriteReply<One<GovernanceBodyMember>> {
    caller.write("governance_body_member.put", async |tx| governance_body_member::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a member of a governance body · 终止治理机构成员
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[post("/governance-body-members/{id}/end")]
async fn end_governance_body_member(
    caller: Caller,
    id: Id<GovernanceBodyMemberId>,
    version: IfMatch,
    ending: Json<Ending>,
) -> WriteReply<One<GovernanceBodyMember>> {
    caller.write("governance_body_member.end", async |tx| governance_body_member::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end members of governance bodies in one request · 批量处理治理机构成员
#[utoipa::path(tag = "organization", security(("Bearer" = ["governance_body.write"])))]
#[post("/governance-body-members:batch")]
async fn batch_governance_body_members(
    caller: Caller,
    batch: Json<Batch<NewGovernanceBodyMember, GovernanceBodyMemberPatch>>,
) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("governance_body_member.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => governance_body_member::create(tx, new).await,
            BatchItem::Update(update) => governance_body_member::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => governance_body_member::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a member of a governance body · 列出治理机构成员的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["governance_body.read"])))]
#[get("/governance-body-members/{id}/history")]
async fn list_governance_body_member_history(caller: Caller, id: Id<GovernanceBodyMemberId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            governance_body_member::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_governance_body_members)
        .service(get_governance_body_member)
        .service(create_governance_body_member)
        .service(update_governance_body_member)
        .service(put_governance_body_member)
        .service(end_governance_body_member)
        .service(batch_governance_body_members)
        .service(list_governance_body_member_history);
}
