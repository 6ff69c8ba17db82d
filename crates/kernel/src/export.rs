//! Exports: what is stored, as a file that imports take unchanged; and the empty file, the template.
//!
//! A file is written whole, from one snapshot, before the first byte is sent: a slow reader then holds up
//! nobody, a failure is a refusal rather than half a file, and the length is known.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};

use diesel::sql_types::{Array, Date, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use futures_util::TryStreamExt;
use rust_xlsxwriter::{DataValidation, Format as CellFormat, Note, Workbook, XlsxError};
use serde_json::{Map, Value};
use zip::result::ZipError;

use crate::db::View;
use crate::personal::Kept;
use crate::pulse::Pulse;
use crate::refusal::{Error, Kind, Refusal, Result};
use crate::sheet::{Form, Sheet, guarded};
use crate::spool::broken;
use crate::text_enum;
use chrono::NaiveDate;

/// Rows that a worksheet can hold, without its header.
const MOST_ROWS: usize = 1_048_575;

/// More rows than a worksheet holds.
pub const TOO_MANY_ROWS: Refusal = Refusal::new(
    Kind::Invalid,
    "export.too_many_rows",
    "超过 1048575 行,工作表放不下;请导出 .csv 或缩小区域。",
    "More than 1048575 rows do not fit a worksheet; export .csv, or a smaller area.",
);

text_enum!(
    /// The forms of a file.
    FileForm {
        /// Comma-separated values in UTF-8.
        Csv = "csv" "CSV 文件",
        /// A JSON object a line.
        Ndjson = "ndjson" "NDJSON 文件",
        /// A workbook.
        Xlsx = "xlsx" "工作簿",
    }
);

impl FileForm {
    /// The form that this word is the ending of.
    #[must_use]
    pub fn of(ending: &str) -> Option<Self> {
        [Self::Csv, Self::Ndjson, Self::Xlsx].into_iter().find(|form| form.word() == ending)
    }

    /// The media type of such files.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

text_enum!(
    /// Headers of a file.
    HeaderNames {
        /// As in the API.
        Names = "names" "接口名称",
        /// As clerks write them.
        Chinese = "chinese" "中文名称",
    }
);

/// What stands between the cells of a row on their way from Postgres: no text may hold a control character like it.
const BETWEEN: char = '\u{1f}';

/// A row as one text: a text for each cell would take as long to make as all the rest. What is null is empty, as no text is.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    cells: String,
}

type Cell<'a> = Option<Cow<'a, str>>;

/// Writes all rows of a sheet that hold on a day and that the caller may see.
pub async fn write(view: &View<'_>, sheet: &'static Sheet, form: FileForm, headers: HeaderNames, on: NaiveDate, pulse: &Pulse) -> Result<File> {
    let scope = view.may(sheet.read)?;
    let cells = sheet.columns.iter().map(|column| format!("coalesce(({})::text, '')", sheet.shown(column).replace("$on", "$1"))).collect::<Vec<_>>().join(", ");
    let natural = sheet.key_columns().map(|column| format!("t.{}", column.name)).collect::<Vec<_>>().join(", ");
    let keys = if sheet.found_by.is_some() { "t.id".to_owned() } else { natural };
    let linked = match (sheet.links, sheet.columns.first()) {
        (Some(links), Some(key)) => format!("or exists (select from ({links}) l (key, area_code) where l.key = t.{} and l.area_code ^@ any ($2))", key.name),
        _ => String::new(),
    };
    let select = format!(
        "select concat_ws(e'\\x1f', {cells}) as cells from {from} where t.valid_from <= $1 and (t.valid_to is null or t.valid_to > $1) \
         and ({area} ^@ any ($2) {linked}) order by {keys}",
        from = sheet.from.replace("$on", "$1"),
        area = sheet.stored_area,
    );
    let query = sql_query(select).bind::<Date, _>(on).bind::<Array<Text>, _>(scope.texts());
    let mut lines = query.load_stream::<Line>(&mut view.conn()).await?;
    let mut file = Writer::new(sheet, form, headers)?;
    let personal = sheet.is_personal();
    let mut rows = 0;
    while let Some(line) = lines.try_next().await? {
        let mut cells: Vec<Cell<'_>> = line.cells.split(BETWEEN).map(|cell| (!cell.is_empty()).then_some(Cow::Borrowed(cell))).collect();
        if cells.len() != sheet.columns.len() {
            return Err(Error::Internal(format!("a row of {} has {} cells", sheet.resource, cells.len())));
        }
        if personal {
            mask(view, sheet, &mut cells)?;
        }
        file.line(sheet, &cells)?;
        rows += 1;
        pulse.beat(rows, 0)?;
    }
    file.finish()
}

/// Puts the mask in place of each personal value, as it may leave.
fn mask(view: &View<'_>, sheet: &'static Sheet, cells: &mut [Cell<'_>]) -> Result<()> {
    for (column, cell) in sheet.columns.iter().zip(cells) {
        if let (Some(personal), Some(text)) = (column.personal(), cell.as_deref()) {
            let kept = Kept::from_hex(text).ok_or_else(|| Error::Internal(format!("{} cannot be read", personal.purpose)))?;
            *cell = Some(Cow::Owned(kept.mask(personal, view.cipher()?)?.as_str().to_owned()));
        }
    }
    Ok(())
}

/// The empty file with the header, for a clerk to fill in.
pub fn template(sheet: &'static Sheet, form: FileForm, headers: HeaderNames) -> Result<File> {
    Writer::new(sheet, form, headers)?.finish()
}

enum Writer {
    Csv(Box<csv::Writer<File>>),
    Ndjson(BufWriter<File>),
    Xlsx { book: Box<Workbook>, rows: usize },
}

impl Writer {
    fn new(sheet: &'static Sheet, form: FileForm, headers: HeaderNames) -> Result<Self> {
        let header = sheet.columns.iter().map(|column| if headers == HeaderNames::Chinese { column.zh } else { column.name });
        let file = tempfile::tempfile().map_err(broken)?;
        Ok(match form {
            FileForm::Csv => {
                let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(file);
                writer.write_record(header).map_err(csv_failed)?;
                Self::Csv(Box::new(writer))
            }
            FileForm::Ndjson => Self::Ndjson(BufWriter::with_capacity(1 << 16, file)),
            FileForm::Xlsx => Self::Xlsx { book: Box::new(workbook(sheet, header).map_err(xlsx_failed)?), rows: 0 },
        })
    }

    fn line(&mut self, sheet: &'static Sheet, cells: &[Cell<'_>]) -> Result<()> {
        match self {
            Self::Csv(writer) => {
                for (column, cell) in sheet.columns.iter().zip(cells) {
                    writer.write_field(neutral(column.form, cell.as_deref()).as_bytes()).map_err(csv_failed)?;
                }
                writer.write_record(None::<&[u8]>).map_err(csv_failed)
            }
            Self::Ndjson(writer) => {
                let members: Map<String, Value> =
                    sheet.columns.iter().zip(cells).map(|(column, cell)| (column.name.to_owned(), member(column.form, cell.as_deref()))).collect();
                serde_json::to_writer(&mut *writer, &members).map_err(|error| broken(error.into()))?;
                writer.write_all(b"\n").map_err(broken)
            }
            Self::Xlsx { rows, .. } if *rows == MOST_ROWS => Err((&TOO_MANY_ROWS).into()),
            Self::Xlsx { book, rows } => {
                *rows += 1;
                let row = u32::try_from(*rows).unwrap_or(u32::MAX);
                let page = book.worksheet_from_index(0).map_err(xlsx_failed)?;
                for (index, (column, cell)) in (0_u16..).zip(sheet.columns.iter().zip(cells)) {
                    let Some(cell) = cell else { continue };
                    match (column.form, cell.parse::<i32>()) {
                        (Form::Integer(..), Ok(number)) => page.write_number(row, index, number).map_err(xlsx_failed)?,
                        // Text never is a formula in a workbook, so it needs no sign before it.
                        _ => page.write_string(row, index, cell.as_ref()).map_err(xlsx_failed)?,
                    };
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<File> {
        let mut file = match self {
            Self::Csv(writer) => writer.into_inner().map_err(|error| broken(error.into_error()))?,
            Self::Ndjson(writer) => writer.into_inner().map_err(|error| broken(error.into_error()))?,
            Self::Xlsx { mut book, .. } => {
                let mut file = tempfile::tempfile().map_err(broken)?;
                book.save_to_writer(&mut file).map_err(xlsx_failed)?;
                file
            }
        };
        file.rewind().map_err(broken)?;
        Ok(file)
    }
}

/// A cell of CSV that no spreadsheet takes for a formula.
fn neutral(form: Form, cell: Option<&str>) -> Cow<'_, str> {
    match cell {
        Some(text) if matches!(form, Form::Text(_) | Form::Passage(_)) => guarded(text),
        Some("true") if matches!(form, Form::Flag) => "是".into(),
        Some("false") if matches!(form, Form::Flag) => "否".into(),
        cell => cell.unwrap_or_default().into(),
    }
}

fn member(form: Form, cell: Option<&str>) -> Value {
    match (form, cell) {
        (_, None) => Value::Null,
        (Form::Integer(..), Some(text)) => text.parse::<i32>().map_or_else(|_| Value::from(text), Value::from),
        (Form::Flag, Some(text)) => Value::Bool(text == "true"),
        (_, Some(text)) => Value::from(text),
    }
}

/// A workbook with a header: notes say what belongs where, lists offer the words that fit, codes are text.
fn workbook<'a>(sheet: &'static Sheet, header: impl Iterator<Item = &'a str>) -> std::result::Result<Workbook, XlsxError> {
    let mut book = Workbook::new();
    let page = book.add_worksheet_with_constant_memory()?;
    page.set_name(sheet.zh)?.set_freeze_panes(1, 0)?;
    let (bold, text) = (CellFormat::new().set_bold(), CellFormat::new().set_num_format("@"));
    for (index, (column, title)) in (0_u16..).zip(sheet.columns.iter().zip(header)) {
        if !matches!(column.form, Form::Integer(..)) {
            page.set_column_format(index, &text)?;
        }
        page.set_column_width(index, if matches!(column.form, Form::Code(..) | Form::Text(_) | Form::Passage(_)) { 26 } else { 14 })?;
        if let Form::Choice(choices) = column.form {
            let words: Vec<_> = choices.iter().map(|choice| choice.zh).collect();
            // Exports write words, clerks may write labels; the list offers labels and warns of nothing else.
            page.add_data_validation(1, index, 1_048_575, index, &DataValidation::new().allow_list_strings(&words)?.show_error_message(false))?;
        }
        page.insert_note(0, index, &Note::new(column.note).set_author("Linli"))?;
        page.write_string_with_format(0, index, title, &bold)?;
    }
    Ok(book)
}

fn csv_failed(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => broken(error),
        other => Error::Internal(format!("csv: {other:?}")),
    }
}

fn xlsx_failed(error: XlsxError) -> Error {
    match error {
        XlsxError::IoError(error) | XlsxError::ZipError(ZipError::Io(error)) => broken(error),
        other => Error::Internal(format!("workbook: {other}")),
    }
}
