//! The reading half of an import: a thread that reads rows, checks their cells and finds duplicates.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{DUPLICATE, Failure, HALF_A_REFERENCE, REQUIRED, RowFault, UNSEALED};
use crate::personal::{HASH_BYTES, Keeper, Personal, STAR};
use crate::refusal::{Error, Refused, Result};
use crate::sheet::{Column, Form, Sheet, read_personal};
use crate::tabular::{Row, Table};

/// Rows that are checked and stored at a time.
const CHUNK: usize = 5_000;
/// The same at first: after a few, Postgres is told what the tables have become (see [`super::take_stock`]).
const FIRST_CHUNK: usize = 500;
/// The same of a sheet whose rows may name one another, or are checked against others that do not stand beside them: they can be
/// within such a part of a file.
const CHUNK_OF_KIN: usize = 20_000;
/// So many more rows a chunk may have for those that belong to the last one.
const TOGETHER: usize = 20_000;

/// A row whose cells are in order.
pub(super) struct Ready {
    pub line: i32,
    /// The id that it gets if it is new.
    pub id: Uuid,
    /// Its natural key, for messages.
    pub key: String,
    /// A value for each column of the sheet.
    pub values: Vec<Option<String>>,
    /// The columns that it has, bit by bit; a sheet has fewer than 64.
    pub given: i64,
    /// The row as it stands in the file, as CSV; personal values are masked.
    pub record: String,
}

/// Some rows of the file. The first chunk is empty and brings the header.
#[derive(Default)]
pub(super) struct Chunk {
    pub header: String,
    pub ready: Vec<Ready>,
    pub failures: Vec<Failure>,
}

/// Reads a file on a thread of its own, a few chunks ahead. It stops once nobody receives; until it has, nobody else may read
/// the file, whose place they would share.
pub(super) fn read(file: File, sheet: &'static Sheet, keeper: Option<Keeper>) -> (mpsc::Receiver<Result<Chunk>>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(2);
    let reader = tokio::task::spawn_blocking(move || {
        if let Err(error) = send_chunks(file, sheet, keeper.as_ref(), &sender) {
            drop(sender.blocking_send(Err(error)));
        }
    });
    (receiver, reader)
}

fn send_chunks(file: File, sheet: &'static Sheet, keeper: Option<&Keeper>, chunks: &mpsc::Sender<Result<Chunk>>) -> Result<()> {
    let mut table = Table::open(file, sheet)?;
    let send = |chunk| chunks.blocking_send(Ok(chunk)).is_ok();
    if !send(Chunk { header: as_csv(&table.header)?, ..Chunk::default() }) {
        return Ok(());
    }
    let mut cuts = Cuts::of(sheet, &table.columns);
    let mut seen = Seen::default();
    let mut chunk = Chunk::default();
    while let Some(row) = table.next_row()? {
        if cuts.before(&row) && !send(std::mem::take(&mut chunk)) {
            return Ok(());
        }
        let record = if keeper.is_some() { as_csv(&concealed(&row, &table.columns, sheet))? } else { as_csv(&row.cells)? };
        let line = i32::try_from(row.line).unwrap_or(i32::MAX);
        match check(&row, &table.columns, sheet, keeper, &mut seen, line) {
            Ok(ready) => chunk.ready.push(Ready { record, ..ready }),
            Err(faults) => chunk.failures.push(Failure { line, record, faults }),
        }
    }
    send(chunk);
    Ok(())
}

/// Where a file is cut into chunks: not between two rows that belong together, or whether they are refused would depend on where
/// they stand.
struct Cuts {
    /// The cells of which rows that belong together have one in common.
    common: Vec<usize>,
    /// These cells of the last row that could be read.
    last: Vec<String>,
    /// Rows of this chunk so far.
    rows: usize,
    /// After so many rows it ends, and the next ones after so many.
    most: usize,
    then: usize,
    /// So many more it may have for rows that belong to its last one.
    beyond: usize,
}

impl Cuts {
    fn of(sheet: &'static Sheet, columns: &[usize]) -> Self {
        let gathers = |index: usize| sheet.columns.get(index).is_some_and(|column| sheet.gathers(column));
        let common = columns.iter().enumerate().filter(|(_, index)| gathers(**index)).map(|(place, _)| place).collect();
        let kin = sheet.columns.iter().any(|column| column.own || column.kin);
        let (most, then) = if kin { (CHUNK_OF_KIN, CHUNK_OF_KIN) } else { (FIRST_CHUNK, CHUNK) };
        Self { common, last: Vec::new(), rows: 0, most, then, beyond: TOGETHER }
    }

    /// Whether a chunk ends before the next row of the file, which is this one.
    fn before(&mut self, row: &Row) -> bool {
        // A row that cannot be read belongs to none, and keeps none apart.
        let unread = row.fault.is_some();
        let cell = |place: &usize| row.cells.get(*place).map_or_else(String::new, |cell| cell.trim().to_owned());
        let cells: Vec<String> = if unread { self.last.clone() } else { self.common.iter().map(cell).collect() };
        let belongs = cells.iter().zip(&self.last).any(|(cell, last)| !cell.is_empty() && cell == last);
        let ends = self.rows >= if belongs { self.most + self.beyond } else { self.most };
        if ends {
            self.rows = 0;
            self.most = self.then;
        }
        self.rows += 1;
        self.last = cells;
        ends
    }
}

/// Checks all cells of a row and reports all that is wrong.
fn check(row: &Row, columns: &[usize], sheet: &'static Sheet, keeper: Option<&Keeper>, seen: &mut Seen, line: i32) -> Result<Ready, Vec<RowFault>> {
    if let Some(fault) = &row.fault {
        return Err(vec![fault.clone().into()]);
    }
    let mut values = vec![None; sheet.columns.len()];
    let mut given = 0_u64;
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
    let place = |name: &str| sheet.columns.iter().position(|column| column.name == name);
    // What a message may call the row.
    let mut called = Vec::new();
    for ((column, cell), value) in sheet.columns.iter().zip(&cells).zip(&mut values) {
        if cell.is_empty() {
            if let Form::Prefix(length) = column.form {
                *value = first.get(..length).map(ToOwned::to_owned);
            } else if column.required {
                faults.push(REQUIRED.at(column.name).with("column", format!("{}({})", column.zh, column.name)).into());
            }
            continue;
        }
        let read = match column.personal() {
            Some(personal) => {
                let beside = personal.beside.and_then(place).and_then(|index| cells.get(index).copied()).unwrap_or_default();
                keep(column, personal, keeper, cell, beside)
            }
            None => column.read(cell, first).map(|read| Named { name: read.clone(), value: read }),
        };
        match read {
            Ok(read) => {
                if sheet.found_by.as_ref().is_some_and(|found| found.columns.contains(&column.name)) {
                    called.push(read.name);
                }
                *value = Some(read.value);
            }
            Err(refused) => faults.push(refused.at(column.name).into()),
        }
    }
    let key = |names: &[&str]| -> Option<String> {
        let parts: Option<Vec<&str>> = names.iter().map(|name| values.get(place(name)?)?.as_deref()).collect();
        parts.map(|parts| parts.join("/"))
    };
    let reference = key(&["source", "ref"]);
    // A part of it that may be empty is a value like any other; one that must be there and is not is a fault already.
    let part = |column: &Column| key(&[column.name]).or_else(|| (!column.required).then(String::new));
    let natural = sheet.key_columns().map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join("/").trim_end_matches('/').to_owned());
    let (keys, name): (Vec<_>, _) = match &sheet.found_by {
        None => (sheet.key_columns().take(1).map(|column| (column.name, natural.clone())).collect(), natural),
        Some(found) => {
            let name = called.into_iter().find(|name| !name.is_empty()).or_else(|| reference.clone()).or(natural);
            // A mask, which is read as the empty text, tells nobody apart.
            let own = |name: &'static str| {
                key(&[name]).filter(|own| !own.is_empty())?;
                key(&found.within.iter().copied().chain([name]).collect::<Vec<_>>())
            };
            (found.columns.iter().map(|name| (*name, own(name))).collect(), name)
        }
    };
    let name = name.unwrap_or_default();
    for (pointer, key) in keys.into_iter().chain([("ref", reference.clone())]) {
        let key = key.filter(|key| !key.is_empty());
        // Of a kept value the hash alone is the same on both lines.
        let kept = place(pointer).and_then(|index| sheet.columns.get(index)?.kept()).is_some();
        let same = key.as_deref().map(|key| if kept { key.get(..HASH_BYTES * 2).unwrap_or_default() } else { key });
        if let Some(earlier) = same.and_then(|key| seen.first_line(pointer, key, line)) {
            let key = if pointer == "ref" { key.unwrap_or_default() } else { name.clone() };
            faults.push(DUPLICATE.at(pointer).with("line", earlier).with("key", key).into());
        }
    }
    if reference.is_none() && (key(&["source"]).is_some() || key(&["ref"]).is_some()) {
        faults.push(HALF_A_REFERENCE.at("ref").into());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let given = i64::try_from(given).unwrap_or(i64::MAX);
    Ok(Ready { line, id: Uuid::now_v7(), key: name, values, given, record: String::new() })
}

/// A cell that was read: the value, and what a message may call it.
struct Named {
    value: String,
    name: String,
}

/// Seals and hashes the cell of a personal value, or only hashes it. What a mask leaves as it is, is the empty text.
fn keep(column: &Column, personal: &Personal, keeper: Option<&Keeper>, cell: &str, beside: &str) -> Result<Named, Refused> {
    let Some(clear) = read_personal(personal, cell, beside)? else { return Ok(Named { value: String::new(), name: String::new() }) };
    // There is a keeper wherever a column is personal, and sealing fails only where there is no randomness.
    let kept = keeper.and_then(|keeper| keeper.keep(personal, &clear).ok()).ok_or(&UNSEALED)?;
    let value = if column.kept().is_some() { kept.as_hex() } else { kept.fingerprint() };
    Ok(Named { value, name: (personal.mask)(&clear) })
}

/// The row as it may lie in the report of the import: masks in place of personal values, stars where no mask can be made.
fn concealed(row: &Row, columns: &[usize], sheet: &'static Sheet) -> Vec<String> {
    let stars = |cell: &str| cell.chars().map(|_| STAR).collect::<String>();
    if row.fault.is_some() {
        // Which cell is which cannot be told.
        return row.cells.iter().map(|cell| stars(cell)).collect();
    }
    let cell_of = |name: &str| {
        let index = sheet.columns.iter().position(|column| column.name == name)?;
        row.cells.iter().zip(columns).find(|(_, column)| **column == index).map(|(cell, _)| cell.trim())
    };
    let conceal = |cell: &String, column: &Column| match column.personal() {
        _ if cell.trim().is_empty() => String::new(),
        Some(personal) => match read_personal(personal, cell.trim(), personal.beside.and_then(cell_of).unwrap_or_default()) {
            Ok(Some(clear)) => (personal.mask)(&clear),
            _ => stars(cell),
        },
        // A number that slipped into the column of a name.
        None if column.private && cell.chars().filter(char::is_ascii_digit).count() > 4 => stars(cell),
        None => cell.clone(),
    };
    row.cells.iter().zip(columns).map(|(cell, index)| sheet.columns.get(*index).map_or_else(|| stars(cell), |column| conceal(cell, column))).collect()
}

/// Bytes of hash by which a key is known: with two million keys, one in 10^16 such files has two that look alike.
const HASH_OF_KEY: usize = 12;

/// On which line each key was first seen. Keeps a hash, not the key, in sixteen bytes with the line: a million lines fit in memory.
#[derive(Default)]
struct Seen {
    lines: HashMap<[u8; HASH_OF_KEY], i32>,
    hashers: (RandomState, RandomState),
}

impl Seen {
    fn first_line(&mut self, kind: &str, key: &str, line: i32) -> Option<i32> {
        let halves = [self.hashers.0.hash_one((kind, key)), self.hashers.1.hash_one((kind, key))];
        let mut hash = [0; HASH_OF_KEY];
        for (place, byte) in hash.iter_mut().zip(halves.into_iter().flat_map(u64::to_ne_bytes)) {
            *place = byte;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How many rows each chunk gets, of rows with these cells; `!` is a row that cannot be read.
    fn cut(rows: &[[&str; 2]], common: &[usize], beyond: usize) -> Vec<usize> {
        let mut cuts = Cuts { common: common.to_vec(), last: Vec::new(), rows: 0, most: 2, then: 3, beyond };
        let mut chunks = vec![0];
        for cells in rows {
            let fault = (cells[0] == "!").then(|| (&REQUIRED).into());
            let row = Row { cells: cells.map(String::from).to_vec(), fault, ..Row::default() };
            if cuts.before(&row) {
                chunks.push(0);
            }
            *chunks.last_mut().unwrap() += 1;
        }
        chunks
    }

    #[test]
    fn a_file_is_not_cut_between_rows_that_belong_together() {
        let alone = [["a", ""], ["b", ""], ["c", ""], ["d", ""], ["e", ""], ["f", ""]];
        assert_eq!(cut(&alone, &[0], 9), [2, 3, 1]);
        let of_one = [["a", ""], ["b", ""], [" b", ""], ["b ", ""], ["c", ""], ["d", ""]];
        assert_eq!(cut(&of_one, &[0], 9), [4, 2]);
        let unread = [["a", ""], ["b", ""], ["!", ""], ["b", ""], ["c", ""]];
        assert_eq!(cut(&unread, &[0], 9), [4, 1], "a row that cannot be read keeps nobody apart");
        assert_eq!(cut(&[["!", ""]; 6], &[0], 9), [2, 3, 1], "nor together");
        let by_either = [["a", "x"], ["b", "x"], ["b", "y"], ["c", "y"], ["d", "z"]];
        assert_eq!(cut(&by_either, &[0, 1], 9), [4, 1]);
        assert_eq!(cut(&by_either, &[1], 9), [2, 3]);
        assert_eq!(cut(&[["", ""]; 4], &[0, 1], 9), [2, 2], "empty cells have nothing in common");
    }

    #[test]
    fn too_many_rows_are_cut_whatever_they_have_in_common() {
        assert_eq!(cut(&[["a", ""]; 9], &[0], 2), [4, 5]);
        assert_eq!(cut(&[["a", ""]; 9], &[0], 0), [2, 3, 3, 1]);
    }
}
