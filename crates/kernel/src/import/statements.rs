//! The two statements of an import, written from a sheet: one checks a chunk, one stores it.
//!
//! Parameters: $1 lines, $2 ids for new rows, $3 the day, $4 the caller's areas, $5 … $7 actor and request,
//! $8 the city, $9 and $10 the areas of his grants and the role of each, $11 the columns that each row has, bit by bit,
//! $12 … one array a column.

use super::rows::Ready;
use super::{ENDED, HALF_A_REFERENCE, OUT_OF_SCOPE, REFERENCE_TAKEN};
use crate::refusal::Refusal;
use crate::sheet::{Column, Form, MASK_OF_NOTHING, Sheet};

/// A rule with what is said where it is broken.
pub(super) struct RowCheck {
    pub column: &'static str,
    pub refusal: &'static Refusal,
}

/// Which columns the rows of a chunk have, bit by bit. Those of a table have the same; objects of NDJSON may differ.
#[derive(Clone, Copy)]
pub(super) struct Given {
    /// What all of them have.
    all: i64,
    /// What one or another has.
    some: i64,
}

impl Given {
    /// What these rows have.
    pub(super) fn of(rows: &[Ready]) -> Self {
        rows.iter().fold(Self { all: i64::MAX, some: 0 }, |given, row| Self { all: given.all & row.given, some: given.some | row.given })
    }
}

/// The statements for the rows of a chunk.
pub(super) struct Statements {
    /// The rules, in the order in which `check` numbers them.
    pub checks: Vec<RowCheck>,
    /// Returns rows at fault with the numbers of the rules, and rows that are new or would change something; with each what
    /// other row of the table it names.
    pub check: String,
    /// Stores rows and journals them; returns those that were new or changed.
    pub store: String,
    /// The same for rows that are all new: nothing is looked up, so that a first import looks up each row once.
    pub store_new: String,
}

/// The number of the first parameter that is a column.
const FIRST_COLUMN: usize = 12;

impl Statements {
    /// Writes the statements for a sheet, and rows that have these columns.
    pub(super) fn new(sheet: &'static Sheet, given: Given) -> Self {
        let mut checks = Vec::new();
        let mut faults = Vec::new();
        let names_reference = sheet.columns.iter().position(|column| column.name == "ref").is_some_and(|index| given.some & (1 << index) != 0);
        for (column, refusal, fault) in rules(sheet, names_reference) {
            checks.push(RowCheck { column, refusal });
            faults.push(fault.replace("$on", "$3").replace("$city", "$8").replace("$areas", "$4"));
        }
        let rows = incoming(sheet, given, &found(sheet));
        let numbered = faults.iter().enumerate().map(|(n, fault)| format!("case when {fault} then {n} end")).collect::<Vec<_>>().join(",\n        ");
        let same_reference = format!("left join {} o on o.source = i.source and o.ref = i.ref and o.id is distinct from i.stored_id", sheet.table);
        let looks_up = format!("{} {}", sheet.looks_up, if names_reference { same_reference.as_str() } else { "" });
        let names = sheet.columns.iter().find(|column| column.own).map_or_else(|| "null::text".to_owned(), |column| format!("i.{}", column.name));
        let check = format!(
            "{rows}\nselect i.n, f.failed, i.stored_id as stored, {names} as names\nfrom i {looks_up}\ncross join lateral (select array_remove(array[\n        {numbered}], null)::integer[] as failed) f\n\
             where f.failed <> '{{}}' or i.stored_id is null or i.differs"
        );
        Self { checks, check, store: store(sheet, &rows), store_new: store(sheet, &incoming(sheet, given, "false")) }
    }
}

/// The rules that every sheet has, and its own.
fn rules(sheet: &'static Sheet, names_reference: bool) -> Vec<(&'static str, &'static Refusal, String)> {
    let key = sheet.columns.first().map_or("", |column| column.name);
    let elsewhere = format!("(({} ^@ any ($4)) is not true or (i.stored_id is not null and (i.was_in ^@ any ($4)) is not true))", sheet.area);
    // Exports show rows of other areas where links lead to them; unchanged, they may come in again.
    let written = if sheet.links.is_some() { " and (i.stored_id is null or i.differs)" } else { "" };
    let mut rules = vec![(key, &OUT_OF_SCOPE, format!("{elsewhere}{written}"))];
    if !sheet.key_reusable && sheet.found_by.is_none() {
        // A row that says of it what is so is left alone: the same file goes in again.
        rules.push((key, &ENDED, "i.differs and (i.was).valid_to is not null".to_owned()));
    }
    if names_reference {
        rules.push(("ref", &HALF_A_REFERENCE, "(i.source is null) <> (i.ref is null)".to_owned()));
        rules.push(("ref", &REFERENCE_TAKEN, "o.id is not null".to_owned()));
    }
    for column in sheet.columns.iter().filter(|column| column.kept().is_some()) {
        rules.push((column.name, &MASK_OF_NOTHING, format!("i.{}_masked and i.stored_id is null", column.name)));
    }
    rules.extend(sheet.checks.iter().map(|check| (check.column, check.refusal, check.fault.to_owned())));
    rules
}

/// What a column is to be: the cell, what is stored where the file has no such column, or the default.
fn value(index: usize, column: &Column, given: Given) -> String {
    let (name, sql_type, bit) = (column.name, column.sql_type(), 1_i64 << index);
    let cell = match column.form {
        // A mask, which is read as the empty text, leaves what is stored.
        Form::Kept(_) => format!("case when r.{name} = '' then t.{name} else decode(r.{name}, 'hex') end"),
        _ => format!("r.{name}::{sql_type}"),
    };
    match column.default {
        Some(default) => format!("coalesce({cell}, t.{name}, {})", default.replace("$on", "$3").replace("$city", "$8")),
        None if given.some & bit == 0 => format!("t.{name}"),
        None if given.all & bit == 0 => format!("case when r.given & {bit} = 0 then t.{name} else {cell} end"),
        None => cell,
    }
}

/// What of a column is compared: of a kept value the keyed hash, as it is never sealed alike.
fn compared(column: &Column, value: &str) -> String {
    match column.form {
        Form::Kept(_) => format!("substring({value} from 1 for 32)"),
        _ => value.to_owned(),
    }
}

/// The condition under which a stored row `s` is what an incoming one `r` is about.
fn found(sheet: &'static Sheet) -> String {
    let same = |column: &Column| if column.required { "=" } else { "is not distinct from" };
    let natural = sheet.key_columns().map(|column| format!("s.{0} {1} r.{0}", column.name, same(column))).collect::<Vec<_>>().join(" and ");
    let key = sheet.found_by.as_ref().map_or(natural, |found| format!("s.id = {}", found.id));
    let open = if sheet.key_reusable { " and s.valid_to is null" } else { "" };
    format!("{key}{open}")
}

/// `with i as (…)`: the incoming rows as they are to be, joined with what is stored under their key. That is looked up row
/// by row (`lateral … limit 1`), so that a chunk takes as long whatever the table holds and whatever Postgres knows of it.
fn incoming(sheet: &'static Sheet, given: Given, found: &str) -> String {
    let names = sheet.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ");
    let arrays = (0..sheet.columns.len()).map(|index| format!("${}", index + FIRST_COLUMN)).collect::<Vec<_>>().join(", ");
    let stored = |make: &dyn Fn(usize, &Column) -> String| {
        let parts: Vec<_> = sheet.columns.iter().enumerate().filter(|(_, column)| column.stored()).map(|(index, column)| make(index, column)).collect();
        parts.join(", ")
    };
    let values = stored(&|index, column| format!("{} as {}", value(index, column, given), column.name));
    let now = stored(&|index, column| compared(column, &value(index, column, given)));
    let was = stored(&|_, column| compared(column, &format!("t.{}", column.name)));
    let told = |column: &Column| match column.form {
        Form::Id => format!("r.{0}::uuid as {0}, ", column.name),
        Form::Kept(_) => format!("coalesce(r.{0} = '', false) as {0}_masked, ", column.name),
        _ => String::new(),
    };
    let beside: String = sheet.columns.iter().map(told).collect();
    format!(
        "with i as materialized (\n    select r.n, coalesce(t.id, r.id) as id, t.id as stored_id, {beside}{values},\n        ({now}) is distinct from ({was}) as differs,\n        \
         t.whole as was, {area} as was_in\n    \
         from unnest($1, $2, $11, {arrays}) as r (n, id, given, {names})\n    \
         left join lateral (select s as whole, s.* from {table} s where {found} limit 1) t on true\n)",
        area = sheet.stored_area,
        table = sheet.table,
    )
}

/// The row as the journal tells it, in the members and forms of the API.
fn object(sheet: &'static Sheet, row: &str) -> String {
    let member = |column: &Column| match column.sql_type() {
        "numeric" => format!("'{0}', {row}.{0}::text", column.name),
        "bytea" => format!("'{0}', encode(substring({row}.{0} from 1 for 32), 'hex')", column.name),
        _ => format!("'{0}', {row}.{0}", column.name),
    };
    let told = sheet.columns.iter().filter(|column| !matches!(column.form, Form::Id | Form::Sought(_)));
    format!("jsonb_build_object({})", told.map(member).collect::<Vec<_>>().join(", "))
}

/// The role of the first grant that reaches a row's area, as a command of its own would find it.
const ROLE: &str = "case when cardinality($9) = 1 then ($10)[1] else \
     (select g.role from unnest($9, $10) with ordinality as g (area, role, n) where starts_with(s.area, g.area) order by g.n limit 1) end";

fn store(sheet: &'static Sheet, rows: &str) -> String {
    let table = sheet.table;
    let names: Vec<_> = sheet.stored_columns().map(|column| column.name).collect();
    let set = names.iter().map(|name| format!("{name} = excluded.{name}")).collect::<Vec<_>>().join(", ");
    let key = match &sheet.found_by {
        Some(_) => "id::text".to_owned(),
        None => sheet.columns.first().map_or_else(String::new, |column| column.name.to_owned()),
    };
    let private: Vec<_> = sheet.columns.iter().filter(|column| column.private || column.kept().is_some()).map(|column| column.name).collect();
    let hidden = |change: &str| if private.is_empty() { change.to_owned() } else { format!("journal_hide({change}, '{{{}}}')", private.join(",")) };
    let created = hidden("jsonb_strip_nulls(s.now)");
    let changed = hidden(&format!("journal_diff({}, s.now)", object(sheet, "(i.was)")));
    let now = object(sheet, "t");
    let area = sheet.stored_area;
    format!(
        "{rows}, saved as (\n    insert into {table} as t (id, {columns}) select i.id, {values} from i where i.stored_id is null or i.differs\n    \
         on conflict (id) do update set {set}, version = t.version + 1, updated_at = now()\n    \
         returning t.id, t.{key} as key, t.version, {area} as area, {now} as now\n), told as (\n    \
         insert into journal (actor_id, actor_name, acting_role, request_id, action, object_kind, object_id, area_code, former_area_code, version, change)\n    \
         select $5, $6, {ROLE}, $7, '{table}.' || case when i.stored_id is null then 'created' else 'changed' end, '{table}', s.id, s.area, nullif(i.was_in, s.area), s.version,\n        \
         case when i.stored_id is null then {created} else {changed} end\n    \
         from saved s join i on i.id = s.id\n)\nselect s.key, i.stored_id is null as fresh from saved s join i on i.id = s.id",
        columns = names.join(", "),
        values = names.iter().map(|name| format!("i.{name}")).collect::<Vec<_>>().join(", "),
    )
}
