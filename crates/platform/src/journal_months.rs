//! The months of the journal: its partitions are made ahead, so that rows of a new month find theirs.

use std::time::Duration;

use diesel_async::RunQueryDsl;
use kernel::task::{Pace, Task};
use kernel::{Call, Db, Result, Tx};

/// How often the partitions are looked after. They are made two months ahead, so a try that fails has many others.
const EVERY: Duration = Duration::from_secs(3600);

/// The partitions, looked after in the background.
#[must_use]
pub fn task() -> Task {
    Task::new("journal.months", EVERY, keep)
}

/// Makes the partitions of this month and of the next two, unless they are there; returns how many were made.
///
/// Writers go on meanwhile. Readers may wait for up to two seconds; after that it is given up and tried another time.
/// Rows that went astray into the default partition are moved to their month, which stops writers for as long as it takes.
pub async fn make(tx: &Tx<'_>) -> Result<i32> {
    tx.take_minutes(5).await?;
    Ok(diesel::select(partitions::journal_make_partitions()).get_result(&mut tx.conn()).await?)
}

async fn keep(db: Db, call: Call) -> Result<Pace> {
    let made = db.write(&call, "journal.months", make).await?;
    if made > 0 {
        tracing::info!(made, "months were added to the journal");
    }
    Ok(Pace::Rest)
}

/// A function of the database, as diesel sees it.
mod partitions {
    #[diesel::declare_sql_function]
    extern "SQL" {
        fn journal_make_partitions() -> diesel::sql_types::Integer;
    }
}
