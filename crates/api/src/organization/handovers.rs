//! `/v1/handovers`: 小区移交(三个同步), each action of its workflow and each of the three set-ups an operation.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use kernel::workflow::NextActions;
use organization::compound_handover::{self, CompoundHandoverFilter, CompoundHandoverId, CompoundHandoverPatch, NewCompoundHandover};
use organization::compound_handover_flow::HandoverAction;
use organization::compound_handover_steps::{self as steps, HandoverAcceptance, HandoverDay, HandoverRefusal, HandoverStep};
use organization::compound_handover_track::{self as track, OwnersBodyTrack, PartyOrganizationTrack, PropertyCompanyTrack};
use organization::compound_handover_verdict::CompoundHandover;
use organization::synchronous_handover::{self, SynchronousHandovers, SynchronousHandoversQuery};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, ReportDay};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};

/// List hand-overs of compounds · 列出小区移交
#[utoipa::path(tag = "organization", params(CompoundHandoverFilter, PageParams), security(("Bearer" = ["compound_handover.read"])))]
#[get("/handovers")]
async fn list_handovers(caller: Caller, filter: Query<CompoundHandoverFilter>) -> Reply<List<CompoundHandover>> {
    caller.page(None, async |view, paging| compound_handover::list(view, &filter, paging).await).await
}

/// Get a hand-over · 读取小区移交
///
/// With how far each of the three is, and once it is handed over, the verdict on it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.read"])))]
#[get("/handovers/{id}")]
async fn get_handover(caller: Caller, id: Id<CompoundHandoverId>) -> Reply<One<CompoundHandover>> {
    caller.read(async |view| compound_handover::get(view, *id).await.map(One)).await
}

/// Register a hand-over · 登记小区移交
///
/// Of a compound that was built for sale, and has no hand-over that stands.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write"])))]
#[post("/handovers")]
async fn create_handover(caller: Caller, new: Json<NewCompoundHandover>) -> WriteReply<Created<CompoundHandover>> {
    caller.write("compound_handover.create", async |tx| compound_handover::create(tx, &new).await.map(Created)).await
}

/// Change a hand-over · 更改小区移交
///
/// Until it is accepted.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write"])))]
#[patch("/handovers/{id}")]
async fn update_handover(
    caller: Caller,
    id: Id<CompoundHandoverId>,
    version: IfMatch,
    patch: Json<CompoundHandoverPatch>,
) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.update", async |tx| compound_handover::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Register or change a hand-over by your own key · 按自有编号登记或更改小区移交
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write"])))]
#[put("/handovers/by-ref/{source}/{ref}")]
async fn put_handover(caller: Caller, key: ByRef, new: Json<NewCompoundHandover>) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.put", async |tx| compound_handover::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// Register, change and reject hand-overs in one request · 批量处理小区移交
///
/// An `end` rejects.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write", "compound_handover.inspect"])))]
#[post("/handovers:batch")]
async fn batch_handovers(caller: Caller, batch: Json<Batch<NewCompoundHandover, CompoundHandoverPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("compound_handover.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => compound_handover::create(tx, new).await,
            BatchItem::Update(update) => compound_handover::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => steps::reject(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, Some(end.on), &end.reason).await,
        })
        .await
}

/// Begin the inspection of a hand-over · 开始查验
///
/// Also after a rectification.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.inspect"])))]
#[post("/handovers/{id}/inspect")]
async fn inspect_handover(caller: Caller, id: Id<CompoundHandoverId>, version: IfMatch, step: Json<HandoverStep>) -> WriteReply<One<CompoundHandover>> {
    let action = HandoverAction::Inspect;
    caller.write("compound_handover.inspect", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Order the rectification of what an inspection found · 责令整改
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.inspect"])))]
#[post("/handovers/{id}/order-rectification")]
async fn order_handover_rectification(
    caller: Caller,
    id: Id<CompoundHandoverId>,
    version: IfMatch,
    refusal: Json<HandoverRefusal>,
) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.rectify", async |tx| steps::order_rectification(tx, *id, version.or(refusal.version)?, &refusal).await.map(One)).await
}

/// Pass the inspection of a hand-over · 查验通过
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.inspect"])))]
#[post("/handovers/{id}/pass-inspection")]
async fn pass_handover_inspection(caller: Caller, id: Id<CompoundHandoverId>, version: IfMatch, step: Json<HandoverStep>) -> WriteReply<One<CompoundHandover>> {
    let action = HandoverAction::PassInspection;
    caller.write("compound_handover.pass_inspection", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Enter the day on which a compound was given into use · 登记移交使用日期
///
/// The three set-ups are judged by this day. Said again before it is accepted, it is corrected.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write"])))]
#[post("/handovers/{id}/hand-over")]
async fn hand_over_compound(caller: Caller, id: Id<CompoundHandoverId>, version: IfMatch, day: Json<HandoverDay>) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.hand_over", async |tx| steps::hand_over(tx, *id, version.or(day.version)?, &day).await.map(One)).await
}

/// Mark a hand-over as ready · 确认移交就绪
///
/// Each of the three is done, or deferred with a signature of the subdistrict; both rooms are measured and handed over, and the
/// documents received.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write"])))]
#[post("/handovers/{id}/mark-ready")]
async fn mark_handover_ready(caller: Caller, id: Id<CompoundHandoverId>, version: IfMatch, step: Json<HandoverStep>) -> WriteReply<One<CompoundHandover>> {
    let action = HandoverAction::MarkReady;
    caller.write("compound_handover.mark_ready", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Accept a hand-over · 验收小区移交
///
/// What was deferred is still owed, and can still be entered as done.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.inspect"])))]
#[post("/handovers/{id}/accept")]
async fn accept_handover(
    caller: Caller,
    id: Id<CompoundHandoverId>,
    version: IfMatch,
    acceptance: Json<HandoverAcceptance>,
) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.accept", async |tx| steps::accept(tx, *id, version.or(acceptance.version)?, &acceptance).await.map(One)).await
}

/// Archive a hand-over · 小区移交归档
///
/// Once nothing is owed any more.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.inspect"])))]
#[post("/handovers/{id}/archive")]
async fn archive_handover(caller: Caller, id: Id<CompoundHandoverId>, version: IfMatch, step: Json<HandoverStep>) -> WriteReply<One<CompoundHandover>> {
    let action = HandoverAction::Archive;
    caller.write("compound_handover.archive", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Reject a hand-over · 驳回小区移交
///
/// With a reason, for good; the compound may be registered anew.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.inspect"])))]
#[post("/handovers/{id}/reject")]
async fn reject_handover(caller: Caller, id: Id<CompoundHandoverId>, version: IfMatch, refusal: Json<HandoverRefusal>) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.reject", async |tx| steps::reject(tx, *id, version.or(refusal.version)?, None, &refusal.reason).await.map(One)).await
}

/// Enter how far the party organization of a hand-over is · 登记党组织组建情况
///
/// To defer it needs `compound_handover.defer`.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write", "compound_handover.defer"])))]
#[post("/handovers/{id}/tracks/party-organization")]
async fn set_handover_party_organization(
    caller: Caller,
    id: Id<CompoundHandoverId>,
    version: IfMatch,
    entry: Json<PartyOrganizationTrack>,
) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.set_track", async |tx| track::set_party_organization(tx, *id, version.or(entry.version)?, &entry).await.map(One)).await
}

/// Enter how far the committee of the owners of a hand-over is · 登记业委会或物管会组建情况
///
/// An owners' committee, or a property management committee where none can be elected yet. To defer it needs
/// `compound_handover.defer`.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write", "compound_handover.defer"])))]
#[post("/handovers/{id}/tracks/owners-body")]
async fn set_handover_owners_body(
    caller: Caller,
    id: Id<CompoundHandoverId>,
    version: IfMatch,
    entry: Json<OwnersBodyTrack>,
) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.set_track", async |tx| track::set_owners_body(tx, *id, version.or(entry.version)?, &entry).await.map(One)).await
}

/// Enter how far the property company of a hand-over is · 登记物业企业选聘情况
///
/// To defer it needs `compound_handover.defer`.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.write", "compound_handover.defer"])))]
#[post("/handovers/{id}/tracks/property-company")]
async fn set_handover_property_company(
    caller: Caller,
    id: Id<CompoundHandoverId>,
    version: IfMatch,
    entry: Json<PropertyCompanyTrack>,
) -> WriteReply<One<CompoundHandover>> {
    caller.write("compound_handover.set_track", async |tx| track::set_property_company(tx, *id, version.or(entry.version)?, &entry).await.map(One)).await
}

/// Say what may be done next with a hand-over · 小区移交的下一步操作
///
/// Each action that its state takes, whether you may do it now, and if not, the rule that forbids it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["compound_handover.read"])))]
#[get("/handovers/{id}/next-actions")]
async fn get_handover_next_actions(caller: Caller, id: Id<CompoundHandoverId>) -> Reply<Done<NextActions>> {
    caller.read(async |view| steps::next_actions(view, *id).await.map(Done)).await
}

/// List the changes of a hand-over · 列出小区移交的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["compound_handover.read"])))]
#[get("/handovers/{id}/history")]
async fn list_handover_history(caller: Caller, id: Id<CompoundHandoverId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            compound_handover::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// Report how many hand-overs were synchronous · 三个同步报告
///
/// Of those handed over from a day to a day in a grid, a community, a subdistrict or the city: how many had all three set-ups in
/// place by then, and how long what was deferred took.
#[utoipa::path(tag = "organization", params(SynchronousHandoversQuery, ReportDay), security(("Bearer" = ["compound_handover.read"])))]
#[get("/reports/synchronous-handovers")]
async fn get_synchronous_handovers_report(caller: Caller, query: Query<SynchronousHandoversQuery>, day: Query<ReportDay>) -> Reply<Done<SynchronousHandovers>> {
    let caller = caller.as_of(day.as_of);
    caller.report(async |view| synchronous_handover::report(view, &query).await.map(Done)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_handovers)
        .service(get_handover)
        .service(create_handover)
        .service(update_handover)
        .service(put_handover)
        .service(batch_handovers)
        .service(inspect_handover)
        .service(order_handover_rectification)
        .service(pass_handover_inspection)
        .service(hand_over_compound)
        .service(mark_handover_ready)
        .service(accept_handover)
        .service(archive_handover)
        .service(reject_handover)
        .service(set_handover_party_organization)
        .service(set_handover_owners_body)
        .service(set_handover_property_company)
        .service(get_handover_next_actions)
        .service(list_handover_history)
        .service(get_synchronous_handovers_report);
}
