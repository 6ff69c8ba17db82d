//! What a webhook has sent, what came of each attempt, and sending it again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::page::Cursor;
use kernel::xid::Xid;
use kernel::{Expected, Page, Paging, Prepare, Refusal, Result, Stamp, Tx, View, id, text_enum};
use schema::{journal, webhook_attempt, webhook_delivery, webhook_progress};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::courier::Failure;
use super::{UNVERIFIED, Webhook, WebhookId, WebhookState, get, lock};
use crate::event;
use crate::event::After;
use crate::event::cursor::Position;
use crate::event::epoch::Eras;

id!(
    /// An event that a webhook has tried to send.
    WebhookDeliveryId
);

text_enum!(
    /// What has become of an event that was sent.
    DeliveryState {
        /// It failed and is tried again.
        Pending = "pending" "待重试",
        /// The receiver has it.
        Delivered = "delivered" "已送达",
        /// It was given up: a dead letter.
        Dead = "dead" "已放弃",
    }
);

/// An event that a webhook has tried to send.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookDelivery {
    /// Identity of the delivery.
    pub id: WebhookDeliveryId,
    /// The event: the header `webhook-id` of every attempt.
    #[schema(example = "evt_0_1207")]
    pub event_id: String,
    /// What was done.
    #[schema(example = "grid.changed")]
    pub event_type: String,
    /// What has become of it.
    pub state: DeliveryState,
    /// When it is tried again, if it is.
    pub next_at: Option<Stamp>,
    /// When it was first tried.
    pub created_at: Stamp,
    /// Every attempt, the first one first.
    #[schema(max_items = 1000)]
    pub attempts: Vec<WebhookAttempt>,
}

/// One attempt.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = webhook_attempt)]
pub struct WebhookAttempt {
    /// When.
    pub at: Stamp,
    /// HTTP status of the answer, where there was one.
    #[schema(minimum = 100, maximum = 999)]
    pub status: Option<i16>,
    /// Why it failed; null where it succeeded.
    pub failure: Option<Failure>,
    /// Milliseconds until the answer or the failure.
    #[schema(minimum = 0)]
    pub millis: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_delivery)]
struct Row {
    id: WebhookDeliveryId,
    era: i32,
    seq: i64,
    action: String,
    state: DeliveryState,
    next_at: Option<Stamp>,
    created_at: Stamp,
}

/// Which deliveries a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DeliveryFilter {
    /// In this state; `dead` lists what was given up.
    #[param(inline)]
    pub state: Option<DeliveryState>,
}

/// What is to be sent again: one of `after`, `from` and `delivery_id`.
#[derive(Clone, Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Replay {
    /// Everything after this cursor of `GET /v1/events`; `now` skips what has not been sent yet.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._-]+$", example = "now")]
    pub after: Option<String>,
    /// Everything since this time.
    pub from: Option<DateTime<Utc>>,
    /// This one.
    pub delivery_id: Option<WebhookDeliveryId>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Not one thing to be sent again.
pub const REPLAY_OF_WHAT: Refusal =
    Refusal::invalid("webhook.replay_of_what", "after、from、delivery_id 须恰好填写一项。", "Give one of after, from and delivery_id, and no other.");
/// No such delivery.
pub const UNKNOWN: Refusal = Refusal::invalid(
    "webhook_delivery.does_not_exist",
    "该推送地址没有这条推送记录,或记录已超过保留期。",
    "The webhook has no such delivery, or it is older than deliveries are kept.",
);

/// Lists what a webhook has tried to send, the latest first.
pub async fn list(view: &View<'_>, webhook: WebhookId, filter: &DeliveryFilter, paging: &Paging) -> Result<Page<WebhookDelivery>> {
    get(view, webhook).await?;
    let belongs_to = (webhook, filter);
    let mut query = webhook_delivery::table.filter(webhook_delivery::webhook_id.eq(webhook)).select(Row::as_select()).into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(webhook_delivery::state.eq(state));
    }
    if let Some(after) = paging.after(&belongs_to)? {
        query = query.filter(webhook_delivery::id.lt(after.id));
    }
    let rows: Vec<Row> = query.order(webhook_delivery::id.desc()).limit(paging.fetch()).load(&mut view.conn()).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let attempts: Vec<(WebhookDeliveryId, WebhookAttempt)> = webhook_attempt::table
        .filter(webhook_attempt::delivery_id.eq_any(ids))
        .order((webhook_attempt::delivery_id, webhook_attempt::id))
        .select((webhook_attempt::delivery_id, WebhookAttempt::as_select()))
        .load(&mut view.conn())
        .await?;
    let mut by_delivery: HashMap<_, Vec<_>> = HashMap::new();
    for (delivery, attempt) in attempts {
        by_delivery.entry(delivery).or_default().push(attempt);
    }
    let told = |row: Row| WebhookDelivery {
        id: row.id,
        event_id: event::event_id(row.era, row.seq),
        event_type: row.action,
        state: row.state,
        next_at: row.next_at,
        created_at: row.created_at,
        attempts: by_delivery.remove(&row.id).unwrap_or_default(),
    };
    let rows = rows.into_iter().map(told).collect();
    paging.page(view.as_of, rows, None, &belongs_to, |row| Cursor { key: String::new(), id: row.id.0 })
}

/// Sends again: one event at once, or everything from a place on, in order. Each has the `webhook-id` that it had.
pub async fn replay(tx: &Tx<'_>, id: WebhookId, expected: Expected, what: &Replay, secret: &[u8]) -> Result<Webhook> {
    let webhook = lock(tx, id, expected).await?;
    tx.may_at(event::READ, webhook.area_code.as_str())?;
    if webhook.state == WebhookState::Unverified {
        return Err((&UNVERIFIED).into());
    }
    match (&what.after, what.from, what.delivery_id) {
        (None, None, Some(delivery)) => again(tx, id, delivery).await?,
        (Some(cursor), None, None) => {
            let eras = Eras::load(tx).await?;
            go_back(tx, id, After::said(Some(cursor)).position(tx, &eras, secret).await?).await?;
        }
        (None, Some(from), None) => go_back(tx, id, since(tx, from).await?).await?,
        _ => return Err((&REPLAY_OF_WHAT).into()),
    }
    tx.record("webhook.replayed", Some(&webhook.told()), &webhook.told(), None)?;
    Ok(webhook)
}

async fn again(tx: &Tx<'_>, webhook: WebhookId, delivery: WebhookDeliveryId) -> Result<()> {
    let of_it = webhook_delivery::table.filter(webhook_delivery::id.eq(delivery).and(webhook_delivery::webhook_id.eq(webhook)));
    let found = diesel::update(of_it)
        .set((webhook_delivery::state.eq(DeliveryState::Pending), webhook_delivery::tries.eq(0), webhook_delivery::next_at.eq(Some(Stamp(tx.now)))))
        .execute(&mut tx.conn())
        .await?;
    if found == 1 { Ok(()) } else { Err(UNKNOWN.at("/delivery_id").into()) }
}

async fn go_back(tx: &Tx<'_>, webhook: WebhookId, to: Position) -> Result<()> {
    // Whoever has it in hand loses it with this: his lease is another's.
    diesel::update(webhook_progress::table.find(webhook))
        .set((webhook_progress::era.eq(to.era), webhook_progress::xid.eq(to.xid), webhook_progress::seq.eq(to.seq), webhook_progress::ready_at.eq(tx.now)))
        .prepared()
        .execute(&mut tx.conn())
        .await?;
    Ok(())
}

/// The place before the first line of a time or later; lines of before may follow it, for they are not in order of time.
async fn since(tx: &Tx<'_>, from: DateTime<Utc>) -> Result<Position> {
    let eras = Eras::load(tx).await?;
    let mut first = None;
    for era in 0..=eras.present() {
        let (after, upto) = eras.lines(era);
        first = journal::table
            .filter(journal::at.ge(from).and(journal::seq.gt(after)).and(journal::seq.le(upto)))
            .order((journal::xid, journal::seq))
            .select((journal::xid, journal::seq))
            .first::<(Xid, i64)>(&mut tx.conn())
            .await
            .optional()?
            .map(|(xid, seq)| Position { era, xid, seq: seq - 1 });
        if first.is_some() {
            break;
        }
    }
    match first {
        // What is not decided yet comes by itself.
        Some(first) => Ok(first.min(event::end(tx, &eras).await?)),
        None => event::end(tx, &eras).await,
    }
}
