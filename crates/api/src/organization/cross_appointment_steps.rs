//! `/v1/cross-appointments/{id}/…`: the actions of the two ways of a cross appointment, each an operation.

use actix_web::post;
use organization::cross_appointment::{CrossAppointment, CrossAppointmentId};
use organization::cross_appointment_election::AssemblyElection;
use organization::cross_appointment_flow::SecretaryAction;
use organization::cross_appointment_steps::{self as steps, CrossEnding, CrossFiling, CrossRefusal, CrossStep, DirectorSeat, ManagerPost, UpperApproval};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::query::{Id, IfMatch};
use crate::reply::{One, WriteReply};

/// Submit a nomination to the party organization · 提交党组织前置审查
///
/// He must be the secretary in office, and own a dwelling of the compound (409 `cross_appointment.not_an_owner`).
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments/{id}/submit-for-party-review")]
async fn submit_cross_appointment(caller: Caller, id: Id<CrossAppointmentId>, version: IfMatch, step: Json<CrossStep>) -> WriteReply<One<CrossAppointment>> {
    let action = SecretaryAction::SubmitForPartyReview;
    caller.write("cross_appointment.submit", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Pass the review of the party organization · 通过党组织前置审查
///
/// The party organization of the community has nothing against him.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.party_review"])))]
#[post("/cross-appointments/{id}/pass-party-review")]
async fn pass_cross_appointment_party_review(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    step: Json<CrossStep>,
) -> WriteReply<One<CrossAppointment>> {
    let action = SecretaryAction::PassPartyReview;
    caller.write("cross_appointment.pass_party_review", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Pass the review of eligibility · 通过居委会资格审查
///
/// The residents' committee finds him eligible, and he stands for election.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.eligibility_review"])))]
#[post("/cross-appointments/{id}/pass-eligibility-review")]
async fn pass_cross_appointment_eligibility_review(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    step: Json<CrossStep>,
) -> WriteReply<One<CrossAppointment>> {
    let action = SecretaryAction::PassEligibilityReview;
    caller.write("cross_appointment.pass_eligibility_review", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Find a nominated secretary ineligible · 认定不符合资格
///
/// With a reason, for good; whoever has the review may. He may be nominated anew.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.party_review", "cross_appointment.eligibility_review"])))]
#[post("/cross-appointments/{id}/find-ineligible")]
async fn find_cross_appointment_ineligible(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    refusal: Json<CrossRefusal>,
) -> WriteReply<One<CrossAppointment>> {
    let action = SecretaryAction::FindIneligible;
    caller.write("cross_appointment.find_ineligible", async |tx| steps::stop(tx, *id, version.or(refusal.version)?, action, &refusal).await.map(One)).await
}

/// Enter that the owners elected a secretary · 登记当选业委会委员
///
/// The record of the owners' assembly: two thirds of heads and of area take part, and more than half of both among these agree
/// (Civil Code, article 278). Anything less is refused: record the defeat.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments/{id}/elect")]
async fn elect_cross_appointment(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    election: Json<AssemblyElection>,
) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.elect", async |tx| steps::elect(tx, *id, version.or(election.version)?, &election).await.map(One)).await
}

/// Enter that the members chose a secretary as director · 登记推选为主任
///
/// Links his seat as director, which is entered before among the members of the owners' committee; its first day is the first in office.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments/{id}/choose-director")]
async fn choose_cross_appointment_director(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    seat: Json<DirectorSeat>,
) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.choose_director", async |tx| steps::choose_director(tx, *id, version.or(seat.version)?, &seat).await.map(One)).await
}

/// Enter that the election of a secretary was filed · 登记备案
///
/// With housing and the subdistrict, within thirty days of the election (Regulations on Property Management, article 16).
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments/{id}/file")]
async fn file_cross_appointment(caller: Caller, id: Id<CrossAppointmentId>, version: IfMatch, filing: Json<CrossFiling>) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.file", async |tx| steps::file(tx, *id, version.or(filing.version)?, &filing).await.map(One)).await
}

/// Enter that a secretary was not elected · 登记未当选
///
/// With a reason: the owners elected another, or the members chose another as director.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments/{id}/record-defeat")]
async fn record_cross_appointment_defeat(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    refusal: Json<CrossRefusal>,
) -> WriteReply<One<CrossAppointment>> {
    let action = SecretaryAction::RecordDefeat;
    caller.write("cross_appointment.record_defeat", async |tx| steps::stop(tx, *id, version.or(refusal.version)?, action, &refusal).await.map(One)).await
}

/// Withdraw the nomination of a secretary · 撤回提名
///
/// With a reason, before he is director.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments/{id}/withdraw")]
async fn withdraw_cross_appointment(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    refusal: Json<CrossRefusal>,
) -> WriteReply<One<CrossAppointment>> {
    let action = SecretaryAction::Withdraw;
    caller.write("cross_appointment.withdraw", async |tx| steps::stop(tx, *id, version.or(refusal.version)?, action, &refusal).await.map(One)).await
}

/// Pass the check of a recommended manager · 通过核查
///
/// He is in the Party (409 `cross_appointment.not_in_party`: whoever is not may only sit in), a property project of the compound names
/// him as its manager, and it is written what shows his political awareness and that he serves well.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.party_review"])))]
#[post("/cross-appointments/{id}/check")]
async fn check_cross_appointment(caller: Caller, id: Id<CrossAppointmentId>, version: IfMatch, step: Json<CrossStep>) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.check", async |tx| steps::check(tx, *id, version.or(step.version)?, &step).await.map(One)).await
}

/// Enter that the upper party organization approved a manager · 登记上级党组织批准
///
/// By which document, and when.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.approve"])))]
#[post("/cross-appointments/{id}/approve")]
async fn approve_cross_appointment(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    approval: Json<UpperApproval>,
) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.approve", async |tx| steps::approve(tx, *id, version.or(approval.version)?, &approval).await.map(One)).await
}

/// Enter that a manager has his post · 登记任职
///
/// Links his post in the party organization of the compound, which is entered there before; its first day is the first in office.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments/{id}/appoint")]
async fn appoint_cross_appointment(caller: Caller, id: Id<CrossAppointmentId>, version: IfMatch, post: Json<ManagerPost>) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.appoint", async |tx| steps::appoint(tx, *id, version.or(post.version)?, &post).await.map(One)).await
}

/// Decline a recommended manager · 不予通过
///
/// With a reason, for good; before the check whoever does that, afterwards the upper party organization.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.party_review", "cross_appointment.approve"])))]
#[post("/cross-appointments/{id}/decline")]
async fn decline_cross_appointment(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    refusal: Json<CrossRefusal>,
) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.decline", async |tx| steps::decline(tx, *id, version.or(refusal.version)?, &refusal).await.map(One)).await
}

/// End a cross appointment in office · 终止交叉任职
///
/// On a day that may lie ahead. The seat or the post is ended where it is kept.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments/{id}/end")]
async fn end_cross_appointment(caller: Caller, id: Id<CrossAppointmentId>, version: IfMatch, ending: Json<CrossEnding>) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.end", async |tx| steps::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(submit_cross_appointment)
        .service(pass_cross_appointment_party_review)
        .service(pass_cross_appointment_eligibility_review)
        .service(find_cross_appointment_ineligible)
        .service(elect_cross_appointment)
        .service(choose_cross_appointment_director)
        .service(file_cross_appointment)
        .service(record_cross_appointment_defeat)
        .service(withdraw_cross_appointment)
        .service(check_cross_appointment)
        .service(approve_cross_appointment)
        .service(appoint_cross_appointment)
        .service(decline_cross_appointment)
        .service(end_cross_appointment);
}
