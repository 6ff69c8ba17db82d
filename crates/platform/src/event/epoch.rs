//! Epochs: what readers of the feed hold to when the database is restored from a backup.
//!
//! A logical restore brings the journal's lines back with the transaction ids of the old cluster, while the new
//! one counts from the beginning. So lines are read era by era, an era being the time between two restores; the
//! number of a line tells its era, and the lines themselves are never touched.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use kernel::{Error, Prepare, Recorded, Result, Tx, View};
use schema::event_epoch;
use serde::Serialize;
use uuid::Uuid;

/// One restore of the database, as the journal keeps it.
#[derive(Clone, Debug, Serialize)]
pub struct Restore {
    /// The epoch that it began, counted from 1.
    pub number: i32,
    /// The last line of the journal that was restored.
    pub last_seq: i64,
    #[serde(skip)]
    id: Uuid,
    #[serde(skip)]
    area: String,
}

impl Recorded for Restore {
    const KIND: &'static str = "event_epoch";

    fn id(&self) -> Uuid {
        self.id
    }

    fn area(&self) -> &str {
        &self.area
    }

    fn version(&self) -> i32 {
        1
    }
}

/// The eras of the journal: the last line before each restore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eras(Vec<i64>);

impl Eras {
    /// Those of this database.
    pub async fn load(view: &View<'_>) -> Result<Self> {
        Ok(Self(event_epoch::table.select(event_epoch::last_seq).order(event_epoch::number).load(&mut view.conn()).await?))
    }

    /// The era in which lines are written now; also the epoch of the cursors that are handed out.
    #[must_use]
    pub fn present(&self) -> i32 {
        i32::try_from(self.0.len()).unwrap_or(i32::MAX)
    }

    /// The lines of an era: after the first number, up to the second.
    #[must_use]
    pub fn lines(&self, era: i32) -> (i64, i64) {
        let restore = |number: i32| usize::try_from(number).ok().and_then(|index| self.0.get(index).copied());
        (restore(era - 1).unwrap_or(0), restore(era).unwrap_or(i64::MAX))
    }

    /// The era of a line.
    #[must_use]
    pub fn of(&self, seq: i64) -> i32 {
        i32::try_from(self.0.iter().filter(|last| **last < seq).count()).unwrap_or(i32::MAX)
    }
}

/// Begins an epoch after a restore: cursors of before are refused from now on. Fails while anybody writes.
pub async fn begin(tx: &Tx<'_>) -> Result<Restore> {
    tx.take_minutes(15).await?;
    let eras = Eras::load(tx).await?;
    let numbers: Numbers = diesel::sql_query(
        "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('journal', 'seq')::regclass), 0) as handed_out, \
         (select coalesce(max(seq), 0) from journal) as last",
    )
    .get_result(&mut tx.conn())
    .await?;
    if numbers.last > numbers.handed_out {
        return Err(Error::Internal("the numbers of the journal are behind its lines: the restore is not complete".to_owned()));
    }
    // Asked after the numbers: whoever had one of them by then has written his line, or still holds this lock.
    let writers = "select count(*) as count from pg_locks \
                   where relation = 'journal'::regclass and database = (select oid from pg_database where datname = current_database()) and mode = 'RowExclusiveLock' and pid <> pg_backend_pid()";
    let writers: Writers = diesel::sql_query(writers).get_result(&mut tx.conn()).await?;
    if writers.count > 0 {
        return Err(Error::Internal("somebody is writing: end every linli serve, then run this again".to_owned()));
    }
    let restore = Restore { number: eras.present() + 1, last_seq: numbers.handed_out, id: Uuid::now_v7(), area: tx.city.to_string() };
    diesel::insert_into(event_epoch::table)
        .values((
            event_epoch::id.eq(restore.id),
            event_epoch::number.eq(restore.number),
            event_epoch::last_seq.eq(restore.last_seq),
            event_epoch::began_at.eq(tx.now),
        ))
        .prepared()
        .execute(&mut tx.conn())
        .await?;
    tx.record("event_epoch.began", None, &restore, None)?;
    Ok(restore)
}

#[derive(QueryableByName)]
struct Numbers {
    #[diesel(sql_type = BigInt)]
    handed_out: i64,
    #[diesel(sql_type = BigInt)]
    last: i64,
}

#[derive(QueryableByName)]
struct Writers {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_of_one_era() {
        let eras = Eras(vec![10, 10, 25]);
        assert_eq!((0..=3).map(|era| eras.lines(era)).collect::<Vec<_>>(), [(0, 10), (10, 10), (10, 25), (25, i64::MAX)]);
        for (seq, era) in [(1, 0), (10, 0), (11, 2), (25, 2), (26, 3)] {
            assert_eq!(eras.of(seq), era, "{seq}");
            let (after, upto) = eras.lines(era);
            assert!(after < seq && seq <= upto, "{seq}");
        }
        assert_eq!(Eras::default().lines(0), (0, i64::MAX));
        assert_eq!(eras.present(), 3);
    }
}
