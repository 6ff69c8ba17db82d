//! Housekeeping: what is no longer needed goes, a little at a time, from whichever replica comes first.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::task::{Pace, Task};
use kernel::{Call, Db, Result, Tx};

use crate::blob::Blobs;
use crate::{file, idempotency, import_run, job};

/// How often it is looked whether something may go.
const EVERY: Duration = Duration::from_secs(600);

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// What came of imports, with the rows at fault.
    pub import_runs: TimeDelta,
    /// Jobs that have ended.
    pub jobs: TimeDelta,
    /// Files that belong to nothing, and content that no file has.
    pub loose_files: TimeDelta,
}

/// The tasks that let go of what is no longer needed.
#[must_use]
pub fn tasks(blobs: Blobs, keeping: Keeping) -> Vec<Task> {
    let Keeping { import_runs, jobs, loose_files } = keeping;
    vec![
        Task::new("purge.idempotency", EVERY, |db, call| purge(db, call, async |tx| idempotency::purge(tx).await)),
        Task::new("purge.import_runs", EVERY, move |db, call| purge(db, call, async move |tx| import_run::purge(tx, import_runs).await)),
        Task::new("purge.jobs", EVERY, move |db, call| purge(db, call, async move |tx| job::purge(tx, jobs).await)),
        Task::new("purge.expired_files", EVERY, |db, call| purge(db, call, async |tx| file::purge_expired(tx).await)),
        Task::new("purge.loose_files", EVERY, move |db, call| purge(db, call, async move |tx| file::purge_orphaned(tx, loose_files).await)),
        Task::new("purge.blobs", EVERY, move |db, call| {
            let blobs = blobs.clone();
            async move { Ok(pace(blobs.sweep(&db, &call, loose_files).await?)) }
        }),
    ]
}

/// Lets go of a batch; `work` answers how much that was, and whether there may be more.
async fn purge(db: Db, call: Call, work: impl AsyncFn(&Tx<'_>) -> Result<(usize, bool)>) -> Result<Pace> {
    Ok(pace(db.write(&call, "purge", work).await?))
}

fn pace((count, more): (usize, bool)) -> Pace {
    if count > 0 {
        tracing::info!(count, "purged");
    }
    if more { Pace::Go } else { Pace::Rest }
}
