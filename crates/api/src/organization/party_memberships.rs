//! `/v1/party-memberships`: 党员身份(组织关系).

use actix_web::{get, patch, post, put};
use kernel::Ending;
use kernel::journal::{self, Change};
use organization::party_membership::{self, NewPartyMembership, PartyMembership, PartyMembershipFilter, PartyMembershipId, PartyMembershipPatch};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};

/// List party memberships · 列出党员身份
#[utoipa::path(tag = "organization", params(PartyMembershipFilter, PageParams), security(("Bearer" = ["party_membership.read"])))]
#[get("/party-memberships")]
async fn list_party_memberships(caller: Caller, filter: Query<PartyMembershipFilter>) -> Reply<List<PartyMembership>> {
    caller.page(None, async |view, paging| party_membership::list(view, &filter, paging).await).await
}

/// Get a party membership · 读取党员身份
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_membership.read"])))]
#[get("/party-memberships/{id}")]
async fn get_party_membership(caller: Caller, id: Id<PartyMembershipId>) -> Reply<One<PartyMembership>> {
    caller.read(async |view| party_membership::get(view, *id).await.map(One)).await
}

/// Enter a party membership · 登记党员身份
///
/// One organizational relation at a time. A transfer is the end of one and the beginning of another.
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_membership.write"])))]
#[post("/party-memberships")]
async fn create_party_membership(caller: Caller, new: Json<NewPartyMembership>) -> WriteReply<Created<PartyMembership>> {
    caller.write("party_membership.create", async |tx| party_membership::create(tx, &new).await.map(Created)).await
}

/// Change a party membership · 更改党员身份
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_membership.write"])))]
#[patch("/party-memberships/{id}")]
async fn update_party_membership(
    caller: Caller,
    id: Id<PartyMembershipId>,
    version: IfMatch,
    patch: Json<PartyMembershipPatch>,
) -> WriteReply<One<PartyMembership>> {
    caller.write("party_membership.update", async |tx| party_membership::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Enter or change a party membership by your own key · 按自有编号登记或更改党员身份
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_membership.write"])))]
#[put("/party-memberships/by-ref/{source}/{ref}")]
async fn put_party_membership(caller: Caller, key: ByRef, new: Json<NewPartyMembership>) -> WriteReply<One<PartyMembership>> {
    caller.write("party_membership.put", async |tx| party_membership::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a party membership · 终止党员身份
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_membership.write"])))]
#[post("/party-memberships/{id}/end")]
async fn end_party_membership(caller: Caller, id: Id<PartyMembershipId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<PartyMembership>> {
    caller.write("party_membership.end", async |tx| party_membership::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Enter, change and end party memberships in one request · 批量处理党员身份
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_membership.write"])))]
#[post("/party-memberships:batch")]
async fn batch_party_memberships(caller: Caller, batch: Json<Batch<NewPartyMembership, PartyMembershipPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("party_membership.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => party_membership::create(tx, new).await,
            BatchItem::Update(update) => party_membership::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => party_membership::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a party membership · 列出党员身份的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["party_membership.read"])))]
#[get("/party-memberships/{id}/history")]
async fn list_party_membership_history(caller: Caller, id: Id<PartyMembershipId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            party_membership::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_party_memberships)
        .service(get_party_membership)
        .service(create_party_membership)
        .service(update_party_membership)
        .service(put_party_membership)
        .service(end_party_membership)
        .service(batch_party_memberships)
        .service(list_party_membership_history);
}
