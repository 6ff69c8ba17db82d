//! Sealing: what nobody can add to any more is put into blocks, in the background, and no writer waits for it.
//!
//! Lines below the oldest running transaction (`pg_snapshot_xmin`) are settled: whatever is written later comes
//! after them in the order of (transaction, number). A block is sealed when it is full, or a minute after its first
//! line. One replica seals at a time.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use diesel_async::RunQueryDsl;
use futures_util::TryStreamExt;
use kernel::task::{Pace, Task};
use kernel::xid::Xid;
use kernel::{Call, Db, Prepare, Result, Tx, View};
use schema::sql_types::Xid8;
use schema::{journal, journal_block};

use super::block::{self, Block, Content};
use super::form::{Line, Micros};
use super::position::Position;

/// Lines of a full block.
pub const FULL: i64 = 4_096;
/// How long a line waits for others to be sealed with.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);
/// How often the background looks.
const EVERY: Duration = Duration::from_secs(15);

/// The sealing, in the background.
#[must_use]
pub fn task() -> Task {
    Task::new("journal.seal", EVERY, keep)
}

async fn keep(db: Db, call: Call) -> Result<Pace> {
    let sealed = db.write(&call, "journal.seal", seal).await?;
    Ok(if sealed.is_some() { Pace::Go } else { Pace::Rest })
}

/// Seals the next block, if one is due and nobody else is about it.
pub async fn seal(tx: &Tx<'_>) -> Result<Option<Block>> {
    if !tx.try_lock("journal.seal").await? {
        return Ok(None);
    }
    let before = block::latest(tx).await?;
    let settled = Settled::after(tx, before.as_ref()).await?;
    if !settled.due(tx).await? {
        return Ok(None);
    }
    let mut content = Content::default();
    let mut conn = tx.conn();
    if !settled.begins {
        let mut lines = settled.lines().select(Line::as_select()).limit(FULL).load_stream::<Line>(&mut conn).await?;
        while let Some(line) = lines.try_next().await? {
            content.add(&line);
        }
    }
    let block = Block::next(before.as_ref(), settled.from_seq, settled.after, &content, Micros::of(tx.now));
    diesel::insert_into(journal_block::table).values(&block).prepared().execute(&mut conn).await?;
    tracing::debug!(block = block.number, lines = block.lines, "sealed");
    Ok(Some(block))
}

/// Lines that are settled and not yet sealed.
#[derive(Clone, Copy, Debug)]
struct Settled {
    /// Those with this number or a greater one.
    from_seq: i64,
    /// Those with this number at the most.
    until_seq: i64,
    /// Those after this one; the default where none is sealed.
    after: Position,
    /// Those of earlier transactions.
    below: Xid,
    /// Whether a block is to say that lines begin here, before there are any.
    begins: bool,
}

impl Settled {
    /// Those after the latest block.
    async fn after(view: &View<'_>, before: Option<&Block>) -> Result<Self> {
        // A line of a transaction that is still to come was written in another cluster, and restored from its dump.
        let newest = match before {
            Some(before) => Some(before.last().xid),
            None => journal::table.select(journal::xid).order(journal::xid.desc()).first(&mut view.conn()).await.optional()?,
        };
        let running = running(view).await?;
        let (from_seq, after) = before.map_or((i64::MIN, Position::default()), |before| (before.from_seq, before.last()));
        let present = Self { from_seq, until_seq: i64::MAX, after, below: running.oldest, begins: false };
        if newest.is_none_or(|newest: Xid| newest < running.next) {
            return Ok(present);
        }
        let Some(restored) = last_restored(view).await? else { return Ok(present) };
        // Nothing can be added to what was restored: it is sealed to its end. Then a block without lines says where this
        // cluster's begin, so that none of them is taken for one that was put among the old.
        let rest = Self { until_seq: restored, below: Xid(u64::MAX), ..present };
        if rest.time_of(view, 0).await?.is_some() {
            return Ok(rest);
        }
        tracing::warn!(last_restored = restored, "the journal was restored into a cluster that counts its transactions anew; it is sealed from there on");
        Ok(Self { from_seq: restored.saturating_add(1), after: Position::default(), begins: true, ..present })
    }

    /// Whether a block is due: there are enough lines, or one has waited for long enough.
    async fn due(&self, tx: &Tx<'_>) -> Result<bool> {
        if self.begins {
            return Ok(true);
        }
        let Some(first_at) = self.time_of(tx, 0).await? else { return Ok(false) };
        let restored = self.until_seq < i64::MAX;
        Ok(restored || first_at <= Micros::of(tx.now - PATIENCE) || self.time_of(tx, FULL - 1).await?.is_some())
    }

    fn lines(&self) -> journal::BoxedQuery<'static, Pg> {
        let query = journal::table
            .filter(journal::xid.lt(self.below).and(journal::seq.ge(self.from_seq)).and(journal::seq.le(self.until_seq)))
            .order((journal::xid, journal::seq))
            .into_boxed();
        behind(query, self.after)
    }

    /// The time of one of them, counted from 0.
    async fn time_of(&self, view: &View<'_>, index: i64) -> Result<Option<Micros>> {
        Ok(self.lines().select(journal::at).offset(index).first(&mut view.conn()).await.optional()?)
    }
}

/// Of these lines those behind a place; at the beginning all of them, even such as nobody could have written.
pub(super) fn behind(query: journal::BoxedQuery<'static, Pg>, Position { xid, seq }: Position) -> journal::BoxedQuery<'static, Pg> {
    if (Position { xid, seq }) == Position::default() {
        return query;
    }
    query.filter(journal::xid.ge(xid).and(journal::xid.gt(xid).or(journal::seq.gt(seq))))
}

/// Which transactions may still write.
#[derive(QueryableByName)]
struct Running {
    /// The oldest of them; where there is none, the next.
    #[diesel(sql_type = Xid8)]
    oldest: Xid,
    /// The first that is still to come.
    #[diesel(sql_type = Xid8)]
    next: Xid,
}

/// The last line of those that this cluster did not write. Lines and transactions are seen at one instant, so none that
/// is written meanwhile is among them.
async fn last_restored(view: &View<'_>) -> Result<Option<i64>> {
    #[derive(QueryableByName)]
    struct Restored {
        #[diesel(sql_type = Nullable<BigInt>)]
        last: Option<i64>,
    }
    let query = "select max(seq) as last from journal where xid >= pg_snapshot_xmax(pg_current_snapshot())";
    Ok(diesel::sql_query(query).get_result::<Restored>(&mut view.conn()).await?.last)
}

async fn running(view: &View<'_>) -> Result<Running> {
    let query = "select pg_snapshot_xmin(pg_current_snapshot()) as oldest, pg_snapshot_xmax(pg_current_snapshot()) as next";
    Ok(diesel::sql_query(query).get_result(&mut view.conn()).await?)
}
