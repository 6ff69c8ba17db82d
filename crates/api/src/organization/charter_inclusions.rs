//! `/v1/charter-inclusions`: 党建入章, each action of its workflow an operation, and the charter of a compound.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use kernel::workflow::NextActions;
use organization::charter_adoption::CharterAdoption;
use organization::charter_inclusion::{self, CharterInclusion, CharterInclusionFilter, CharterInclusionId, CharterInclusionPatch, NewCharterInclusion};
use organization::charter_inclusion_flow::CharterAction;
use organization::charter_inclusion_steps::{self as steps, CharterFiling, CharterPublication, CharterRefusal, CharterStep};
use organization::compound::CompoundId;
use organization::compound_charter::{self, CompoundCharter};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, ReportDay};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use kernel::Ending;

/// List charter inclusions · 列出党建入章
///
/// Those on their way and those in force on the day; `ever=true` adds those that are over.
#[utoipa::path(tag = "organization", params(CharterInclusionFilter, PageParams), security(("Bearer" = ["charter_inclusion.read"])))]
#[get("/charter-inclusions")]
async fn list_charter_inclusions(caller: Caller, filter: Query<CharterInclusionFilter>) -> Reply<List<CharterInclusion>> {
    caller.page(None, async |view, paging| charter_inclusion::list(view, &filter, paging).await).await
}

/// Get a charter inclusion · 读取党建入章
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.read"])))]
#[get("/charter-inclusions/{id}")]
async fn get_charter_inclusion(caller: Caller, id: Id<CharterInclusionId>) -> Reply<One<CharterInclusion>> {
    caller.read(async |view| charter_inclusion::get(view, *id).await.map(One)).await
}

/// Draft a charter inclusion · 起草党建入章
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.write"])))]
#[post("/charter-inclusions")]
async fn create_charter_inclusion(caller: Caller, new: Json<NewCharterInclusion>) -> WriteReply<Created<CharterInclusion>> {
    caller.write("charter_inclusion.create", async |tx| charter_inclusion::create(tx, &new).await.map(Created)).await
}

/// Change the draft of a charter inclusion · 更改党建入章草案
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.write"])))]
#[patch("/charter-inclusions/{id}")]
async fn update_charter_inclusion(
    caller: Caller,
    id: Id<CharterInclusionId>,
    version: IfMatch,
    patch: Json<CharterInclusionPatch>,
) -> WriteReply<One<CharterInclusion>> {
    caller.write("charter_inclusion.update", async |tx| charter_inclusion::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Draft a charter inclusion, or change the draft, by your own key · 按自有编号起草或更改党建入章
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.write"])))]
#[put("/charter-inclusions/by-ref/{source}/{ref}")]
async fn put_charter_inclusion(caller: Caller, key: ByRef, new: Json<NewCharterInclusion>) -> WriteReply<One<CharterInclusion>> {
    caller.write("charter_inclusion.put", async |tx| charter_inclusion::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// Draft, change and revoke charter inclusions in one request · 批量处理党建入章
///
/// An `end` revokes what is in force.
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.write", "charter_inclusion.legality_review"])))]
#[post("/charter-inclusions:batch")]
async fn batch_charter_inclusions(caller: Caller, batch: Json<Batch<NewCharterInclusion, CharterInclusionPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("charter_inclusion.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => charter_inclusion::create(tx, new).await,
            BatchItem::Update(update) => charter_inclusion::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => steps::revoke(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// Submit a draft to the party organization · 提交党组织审查
///
/// Its clause must be written, and of articles the company named.
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.write"])))]
#[post("/charter-inclusions/{id}/submit-for-party-review")]
async fn submit_charter_inclusion(caller: Caller, id: Id<CharterInclusionId>, version: IfMatch, step: Json<CharterStep>) -> WriteReply<One<CharterInclusion>> {
    let action = CharterAction::SubmitForPartyReview;
    caller.write("charter_inclusion.submit", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Pass the review of the party organization · 通过党组织审查
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.party_review"])))]
#[post("/charter-inclusions/{id}/pass-party-review")]
async fn pass_party_review(caller: Caller, id: Id<CharterInclusionId>, version: IfMatch, step: Json<CharterStep>) -> WriteReply<One<CharterInclusion>> {
    let action = CharterAction::PassPartyReview;
    caller.write("charter_inclusion.pass_party_review", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Pass the review of legality · 通过合法性审查
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.legality_review"])))]
#[post("/charter-inclusions/{id}/pass-legality-review")]
async fn pass_legality_review(caller: Caller, id: Id<CharterInclusionId>, version: IfMatch, step: Json<CharterStep>) -> WriteReply<One<CharterInclusion>> {
    let action = CharterAction::PassLegalityReview;
    caller.write("charter_inclusion.pass_legality_review", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Enter that a charter inclusion was adopted · 登记党建入章表决通过
///
/// The convention by the residents' meeting: more than half of those who could attend, and more than half of these agree. The
/// rules of the committee by the owners: two thirds of heads and of area take part, and more than half of both agree, so all
/// three areas are needed. The articles by shareholders with two thirds of all voting rights. Anything less is refused.
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.write"])))]
#[post("/charter-inclusions/{id}/adopt")]
async fn adopt_charter_inclusion(
    caller: Caller,
    id: Id<CharterInclusionId>,
    version: IfMatch,
    adoption: Json<CharterAdoption>,
) -> WriteReply<One<CharterInclusion>> {
    caller.write("charter_inclusion.adopt", async |tx| steps::adopt(tx, *id, version.or(adoption.version)?, &adoption).await.map(One)).await
}

/// Enter that a charter inclusion was filed · 登记党建入章备案
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.write"])))]
#[post("/charter-inclusions/{id}/file")]
async fn file_charter_inclusion(
    caller: Caller,
    id: Id<CharterInclusionId>,
    version: IfMatch,
    filing: Json<CharterFiling>,
) -> WriteReply<One<CharterInclusion>> {
    caller.write("charter_inclusion.file", async |tx| steps::file(tx, *id, version.or(filing.version)?, &filing).await.map(One)).await
}

/// Publish a charter inclusion · 公布党建入章
///
/// It is in force from that day on.
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.write"])))]
#[post("/charter-inclusions/{id}/publish")]
async fn publish_charter_inclusion(
    caller: Caller,
    id: Id<CharterInclusionId>,
    version: IfMatch,
    publication: Json<CharterPublication>,
) -> WriteReply<One<CharterInclusion>> {
    caller.write("charter_inclusion.publish", async |tx| steps::publish(tx, *id, version.or(publication.version)?, &publication).await.map(One)).await
}

/// Return a charter inclusion to be mended · 退回党建入章修改
///
/// With a reason, to its draft; what was adopted has to be adopted again. Whoever has it may: in a review its reviewer, who
/// also may when it was adopted and is to be filed, and before the law-maker whoever brings it there.
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.party_review", "charter_inclusion.legality_review", "charter_inclusion.write"])))]
#[post("/charter-inclusions/{id}/return")]
async fn return_charter_inclusion(
    caller: Caller,
    id: Id<CharterInclusionId>,
    version: IfMatch,
    refusal: Json<CharterRefusal>,
) -> WriteReply<One<CharterInclusion>> {
    caller.write("charter_inclusion.return", async |tx| steps::give_back(tx, *id, version.or(refusal.version)?, &refusal).await.map(One)).await
}

/// Veto a charter inclusion · 否决党建入章
///
/// With a reason, for good; another may be drafted. Whoever may return it may, and of a draft whoever writes it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.party_review", "charter_inclusion.legality_review", "charter_inclusion.write"])))]
#[post("/charter-inclusions/{id}/veto")]
async fn veto_charter_inclusion(
    caller: Caller,
    id: Id<CharterInclusionId>,
    version: IfMatch,
    refusal: Json<CharterRefusal>,
) -> WriteReply<One<CharterInclusion>> {
    caller.write("charter_inclusion.veto", async |tx| steps::veto(tx, *id, version.or(refusal.version)?, &refusal).await.map(One)).await
}

/// Revoke a charter inclusion in force · 撤销党建入章
///
/// On a day that may lie ahead, so that the next one can be drafted before.
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.legality_review"])))]
#[post("/charter-inclusions/{id}/revoke")]
async fn revoke_charter_inclusion(caller: Caller, id: Id<CharterInclusionId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<CharterInclusion>> {
    caller.write("charter_inclusion.revoke", async |tx| steps::revoke(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Say what may be done next with a charter inclusion · 党建入章的下一步操作
///
/// Each action that its state takes, whether you may do it now, and if not, the rule that forbids it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["charter_inclusion.read"])))]
#[get("/charter-inclusions/{id}/next-actions")]
async fn get_charter_inclusion_next_actions(caller: Caller, id: Id<CharterInclusionId>) -> Reply<Done<NextActions>> {
    caller.read(async |view| steps::next_actions(view, *id).await.map(Done)).await
}

/// List the changes of a charter inclusion · 列出党建入章的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["charter_inclusion.read"])))]
#[get("/charter-inclusions/{id}/history")]
async fn list_charter_inclusion_history(caller: Caller, id: Id<CharterInclusionId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            charter_inclusion::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// Get the charter of a compound · 读取小区入章情况
///
/// The three documents on a day, what is in force of each and what is coming; complete only with all three in force.
#[utoipa::path(tag = "organization", params(ReportDay), security(("Bearer" = ["charter_inclusion.read", "compound.read"])))]
#[get("/compounds/{id}/charter")]
async fn get_compound_charter(caller: Caller, id: Id<CompoundId>, day: Query<ReportDay>) -> Reply<Done<CompoundCharter>> {
    let caller = caller.as_of(day.as_of);
    caller.read(async |view| compound_charter::get(view, *id).await.map(Done)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_charter_inclusions)
        .service(get_charter_inclusion)
        .service(create_charter_inclusion)
        .service(update_charter_inclusion)
        .service(put_charter_inclusion)
        .service(batch_charter_inclusions)
        .service(submit_charter_inclusion)
        .service(pass_party_review)
        .service(pass_legality_review)
        .service(adopt_charter_inclusion)
        .service(file_charter_inclusion)
        .service(publish_charter_inclusion)
        .service(return_charter_inclusion)
        .service(veto_charter_inclusion)
        .service(revoke_charter_inclusion)
        .service(get_charter_inclusion_next_actions)
        .service(list_charter_inclusion_history)
        .service(get_compound_charter);
}
