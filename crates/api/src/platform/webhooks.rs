//! `/v1/webhooks`: 推送.

use actix_web::{get, patch, post};
use kernel::journal::{self, Change};
use platform::webhook::challenge::{self, WebhookVersion};
use platform::webhook::delivery::{self, DeliveryFilter, Replay, WebhookDelivery};
use platform::webhook::{self, NewWebhook, Rotation, Webhook, WebhookEnding, WebhookFilter, WebhookId, WebhookPatch, WebhookSecret};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::query::{Id, IfMatch, PageParams, Query};
use crate::reply::{CreatedOnce, List, One, Reply, Shown, WriteReply};

/// List webhooks · 列出推送地址
#[utoipa::path(tag = "platform", params(WebhookFilter, PageParams), security(("Bearer" = ["webhook.read"])))]
#[get("/webhooks")]
async fn list_webhooks(caller: Caller, filter: Query<WebhookFilter>) -> Reply<List<Webhook>> {
    caller.page(None, async |view, paging| webhook::list(view, &filter, paging).await).await
}

/// Get a webhook · 读取推送地址
#[utoipa::path(tag = "platform", security(("Bearer" = ["webhook.read"])))]
#[get("/webhooks/{id}")]
async fn get_webhook(caller: Caller, id: Id<WebhookId>) -> Reply<One<Webhook>> {
    caller.read(async |view| webhook::get(view, *id).await.map(One)).await
}

/// Create a webhook · 登记推送地址
///
/// The answer holds the secret, which is never shown again. Give it to the receiver, then run the challenge: nothing
/// is sent before. You need `event.read` in the area too, and the webhook never tells more than you may see.
#[utoipa::path(tag = "platform", security(("Bearer" = ["webhook.write"])))]
#[post("/webhooks")]
async fn create_webhook(caller: Caller, new: Json<NewWebhook>) -> WriteReply<CreatedOnce<Webhook, WebhookSecret>> {
    let (cipher, egress) = (&caller.services().cipher, caller.services().courier.egress());
    let made = caller.write("webhook.create", async |tx| {
        let shown = webhook::create(tx, cipher, egress, &new).await?;
        Ok(CreatedOnce { object: shown.webhook.clone(), shown })
    });
    made.await
}

/// Change a webhook · 更改推送地址
///
/// `active` pauses it and lets it go on. Another `url` has to meet the challenge before anything is sent to it.
#[utoipa::path(tag = "platform", security(("Bearer" = ["webhook.write"])))]
#[patch("/webhooks/{id}")]
async fn update_webhook(caller: Caller, id: Id<WebhookId>, version: IfMatch, patch: Json<WebhookPatch>) -> WriteReply<One<Webhook>> {
    let egress = caller.services().courier.egress();
    caller.write("webhook.update", async |tx| webhook::update(tx, *id, version.or(patch.version)?, &patch, egress).await.map(One)).await
}

/// Challenge the receiver of a webhook · 验证接收方
///
/// A signed letter of the type `webhook.challenge` is posted to the address. The receiver answers 2xx with the value of
/// `data.token`, bare or as `{"token": …}`; then the webhook is active.
#[utoipa::path(tag = "platform", security(("Bearer" = ["webhook.write"])))]
#[post("/webhooks/{id}/challenge")]
async fn challenge_webhook(caller: Caller, id: Id<WebhookId>, version: IfMatch, body: Json<WebhookVersion>) -> WriteReply<One<Webhook>> {
    let expected = version.or(body.version)?;
    let challenge = caller.read(async |view| challenge::prepare(view, &caller.services().cipher, *id, expected).await).await?;
    challenge.pose(&caller.services().courier).await?;
    caller.write("webhook.challenge", async |tx| webhook::verified(tx, *id, expected, &challenge.webhook.url).await.map(One)).await
}

/// Give a webhook a new secret · 更换签名密钥
///
/// The present one signs beside it for some hours, so that the receiver can change over.
#[utoipa::path(tag = "platform", security(("Bearer" = ["webhook.write"])))]
#[post("/webhooks/{id}/rotate-secret")]
async fn rotate_webhook_secret(caller: Caller, id: Id<WebhookId>, version: IfMatch, rotation: Json<Rotation>) -> WriteReply<Shown<WebhookSecret>> {
    let cipher = &caller.services().cipher;
    caller.write("webhook.rotate_secret", async |tx| webhook::rotate(tx, cipher, *id, version.or(rotation.version)?, &rotation).await.map(Shown)).await
}

/// Send events of a webhook again · 重新推送
///
/// One delivery, or everything from a time or a cursor on. Each event has the `webhook-id` that it had.
#[utoipa::path(tag = "platform", security(("Bearer" = ["webhook.write"])))]
#[post("/webhooks/{id}/replay")]
async fn replay_webhook(caller: Caller, id: Id<WebhookId>, version: IfMatch, what: Json<Replay>) -> WriteReply<One<Webhook>> {
    let secret = caller.services().cursor_secret.read(&caller.services().db, caller.call()).await?;
    caller.write("webhook.replay", async |tx| delivery::replay(tx, *id, version.or(what.version)?, &what, secret).await.map(One)).await
}

/// End a webhook · 终止推送地址
#[utoipa::path(tag = "platform", security(("Bearer" = ["webhook.write"])))]
#[post("/webhooks/{id}/end")]
async fn end_webhook(caller: Caller, id: Id<WebhookId>, version: IfMatch, ending: Json<WebhookEnding>) -> WriteReply<One<Webhook>> {
    caller.write("webhook.end", async |tx| webhook::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// List what a webhook has sent · 列出推送记录
///
/// With every attempt and when the next one is due. `state=dead` lists what was given up.
#[utoipa::path(tag = "platform", params(DeliveryFilter, PageParams), security(("Bearer" = ["webhook.read"])))]
#[get("/webhooks/{id}/deliveries")]
async fn list_webhook_deliveries(caller: Caller, id: Id<WebhookId>, filter: Query<DeliveryFilter>) -> Reply<List<WebhookDelivery>> {
    caller.page(None, async |view, paging| delivery::list(view, *id, &filter, paging).await).await
}

/// List the changes of a webhook · 列出推送地址的变更
#[utoipa::path(tag = "platform", params(PageParams), security(("Bearer" = ["webhook.read"])))]
#[get("/webhooks/{id}/history")]
async fn list_webhook_history(caller: Caller, id: Id<WebhookId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            webhook::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_webhooks)
        .service(get_webhook)
        .service(create_webhook)
        .service(update_webhook)
        .service(challenge_webhook)
        .service(rotate_webhook_secret)
        .service(replay_webhook)
        .service(end_webhook)
        .service(list_webhook_deliveries)
        .service(list_webhook_history);
}
