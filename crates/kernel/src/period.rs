//! Terms: `valid_from` is the first day, `valid_to` the first day no longer; half-open, as Postgres ranges are.

use crate::clock;
use crate::refusal::{Refusal, Result};
use chrono::NaiveDate;

/// The end would lie on or before the beginning.
pub const ENDS_BEFORE_IT_BEGINS: Refusal = Refusal::invalid(
    "period.ends_before_it_begins",
    "终止日期须晚于起始日期 {from};若登记有误,请更正起始日期。",
    "The end must be after the beginning, {from}; if that was entered wrongly, correct the beginning.",
);
/// What has ended cannot end again or change.
pub const ENDED: Refusal = Refusal::conflict("period.ended", "该对象已于 {on} 终止,不能再更改。", "It ended on {on} and can no longer be changed.");

/// A day that no record of a city can mean.
pub const OUT_OF_YEARS: Refusal = Refusal::invalid("period.out_of_years", "日期须在1800年至2200年之间。", "A day must lie in the years 1800 to 2200.");

/// Whether a term holds on a day.
#[must_use]
pub fn holds(from: NaiveDate, to: Option<NaiveDate>, on: NaiveDate) -> bool {
    from <= on && to.is_none_or(|to| on < to)
}

/// Ends a term on a day, the first on which it no longer holds.
pub fn end(from: NaiveDate, to: Option<NaiveDate>, on: NaiveDate) -> Result<NaiveDate> {
    still_open(to)?;
    if !clock::in_reach(on) {
        return Err(OUT_OF_YEARS.at("/on").into());
    }
    if on <= from { Err(ENDS_BEFORE_IT_BEGINS.at("/on").with("from", from).into()) } else { Ok(on) }
}

/// Refuses where an end has been set.
pub fn still_open(to: Option<NaiveDate>) -> Result<()> {
    to.map_or(Ok(()), |on| Err(ENDED.with("on", on).into()))
}

/// A diesel condition: the term in these columns holds on the day.
#[macro_export]
macro_rules! holds_on {
    ($table:ident, $day:expr) => {{
        use $crate::macros::diesel::{BoolExpressionMethods, ExpressionMethods};
        $table::valid_from.le($day).and($table::valid_to.is_null().or($table::valid_to.gt($day)))
    }};
}

/// How many rows of a table name this in a column and do not end before a day: what keeps a thing from ending.
#[macro_export]
macro_rules! count_after {
    ($tx:expr, $table:ident, $column:ident, $code:expr, $day:expr) => {
        $table::table
            .filter($table::$column.eq($code.as_str()).and($table::valid_to.is_null().or($table::valid_to.gt($day))))
            .select(diesel::dsl::count_star())
            .first::<i64>(&mut $tx.conn())
            .await?
    };
}
