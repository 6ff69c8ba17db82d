//! The reading half of an import: a thread that reads rows, checks their cells and finds duplicates.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::{DUPLICATE, Failure, HALF_A_REFERENCE, REQUIRED, RowFault};
use crate::refusal::{Error, Result};
use crate::sheet::{Form, Sheet};
use crate::tabular::{Row, Table};

/// Rows that are checked and stored at a time.
const CHUNK: usize = 5_000;

/// A row whose cells are in order.
pub(super) struct Ready {
    pub line: i32,
    /// The id that it gets if it is new.
    pub id: Uuid,
    /// Its natural key, for messages.
    pub key: String,
    /// A value for each column of the sheet.
    pub values: Vec<Option<String>>,
    /// The columns that it has, bit by bit.
    pub given: u64,
    /// The row as it stands in the file, as CSV.
    pub record: String,
}

/// Some rows of the file. The first chunk is empty and brings the header.
#[derive(Default)]
pub(super) struct Chunk {
    pub header: String,
    pub ready: Vec<Ready>,
    pub failures: Vec<Failure>,
}

/// Reads a file on a thread of its own, a few chunks ahead.
pub(super) fn read(file: File, sheet: &'static Sheet) -> mpsc::Receiver<Result<Chunk>> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send_chunks(file, sheet, &sender) {
            drop(sender.blocking_send(Err(error)));
        }
    });
    receiver
}

fn send_chunks(file: File, sheet: &'static Sheet, chunks: &mpsc::Sender<Result<Chunk>>) -> Result<()> {
    let mut table = Table::open(file, sheet)?;
    let send = |chunk| chunks.blocking_send(Ok(chunk)).is_ok();
    if !send(Chunk { header: as_csv(&table.header)?, ..Chunk::default() }) {
        return Ok(());
    }
    let mut seen = Seen::default();
    let mut chunk = Chunk::default();
    while let Some(row) = table.next_row()? {
        let record = as_csv(&row.cells)?;
        let line = i32::try_from(row.line).unwrap_or(i32::MAX);
        match check(&row, &table.columns, sheet, &mut seen, line) {
            Ok(ready) => chunk.ready.push(Ready { record, ..ready }),
            Err(faults) => chunk.failures.push(Failure { line, record, faults }),
        }
        if chunk.ready.len() + chunk.failures.len() == CHUNK && !send(std::mem::take(&mut chunk)) {
            return Ok(());
        }
    }
    send(chunk);
    Ok(())
}

/// Checks all cells of a row and reports all that is wrong.
fn check(row: &Row, columns: &[usize], sheet: &'static Sheet, seen: &mut Seen, line: i32) -> Result<Ready, Vec<RowFault>> {
    if let Some(fault) = &row.fault {
        return Err(vec![fault.clone().into()]);
    }
    let mut values = vec![None; sheet.columns.len()];
    let mut given = 0;
    let mut faults = Vec::new();
    let mut cells = vec![""; sheet.columns.len()];
    for (cell, index) in row.cells.iter().zip(columns) {
        if let Some(place) = cells.get_mut(*index) {
            *place = cell.trim();
        }
        given |= 1 << index;
    }
    given &= row.given;
    let first = cells.first().copied().unwrap_or_default();
    for ((column, cell), value) in sheet.columns.iter().zip(&cells).zip(&mut values) {
        if cell.is_empty() {
            if let Form::Prefix(length) = column.form {
                *value = first.get(..length).map(ToOwned::to_owned);
            } else if column.required {
                faults.push(REQUIRED.at(column.name).with("column", format!("{}({})", column.zh, column.name)).into());
            }
            continue;
        }
        match column.read(cell, first) {
            Ok(read) => *value = Some(read),
            Err(refused) => faults.push(refused.at(column.name).into()),
        }
    }
    let key = |names: &[&str]| -> Option<String> {
        let parts: Option<Vec<&str>> = names.iter().map(|name| values.get(sheet.columns.iter().position(|column| column.name == *name)?)?.as_deref()).collect();
        parts.map(|parts| parts.join("/"))
    };
    // A part of it that may be empty is a value like any other; one that must be there and is not is a fault already.
    let natural: Vec<(&str, bool)> = sheet.key_columns().map(|column| (column.name, column.required)).collect();
    let parts: Option<Vec<String>> = natural.iter().map(|(name, required)| key(&[name]).or_else(|| (!required).then(String::new))).collect();
    let natural_key = parts.map(|parts| parts.join("/").trim_end_matches('/').to_owned());
    let reference = key(&["source", "ref"]);
    for (kind, pointer, key) in [("key", natural.first().map_or("", |(name, _)| *name), &natural_key), ("ref", "ref", &reference)] {
        if let Some(earlier) = key.as_ref().and_then(|key| seen.first_line(kind, key, line)) {
            faults.push(DUPLICATE.at(pointer).with("line", earlier).with("key", key.as_deref().unwrap_or_default()).into());
        }
    }
    if reference.is_none() && (key(&["source"]).is_some() || key(&["ref"]).is_some()) {
        faults.push(HALF_A_REFERENCE.at("ref").into());
    }
    if faults.is_empty() {
        Ok(Ready { line, id: Uuid::now_v7(), key: natural_key.unwrap_or_default(), values, given, record: String::new() })
    } else {
        Err(faults)
    }
}

/// On which line each key was first seen. Keeps 128 bits of hash, not the key: a million lines fit in memory.
#[derive(Default)]
struct Seen {
    lines: HashMap<(u64, u64), i32>,
    hashers: (RandomState, RandomState),
}

impl Seen {
    fn first_line(&mut self, kind: &str, key: &str, line: i32) -> Option<i32> {
        let hash = (self.hashers.0.hash_one((kind, key)), self.hashers.1.hash_one((kind, key)));
        let first = *self.lines.entry(hash).or_insert(line);
        (first != line).then_some(first)
    }
}

fn as_csv(cells: &[String]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("csv: {error}"));
    writer.write_record(cells).map_err(|error| failed(&error))?;
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    // Postgres keeps no NUL; its picture shows the clerk where it was.
    String::from_utf8(bytes).map(|text| text.replace('\0', "\u{2400}")).map_err(|error| failed(&error))
}
