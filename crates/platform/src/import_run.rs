//! Import runs: one file, imported once, and what came of it; the rows at fault can be fetched, mended, sent again.

use std::fs::File;
use std::io::{Seek, Write};

use chrono::{NaiveDate, TimeDelta};
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use kernel::import::{self, Failure, IN_PROGRESS, Outcome, RowFault};
use kernel::page::{Cursor, Page, Paging};
use kernel::pulse::Pulse;
use kernel::sheet::Sheet;
use kernel::spool::broken;
use kernel::{Error, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, id, text_enum};
use schema::{import_failure, import_run};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

id!(
    /// One import of one file.
    ImportRunId
);

text_enum!(
    /// What becomes of the good rows of a file.
    ImportMode {
        /// Nothing is kept; the answer is what would have come of it.
        DryRun = "dry_run" "试运行",
        /// All rows or none.
        Atomic = "atomic" "全部成功才保存",
        /// The good rows are kept, the others told.
        BestEffort = "best_effort" "保存正确的行",
    }
);

/// An atomic import of which rows were refused.
pub const REFUSED: Refusal = Refusal::invalid(
    "import.refused",
    "有 {count} 行未通过,因此全部未导入;请修改这些行(见 failed_csv)后重新发送全部数据。",
    "{count} rows were refused, so nothing was imported; mend them (they are in failed_csv) and send the whole file again.",
);
/// No such run.
pub const UNKNOWN: Refusal = Refusal::not_found("import_run.unknown", "没有该导入记录,或它不是您的。", "There is no such import, or it is not yours.");

/// Rows at fault that an answer shows; the rest is fetched.
const SHOWN: usize = 100;
/// Rows at fault that are written or read at a time.
const CHUNK: usize = 2_000;
/// How long a statement of an import may take.
pub(crate) const MINUTES: u32 = 15;

/// What came of a file.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize, ToSchema)]
#[diesel(table_name = import_run)]
pub struct ImportRun {
    /// Identity of the run.
    pub id: ImportRunId,
    /// What was imported, as in the path.
    #[schema(example = "grids")]
    pub resource: String,
    /// What becomes of the good rows.
    pub mode: ImportMode,
    /// The day on which new rows begin and moves take place.
    pub effective_on: NaiveDate,
    /// Whether anything was kept.
    pub committed: bool,
    /// Data rows in the file.
    #[schema(minimum = 0)]
    pub rows_read: i32,
    /// Rows that became new objects.
    #[schema(minimum = 0)]
    pub created: i32,
    /// Rows that changed an object.
    #[schema(minimum = 0)]
    pub changed: i32,
    /// Rows that said what was so already.
    #[schema(minimum = 0)]
    pub unchanged: i32,
    /// Rows at fault.
    #[schema(minimum = 0)]
    pub refused: i32,
    /// When.
    pub created_at: Stamp,
    #[serde(skip)]
    area_code: String,
    #[serde(skip)]
    header: String,
    #[serde(skip)]
    started_by: Uuid,
}

impl Recorded for ImportRun {
    const KIND: &'static str = "import_run";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        &self.area_code
    }

    fn version(&self) -> i32 {
        1
    }
}

impl ImportMode {
    /// Whether what was stored is kept, so many rows being at fault.
    pub(crate) fn keeps(self, refused: i32) -> bool {
        match self {
            Self::DryRun => false,
            Self::Atomic => refused == 0,
            Self::BestEffort => true,
        }
    }
}

/// Imports a file in one transaction: its rows, what came of it, and which rows are at fault. Returns the run
/// with the first of those rows.
pub async fn import(tx: &Tx<'_>, sheet: &'static Sheet, file: &File, mode: ImportMode, on: NaiveDate, pulse: &Pulse) -> Result<(ImportRun, Vec<Failure>)> {
    let area_code = begin(tx, sheet).await?;
    tx.take_minutes(MINUTES).await?;
    let mut conn = tx.conn();
    conn.batch_execute("savepoint rows").await?;
    let outcome = store(tx, sheet, file, on, pulse).await?;
    let committed = mode.keeps(outcome.refused);
    conn.batch_execute(if committed { "release savepoint rows" } else { "rollback to savepoint rows" }).await?;
    tell(tx, sheet, area_code, Terms { mode, on, committed }, outcome).await
}

/// Asks whether the caller may import the resource, and keeps other imports of it out. Returns the area in which he may.
pub(crate) async fn begin(tx: &Tx<'_>, sheet: &'static Sheet) -> Result<String> {
    let area_code = tx.may(sheet.write)?.areas().first().map_or_else(|| tx.city.to_string(), ToString::to_string);
    tx.may_at(sheet.write, &area_code)?;
    if !tx.try_lock(&import::lock_of(sheet.resource)).await? {
        return Err(IN_PROGRESS.with("resource", sheet.resource).into());
    }
    Ok(area_code)
}

/// Stores the rows of a file, from its first on.
pub(crate) async fn store(tx: &Tx<'_>, sheet: &'static Sheet, file: &File, on: NaiveDate, pulse: &Pulse) -> Result<Outcome> {
    let mut file = file.try_clone().map_err(broken)?;
    file.rewind().map_err(broken)?;
    import::run(tx, sheet, file, on, pulse).await
}

/// How a file was imported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// What becomes of the good rows.
    pub mode: ImportMode,
    /// The day on which new rows begin.
    pub on: NaiveDate,
    /// Whether they were kept.
    pub committed: bool,
}

/// Writes down what came of a file, and which rows are at fault. Returns the first of those.
pub(crate) async fn tell(tx: &Tx<'_>, sheet: &'static Sheet, area_code: String, terms: Terms, outcome: Outcome) -> Result<(ImportRun, Vec<Failure>)> {
    let Terms { mode, on, committed } = terms;
    let run = ImportRun {
        id: ImportRunId::fresh(),
        resource: sheet.resource.to_owned(),
        mode,
        effective_on: on,
        committed,
        rows_read: outcome.rows_read,
        created: outcome.created,
        changed: outcome.changed,
        unchanged: outcome.unchanged(),
        refused: outcome.refused,
        created_at: Stamp(tx.now),
        area_code,
        header: outcome.header.clone(),
        started_by: tx.actor.id,
    };
    let counted = [("created", run.created), ("changed", run.changed), ("unchanged", run.unchanged), ("refused", run.refused)];
    for (outcome, rows) in counted {
        tx.measures().import_rows(sheet.resource, if committed { outcome } else { "not_kept" }, rows);
    }
    diesel::insert_into(import_run::table).values(&run).prepared().execute(&mut tx.conn()).await?;
    let mut shown = Vec::new();
    let mut chunk = Vec::new();
    for failure in outcome.failures.read()? {
        let failure = failure?;
        if shown.len() < SHOWN {
            shown.push(failure.clone());
        }
        chunk.push(failure);
        if chunk.len() == CHUNK {
            keep(tx, run.id, std::mem::take(&mut chunk)).await?;
        }
    }
    keep(tx, run.id, chunk).await?;
    tx.record("import_run.finished", None, &run, None)?;
    Ok((run, shown))
}

async fn keep(tx: &Tx<'_>, run: ImportRunId, failures: Vec<Failure>) -> Result<()> {
    let rows: Vec<_> = failures
        .into_iter()
        .map(|failure| {
            let faults = serde_json::to_value(&failure.faults).map_err(|error| Error::Internal(error.to_string()))?;
            Ok((
                import_failure::run_id.eq(run),
                import_failure::line.eq(failure.line),
                import_failure::record.eq(failure.record),
                import_failure::faults.eq(faults),
            ))
        })
        .collect::<Result<_>>()?;
    diesel::insert_into(import_failure::table).values(rows).execute(&mut tx.conn()).await?;
    Ok(())
}

/// The caller's runs, the latest first.
pub async fn list(view: &View<'_>, filter: &(), paging: &Paging) -> Result<Page<ImportRun>> {
    let mut query = import_run::table.filter(import_run::started_by.eq(view.actor.id)).select(ImportRun::as_select()).into_boxed();
    if let Some(after) = paging.after(filter)? {
        query = query.filter(import_run::id.lt(after.id));
    }
    let rows = query.order(import_run::id.desc()).limit(paging.fetch()).load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, filter, |run: &ImportRun| Cursor { key: String::new(), id: run.id.0 })
}

/// The caller's run with this id.
pub async fn get(view: &View<'_>, id: ImportRunId) -> Result<ImportRun> {
    let mine = import_run::id.eq(id).and(import_run::started_by.eq(view.actor.id));
    let found = import_run::table.filter(mine).select(ImportRun::as_select()).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// The rows at fault of a run, in the order of the file.
pub async fn failures(view: &View<'_>, id: ImportRunId, paging: &Paging) -> Result<Page<Failure>> {
    get(view, id).await?;
    let after = paging.after(&id)?.map_or(Ok(0), |cursor| cursor.key.parse()).map_err(|_| Paging::broken())?;
    let rows = read(view, id, after, paging.fetch()).await?;
    paging.page(view.as_of, rows, None, &id, |failure| Cursor { key: failure.line.to_string(), id: id.0 })
}

/// The rows at fault of a run as a file in the original columns, ready to mend and send again.
pub async fn failed_csv(view: &View<'_>, id: ImportRunId) -> Result<File> {
    let run = get(view, id).await?;
    let mut file = tempfile::tempfile().map_err(broken)?;
    file.write_all(run.header.as_bytes()).map_err(broken)?;
    let mut after = 0;
    loop {
        let rows = read(view, id, after, i64::try_from(CHUNK).unwrap_or(i64::MAX)).await?;
        let Some(last) = rows.last() else { break };
        after = last.line;
        let text: String = rows.iter().map(|row| row.record.as_str()).collect();
        file.write_all(text.as_bytes()).map_err(broken)?;
    }
    file.rewind().map_err(broken)?;
    Ok(file)
}

async fn read(view: &View<'_>, id: ImportRunId, after: i32, limit: i64) -> Result<Vec<Failure>> {
    let rows: Vec<(i32, String, serde_json::Value)> = import_failure::table
        .filter(import_failure::run_id.eq(id).and(import_failure::line.gt(after)))
        .select((import_failure::line, import_failure::record, import_failure::faults))
        .order(import_failure::line)
        .limit(limit)
        .load(&mut view.conn())
        .await?;
    rows.into_iter()
        .map(|(line, record, faults)| {
            let faults: Vec<RowFault> = serde_json::from_value(faults).map_err(|error| Error::Internal(error.to_string()))?;
            Ok(Failure { line, record, faults })
        })
        .collect()
}

/// Runs that are forgotten in one transaction.
const BATCH: i64 = 100;

/// Forgets runs older than `kept`, with their rows at fault; returns how many, and whether there may be more.
pub async fn purge(tx: &Tx<'_>, kept: TimeDelta) -> Result<(usize, bool)> {
    let old = import_run::table.filter(import_run::created_at.lt(tx.now - kept)).select(import_run::id).order(import_run::id);
    let old: Vec<ImportRunId> = old.limit(BATCH).for_update().skip_locked().load(&mut tx.conn()).await?;
    let count = diesel::delete(import_run::table.filter(import_run::id.eq_any(old))).execute(&mut tx.conn()).await?;
    Ok((count, i64::try_from(count).is_ok_and(|count| count == BATCH)))
}
