//! Leases: a webhook is one sender's for a while (`ready_at`), so no transaction is open while a receiver is waited
//! for, and no two senders have the same webhook.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use kernel::xid::Xid;
use kernel::{Result, Stamp, Tx};
use schema::sql_types::Xid8;
use schema::webhook_progress;

use super::WebhookId;
use crate::event;
use crate::event::cursor::Position;
use crate::event::epoch::Eras;

/// How long a webhook is a sender's own: longer than an attempt and its notes can take.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// A webhook that a sender has for a while.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(super) struct Claim {
    #[diesel(sql_type = Uuid)]
    pub webhook_id: WebhookId,
    #[diesel(sql_type = Integer)]
    era: i32,
    #[diesel(sql_type = Xid8)]
    xid: Xid,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    /// Until when; also what tells it from the claims of others.
    #[diesel(sql_type = Timestamptz)]
    pub ready_at: Stamp,
}

impl Claim {
    /// How far it has come.
    pub fn at(self) -> Position {
        Position { era: self.era, xid: self.xid, seq: self.seq }
    }
}

/// Takes a webhook for which there is something to do, the one that has waited longest.
pub(super) async fn claim(tx: &Tx<'_>) -> Result<Option<Claim>> {
    let last = event::last(tx, &Eras::load(tx).await?).await?;
    let taken = diesel::sql_query(
        "update webhook_progress set ready_at = $2 where webhook_id = ( \
             select p.webhook_id from webhook_progress p join webhook w on w.id = p.webhook_id \
             where w.state = 'active' and p.ready_at <= $1 and ( \
                 (p.era, p.xid, p.seq) < ($3, $4, $5) \
                 or exists (select from webhook_delivery d where d.webhook_id = p.webhook_id and d.state = 'pending' and d.next_at <= $1)) \
             order by p.ready_at limit 1 for update of p skip locked) \
         returning webhook_id, era, xid, seq, ready_at",
    );
    let taken = taken
        .bind::<Timestamptz, _>(tx.now)
        .bind::<Timestamptz, _>(tx.now + LEASE)
        .bind::<Integer, _>(last.era)
        .bind::<Xid8, _>(last.xid)
        .bind::<BigInt, _>(last.seq);
    Ok(taken.get_result(&mut tx.conn()).await.optional()?)
}

/// Keeps a webhook for longer, having come to a place. None where somebody else has it by now.
pub(super) async fn hold(tx: &Tx<'_>, claim: Claim, at: Position) -> Result<Option<Claim>> {
    move_to(tx, claim, at, LEASE).await
}

/// Gives a webhook back, having come to a place.
pub(super) async fn release(tx: &Tx<'_>, claim: Claim, at: Position) -> Result<()> {
    move_to(tx, claim, at, TimeDelta::zero()).await.map(drop)
}

/// Comes to a place; nobody takes the webhook for a while.
pub(super) async fn move_to(tx: &Tx<'_>, claim: Claim, at: Position, busy_for: TimeDelta) -> Result<Option<Claim>> {
    let mine = webhook_progress::table.find(claim.webhook_id).filter(webhook_progress::ready_at.eq(claim.ready_at));
    let ready_at: Option<Stamp> = diesel::update(mine)
        .set((
            webhook_progress::era.eq(at.era),
            webhook_progress::xid.eq(at.xid),
            webhook_progress::seq.eq(at.seq),
            webhook_progress::ready_at.eq(tx.now + busy_for),
        ))
        .returning(webhook_progress::ready_at)
        .get_result(&mut tx.conn())
        .await
        .optional()?;
    Ok(ready_at.map(|ready_at| Claim { era: at.era, xid: at.xid, seq: at.seq, ready_at, ..claim }))
}
