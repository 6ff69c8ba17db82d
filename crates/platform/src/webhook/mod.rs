//! Webhooks: addresses that events are pushed to, signed, once the receiver has shown that it is there and willing.

pub mod backoff;
mod bodies;
mod books;
pub mod challenge;
pub mod courier;
pub mod delivery;
pub mod dispatch;
pub mod egress;
mod lease;
pub mod owner;
pub mod secret;
pub mod signature;
mod url;
mod words;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::cipher::FieldCipher;
use kernel::page::Cursor;
use kernel::text::{Key, Name};
use kernel::{AreaCode, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, id, text_enum, within};
use schema::{webhook, webhook_delivery, webhook_progress};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::bodies::{NewWebhook, Rotation, WebhookEnding, WebhookFilter, WebhookPatch};
use self::egress::Egress;
pub use self::url::{NOT_A_URL, NOT_REACHABLE, WebhookUrl};
use self::words::Words;
use crate::event;
use crate::event::epoch::Eras;

id!(
    /// A webhook.
    WebhookId
);

text_enum!(
    /// What becomes of events for a webhook.
    WebhookState {
        /// Nothing is sent before the receiver meets the challenge.
        Unverified = "unverified" "待验证",
        /// They are sent.
        Active = "active" "启用",
        /// Nothing is sent; it goes on where it stopped.
        Paused = "paused" "暂停",
        /// Nothing is sent until the receiver meets the challenge again; it then goes on where it stopped.
        Disabled = "disabled" "已停用",
        /// Nothing is sent any more.
        Ended = "ended" "已终止",
    }
);

text_enum!(
    /// Why Linli has disabled a webhook.
    DisabledBecause {
        /// The receiver said that it is gone (410).
        Gone = "gone" "接收方答复410",
        /// Too many attempts in a row failed: about three days of them.
        Failing = "failing" "连续失败",
        /// The client that made it may no longer see events there.
        Owner = "owner" "所有者无权限",
    }
);

/// A webhook as it stands.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = webhook)]
pub struct Webhook {
    /// Identity, for ever.
    pub id: WebhookId,
    /// What it is for.
    pub name: Name,
    /// Where events are posted to.
    pub url: WebhookUrl,
    /// Events of this area and all below it are sent.
    pub area_code: AreaCode,
    /// Kinds of objects whose events are sent; empty for all.
    #[diesel(deserialize_as = Words)]
    #[schema(max_items = 50)]
    pub kinds: Vec<Key>,
    /// Actions that are sent; empty for all.
    #[diesel(deserialize_as = Words)]
    #[schema(max_items = 50)]
    pub actions: Vec<Key>,
    /// What becomes of events.
    pub state: WebhookState,
    /// Why it is disabled, if it is.
    pub disabled_because: Option<DisabledBecause>,
    /// Who made it, or last ran its challenge: only what this client may see is sent.
    pub owner_id: Uuid,
    /// When the receiver last met the challenge.
    pub verified_at: Option<Stamp>,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

impl Webhook {
    /// The webhook as the journal keeps it: the path of its URL may hold a key of the receiver's.
    fn told(&self) -> Self {
        Self { url: self.url.without_path(), ..self.clone() }
    }
}

impl Recorded for Webhook {
    const KIND: &'static str = "webhook";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// A webhook with a secret that is shown this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookSecret {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The key of its signatures; it cannot be read again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", max_length = 100)]
    pub secret: String,
}

/// May see webhooks.
pub const READ: Permission = Permission("webhook.read");
/// May write webhooks.
pub const WRITE: Permission = Permission("webhook.write");

/// Webhooks that one client may have at a time.
const MOST: i64 = 20;

/// No such webhook.
pub const UNKNOWN: Refusal =
    Refusal::not_found("webhook.unknown", "没有该推送地址,或它不在您的区域内。", "There is no such webhook, or it is not in your area.");
/// It is over.
pub const ENDED: Refusal = Refusal::conflict("webhook.ended", "该推送地址已终止;请另行登记。", "The webhook has ended; make another.");
/// The receiver has not met the challenge.
pub const UNVERIFIED: Refusal = Refusal::conflict(
    "webhook.unverified",
    "接收方尚未通过验证,或已被停用;请先调用 challenge。",
    "The receiver has not met the challenge, or the webhook was disabled; run the challenge first.",
);
/// More than anybody needs.
pub const TOO_MANY: Refusal = Refusal::conflict(
    "webhook.too_many",
    "每个客户端最多同时有 {most} 个推送地址;请先终止不用的。",
    "A client has {most} webhooks at the most; end those that are no longer used.",
);

/// Lists the webhooks that the caller may see, the latest first.
pub async fn list(view: &View<'_>, filter: &WebhookFilter, paging: &Paging) -> Result<Page<Webhook>> {
    let scope = view.may(READ)?;
    let mut query = webhook::table.select(Webhook::as_select()).filter(within!(scope, webhook::area_code)).into_boxed();
    if let Some(area) = &filter.area_code {
        query = query.filter(webhook::area_code.ge(area.clone()).and(webhook::area_code.lt(kernel::area::end_of(area))));
    }
    if let Some(state) = filter.state {
        query = query.filter(webhook::state.eq(state));
    }
    if let Some(after) = paging.after(filter)? {
        query = query.filter(webhook::id.lt(after.id));
    }
    let rows = query.order(webhook::id.desc()).limit(paging.fetch()).load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, filter, |row: &Webhook| Cursor { key: String::new(), id: row.id.0 })
}

/// The webhook with this id.
pub async fn get(view: &View<'_>, id: WebhookId) -> Result<Webhook> {
    let scope = view.may(READ)?;
    let seen = webhook::table.filter(webhook::id.eq(id)).filter(within!(scope, webhook::area_code));
    let found = seen.select(Webhook::as_select()).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Makes a webhook for what the caller may see in an area. Nothing is sent before the challenge is met.
pub async fn create(tx: &Tx<'_>, cipher: &FieldCipher, egress: &Egress, new: &NewWebhook) -> Result<WebhookSecret> {
    tx.may_at(event::READ, new.area_code.as_str())?;
    tx.may_at(WRITE, new.area_code.as_str())?;
    new.url.within_reach(egress)?;
    tx.lock(&format!("webhooks of {}", tx.actor.id)).await?;
    let mine = webhook::owner_id.eq(tx.actor.id).and(webhook::state.ne(WebhookState::Ended));
    if webhook::table.filter(mine).count().get_result::<i64>(&mut tx.conn()).await? >= MOST {
        return Err(TOO_MANY.with("most", MOST).into());
    }
    let made: Webhook = diesel::insert_into(webhook::table)
        .values((
            webhook::id.eq(WebhookId::fresh()),
            webhook::name.eq(&new.name),
            webhook::url.eq(&new.url),
            webhook::area_code.eq(&new.area_code),
            webhook::kinds.eq(Words::from(new.kinds.clone())),
            webhook::actions.eq(Words::from(new.actions.clone())),
            webhook::owner_id.eq(tx.actor.id),
            webhook::created_at.eq(tx.now),
            webhook::updated_at.eq(tx.now),
        ))
        .returning(Webhook::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    let secret = secret::make(tx, cipher, made.id).await?;
    tx.record("webhook.created", None, &made.told(), None)?;
    Ok(WebhookSecret { webhook: made, secret })
}

/// Changes a webhook. Another address has to meet the challenge before anything is sent to it.
pub async fn update(tx: &Tx<'_>, id: WebhookId, expected: Expected, patch: &WebhookPatch, egress: &Egress) -> Result<Webhook> {
    let before = lock(tx, id, expected).await?;
    let mut after = Webhook {
        name: patch.name.clone().unwrap_or_else(|| before.name.clone()),
        url: patch.url.clone().unwrap_or_else(|| before.url.clone()),
        area_code: patch.area_code.clone().unwrap_or_else(|| before.area_code.clone()),
        kinds: patch.kinds.clone().unwrap_or_else(|| before.kinds.clone()),
        actions: patch.actions.clone().unwrap_or_else(|| before.actions.clone()),
        ..before.clone()
    };
    tx.may_at(WRITE, after.area_code.as_str())?;
    let aim = |row: &Webhook| (row.url.clone(), row.area_code.clone(), row.kinds.clone(), row.actions.clone());
    if aim(&after) != aim(&before) {
        // Who may not see events may not lead them anywhere either; pausing is open to him.
        tx.may_at(event::READ, after.area_code.as_str())?;
    }
    if after.url != before.url {
        after.url.within_reach(egress)?;
        (after.state, after.disabled_because, after.verified_at) = (WebhookState::Unverified, None, None);
    }
    after.state = match (patch.active, after.state) {
        (Some(true), WebhookState::Unverified | WebhookState::Disabled) => return Err(UNVERIFIED.at("/active").into()),
        (Some(true), WebhookState::Paused) => WebhookState::Active,
        (Some(false), WebhookState::Active) => WebhookState::Paused,
        (_, state) => state,
    };
    let after = write(tx, after).await?;
    tx.record("webhook.changed", Some(&before.told()), &after.told(), None)?;
    Ok(after)
}

/// Ends a webhook at once: its secrets are forgotten, what was to be tried again is given up.
pub async fn end(tx: &Tx<'_>, id: WebhookId, expected: Expected, ending: &WebhookEnding) -> Result<Webhook> {
    let before = lock(tx, id, expected).await?;
    secret::forget(tx, id).await?;
    let pending = webhook_delivery::webhook_id.eq(id).and(webhook_delivery::state.eq(delivery::DeliveryState::Pending));
    diesel::update(webhook_delivery::table.filter(pending))
        .set((webhook_delivery::state.eq(delivery::DeliveryState::Dead), webhook_delivery::next_at.eq(None::<Stamp>)))
        .execute(&mut tx.conn())
        .await?;
    let after = write(tx, Webhook { state: WebhookState::Ended, disabled_because: None, ..before.clone() }).await?;
    tx.record("webhook.ended", Some(&before.told()), &after.told(), Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Gives a webhook a new secret; the present one goes on signing beside it for some hours.
pub async fn rotate(tx: &Tx<'_>, cipher: &FieldCipher, id: WebhookId, expected: Expected, rotation: &Rotation) -> Result<WebhookSecret> {
    let before = lock(tx, id, expected).await?;
    secret::retire(tx, id, rotation.overlap_hours).await?;
    let secret = secret::make(tx, cipher, id).await?;
    let after = write(tx, before.clone()).await?;
    tx.record("webhook.secret_rotated", Some(&before.told()), &after.told(), None)?;
    Ok(WebhookSecret { webhook: after, secret })
}

/// Makes a webhook active whose receiver has met the challenge at this address; it begins with what happens from now
/// on, or goes on where it stopped. Whoever ran the challenge answers for it from now on: so a key can be replaced.
pub async fn verified(tx: &Tx<'_>, id: WebhookId, expected: Expected, url: &WebhookUrl) -> Result<Webhook> {
    let before = lock(tx, id, expected).await?;
    if before.url != *url {
        return Err(kernel::change::STALE.with("version", before.version).into());
    }
    tx.may_at(event::READ, before.area_code.as_str())?;
    let from = event::end(tx, &Eras::load(tx).await?).await?;
    diesel::insert_into(webhook_progress::table)
        .values((
            webhook_progress::webhook_id.eq(id),
            webhook_progress::era.eq(from.era),
            webhook_progress::xid.eq(from.xid),
            webhook_progress::seq.eq(from.seq),
            webhook_progress::ready_at.eq(tx.now),
        ))
        .on_conflict(webhook_progress::webhook_id)
        .do_update()
        .set((webhook_progress::failures.eq(0), webhook_progress::ready_at.eq(tx.now)))
        .prepared()
        .execute(&mut tx.conn())
        .await?;
    let active = Webhook { state: WebhookState::Active, disabled_because: None, owner_id: tx.actor.id, verified_at: Some(Stamp(tx.now)), ..before.clone() };
    let after = write(tx, active).await?;
    tx.record("webhook.verified", Some(&before.told()), &after.told(), None)?;
    Ok(after)
}

/// The webhook, locked, of a caller who may write it, and which has not ended.
async fn lock(tx: &Tx<'_>, id: WebhookId, expected: Expected) -> Result<Webhook> {
    let seen = webhook::table.filter(webhook::id.eq(id)).filter(within!(tx.scope(&[READ, WRITE]), webhook::area_code));
    let found = seen.select(Webhook::as_select()).for_update().first(&mut tx.conn()).await.optional()?;
    let found: Webhook = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, found.area_code.as_str())?;
    if found.state == WebhookState::Ended {
        return Err((&ENDED).into());
    }
    expected.check(found.version)?;
    Ok(found)
}

/// Writes a webhook as it is to be, as the next version.
async fn write(tx: &Tx<'_>, row: Webhook) -> Result<Webhook> {
    let written = diesel::update(webhook::table.find(row.id))
        .set((
            webhook::name.eq(row.name),
            webhook::url.eq(row.url),
            webhook::area_code.eq(row.area_code),
            webhook::kinds.eq(Words::from(row.kinds)),
            webhook::actions.eq(Words::from(row.actions)),
            webhook::state.eq(row.state),
            webhook::disabled_because.eq(row.disabled_because),
            webhook::owner_id.eq(row.owner_id),
            webhook::verified_at.eq(row.verified_at),
            webhook::version.eq(row.version + 1),
            webhook::updated_at.eq(tx.now),
        ))
        .returning(Webhook::as_returning())
        .prepared()
        .get_result(&mut tx.conn());
    Ok(written.await?)
}
