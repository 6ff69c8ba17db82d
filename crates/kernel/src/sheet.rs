//! Sheets: what a resource looks like as a table that a clerk edits. One description serves import, export,
//! template and document.

use std::borrow::Cow;

use chrono::NaiveDate;

use crate::actor::Permission;
use crate::db::Tx;
use crate::personal::{Personal, STAR};
use crate::refusal::{Refusal, Refused, Result};
use crate::text::{Key, SquareMetres, passage, tidy};
use crate::text_enum::Choice;

/// What a cell must look like.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A text of at most so many characters.
    Text(usize),
    /// A text of at most so many characters, in any number of lines.
    Passage(usize),
    /// A code; the function tells whether it is one, the refusal says what one looks like.
    Code(fn(&str) -> bool, &'static Refusal),
    /// A key of the caller's own.
    Key,
    /// A whole number within bounds, both included.
    Integer(i32, i32),
    /// A floor area in square metres.
    Area,
    /// Yes or no.
    Flag,
    /// A day.
    Date,
    /// One word of a list.
    Choice(&'static [Choice]),
    /// The first so many characters of the first column: written by exports, only checked by imports.
    Prefix(usize),
    /// The id of the object itself: written by exports, and by it imports find the object again.
    Id,
    /// The id of another object, where files can name it in no better way.
    Reference,
    /// A personal value of another object, by which it is looked for. Its hash alone is used, and exports write its mask.
    Sought(&'static Personal),
    /// A personal value. Exports write its mask, and a mask in an import leaves the value as it is.
    Kept(&'static Personal),
}

/// Not a whole number within the bounds.
pub const NOT_AN_INTEGER: Refusal =
    Refusal::invalid("import.not_an_integer", "“{value}”须为 {min} 至 {max} 的整数。", "“{value}” must be a whole number from {min} to {max}.");
/// Not yes or no.
pub const NOT_A_FLAG: Refusal = Refusal::invalid("import.not_a_flag", "“{value}”须为“是”或“否”。", "“{value}” must be true or false.");
/// Not a day.
pub const NOT_A_DATE: Refusal =
    Refusal::invalid("import.not_a_date", "“{value}”不是有效日期,应写成 2026-11-23。", "“{value}” is not a date; write 2026-11-23.");
/// Not a word of the list.
pub const NOT_A_CHOICE: Refusal = Refusal::invalid("import.not_a_choice", "“{value}”不在可选值中:{choices}。", "“{value}” is not one of: {choices}.");
/// Not the beginning of the code.
pub const NOT_THE_PREFIX: Refusal = Refusal::invalid(
    "import.not_the_prefix",
    "“{value}”与本行编码不符:编码的前 {length} 位为“{prefix}”。",
    "“{value}” does not agree with the code of the row, whose first {length} characters are “{prefix}”.",
);
/// A formula where a value should be.
pub const FORMULA: Refusal = Refusal::invalid("import.formula", "单元格含有公式,请改为数值或文本。", "The cell holds a formula; paste its value instead.");
/// Not an id.
pub const NOT_AN_ID: Refusal = Refusal::invalid(
    "import.not_an_id",
    "“{value}”不是本系统的标识;请原样保留导出文件中的值,新登记的留空。",
    "“{value}” is no id of ours; keep what an export wrote as it is, and leave it empty for what is new.",
);
/// A mask for somebody whom the row does not find.
pub const MASK_OF_NOTHING: Refusal = Refusal::invalid(
    "import.mask_of_nothing",
    "带 * 的脱敏值表示“不更改”,但本行不对应已登记的对象;请填写完整的值。",
    "A masked value with * means “as it is”, but this row finds nothing that is there; give the whole value.",
);
/// A long code that a spreadsheet has rounded.
pub const ROUNDED_CODE: Refusal = Refusal::invalid(
    "import.rounded_code",
    "“{value}”是被表格软件改写成数字的编码,末位已丢失;请先把该列设为“文本”格式,再重新填写。",
    "“{value}” is a code that the spreadsheet turned into a number, so its last digits are lost; format the column as text and enter it again.",
);

/// One column of a sheet.
#[derive(Debug)]
pub struct Column {
    /// The name, which is also the column in the table, the member in the API and a header in files.
    pub name: &'static str,
    /// The Chinese header.
    pub zh: &'static str,
    /// What its cells look like.
    pub form: Form,
    /// Whether every row must have it.
    pub required: bool,
    /// SQL for what an empty cell means for a new row; without it, an empty cell empties the stored value.
    /// A stored value is never replaced by a default. `$on` is the day, `$city` the city, `r.name` another cell as text.
    pub default: Option<&'static str>,
    /// Whether it names another row of the same table by its natural key, which may stand in the same file.
    pub own: bool,
    /// Whether rows that have it in common are checked against one another although they may not stand beside each other: far
    /// more of the file is read at once.
    pub kin: bool,
    /// What stands in the template's note: meaning and unit, for the clerk.
    pub note: &'static str,
    /// Whether it is a person's own: the journal does not tell its values.
    pub private: bool,
}

impl Column {
    /// A column that may be left out.
    #[must_use]
    pub const fn new(name: &'static str, zh: &'static str, form: Form, note: &'static str) -> Self {
        Self { name, zh, form, required: false, default: None, own: false, kin: false, note, private: false }
    }

    /// The same, needed in every row.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same, naming another row of the same table by its natural key.
    #[must_use]
    pub const fn own(self) -> Self {
        Self { own: true, ..self }
    }

    /// The same, by which rows are checked against one another wherever they stand.
    #[must_use]
    pub const fn kin(self) -> Self {
        Self { kin: true, ..self }
    }

    /// The same, where an empty cell keeps what is stored, or is this SQL in a new row; see `default`.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The same, of which the journal tells only that it changed.
    #[must_use]
    pub const fn private(self) -> Self {
        Self { private: true, ..self }
    }

    /// Whether the column is written by imports, not only checked.
    #[must_use]
    pub const fn stored(&self) -> bool {
        !matches!(self.form, Form::Prefix(_) | Form::Id | Form::Sought(_))
    }

    /// What is kept in the column, where that is a personal value.
    #[must_use]
    pub const fn kept(&self) -> Option<&'static Personal> {
        match self.form {
            Form::Kept(personal) => Some(personal),
            _ => None,
        }
    }

    /// What personal value its cells hold, kept or sought.
    #[must_use]
    pub const fn personal(&self) -> Option<&'static Personal> {
        match self.form {
            Form::Kept(personal) | Form::Sought(personal) => Some(personal),
            _ => None,
        }
    }

    /// The Postgres type of the column.
    #[must_use]
    pub const fn sql_type(&self) -> &'static str {
        match self.form {
            Form::Integer(..) => "integer",
            Form::Area => "numeric",
            Form::Flag => "boolean",
            Form::Date => "date",
            Form::Id | Form::Reference => "uuid",
            Form::Kept(_) | Form::Sought(_) => "bytea",
            _ => "text",
        }
    }

    /// Checks a cell and puts it into the form that Postgres reads. `first` is the row's first cell.
    pub fn read(&self, cell: &str, first: &str) -> Result<String, Refused> {
        if cell.starts_with('=') {
            return Err((&FORMULA).into());
        }
        let cell = plain(cell).trim();
        let refuse = |refusal: &'static Refusal| Err(refusal.with("value", cell.chars().take(60).collect::<String>()));
        match self.form {
            Form::Text(max) => tidy(cell, max),
            Form::Passage(max) => passage(cell, max),
            Form::Code(is_code, _) if is_code(cell) => Ok(cell.to_owned()),
            Form::Code(..) | Form::Prefix(_) if looks_rounded(cell) => refuse(&ROUNDED_CODE),
            Form::Code(_, refusal) => refuse(refusal),
            Form::Key => Key::parse(cell).map(|key| key.to_string()),
            Form::Id | Form::Reference => cell.parse::<uuid::Uuid>().map_or_else(|_| refuse(&NOT_AN_ID), |id| Ok(id.to_string())),
            Form::Kept(personal) | Form::Sought(personal) => (personal.read)(cell, ""),
            Form::Integer(min, max) => match whole(cell).filter(|number| (min..=max).contains(number)) {
                Some(number) => Ok(number.to_string()),
                None => Err(NOT_AN_INTEGER.with("value", cell).with("min", min).with("max", max)),
            },
            Form::Area => SquareMetres::parse(cell).map(|area| area.as_str().to_owned()),
            Form::Flag => match cell {
                "是" | "有" | "true" | "TRUE" | "1" | "yes" => Ok("true".to_owned()),
                "否" | "无" | "false" | "FALSE" | "0" | "no" => Ok("false".to_owned()),
                _ => refuse(&NOT_A_FLAG),
            },
            Form::Date => date(cell).map_or_else(|| refuse(&NOT_A_DATE), |day| Ok(day.to_string())),
            Form::Choice(choices) => match choices.iter().find(|choice| choice.word == cell || choice.zh == cell) {
                Some(choice) => Ok(choice.word.to_owned()),
                None => {
                    let list = choices.iter().map(|choice| format!("{}({})", choice.zh, choice.word)).collect::<Vec<_>>().join("、");
                    Err(NOT_A_CHOICE.with("value", cell).with("choices", list))
                }
            },
            Form::Prefix(length) => match first.get(..length) {
                Some(prefix) if prefix == cell => Ok(cell.to_owned()),
                // A code that is no code is a fault of its own.
                None => Ok(cell.to_owned()),
                Some(prefix) => Err(NOT_THE_PREFIX.with("value", cell).with("length", length).with("prefix", prefix)),
            },
        }
    }
}

/// Checks a cell that holds a personal value, and puts it into the form that is kept; none where it is a mask. No refusal
/// quotes it. `beside` is the cell that tells how to read it.
pub fn read_personal(personal: &Personal, cell: &str, beside: &str) -> Result<Option<String>, Refused> {
    if cell.starts_with('=') {
        return Err((&FORMULA).into());
    }
    let cell = plain(cell).trim();
    match () {
        () if cell.contains(STAR) => Ok(None),
        () if looks_rounded(cell) => Err(ROUNDED_CODE.with("value", "***")),
        () => (personal.read)(cell, beside).map(Some),
    }
}

/// Signs that make a spreadsheet take a text for a formula.
const FORMULA_SIGNS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text with a `'` before it where a spreadsheet would take it for a formula, or where it begins with one.
#[must_use]
pub fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_SIGNS) || text.starts_with('\'') { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A guarded text as it is.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA_SIGNS) || rest.starts_with('\'')).unwrap_or(cell)
}

fn whole(cell: &str) -> Option<i32> {
    // A spreadsheet may have made 12 into 12.0.
    cell.strip_suffix(".0").unwrap_or(cell).parse().ok()
}

/// 4.21181E+16, as a spreadsheet shows a long number.
fn looks_rounded(cell: &str) -> bool {
    cell.split_once(['E', 'e']).is_some_and(|(digits, power)| {
        digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && power.strip_prefix('+').unwrap_or(power).bytes().all(|b| b.is_ascii_digit())
            && !digits.is_empty()
    })
}

fn date(cell: &str) -> Option<NaiveDate> {
    let day = cell.split_once([' ', 'T']).filter(|(_, time)| time.starts_with("00:00")).map_or(cell, |(day, _)| day);
    ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y.%m.%d", "%Y%m%d"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(day, form).ok())
        .filter(|day| crate::clock::in_reach(*day))
}

/// A rule that the whole chunk is checked against with one query.
#[derive(Debug)]
pub struct Check {
    /// The column at fault.
    pub column: &'static str,
    /// What is said; `{column}` stands for the row's cell.
    pub refusal: &'static Refusal,
    /// SQL, true of a row at fault: `i` is the incoming row, columns by name, `(i.was)` the stored row if there is
    /// one, and what the sheet looks up is there too; `$on` is the day of the import, `$city` the city, `$areas` where the
    /// caller may write.
    pub fault: &'static str,
}

/// Runs after the rows of a chunk have been stored, with the keys of those that were created or changed.
pub type After = for<'a> fn(&'a Tx<'a>, Vec<String>, NaiveDate) -> std::pin::Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// How the rows of a file find what is stored, where that is not by codes.
#[derive(Debug)]
pub struct FoundBy {
    /// SQL over the cells of a row `r`: the id of the stored row, or null.
    pub id: &'static str,
    /// Columns within whose values alone the others below tell objects apart: the body in which a person has a seat.
    pub within: &'static [&'static str],
    /// The columns that say which object a row is: none of them may say the same on two lines.
    pub columns: &'static [&'static str],
}

/// What a resource looks like as a table.
#[derive(Debug)]
pub struct Sheet {
    /// The resource as in paths: `grids`.
    pub resource: &'static str,
    /// What people call it, for the name of files.
    pub zh: &'static str,
    /// The table, which is also the kind in the journal: `grid`.
    pub table: &'static str,
    /// Who may export.
    pub read: Permission,
    /// Who may import.
    pub write: Permission,
    /// The columns; the natural key first.
    pub columns: &'static [Column],
    /// How many columns are the natural key. One that is not required may be empty, which is a value like any other.
    pub keys: usize,
    /// How rows are found, where that is not by the natural key.
    pub found_by: Option<FoundBy>,
    /// Whether the key is free again once its holder has ended, as with links; codes never are.
    pub key_reusable: bool,
    /// SQL over `i`, as in a [`Check`]: the area in which the caller must be allowed to write.
    pub area: &'static str,
    /// SQL over a stored row `t`: its area, for access.
    pub stored_area: &'static str,
    /// SQL: a query of `key, area_code`, the links by which a row with this natural key may also be seen, from areas
    /// that are not its own; none where it is seen in its own alone.
    pub links: Option<&'static str>,
    /// SQL: where exports read, the stored row being `t`; `$on` is the day.
    pub from: &'static str,
    /// SQL for a column whose export is not `t.column`.
    pub shown: &'static [(&'static str, &'static str)],
    /// SQL: `left join`s to the rows that a row `i` refers to, for the checks; at most one each.
    pub looks_up: &'static str,
    /// Rules beyond the form of cells.
    pub checks: &'static [Check],
    /// What else follows from stored rows.
    pub after: Option<After>,
}

impl Sheet {
    /// The columns that make the natural key.
    pub fn key_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().take(self.keys)
    }

    /// The columns that imports store.
    pub fn stored_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().filter(|column| column.stored())
    }

    /// Whether rows with the same cell in this column are checked against one another, so that imports look at them together where
    /// they stand side by side: the body in which people have seats, the dwelling that people own. It is a column of its own
    /// where the sheet says so, else the first of those within which rows are found, else the first of the natural key.
    #[must_use]
    pub fn gathers(&self, column: &Column) -> bool {
        if self.columns.iter().any(|one| one.kin) {
            return column.kin;
        }
        let within = self.found_by.as_ref().and_then(|found| found.within.first()).copied();
        within.or_else(|| self.columns.first().map(|first| first.name)) == Some(column.name)
    }

    /// Whether its files hold personal values in clear, which are kept nowhere on their way in.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.columns.iter().any(|column| column.personal().is_some())
    }

    /// SQL for a column in exports.
    #[must_use]
    pub fn shown(&self, column: &Column) -> String {
        let own = || match column.form {
            Form::Id => "t.id".to_owned(),
            Form::Kept(_) => format!("encode(t.{}, 'hex')", column.name),
            _ => format!("t.{}", column.name),
        };
        self.shown.iter().find(|(name, _)| *name == column.name).map_or_else(own, |(_, sql)| (*sql).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: Form, cell: &str) -> Result<String, &'static str> {
        Column::new("x", "x", form, "").read(cell, "421181001001001").map_err(|refused| refused.refusal.code)
    }

    #[test]
    fn cells_are_read_as_clerks_write_them() {
        for day in ["2026-11-23", "2026/11/23", "2026年11月23日", "2026.11.23", "20261123", "2026-11-23 00:00:00"] {
            assert_eq!(read(Form::Date, day).unwrap(), "2026-11-23", "{day}");
        }
        assert_eq!(read(Form::Flag, "是").unwrap(), "true");
        assert_eq!(read(Form::Integer(0, 9), "7.0").unwrap(), "7");
        assert_eq!(read(Form::Prefix(12), "421181001001").unwrap(), "421181001001");
    }

    #[test]
    fn cells_are_refused_by_name() {
        assert_eq!(read(Form::Date, "2026-02-30"), Err("import.not_a_date"));
        assert_eq!(read(Form::Date, "2026-11-23 08:00:00"), Err("import.not_a_date"));
        assert_eq!(read(Form::Integer(0, 9), "10"), Err("import.not_an_integer"));
        assert_eq!(read(Form::Text(9), "=1+1"), Err("import.formula"));
        assert_eq!(read(Form::Prefix(12), "421181001002"), Err("import.not_the_prefix"));
        assert_eq!(read(Form::Code(|_| false, &NOT_A_DATE), "4.21181E+16"), Err("import.rounded_code"));
    }

    #[test]
    fn what_exports_neutralise_imports_restore() {
        assert_eq!(read(Form::Text(9), "'-1栋").unwrap(), "-1栋");
        assert_eq!(read(Form::Text(9), "'栋").unwrap(), "'栋");
        for text in ["-1栋", "=1", "'=1", "''", "'栋", "栋"] {
            assert_eq!(read(Form::Text(9), &guarded(text)).unwrap(), text);
        }
    }
}
