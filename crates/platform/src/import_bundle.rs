//! Bundles: files of several resources, imported in one transaction, each with a run of its own.

use chrono::NaiveDate;
use diesel_async::SimpleAsyncConnection;
use kernel::bundle::{self, Part};
use kernel::import::Failure;
use kernel::pulse::Pulse;
use kernel::{Refusal, Result, Tx};

use crate::import_run::{self, ImportMode, ImportRun, MINUTES, Terms};

/// An atomic bundle of which rows were refused.
pub const REFUSED: Refusal = Refusal::invalid(
    "import.bundle_refused",
    "整包中有 {count} 行未通过,因此全部未导入;请修改这些行(见各部分的 failed_csv)后重新发送整包。",
    "{count} rows of the bundle were refused, so nothing was imported; mend them (they are in the failed_csv of their parts) and send the whole bundle again.",
);

/// What came of a part of a bundle.
#[derive(Debug)]
pub struct Done {
    /// The name of the file, where it was one.
    pub file: Option<String>,
    /// The run.
    pub run: ImportRun,
    /// The first of its rows at fault.
    pub failures: Vec<Failure>,
}

/// Imports the parts of a bundle in one transaction, one after the other: each finds what those before it have brought, whether
/// or not that is kept. In an atomic bundle one row at fault keeps nothing of any part. Nobody imports any of the resources
/// meanwhile.
pub async fn import(tx: &Tx<'_>, parts: &[Part], mode: ImportMode, on: NaiveDate) -> Result<Vec<Done>> {
    // Who opens a bundle asks before, so as to unpack nothing in vain; what counts is this.
    bundle::insist(&tx.actor, parts.iter().map(|part| part.sheet))?;
    // All of them before anything is stored, in the order of the parts, which is the same for everybody.
    let mut areas = Vec::new();
    for part in parts {
        areas.push(import_run::begin(tx, part.sheet).await?);
    }
    tx.take_minutes(MINUTES).await?;
    let mut conn = tx.conn();
    conn.batch_execute("savepoint bundle").await?;
    let mut outcomes = Vec::new();
    for part in parts {
        let stored = import_run::store(tx, part.sheet, &part.content, on, &Pulse::default()).await;
        outcomes.push(stored.map_err(|error| part.refused(error))?);
    }
    let refused = outcomes.iter().fold(0_i32, |sum, outcome| sum.saturating_add(outcome.refused));
    let committed = mode.keeps(refused);
    conn.batch_execute(if committed { "release savepoint bundle" } else { "rollback to savepoint bundle" }).await?;
    let mut done = Vec::new();
    for ((part, area_code), outcome) in parts.iter().zip(areas).zip(outcomes) {
        // Asked again, as the journal names the role by which he may import this part.
        tx.may_at(part.sheet.write, &area_code)?;
        let (run, failures) = import_run::tell(tx, part.sheet, area_code, Terms { mode, on, committed }, outcome).await?;
        done.push(Done { file: part.name.clone(), run, failures });
    }
    Ok(done)
}
