//! The books: what came of each attempt, and what follows from it for the event and for the webhook.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::task::Pace;
use kernel::{Call, Db, Error, Prepare, Result, Stamp, Tx};
use rand::TryRng;
use rand::rngs::SysRng;
use schema::{webhook, webhook_attempt, webhook_delivery, webhook_progress, webhook_secret};
use uuid::Uuid;

use super::backoff::{TOO_MANY, again_after, rest_after};
use super::courier::{Answer, Failure};
use super::delivery::{DeliveryState, WebhookDeliveryId};
use super::dispatch::Parcel;
use super::lease::{Claim, hold, move_to, release};
use super::{DisabledBecause, Webhook, WebhookId, WebhookState, write};
use crate::event::cursor::Position;

/// How long deliveries are kept, and how many are deleted at a time.
const KEPT: TimeDelta = TimeDelta::days(30);
const PURGED: i64 = 10_000;

/// Notes what came of an attempt. Returns the claim to go on with, unless it is over.
pub(super) async fn note(tx: &Tx<'_>, claim: Claim, parcel: &Parcel, answer: &Answer) -> Result<Option<Claim>> {
    let hook = claim.webhook_id;
    // In the order in which commands of people lock them.
    webhook::table.find(hook).select(webhook::version).for_no_key_update().first::<i32>(&mut tx.conn()).await?;
    let mine = webhook_progress::table.find(hook).filter(webhook_progress::ready_at.eq(claim.ready_at));
    let failures: Option<i32> = mine.select(webhook_progress::failures).for_update().first(&mut tx.conn()).await.optional()?;
    let Some(before) = failures else { return Ok(None) };
    let tries = parcel.tried.unwrap_or(0) + 1;
    let follows = Outcome::of(answer.failure, tries, before, chance()?);
    book(tx, hook, parcel, answer, tries, &follows).await?;
    diesel::update(webhook_progress::table.find(hook)).set(webhook_progress::failures.eq(follows.failures)).prepared().execute(&mut tx.conn()).await?;
    let at = if parcel.tried.is_some() { claim.at() } else { parcel.position };
    if let Some(because) = follows.disable {
        disable(tx, hook, because).await?;
        release(tx, claim, at).await?;
        return Ok(None);
    }
    if follows.rest.is_zero() {
        return hold(tx, claim, at).await;
    }
    move_to(tx, claim, at, follows.rest).await?;
    Ok(None)
}

/// What follows from an attempt.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// What has become of the event.
    state: DeliveryState,
    /// How long until it is tried again, if it is.
    again: Option<TimeDelta>,
    /// Failures in a row.
    failures: i32,
    /// How long the webhook rests.
    rest: TimeDelta,
    /// Why it is to be disabled, if it is.
    disable: Option<DisabledBecause>,
}

impl Outcome {
    /// After so many tries of this event, and so many failures of the webhook before.
    fn of(failure: Option<Failure>, tries: i32, failures: i32, chance: u16) -> Self {
        let settled = |state, failures| Self { state, again: None, failures, rest: TimeDelta::zero(), disable: None };
        match failure {
            None => settled(DeliveryState::Delivered, 0),
            // Nothing was sent, so it says nothing of the receiver.
            Some(Failure::Withheld) => settled(DeliveryState::Dead, failures),
            Some(failure) => {
                let (failures, again) = (failures + 1, again_after(tries, chance));
                let disable = match failure {
                    Failure::Gone => Some(DisabledBecause::Gone),
                    _ => (failures >= TOO_MANY).then_some(DisabledBecause::Failing),
                };
                Self { state: again.map_or(DeliveryState::Dead, |_| DeliveryState::Pending), again, failures, rest: rest_after(failures), disable }
            }
        }
    }
}

/// Writes an attempt, and what has become of the event.
async fn book(tx: &Tx<'_>, hook: WebhookId, parcel: &Parcel, answer: &Answer, tries: i32, follows: &Outcome) -> Result<()> {
    let Position { era, xid, seq } = parcel.position;
    let next_at = follows.again.map(|gap| Stamp(tx.now + gap));
    let became = (webhook_delivery::state.eq(follows.state), webhook_delivery::tries.eq(tries), webhook_delivery::next_at.eq(next_at));
    let delivery: WebhookDeliveryId = diesel::insert_into(webhook_delivery::table)
        .values((
            webhook_delivery::id.eq(WebhookDeliveryId::fresh()),
            webhook_delivery::webhook_id.eq(hook),
            webhook_delivery::era.eq(era),
            webhook_delivery::xid.eq(xid),
            webhook_delivery::seq.eq(seq),
            webhook_delivery::action.eq(&parcel.action),
            webhook_delivery::created_at.eq(tx.now),
            became,
        ))
        // It is there already where it is due again, or all was sent again from an earlier place.
        .on_conflict((webhook_delivery::webhook_id, webhook_delivery::seq))
        .do_update()
        .set(became)
        .returning(webhook_delivery::id)
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    diesel::insert_into(webhook_attempt::table)
        .values((
            webhook_attempt::id.eq(Uuid::now_v7()),
            webhook_attempt::delivery_id.eq(delivery),
            webhook_attempt::at.eq(tx.now),
            webhook_attempt::status.eq(answer.status.and_then(|status| i16::try_from(status).ok())),
            webhook_attempt::failure.eq(answer.failure),
            webhook_attempt::millis.eq(i32::try_from(answer.took.as_millis()).unwrap_or(i32::MAX)),
        ))
        .prepared()
        .execute(&mut tx.conn())
        .await?;
    Ok(())
}

/// Disables a webhook, if it is active.
pub(super) async fn disable(tx: &Tx<'_>, id: WebhookId, because: DisabledBecause) -> Result<()> {
    let active = webhook::table.find(id).filter(webhook::state.eq(WebhookState::Active));
    let Some(before) = active.select(Webhook::as_select()).for_update().first(&mut tx.conn()).await.optional()? else { return Ok(()) };
    let after = write(tx, Webhook { state: WebhookState::Disabled, disabled_because: Some(because), ..before.clone() }).await?;
    tx.record("webhook.disabled", Some(&before.told()), &after.told(), Some(because.word()))
}

/// Deletes deliveries that are older than they are kept, and secrets that no longer sign.
pub(super) async fn purge(db: &Db, call: &Call) -> Result<Pace> {
    let deleted = db.write(call, "webhook.purge", async |tx| {
        diesel::delete(webhook_secret::table.filter(webhook_secret::expires_at.le(tx.now))).execute(&mut tx.conn()).await?;
        let settled = webhook_delivery::state.ne(DeliveryState::Pending).and(webhook_delivery::created_at.lt(tx.now - KEPT));
        let old: Vec<WebhookDeliveryId> =
            webhook_delivery::table.filter(settled).select(webhook_delivery::id).limit(PURGED).for_update().skip_locked().load(&mut tx.conn()).await?;
        Ok(diesel::delete(webhook_delivery::table.filter(webhook_delivery::id.eq_any(old))).execute(&mut tx.conn()).await?)
    });
    Ok(if deleted.await? == 0 { Pace::Rest } else { Pace::Go })
}

/// 0 to 1000, at random.
fn chance() -> Result<u16> {
    let mut bytes = [0; 2];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    Ok(u16::from_be_bytes(bytes) % 1_001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_an_attempt() {
        let of = |failure, tries, failures| Outcome::of(failure, tries, failures, 0);
        let delivered = of(None, 4, 149);
        assert_eq!((delivered.state, delivered.failures, delivered.again, delivered.disable), (DeliveryState::Delivered, 0, None, None));
        let failed = of(Some(Failure::Status), 1, 0);
        assert_eq!((failed.state, failed.again, failed.rest), (DeliveryState::Pending, Some(TimeDelta::seconds(5)), TimeDelta::zero()));
        assert_eq!(of(Some(Failure::TimedOut), 10, 3).state, DeliveryState::Dead);
        assert_eq!(of(Some(Failure::TimedOut), 2, 3).rest, TimeDelta::seconds(20), "a receiver that fails whatever it is sent is left alone");
        assert_eq!(of(Some(Failure::Gone), 1, 0).disable, Some(DisabledBecause::Gone));
        assert_eq!((of(Some(Failure::Broken), 1, 148).disable, of(Some(Failure::Broken), 1, 149).disable), (None, Some(DisabledBecause::Failing)));
        let withheld = of(Some(Failure::Withheld), 1, 7);
        assert_eq!((withheld.state, withheld.failures, withheld.disable), (DeliveryState::Dead, 7, None), "nothing was sent");
    }
}
