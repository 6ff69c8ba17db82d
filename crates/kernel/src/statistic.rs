//! Statistics: published figures that can be traced to the rows that they count (STA-01 …).
//!
//! A figure is a number of rows, or a share of one such number in another. Rows are asked for by one query for the number
//! and the list alike, so neither can say what the other does not. All are of a day, by terms: an edit of what holds today
//! does not move what held then.

use std::fs::File;
use std::io::Seek;

use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::actor::Permission;
use crate::area::AreaCode;
use crate::clock;
use crate::db::View;
use crate::page::{Cursor, MAX_TOTAL, Page, Paging};
use crate::period::OUT_OF_YEARS;
use crate::prepared::Prepare;
use crate::refusal::{Error, Kind, Refusal, Result};
use crate::sheet::guarded;
use crate::spool::broken;
use chrono::{Datelike, NaiveDate};

/// May see the figures; the rows behind one need what their resource needs.
pub const READ: Permission = Permission("statistic.read");

/// No such key.
pub const UNKNOWN: Refusal =
    Refusal::not_found("statistic.unknown", "没有“{key}”这项统计;可用:{keys}。", "There is no statistic “{key}”; these there are: {keys}.");
/// An area that is not the caller's.
pub const UNKNOWN_AREA: Refusal = Refusal::not_found(
    "statistic.unknown_area",
    "该区域不在您的区域内;请用 area_code 说明您的区域。",
    "That area is not within yours; name your own with area_code.",
);
/// A window that is over before it begins.
pub const ENDS_BEFORE_IT_BEGINS: Refusal =
    Refusal::invalid("statistic.ends_before_it_begins", "统计起始日期 from 不能晚于 as_of。", "The window cannot begin (`from`) after the day as_of.");
/// A guarded figure of so few that it tells of one.
pub const TOO_SMALL: Refusal = Refusal::new(
    Kind::Forbidden,
    "statistic.too_small",
    "“{key}”在网格或不足五人的范围内会透露个人情况,仅供可查看其明细的人使用;请查看社区或更大的区域。",
    "Of a grid, or of fewer than five people, “{key}” would tell of single ones; it is for those who may see its rows. Ask for a community, or a larger area.",
);
/// A share has no rows of its own.
pub const TWO_LISTS: Refusal = Refusal::invalid(
    "statistic.two_lists",
    "“{key}”是两个数之比;请分别查看 {part} 和 {whole} 的明细。",
    "“{key}” is a share of one number in another; ask for the rows of {part} and of {whole}.",
);

/// Digits of the code of a community, the smallest area of which guarded figures are for all who see figures.
const COMMUNITY_DIGITS: usize = 12;
/// Fewest people among whom a guarded figure is for all who see figures.
const FEWEST: i64 = 5;

/// How a figure comes about.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// As many as these rows count: SQL for rows of `id uuid, kind text, code text, name text, area_code text, counts integer`,
    /// where `$1` is the area, `$2` the day, and `$3` the first day of the window.
    Rows(fn() -> String),
    /// The share of one statistic in another.
    Share {
        /// Key of the numerator.
        part: &'static str,
        /// Key of the denominator.
        whole: &'static str,
    },
}

/// A text in Chinese and in English.
pub type Both = (&'static str, &'static str);

/// A statistic.
#[derive(Clone, Copy, Debug)]
pub struct Statistic {
    /// Its key in paths.
    pub key: &'static str,
    /// Title, in Chinese and English.
    pub title: Both,
    /// What is counted and how, in Chinese and English.
    pub definition: Both,
    /// Unit, in Chinese and English.
    pub unit: Both,
    /// Rises when the definition does.
    pub version: i32,
    /// Whether it tells of a window, from a day to a day, and not of one day.
    pub window: bool,
    /// Where it tells of people what is not for everybody: the statistic of those among whom they are. In a grid, and among
    /// fewer than five, the figure then needs what its rows need: differences of such figures tell of single people.
    pub guarded_among: Option<&'static str>,
    /// What the list of its rows needs.
    pub rows_read: Permission,
    /// How it comes about.
    pub measure: Measure,
}

impl Statistic {
    /// As many as these rows count, on a day; the first version of its definition.
    #[must_use]
    pub const fn count(key: &'static str, title: Both, definition: Both, unit: Both, rows_read: Permission, rows: fn() -> String) -> Self {
        Self { key, title, definition, unit, version: 1, window: false, rows_read, guarded_among: None, measure: Measure::Rows(rows) }
    }

    /// The share of one statistic in another, given as part and whole.
    #[must_use]
    pub const fn share(key: &'static str, title: Both, definition: Both, (part, whole): (&'static str, &'static str), rows_read: Permission) -> Self {
        let measure = Measure::Share { part, whole };
        Self { key, title, definition, unit: ("%", "per cent"), version: 1, window: false, rows_read, guarded_among: None, measure }
    }

    /// The same, of a window.
    #[must_use]
    pub const fn of_a_window(self) -> Self {
        Self { window: true, ..self }
    }

    /// The same, guarded where these are few.
    #[must_use]
    pub const fn guarded_among(self, whole: &'static str) -> Self {
        Self { guarded_among: Some(whole), ..self }
    }
}

/// What a statistic is asked of.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct StatisticQuery {
    /// The area; the whole city unless said.
    pub area_code: Option<AreaCode>,
    /// First day of the window, of statistics that have one; the first of January unless said.
    pub from: Option<NaiveDate>,
}

/// A figure.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Figure {
    /// The statistic.
    #[schema(example = "body_party_share")]
    pub key: &'static str,
    /// The version of the definition that it follows.
    pub formula_version: i32,
    /// The day; of a window, the last one.
    pub as_of: NaiveDate,
    /// First day of the window; null where it is of one day.
    pub from: Option<NaiveDate>,
    /// The area.
    pub area_code: AreaCode,
    /// The figure as a decimal number; null where there is nothing to divide by.
    #[schema(pattern = r"^-?[0-9]+(\.[0-9])?$", max_length = 24, example = "69.6")]
    pub value: Option<String>,
    /// What was counted; of a share, the part.
    pub numerator: i64,
    /// Of a share, the whole; null otherwise.
    pub denominator: Option<i64>,
    /// As people write it.
    #[schema(example = "69.6%")]
    pub display: String,
    /// Where the rows are that were counted; of a share, those of the part.
    #[schema(max_length = 200, example = "/v1/statistics/body_members_in_party/rows?as_of=2023-08-14&area_code=421181")]
    pub rows: String,
    /// Of a share, where the rows of the whole are; null otherwise.
    #[schema(max_length = 200)]
    pub rows_of_whole: Option<String>,
}

/// A row that was counted.
#[derive(Clone, Debug, Serialize, QueryableByName, ToSchema)]
pub struct CountedRow {
    /// The object.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its kind, as in the journal.
    #[diesel(sql_type = Text)]
    #[schema(example = "grid")]
    pub kind: String,
    /// Its code, or that of what it is of.
    #[diesel(sql_type = Text)]
    #[schema(example = "421181001001001")]
    pub code: String,
    /// Its name, or that of the person.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Where it is.
    #[diesel(sql_type = Text)]
    #[schema(example = "421181001001")]
    pub area_code: String,
    /// What it adds to the figure: 1, or -1 for what was taken away.
    #[diesel(sql_type = Integer)]
    pub counts: i32,
}

/// The part of a whole in per cent, to one decimal, half up; none where there is nothing to divide by.
#[must_use]
pub fn per_cent(part: i64, whole: i64) -> Option<String> {
    let tenths = (whole > 0).then(|| (2_000 * part + whole) / (2 * whole));
    tenths.map(|tenths| format!("{}.{}", tenths / 10, tenths % 10))
}

/// What a statistic counts, in an area on a day.
pub struct Asked<'a> {
    known: &'a [&'static Statistic],
    statistic: &'static Statistic,
    area: AreaCode,
    from: NaiveDate,
}

impl<'a> Asked<'a> {
    /// Finds the statistic of a key among those that there are, for a caller who may see figures of the area.
    pub fn find(view: &View<'_>, known: &'a [&'static Statistic], key: &str, query: &StatisticQuery) -> Result<Self> {
        let scope = view.may(READ)?;
        let keys = || known.iter().map(|statistic| statistic.key).collect::<Vec<_>>().join(", ");
        let statistic = known.iter().find(|statistic| statistic.key == key).ok_or_else(|| UNKNOWN.with("key", key).with("keys", keys()))?;
        let area = query.area_code.clone().unwrap_or_else(|| view.city.clone());
        if !scope.covers(area.as_str()) {
            return Err(UNKNOWN_AREA.at("area_code").into());
        }
        let from = query.from.or_else(|| NaiveDate::from_ymd_opt(view.as_of.year(), 1, 1)).unwrap_or(view.as_of);
        // Beyond these years Postgres has no day before the window.
        if query.from.is_some_and(|from| !clock::in_reach(from)) {
            return Err(OUT_OF_YEARS.at("from").into());
        }
        if from > view.as_of {
            return Err(ENDS_BEFORE_IT_BEGINS.at("from").into());
        }
        Ok(Self { known, statistic, area, from })
    }

    /// The figure. A guarded one of a small area or of few people is for those who may see its rows, of a share of both parts.
    pub async fn figure(&self, view: &View<'_>) -> Result<Figure> {
        #[derive(QueryableByName)]
        struct Counts {
            #[diesel(sql_type = BigInt)]
            numerator: i64,
            #[diesel(sql_type = Nullable<BigInt>)]
            denominator: Option<i64>,
            #[diesel(sql_type = Nullable<BigInt>)]
            among: Option<i64>,
        }
        let guarded_among = self.statistic.guarded_among.filter(|_| !self.sees_rows(view));
        let too_small = || Error::from(TOO_SMALL.with("key", self.statistic.key));
        if guarded_among.is_some() && self.area.as_str().len() > COMMUNITY_DIGITS {
            return Err(too_small());
        }
        let sum = |rows: &str| format!("(select coalesce(sum(counts), 0)::bigint from ({rows}) counted)");
        let (part, whole) = match self.statistic.measure {
            Measure::Rows(_) => (self.statistic.key, None),
            Measure::Share { part, whole } => (part, Some(whole)),
        };
        let numerator = sum(&self.sql_of(part));
        let denominator = whole.map_or_else(|| "null::bigint".to_owned(), |key| sum(&self.sql_of(key)));
        let among = guarded_among.map_or_else(|| "null::bigint".to_owned(), |key| sum(&self.sql_of(key)));
        let select = format!("select {numerator} as numerator, {denominator} as denominator, {among} as among");
        let counts: Counts = self.bound(view, select).prepared().get_result(&mut view.conn()).await?;
        // Where there is nobody, there is nobody to tell of.
        if counts.among.is_some_and(|among| (1..FEWEST).contains(&among)) {
            return Err(too_small());
        }
        let value = match counts.denominator {
            None => Some(counts.numerator.to_string()),
            Some(denominator) => per_cent(counts.numerator, denominator),
        };
        let display = match (&value, counts.denominator) {
            (Some(value), Some(_)) => format!("{value}%"),
            (Some(value), None) => value.clone(),
            (None, _) => "—".to_owned(),
        };
        let window = if self.statistic.window { format!("&from={}", self.from) } else { String::new() };
        let rows = |key: &str| format!("/v1/statistics/{key}/rows?as_of={}&area_code={}{window}", view.as_of, self.area);
        Ok(Figure {
            key: self.statistic.key,
            formula_version: self.statistic.version,
            as_of: view.as_of,
            from: self.statistic.window.then_some(self.from),
            area_code: self.area.clone(),
            value,
            numerator: counts.numerator,
            denominator: counts.denominator,
            display,
            rows: rows(part),
            rows_of_whole: whole.map(rows),
        })
    }

    /// A page of the rows that were counted, by code.
    pub async fn rows(&self, view: &View<'_>, query: &StatisticQuery, paging: &Paging) -> Result<Page<CountedRow>> {
        #[derive(QueryableByName)]
        struct Total {
            #[diesel(sql_type = BigInt)]
            total: i64,
        }
        let rows = self.listed(view)?;
        let filter = (self.statistic.key, query);
        let after = paging.after(&filter)?;
        let (code, id) = after.map(|after| (after.key, after.id)).unzip();
        let page: Vec<CountedRow> = self
            .bound(view, format!("select * from ({rows}) counted where $4 is null or (code, id) > ($4 collate \"C\", $5) order by code, id limit $6"))
            .bind::<Nullable<Text>, _>(code)
            .bind::<Nullable<SqlUuid>, _>(id)
            .bind::<BigInt, _>(paging.fetch())
            .prepared()
            .load(&mut view.conn())
            .await?;
        let total = match paging.include_total {
            true => {
                let count = self.bound(view, format!("select count(*) as total from (select from ({rows}) counted limit {MAX_TOTAL}) found"));
                usize::try_from(count.get_result::<Total>(&mut view.conn()).await?.total).ok()
            }
            false => None,
        };
        paging.page(view.as_of, page, total, &filter, |row| Cursor { key: row.code.clone(), id: row.id })
    }

    /// All rows that were counted, by code, as CSV.
    pub async fn file(&self, view: &View<'_>) -> Result<File> {
        let rows = self.listed(view)?;
        let rows: Vec<CountedRow> = self.bound(view, format!("select * from ({rows}) counted order by code, id")).load(&mut view.conn()).await?;
        let failed = |error: csv::Error| Error::Internal(format!("csv: {error}"));
        let mut writer = csv::Writer::from_writer(tempfile::tempfile().map_err(broken)?);
        writer.write_record(["id", "kind", "code", "name", "area_code", "counts"]).map_err(failed)?;
        for row in rows {
            let (id, counts) = (row.id.to_string(), row.counts.to_string());
            writer.write_record([&id, &row.kind, &row.code, guarded(&row.name).as_ref(), &row.area_code, &counts]).map_err(failed)?;
        }
        let mut file = writer.into_inner().map_err(|error| broken(error.into_error()))?;
        file.rewind().map_err(broken)?;
        Ok(file)
    }

    /// Whether the caller may see the rows that the figure counts.
    fn sees_rows(&self, view: &View<'_>) -> bool {
        let keys = match self.statistic.measure {
            Measure::Rows(_) => [self.statistic.key; 2],
            Measure::Share { part, whole } => [part, whole],
        };
        let mut counted = self.known.iter().filter(|statistic| keys.contains(&statistic.key));
        counted.all(|statistic| view.scope(&[statistic.rows_read]).covers(self.area.as_str()))
    }

    /// The SQL of the rows, for a caller who may see them.
    fn listed(&self, view: &View<'_>) -> Result<String> {
        let Measure::Rows(rows) = self.statistic.measure else {
            let (part, whole) = match self.statistic.measure {
                Measure::Share { part, whole } => (part, whole),
                Measure::Rows(_) => ("", ""),
            };
            return Err(TWO_LISTS.with("key", self.statistic.key).with("part", part).with("whole", whole).into());
        };
        if !view.may(self.statistic.rows_read)?.covers(self.area.as_str()) {
            return Err(UNKNOWN_AREA.at("area_code").into());
        }
        Ok(rows())
    }

    /// The SQL of the rows of a key; of none, where there is no such key, which a test of the manifests forbids.
    fn sql_of(&self, key: &str) -> String {
        match self.known.iter().find(|statistic| statistic.key == key).map(|statistic| statistic.measure) {
            Some(Measure::Rows(rows)) => rows(),
            _ => "select null::integer as counts where false".to_owned(),
        }
    }

    /// A query with area, day and first day of the window.
    fn bound(&self, view: &View<'_>, sql: String) -> BoxedSqlQuery<'static, diesel::pg::Pg, SqlQuery> {
        // All three are named, so that Postgres knows their types where a statistic has no use for one.
        let named = format!("with asked as (select $1::text, $2::date, $3::date) {sql}");
        sql_query(named).into_boxed().bind::<Text, _>(self.area.to_string()).bind::<Date, _>(view.as_of).bind::<Date, _>(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_half_up_to_one_decimal() {
        let of = |part, whole| per_cent(part, whole);
        assert_eq!(of(770, 1_106).as_deref(), Some("69.6"));
        assert_eq!((of(255, 255).as_deref(), of(0, 3).as_deref(), of(1, 2_000).as_deref()), (Some("100.0"), Some("0.0"), Some("0.1")));
        assert_eq!(of(0, 0), None);
    }
}
