//! Files as clerks and scripts send them, read row by row: CSV in UTF-8 or GB18030, NDJSON, XLSX.
//!
//! Whatever the form, a row comes out as a line number and texts under the file's header. Memory does not grow
//! with the file (a workbook keeps its shared strings).

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use calamine::{Data, DataRef, Reader as _, Xlsx};
use serde_json::Value;

use crate::charset::{ENCODING, utf8};
use crate::refusal::{Error, Kind, Refusal, Refused, Result};
use crate::sheet::{FORMULA, Sheet, guarded};
use crate::spool::broken;

/// Bytes that a workbook may unpack to.
pub(crate) const WORKBOOK_BYTES: u64 = 512 << 20;
/// Files that a workbook may consist of.
const WORKBOOK_PARTS: usize = 2_000;
/// Columns that a row may have; more is a broken file.
const MOST_CELLS: usize = 256;
/// Bytes of one row.
pub(crate) const MOST_LINE: u64 = 1 << 20;

/// The file is empty.
pub const EMPTY: Refusal = Refusal::invalid("import.empty", "文件没有内容:至少需要表头一行。", "The file is empty: it needs at least a header line.");
/// A header that is no column.
pub const COLUMN_UNKNOWN: Refusal = Refusal::invalid(
    "import.column_unknown",
    "表头“{column}”不是 {resource} 的列;可用的列:{columns}。",
    "The header “{column}” is no column of {resource}; the columns are: {columns}.",
);
/// The same column twice.
pub const COLUMN_DOUBLED: Refusal = Refusal::invalid("import.column_doubled", "列“{column}”出现了两次。", "The column “{column}” occurs twice.");
/// A column that must be there.
pub const COLUMN_MISSING: Refusal = Refusal::invalid("import.column_missing", "缺少必需的列“{column}”。", "The column “{column}” is missing.");
/// More or fewer cells than the header.
pub const ROW_LENGTH: Refusal =
    Refusal::invalid("import.row_length", "本行有 {found} 个单元格,表头有 {expected} 个。", "The row has {found} cells, the header has {expected}.");
/// A row that is longer than any row can be.
pub const ROW_TOO_LONG: Refusal = Refusal::invalid(
    "import.row_too_long",
    "有一行超过 1 MB,多半是引号没有成对;请检查文件。",
    "A row is longer than 1 MB, most likely because a quote is not closed; check the file.",
);
/// The file ends inside a quoted cell.
pub const CUT_OFF: Refusal = Refusal::invalid(
    "import.cut_off",
    "文件在引号内中断,可能没有传完;请重新发送完整的文件。",
    "The file ends inside a quoted cell, as if it were cut off; send it whole.",
);
/// A line that is no JSON object.
pub const NOT_AN_OBJECT: Refusal = Refusal::invalid("import.not_an_object", "本行不是完整的 JSON 对象。", "The line is not a whole JSON object.");
/// A workbook that cannot be read.
pub const WORKBOOK: Refusal =
    Refusal::invalid("import.workbook", "无法读取该工作簿:文件已损坏或不是 .xlsx。", "The workbook cannot be read: it is damaged, or no .xlsx.");
/// A workbook that unpacks to too much.
pub const WORKBOOK_TOO_LARGE: Refusal = Refusal::new(
    Kind::TooLarge,
    "import.workbook_too_large",
    "工作簿解压后超过 512 MB;请拆分,或改用 CSV。",
    "The workbook unpacks to more than 512 MB; split it, or send CSV.",
);
/// A cell that holds an error such as #REF!.
pub const CELL_ERROR: Refusal = Refusal::invalid("import.cell_error", "单元格的值是错误 {error}。", "The value of the cell is the error {error}.");

/// One row of a file.
#[derive(Debug, Default)]
pub struct Row {
    /// Its line, the header being line 1; in a workbook its row number.
    pub line: u32,
    /// Its cells under the header's columns.
    pub cells: Vec<String>,
    /// Which columns it has at all, bit by bit: NDJSON may leave some out, which keeps what is stored.
    pub given: u64,
    /// Why it cannot be read, with the column at fault if it is one.
    pub fault: Option<Refused>,
}

/// A file that fails where too much is read for one row.
struct Bounded {
    file: File,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, block: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(block)?;
        let length = u64::try_from(read).unwrap_or(u64::MAX);
        self.left.set(self.left.get().checked_sub(length).ok_or(std::io::ErrorKind::FileTooLarge)?);
        Ok(read)
    }
}

fn csv_failed(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge => (&ROW_TOO_LONG).into(),
        other => Error::Internal(format!("csv: {other:?}")),
    }
}

/// A file, opened: its header is read and fits the sheet.
pub struct Table {
    /// The header as the file has it, for the file of failed rows.
    pub header: Vec<String>,
    /// For each column of the file, which column of the sheet it is.
    pub columns: Vec<usize>,
    rows: Rows,
}

enum Rows {
    Csv { reader: Box<csv::Reader<Bounded>>, left: Rc<Cell<u64>>, start: u64, tail: Option<File> },
    Ndjson { lines: BufReader<File>, line: u32, sheet: &'static Sheet },
    Workbook(Book),
}

/// The rows of a workbook, which a thread of its own reads. Whoever lets go of them waits until that thread has let go of the
/// file, whose place others share.
struct Book {
    rows: Option<Receiver<Result<Row, Refused>>>,
    reader: Option<JoinHandle<()>>,
}

impl Book {
    fn receive(&self) -> Option<Result<Row, Refused>> {
        self.rows.as_ref()?.recv().ok()
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        self.rows = None;
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
    }
}

impl Table {
    /// Opens a file by what it contains, whatever it is called.
    pub fn open(mut file: File, sheet: &'static Sheet) -> Result<Self> {
        let mut start = [0; 4];
        let read = file.read(&mut start).map_err(broken)?;
        file.rewind().map_err(broken)?;
        match start.get(..read).unwrap_or_default() {
            [] => Err((&EMPTY).into()),
            [b'P', b'K', 3, 4] => Self::workbook(file, sheet),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err((&ENCODING).into()),
            _ => {
                let mut lines = BufReader::new(utf8(file)?);
                match first_sign(&mut lines)? {
                    None => Err((&EMPTY).into()),
                    Some(b'{') => {
                        let header = sheet.columns.iter().map(|column| column.name.to_owned()).collect();
                        Ok(Self { header, columns: (0..sheet.columns.len()).collect(), rows: Rows::Ndjson { lines, line: 0, sheet } })
                    }
                    Some(_) => Self::csv(lines, sheet),
                }
            }
        }
    }

    fn csv(mut lines: BufReader<File>, sheet: &'static Sheet) -> Result<Self> {
        let mut first = Vec::new();
        (&mut lines).take(MOST_LINE).read_until(b'\n', &mut first).map_err(broken)?;
        let delimiter = [b',', b'\t', b';'].into_iter().max_by_key(|sign| first.iter().filter(|byte| *byte == sign).count()).unwrap_or(b',');
        let mut file = lines.into_inner();
        file.rewind().map_err(broken)?;
        let tail = file.try_clone().map_err(broken)?;
        let left = Rc::new(Cell::new(MOST_LINE));
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(Bounded { file, left: Rc::clone(&left) });
        let mut header = csv::StringRecord::new();
        reader.read_record(&mut header).map_err(csv_failed)?;
        let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let columns = fit(&header, sheet)?;
        Ok(Self { header, columns, rows: Rows::Csv { reader: Box::new(reader), left, start: 0, tail: Some(tail) } })
    }

    fn workbook(mut file: File, sheet: &'static Sheet) -> Result<Self> {
        weigh(&mut file, WORKBOOK_BYTES)?;
        let (sender, receiver) = sync_channel(1_000);
        // The cell reader borrows the workbook, so both live on a thread of their own.
        let reader = std::thread::spawn(move || {
            if let Err(refused) = read_workbook(file, sheet, &sender) {
                drop(sender.send(Err(refused)));
            }
        });
        let book = Book { rows: Some(receiver), reader: Some(reader) };
        let header = book.receive().ok_or_else(|| Error::from(&WORKBOOK))??;
        let mut header: Vec<String> = header.cells.iter().map(|name| name.trim().to_owned()).collect();
        while header.last().is_some_and(String::is_empty) {
            header.pop();
        }
        let columns = fit(&header, sheet)?;
        Ok(Self { header, columns, rows: Rows::Workbook(book) })
    }

    /// The next row, or none at the end. An error ends the file.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        let width = self.header.len();
        let row = match &mut self.rows {
            Rows::Ndjson { lines, line, sheet } => return ndjson(lines, line, sheet),
            Rows::Csv { reader, left, start, tail } => {
                left.set(MOST_LINE);
                let mut record = csv::StringRecord::new();
                if !reader.read_record(&mut record).map_err(csv_failed)? {
                    let cut_off = tail.take().map_or(Ok(false), |mut tail| ends_inside_quotes(&mut tail, *start))?;
                    return if cut_off { Err((&CUT_OFF).into()) } else { Ok(None) };
                }
                let position = record.position();
                *start = position.map_or(0, csv::Position::byte);
                let line = position.and_then(|position| u32::try_from(position.line()).ok()).unwrap_or(u32::MAX);
                Row { line, cells: record.iter().take(MOST_CELLS).map(ToOwned::to_owned).collect(), given: u64::MAX, fault: None }
            }
            Rows::Workbook(book) => match book.receive() {
                None => return Ok(None),
                Some(row) => {
                    let mut row = row?;
                    // A workbook has no width of its own: empty cells at the end are not written.
                    let blank = row.cells.iter().skip(width).all(String::is_empty);
                    row.cells.resize(if blank { width } else { row.cells.len() }, String::new());
                    row
                }
            },
        };
        // A row of empty cells is an empty line, as spreadsheets leave them at the end.
        if row.fault.is_none() && row.cells.iter().all(|cell| cell.trim().is_empty()) {
            return self.next_row();
        }
        let found = row.cells.len();
        let fault = row.fault.or_else(|| (found != width).then(|| ROW_LENGTH.with("found", found).with("expected", width)));
        Ok(Some(Row { fault, ..row }))
    }
}

/// The first sign that is no blank, however late it comes: what was taken out of a bundle has empty lines where rows of others
/// stood. The file is at its beginning again.
fn first_sign(lines: &mut BufReader<File>) -> Result<Option<u8>> {
    loop {
        let block = lines.fill_buf().map_err(broken)?;
        let (length, first) = (block.len(), block.iter().find(|byte| !byte.is_ascii_whitespace()).copied());
        if length == 0 || first.is_some() {
            lines.rewind().map_err(broken)?;
            return Ok(first);
        }
        lines.consume(length);
    }
}

/// Finds each header in the sheet, by its name or its Chinese name, and reports all faults at once.
fn fit(header: &[String], sheet: &'static Sheet) -> Result<Vec<usize>> {
    let mut columns = Vec::new();
    let mut faults = Vec::new();
    for name in header {
        match sheet.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name) || column.zh == name) {
            Some(index) if columns.contains(&index) => faults.push(COLUMN_DOUBLED.at(name).with("column", name).into_fault()),
            Some(index) => columns.push(index),
            None => {
                let all = sheet.columns.iter().map(|column| format!("{}({})", column.zh, column.name)).collect::<Vec<_>>().join("、");
                let name = name.chars().take(60).collect::<String>();
                faults.push(COLUMN_UNKNOWN.at(&name).with("column", &name).with("resource", sheet.resource).with("columns", all).into_fault());
            }
        }
    }
    for (index, column) in sheet.columns.iter().enumerate() {
        if column.required && !columns.contains(&index) {
            faults.push(COLUMN_MISSING.at(column.name).with("column", format!("{}({})", column.zh, column.name)).into_fault());
        }
    }
    if faults.is_empty() { Ok(columns) } else { Err(Refused::from(&HEADER).faults(faults).into()) }
}

/// The header does not fit.
pub const HEADER: Refusal = Refusal::invalid(
    "import.header",
    "表头有误,未读取任何数据;请对照模板修改表头。",
    "The header does not fit, so no row was read; compare it with the template.",
);

fn ndjson(lines: &mut BufReader<File>, line: &mut u32, sheet: &'static Sheet) -> Result<Option<Row>> {
    loop {
        let mut text = Vec::new();
        if lines.take(MOST_LINE).read_until(b'\n', &mut text).map_err(broken)? == 0 {
            return Ok(None);
        }
        *line += 1;
        let whole = text.last() == Some(&b'\n') || lines.fill_buf().map_err(broken)?.is_empty();
        if !whole {
            return Err((&ROW_TOO_LONG).into());
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let mut row = Row { line: *line, cells: vec![String::new(); sheet.columns.len()], given: 0, fault: None };
        match serde_json::from_slice::<Value>(&text) {
            Ok(Value::Object(members)) => {
                for (name, value) in members {
                    let Some(index) = sheet.columns.iter().position(|column| column.name == name || column.zh == name) else {
                        let all = sheet.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
                        row.fault = Some(COLUMN_UNKNOWN.at(&name).with("column", &name).with("resource", sheet.resource).with("columns", all));
                        continue;
                    };
                    row.given |= 1 << index;
                    let text = match value {
                        Value::Null => String::new(),
                        // In JSON a text is a text, whatever it begins with.
                        Value::String(text) => guarded(&text).into_owned(),
                        Value::Bool(_) | Value::Number(_) => value.to_string(),
                        Value::Array(_) | Value::Object(_) => {
                            row.fault = Some(NOT_AN_OBJECT.at(&name));
                            continue;
                        }
                    };
                    if let Some(cell) = row.cells.get_mut(index) {
                        *cell = text;
                    }
                }
            }
            _ => row.fault = Some((&NOT_AN_OBJECT).into()),
        }
        return Ok(Some(row));
    }
}

/// Reads the first worksheet, cell by cell, and sends its rows, the header's first.
fn read_workbook(file: File, sheet: &'static Sheet, rows: &SyncSender<Result<Row, Refused>>) -> Result<(), Refused> {
    let unreadable = |_| Refused::from(&WORKBOOK);
    let mut book = Xlsx::new(BufReader::new(file)).map_err(unreadable)?;
    let names = book.sheet_names();
    let name = names.iter().find(|name| *name == sheet.resource || *name == sheet.zh).or(names.first()).cloned().ok_or(&WORKBOOK)?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(unreadable)?;
    let mut row = Row { given: u64::MAX, ..Row::default() };
    while let Some(cell) = cells.next_cell_with_formula().map_err(unreadable)? {
        let (line, column) = (cell.pos.0 + 1, usize::try_from(cell.pos.1).unwrap_or(usize::MAX));
        if line != row.line && row.line != 0 {
            let full = std::mem::replace(&mut row, Row { given: u64::MAX, ..Row::default() });
            if rows.send(Ok(full)).is_err() {
                return Ok(());
            }
        }
        row.line = line;
        let empty = matches!(cell.value, DataRef::Empty);
        if column >= MOST_CELLS || (empty && cell.formula.is_none()) {
            continue;
        }
        if row.cells.len() <= column {
            row.cells.resize(column + 1, String::new());
        }
        let value = Data::from(cell.value);
        if cell.formula.is_some() {
            row.fault = Some((&FORMULA).into());
        } else if let Data::Error(error) = &value {
            row.fault = Some(CELL_ERROR.with("error", error));
        }
        if let Some(place) = row.cells.get_mut(column) {
            *place = shown(&value);
        }
    }
    if row.line != 0 {
        drop(rows.send(Ok(row)));
    }
    Ok(())
}

/// A cell as the clerk sees it.
fn shown(value: &Data) -> String {
    match value {
        // A formula is no text in a workbook, so what looks like one here is none.
        Data::String(text) => guarded(text).into_owned(),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        // Beyond 15 digits a spreadsheet rounds; exponent form shows it.
        Data::Float(number) if number.abs() >= 1e15 => format!("{number:E}").replacen('E', "E+", 1),
        Data::Float(number) => number.to_string(),
        Data::Int(number) => number.to_string(),
        Data::Bool(flag) => flag.to_string(),
        Data::DateTime(at) => {
            let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
        }
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

/// Refuses a workbook that unpacks to more than `most` bytes, by unpacking it: what an archive says of its own size is
/// hostile input too. Returns the bytes.
pub(crate) fn weigh(file: &mut File, most: u64) -> Result<u64> {
    let mut archive = zip::ZipArchive::new(BufReader::new(&mut *file)).map_err(|_| Error::from(&WORKBOOK))?;
    if archive.len() > WORKBOOK_PARTS {
        return Err((&WORKBOOK_TOO_LARGE).into());
    }
    let mut left = most;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| Error::from(&WORKBOOK))?;
        let size = std::io::copy(&mut part.take(left + 1), &mut std::io::sink()).map_err(|_| Error::from(&WORKBOOK))?;
        left = left.checked_sub(size).ok_or_else(|| Error::from(&WORKBOOK_TOO_LARGE))?;
    }
    drop(archive);
    file.rewind().map_err(broken)?;
    Ok(most - left)
}

/// Whether the last record, which begins at `start`, opens a quote that the file never closes.
fn ends_inside_quotes(file: &mut File, start: u64) -> Result<bool> {
    file.seek(SeekFrom::Start(start)).map_err(broken)?;
    let mut quotes = 0_u64;
    let mut reader = BufReader::new(file);
    loop {
        let block = reader.fill_buf().map_err(broken)?;
        let length = block.len();
        if length == 0 {
            return Ok(quotes % 2 == 1);
        }
        quotes += u64::try_from(block.iter().filter(|byte| **byte == b'"').count()).unwrap_or(0);
        reader.consume(length);
    }
}
