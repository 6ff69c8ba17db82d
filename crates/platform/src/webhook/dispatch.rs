//! The sender: takes one webhook at a time for a while, sends what is due and what is new, and notes what came of it.
//!
//! A sender that dies in the middle has noted nothing: when its lease is over another sends the same event with the
//! same id again. So every event arrives at least once.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::cipher::FieldCipher;
use kernel::manifest::Powers;
use kernel::task::{Pace, Task};
use kernel::xid::Xid;
use kernel::{Call, Db, Error, Result, View, clock};
use schema::{journal, webhook, webhook_delivery};

use super::books::{disable, note, purge};
use super::courier::{Answer, Courier, Failure, Letter};
use super::delivery::DeliveryState;
use super::lease::{Claim, claim, hold, release};
use super::{DisabledBecause, Webhook, WebhookState, owner, secret};
use crate::event::cursor::Position;
use crate::event::epoch::Eras;
use crate::event::{self, Line, Wanted};

/// Senders of one process: webhooks that are served at a time.
const SENDERS: [&str; 4] = ["webhook.send.1", "webhook.send.2", "webhook.send.3", "webhook.send.4"];
/// How often an idle sender looks for work.
const EVERY: Duration = Duration::from_secs(1);
/// Events that are sent in one go before other webhooks have their turn.
const BATCH: usize = 50;
/// Lines that are looked through for the next event: the first few, then many at a time.
const WINDOWS: [usize; 2] = [20, 1_000];

/// What a sender needs.
#[derive(Clone)]
pub struct Sender {
    /// Posts.
    pub courier: Courier,
    /// Opens the secrets that sign.
    pub cipher: FieldCipher,
    /// What roles permit to those whose webhooks they are.
    pub powers: Powers,
}

/// The senders, and the broom behind them.
#[must_use]
pub fn tasks(sender: &Sender) -> Vec<Task> {
    let senders = SENDERS.into_iter().map(|name| {
        let sender = sender.clone();
        Task::new(name, EVERY, move |db, call| {
            let sender = sender.clone();
            async move { sender.send(&db, &call).await }
        })
    });
    senders.chain([Task::new("webhook.purge", Duration::from_secs(3600), async |db, call| purge(&db, &call).await)]).collect()
}

/// What is to be done next for a webhook.
enum Next {
    /// Post this.
    Post(Parcel),
    /// Nothing up to here is to be sent.
    Skip(Position, bool),
    /// Its owner may no longer see anything there.
    Disable,
    /// It is not active any more.
    Leave,
}

/// An event on its way, and what it is in the books.
pub(super) struct Parcel {
    pub position: Position,
    pub action: String,
    /// How often it was tried before, where it is due again.
    pub tried: Option<i32>,
    /// None where the owner may not see it any more.
    pub letter: Option<Letter>,
}

impl Sender {
    /// One go of a sender.
    async fn send(&self, db: &Db, call: &Call) -> Result<Pace> {
        let now = || Call { now: clock::now(), ..call.clone() };
        let Some(mut claim) = db.write(&now(), "webhook.claim", claim).await? else { return Ok(Pace::Rest) };
        for _ in 0..BATCH {
            let next = db.browse(&now(), async |view| self.next(view, claim).await).await?;
            let held = match next {
                Next::Post(parcel) => {
                    let answer = match &parcel.letter {
                        Some(letter) => self.courier.post(letter).await?,
                        None => Answer { status: None, failure: Some(Failure::Withheld), body: Vec::new(), took: Duration::ZERO },
                    };
                    db.write(&now(), "webhook.note", async |tx| note(tx, claim, &parcel, &answer).await).await?
                }
                Next::Skip(until, true) => db.write(&now(), "webhook.skip", async |tx| hold(tx, claim, until).await).await?,
                Next::Skip(until, false) => {
                    db.write(&now(), "webhook.skip", async |tx| release(tx, claim, until).await).await?;
                    None
                }
                Next::Disable => {
                    db.write(&now(), "webhook.disable", async |tx| disable(tx, claim.webhook_id, DisabledBecause::Owner).await).await?;
                    None
                }
                Next::Leave => None,
            };
            match held {
                Some(held) => claim = held,
                None => return Ok(Pace::Go),
            }
        }
        // There may be more, but others have their turn now.
        db.write(&now(), "webhook.release", async |tx| release(tx, claim, claim.at()).await).await?;
        Ok(Pace::Go)
    }

    /// What is due again, else the next event that is new.
    async fn next(&self, view: &View<'_>, claim: Claim) -> Result<Next> {
        let active = webhook::table.find(claim.webhook_id).filter(webhook::state.eq(WebhookState::Active));
        let Some(hook) = active.select(Webhook::as_select()).first(&mut view.conn()).await.optional()? else { return Ok(Next::Leave) };
        let scope = owner::scope(view, &self.powers, hook.owner_id).await?;
        if !scope.covers(hook.area_code.as_str()) && !scope.areas().iter().any(|area| hook.area_code.covers(area.as_str())) {
            return Ok(Next::Disable);
        }
        let eras = Eras::load(view).await?;
        let seen = Wanted { scope, area: Some(hook.area_code.clone()), ..Wanted::default() };
        if let Some(due) = self.due(view, &hook, &seen).await? {
            return Ok(Next::Post(due));
        }
        let wanted = Wanted { kinds: hook.kinds.clone(), actions: hook.actions.clone(), ..seen };
        let mut at = claim.at();
        let mut more = true;
        for most in WINDOWS {
            let era = at.era;
            let window = event::read(view, &eras, at, most).await?;
            if let Some(line) = window.lines.into_iter().find(|line| wanted.fits(line)) {
                return Ok(Next::Post(self.parcel(view, &hook, Position { era, xid: line.xid, seq: line.seq }, None, line).await?));
            }
            (at, more) = (window.until, window.more);
            if !more {
                break;
            }
        }
        Ok(Next::Skip(at, more))
    }

    /// The event that is due again and has been for longest.
    async fn due(&self, view: &View<'_>, hook: &Webhook, seen: &Wanted) -> Result<Option<Parcel>> {
        let of_it = webhook_delivery::webhook_id.eq(hook.id).and(webhook_delivery::state.eq(DeliveryState::Pending));
        let due: Option<(i32, Xid, i64, i32, String)> = webhook_delivery::table
            .filter(of_it.and(webhook_delivery::next_at.le(view.now)))
            .order((webhook_delivery::next_at, webhook_delivery::seq))
            .select((webhook_delivery::era, webhook_delivery::xid, webhook_delivery::seq, webhook_delivery::tries, webhook_delivery::action))
            .first(&mut view.conn())
            .await
            .optional()?;
        let Some((era, xid, seq, tries, action)) = due else { return Ok(None) };
        let position = Position { era, xid, seq };
        let line: Option<Line> =
            journal::table.filter(journal::xid.eq(xid).and(journal::seq.eq(seq))).select(Line::as_select()).first(&mut view.conn()).await.optional()?;
        match line.filter(|line| seen.fits(line)) {
            Some(line) => self.parcel(view, hook, position, Some(tries), line).await.map(Some),
            None => Ok(Some(Parcel { position, action, tried: Some(tries), letter: None })),
        }
    }

    async fn parcel(&self, view: &View<'_>, hook: &Webhook, position: Position, tried: Option<i32>, line: Line) -> Result<Parcel> {
        let action = line.action().to_owned();
        let event = line.event(position.era, &view.city);
        let body = serde_json::to_string(&event).map_err(|error| Error::Internal(error.to_string()))?;
        let letter = Letter { url: hook.url.to_string(), id: event.id, body, keys: secret::alive(view, &self.cipher, hook.id).await? };
        Ok(Parcel { position, action, tried, letter: Some(letter) })
    }
}
