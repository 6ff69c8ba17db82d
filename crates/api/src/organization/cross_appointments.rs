//! `/v1/cross-appointments`: 双向进入、交叉任职. The actions of its workflows stand beside this file.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use kernel::workflow::NextActions;
use organization::cross_appointment::{self, CrossAppointment, CrossAppointmentFilter, CrossAppointmentId, CrossAppointmentPatch, NewCrossAppointment};
use organization::cross_appointment_steps as steps;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};

/// List cross appointments · 列出双向进入、交叉任职
///
/// Those on their way and those in office on the day; `ever=true` adds those that are over.
#[utoipa::path(tag = "organization", params(CrossAppointmentFilter, PageParams), security(("Bearer" = ["cross_appointment.read"])))]
#[get("/cross-appointments")]
async fn list_cross_appointments(caller: Caller, filter: Query<CrossAppointmentFilter>) -> Reply<List<CrossAppointment>> {
    caller.page(None, async |view, paging| cross_appointment::list(view, &filter, paging).await).await
}

/// Get a cross appointment · 读取双向进入、交叉任职
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.read"])))]
#[get("/cross-appointments/{id}")]
async fn get_cross_appointment(caller: Caller, id: Id<CrossAppointmentId>) -> Reply<One<CrossAppointment>> {
    caller.browse(async |view| cross_appointment::get(view, *id).await.map(One)).await
}

/// Nominate a secretary, or recommend a manager · 提名书记或推荐物业负责人
///
/// A secretary as director of the owners' committee of his compound (`secretary_to_director`), or the manager of its property
/// service into its party organization (`manager_to_party`).
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments")]
async fn create_cross_appointment(caller: Caller, new: Json<NewCrossAppointment>) -> WriteReply<Created<CrossAppointment>> {
    caller.write("cross_appointment.create", async |tx| cross_appointment::create(tx, &new).await.map(Created)).await
}

/// Change a nomination or a recommendation · 更改提名或推荐
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[patch("/cross-appointments/{id}")]
async fn update_cross_appointment(
    caller: Caller,
    id: Id<CrossAppointmentId>,
    version: IfMatch,
    patch: Json<CrossAppointmentPatch>,
) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.update", async |tx| cross_appointment::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Nominate or recommend, or change that, by your own key · 按自有编号提名、推荐或更改
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[put("/cross-appointments/by-ref/{source}/{ref}")]
async fn put_cross_appointment(caller: Caller, key: ByRef, new: Json<NewCrossAppointment>) -> WriteReply<One<CrossAppointment>> {
    caller.write("cross_appointment.put", async |tx| cross_appointment::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// Begin, change and end cross appointments in one request · 批量处理双向进入
///
/// An `end` ends the time in the seat or the post, and says no cause.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.write"])))]
#[post("/cross-appointments:batch")]
async fn batch_cross_appointments(caller: Caller, batch: Json<Batch<NewCrossAppointment, CrossAppointmentPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("cross_appointment.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => cross_appointment::create(tx, new).await,
            BatchItem::Update(update) => cross_appointment::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => steps::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending().into()).await,
        })
        .await
}

/// Say what may be done next with a cross appointment · 双向进入的下一步操作
///
/// Each action that its state takes, whether you may do it now, and if not, the rule that forbids it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["cross_appointment.read"])))]
#[get("/cross-appointments/{id}/next-actions")]
async fn get_cross_appointment_next_actions(caller: Caller, id: Id<CrossAppointmentId>) -> Reply<Done<NextActions>> {
    caller.browse(async |view| steps::next_actions(view, *id).await.map(Done)).await
}

/// List the changes of a cross appointment · 列出双向进入的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["cross_appointment.read"])))]
#[get("/cross-appointments/{id}/history")]
async fn list_cross_appointment_history(caller: Caller, id: Id<CrossAppointmentId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            cross_appointment::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_cross_appointments)
        .service(get_cross_appointment)
        .service(create_cross_appointment)
        .service(update_cross_appointment)
        .service(put_cross_appointment)
        .service(batch_cross_appointments)
        .service(get_cross_appointment_next_actions)
        .service(list_cross_appointment_history);
}
