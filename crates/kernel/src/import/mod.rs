//! Imports: a file of rows becomes stored rows, set by set, in the transaction of the caller.
//!
//! A blocking thread reads and checks cells; each chunk is then checked against the database by one query and
//! stored by one statement, journal included. Rows that would change nothing are not written at all.

mod rows;
mod statements;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, Write};
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::sleep;
use uuid::Uuid;

use self::rows::{Chunk, Ready};
use self::statements::{Given, Statements};
use crate::db::Tx;
use crate::personal::Keeper;
use crate::pulse::Pulse;
use crate::refusal::{Error, Fault, Kind, Refusal, Refused, Result};
use crate::role::Role;
use crate::sheet::Sheet;
use crate::spool::broken;

/// A required cell is empty.
pub const REQUIRED: Refusal = Refusal::invalid("import.required", "“{column}”不能为空。", "“{column}” must not be empty.");
/// The same key on two lines.
pub const DUPLICATE: Refusal = Refusal::invalid("import.duplicate", "与第 {line} 行重复:{key}。", "The same as line {line}: {key}.");
/// The stored row has ended.
pub const ENDED: Refusal = Refusal::invalid(
    "import.ended",
    "{key} 已终止;编码不重复使用,也不能再更改。",
    "{key} has ended; a code is never used again, and what has ended is not changed.",
);
/// Outside the caller's area.
pub const OUT_OF_SCOPE: Refusal =
    Refusal::invalid("import.out_of_scope", "{key} 不在您有权写入的区域内。", "{key} is not within the area in which you may write.");
/// One of source and ref without the other.
pub const HALF_A_REFERENCE: Refusal =
    Refusal::invalid("import.half_a_reference", "source 与 ref 须同时填写或同时留空。", "Give both source and ref, or neither.");
/// The caller's key belongs to another row.
pub const REFERENCE_TAKEN: Refusal = Refusal::invalid("import.reference_taken", "{source}/{ref} 已属于另一对象。", "{source}/{ref} belongs to another object.");

/// A personal value could not be sealed.
pub const UNSEALED: Refusal =
    Refusal::new(Kind::Internal, "import.unsealed", "系统无法加密该值,请联系管理员。", "The value could not be sealed; tell the operator.");

/// A row that another one names is at fault itself.
pub const REFERS_TO_FAULT: Refusal = Refusal::invalid(
    "import.refers_to_fault",
    "所引用的“{value}”在本文件中的行有错误;请先更正该行。",
    "The row of “{value}” in this file, to which it refers, is at fault; mend that one first.",
);

/// An import of the resource runs, or something that keeps imports of it out.
pub const IN_PROGRESS: Refusal = Refusal::conflict(
    "import.in_progress",
    "{resource} 正在导入,或正有不容导入同时进行的更改,请稍后重试。",
    "An import of {resource} is running, or a change that no import may run beside; try again shortly.",
);

/// How long a command waits for imports before it is refused.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it looks whether they are over.
const LOOK: Duration = Duration::from_millis(50);

/// So many rows make a table another one for the planner.
const ANALYZE_FROM: i32 = 1_000;

/// The name of the lock that an import of a resource holds: one runs at a time.
#[must_use]
pub fn lock_of(resource: &str) -> String {
    format!("import {resource}")
}

/// Waits for imports of these resources and keeps new ones out until this transaction ends: what they checked a moment ago
/// is still so when they store it. Refuses where one takes long. Others may hold the same imports meanwhile. Called before
/// rows are locked, as imports may wait for those.
pub async fn hold(tx: &Tx<'_>, resources: &[&str]) -> Result<()> {
    for resource in resources {
        while !tx.try_share(&lock_of(resource)).await? {
            if Instant::now() >= tx.waits_until(PATIENCE) {
                return Err(IN_PROGRESS.with("resource", resource).into());
            }
            sleep(LOOK).await;
        }
    }
    Ok(())
}

/// What came of a file.
pub struct Outcome {
    /// Data rows in the file.
    pub rows_read: i32,
    /// Rows that became new objects.
    pub created: i32,
    /// Rows that changed an object.
    pub changed: i32,
    /// Rows at fault.
    pub refused: i32,
    /// The header of the file, as CSV.
    pub header: String,
    /// The rows at fault.
    pub failures: Failures,
}

impl Outcome {
    /// Rows that said what was so already.
    #[must_use]
    pub fn unchanged(&self) -> i32 {
        self.rows_read - self.created - self.changed - self.refused
    }
}

/// One fault of a row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowFault {
    /// The column, where it is one.
    pub field: String,
    /// The stable code.
    pub code: String,
    /// What to mend, in Chinese.
    pub zh: String,
    /// What to mend, in English.
    pub en: String,
}

impl From<Fault> for RowFault {
    fn from(fault: Fault) -> Self {
        // A message may quote the cell, and Postgres keeps no NUL.
        let kept = |text: String| text.replace('\0', "\u{2400}");
        Self { field: kept(fault.pointer), code: fault.code.to_owned(), zh: kept(fault.zh), en: kept(fault.en) }
    }
}

/// A row at fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Its line in the file, the header being line 1.
    pub line: i32,
    /// The row in its original columns, as CSV.
    pub record: String,
    /// What is wrong with it.
    pub faults: Vec<RowFault>,
}

/// The rows at fault, in the order of the file, kept on disk: a file may be all faults.
pub struct Failures(File);

impl Failures {
    fn new() -> Result<Self> {
        tempfile::tempfile().map(Self).map_err(broken)
    }

    fn keep(&mut self, mut failures: Vec<Failure>) -> Result<()> {
        failures.sort_by_key(|failure| failure.line);
        let mut text = Vec::new();
        for failure in failures {
            serde_json::to_writer(&mut text, &failure).map_err(|error| Error::Internal(error.to_string()))?;
            text.push(b'\n');
        }
        self.0.write_all(&text).map_err(broken)
    }

    /// Reads them back.
    pub fn read(mut self) -> Result<impl Iterator<Item = Result<Failure>>> {
        self.0.rewind().map_err(broken)?;
        let lines = BufReader::new(self.0).lines();
        Ok(lines.map(|line| serde_json::from_str(&line.map_err(broken)?).map_err(|error| Error::Internal(error.to_string()))))
    }
}

/// What the check of a chunk says of one row.
#[derive(QueryableByName)]
struct Checked {
    #[diesel(sql_type = Integer)]
    n: i32,
    #[diesel(sql_type = Array<Integer>)]
    failed: Vec<i32>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    stored: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    names: Option<String>,
}

/// What was stored of one row.
#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Bool)]
    fresh: bool,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = SqlUuid)]
    #[expect(dead_code, reason = "the lock is what counts")]
    id: Uuid,
}

/// Stores the rows of a file. What is at fault is left out and told; whether the rest is kept is for the
/// caller to say, whose transaction this is. Between chunks it tells how far it has come, and stops if it shall.
pub async fn run(tx: &Tx<'_>, sheet: &'static Sheet, file: File, on: NaiveDate, pulse: &Pulse) -> Result<Outcome> {
    tx.may(sheet.write)?;
    tx.conn().batch_execute("set local work_mem = '64MB'").await?;
    let keeper = if sheet.is_personal() { Some(Keeper::of(tx).await?) } else { None };
    let (chunks, reader) = rows::read(file, sheet, keeper);
    let outcome = store_all(tx, sheet, chunks, on, pulse).await;
    // An import that clashed is run again, on the same file.
    reader.await.map_err(|error| Error::Internal(format!("the reader of the file: {error}")))?;
    outcome
}

/// Stores what comes of the file, chunk by chunk.
async fn store_all(tx: &Tx<'_>, sheet: &'static Sheet, mut chunks: mpsc::Receiver<Result<Chunk>>, on: NaiveDate, pulse: &Pulse) -> Result<Outcome> {
    let header = match chunks.recv().await {
        Some(Ok(Chunk { header, .. })) => header,
        Some(Err(error)) => return Err(error),
        None => return Err(Error::Internal("the reader of the file stopped".to_owned())),
    };
    let mut outcome = Outcome { rows_read: 0, created: 0, changed: 0, refused: 0, header, failures: Failures::new()? };
    let mut first = true;
    while let Some(chunk) = chunks.recv().await {
        let Chunk { ready, mut failures, .. } = chunk?;
        outcome.rows_read += count(ready.len() + failures.len());
        let stored = store(tx, sheet, ready, on, &mut failures).await?;
        let fresh = stored.iter().filter(|row| row.fresh).count();
        outcome.created += count(fresh);
        outcome.changed += count(stored.len() - fresh);
        if let Some(after) = sheet.after {
            after(tx, stored.into_iter().map(|row| row.key).collect(), on).await?;
            // With the rows it is undone, as in a dry run.
            tx.flush().await?;
        }
        outcome.refused += count(failures.len());
        outcome.failures.keep(failures)?;
        if first {
            take_stock(tx).await?;
            first = false;
        }
        pulse.beat(outcome.rows_read, outcome.refused)?;
    }
    if outcome.created + outcome.changed > ANALYZE_FROM {
        // The planner should know what the tables have become before the next reader asks, not minutes later.
        take_stock(tx).await?;
    }
    Ok(outcome)
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    table: String,
}

/// Tells the planner what the tables are that this transaction has written. Where a table was emptied and looked at since, it
/// takes it for empty however much comes in, and compares all rows of a chunk with all that are stored.
async fn take_stock(tx: &Tx<'_>) -> Result<()> {
    let written = "select quote_ident(relname) as table from pg_stat_xact_user_tables \
                   where schemaname = current_schema() and n_tup_ins + n_tup_upd > 0 and relname not like 'journal%' order by relname";
    let tables: Vec<Written> = sql_query(written).load(&mut tx.conn()).await?;
    for Written { table } in tables {
        tx.conn().batch_execute(&format!("analyze (skip_locked) {table}")).await?;
    }
    Ok(())
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Stores one set of rows: checks them, locks what they change, writes.
async fn store(tx: &Tx<'_>, sheet: &'static Sheet, mut rows: Vec<Ready>, on: NaiveDate, failures: &mut Vec<Failure>) -> Result<Vec<Stored>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let statements = Statements::new(sheet, Given::of(&rows));
    let mut conn = tx.conn();
    // Rows are checked against what the others would change. Where one that would is refused, what it is about stays as it is,
    // and the rest is checked again; each round refuses one row at least.
    let changing = loop {
        let checked: Vec<Checked> = bind(tx, sheet, &statements.check, &rows, on).load(&mut conn).await.map_err(clash)?;
        let checked: BTreeMap<i32, Checked> = checked.into_iter().map(|row| (row.n, row)).collect();
        let would_change = |row: &Ready| checked.get(&row.line).and_then(|check| check.stored);
        let expected = rows.iter().filter_map(would_change).count();
        let (mut names, mut at_fault) = (HashMap::new(), HashSet::new());
        rows.retain(|row| match checked.get(&row.line) {
            None => true,
            Some(check) if check.failed.is_empty() => {
                names.extend(check.names.clone().map(|named| (row.line, named)));
                true
            }
            Some(check) => {
                let broken = check.failed.iter().filter_map(|index| statements.checks.get(usize::try_from(*index).ok()?));
                let faults = broken.map(|rule| fault(tx, sheet, row, rule)).collect();
                failures.push(Failure { line: row.line, record: row.record.clone(), faults });
                at_fault.insert(row.key.clone());
                false
            }
        });
        leave_out_dependents(sheet, &mut rows, &names, at_fault, failures);
        let changing: Vec<Uuid> = rows.iter().filter_map(would_change).collect();
        if rows.is_empty() || changing.len() == expected {
            // A row that the check does not return says what is so already: it goes no further.
            rows.retain(|row| checked.contains_key(&row.line));
            break changing;
        }
    };
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = &statements.store_new;
    if !changing.is_empty() {
        statement = &statements.store;
        // The change is told as from what to what, so nobody else may change these rows in between.
        let lock = sql_query(format!("select id from {} where id = any($1) order by id for update", sheet.table));
        lock.bind::<Array<SqlUuid>, _>(changing).load::<Locked>(&mut conn).await.map_err(clash)?;
    }
    bind(tx, sheet, statement, &rows, on).load(&mut conn).await.map_err(clash)
}

/// Leaves out what refers to rows of the file that are at fault, and what refers to that: it was checked against what they
/// were to be. `names` says of lines whom they name.
fn leave_out_dependents(
    sheet: &'static Sheet,
    rows: &mut Vec<Ready>,
    names: &HashMap<i32, String>,
    mut at_fault: HashSet<String>,
    failures: &mut Vec<Failure>,
) {
    let Some(column) = sheet.columns.iter().find(|column| column.own) else { return };
    let mut named_by = HashMap::<&String, Vec<String>>::new();
    for row in rows.iter() {
        if let Some(named) = names.get(&row.line) {
            named_by.entry(named).or_default().push(row.key.clone());
        }
    }
    let mut more: Vec<String> = at_fault.iter().cloned().collect();
    while let Some(key) = more.pop() {
        for dependent in named_by.remove(&key).unwrap_or_default() {
            if at_fault.insert(dependent.clone()) {
                more.push(dependent);
            }
        }
    }
    rows.retain(|row| match names.get(&row.line).filter(|named| at_fault.contains(*named)) {
        None => true,
        Some(named) => {
            failures.push(Failure { line: row.line, record: row.record.clone(), faults: vec![REFERS_TO_FAULT.at(column.name).with("value", named).into()] });
            false
        }
    });
}

/// The fault that a failed check means for a row.
fn fault(tx: &Tx<'_>, sheet: &'static Sheet, row: &Ready, check: &statements::RowCheck) -> RowFault {
    let refused = sheet
        .columns
        .iter()
        .zip(&row.values)
        .filter(|(column, _)| !column.private && column.personal().is_none())
        .fold(check.refusal.at(check.column), |refused, (column, value)| refused.with(column.name, value.as_deref().unwrap_or_default()));
    refused.with("key", &row.key).with("city", &tx.city).with("today", tx.today()).into_fault().into()
}

type Bound = diesel::query_builder::BoxedSqlQuery<'static, diesel::pg::Pg, diesel::query_builder::SqlQuery>;

/// Binds a chunk's rows as one array a column.
fn bind(tx: &Tx<'_>, sheet: &'static Sheet, sql: &str, rows: &[Ready], on: NaiveDate) -> Bound {
    let (areas, roles): (Vec<_>, Vec<_>) = tx.actor.reaches(sheet.write).map(|(area, role)| (area.to_string(), role.map(Role::word))).unzip();
    let query = sql_query(sql)
        .into_boxed()
        .bind::<Array<Integer>, _>(rows.iter().map(|row| row.line).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind::<Date, _>(on)
        .bind::<Array<Text>, _>(tx.scope(&[sheet.write]).texts())
        .bind::<SqlUuid, _>(tx.actor.id)
        .bind::<Text, _>(tx.actor.name.clone())
        .bind::<Text, _>(tx.request_id.clone())
        .bind::<Text, _>(tx.city.to_string())
        .bind::<Array<Text>, _>(areas)
        .bind::<Array<Nullable<Text>>, _>(roles)
        .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.given).collect::<Vec<_>>());
    (0..sheet.columns.len()).fold(query, |query, index| {
        let column: Vec<Option<String>> = rows.iter().map(|row| row.values.get(index).cloned().flatten()).collect();
        query.bind::<Array<Nullable<Text>>, _>(column)
    })
}

/// Somebody else stored the same at the same moment: the whole import is run again and meets what they stored.
fn clash(error: diesel::result::Error) -> Error {
    use diesel::result::{DatabaseErrorKind as Kind, Error as DieselError};
    match error {
        DieselError::DatabaseError(Kind::UniqueViolation | Kind::ForeignKeyViolation | Kind::ExclusionViolation, info) => {
            tracing::info!(constraint = info.constraint_name(), message = info.message(), "an import met another change");
            DieselError::DatabaseError(Kind::SerializationFailure, info).into()
        }
        other => other.into(),
    }
}

impl From<Refused> for RowFault {
    fn from(refused: Refused) -> Self {
        refused.into_fault().into()
    }
}
