//! Time: the only place that asks what time it is. Stored in UTC, shown and counted in Asia/Shanghai.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Timestamptz;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Seconds that Asia/Shanghai is ahead of UTC; it keeps no summer time.
const SHANGHAI: i32 = 8 * 3600;

/// The last day in reach.
pub const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2200, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// The present instant.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "everyone else is handed the time")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The day that it is in Asia/Shanghai at an instant.
#[must_use]
pub fn day(at: DateTime<Utc>) -> NaiveDate {
    shanghai(at).date_naive()
}

/// The instant at which a day begins in Asia/Shanghai.
#[must_use]
pub fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::seconds(i64::from(SHANGHAI))
}

/// Whether a day lies in the years that Linli keeps, 1800 to 2200; others are slips of the pen.
#[must_use]
pub fn in_reach(day: NaiveDate) -> bool {
    (1800..=2200).contains(&day.year())
}

/// The clock on the wall at an instant. Postgres keeps instants (`infinity`) that lie at the edge of what can be
/// told; they are told a day short of it, so that the offset has room.
fn shanghai(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    let at = at.clamp(DateTime::<Utc>::MIN_UTC + TimeDelta::days(1), DateTime::<Utc>::MAX_UTC - TimeDelta::days(1));
    FixedOffset::east_opt(SHANGHAI).map_or_else(|| at.fixed_offset(), |offset| at.with_timezone(&offset))
}

/// An instant as the API writes it: RFC 3339 in `+08:00`, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Timestamptz)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T15:02:30.000+08:00")]
pub struct Stamp(pub DateTime<Utc>);

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&shanghai(self.0).to_rfc3339_opts(SecondsFormat::Millis, false))
    }
}

impl FromSql<Timestamptz, Pg> for Stamp {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        DateTime::<Utc>::from_sql(value).map(Self)
    }
}

impl ToSql<Timestamptz, Pg> for Stamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        <DateTime<Utc> as ToSql<Timestamptz, Pg>>::to_sql(&self.0, &mut out.reborrow())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_turns_at_midnight_in_shanghai() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(day(at("2026-11-22T15:59:59Z")).to_string(), "2026-11-22");
        assert_eq!(day(at("2026-11-22T16:00:00Z")).to_string(), "2026-11-23");
        assert_eq!(start_of("2026-11-23".parse().unwrap()), at("2026-11-22T16:00:00Z"));
        assert_eq!(serde_json::to_string(&Stamp(at("2026-11-22T16:00:00Z"))).unwrap(), r#""2026-11-23T00:00:00.000+08:00""#);
    }
}
