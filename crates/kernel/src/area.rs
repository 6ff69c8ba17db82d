//! The area tree: codes whose prefix is their parent's code, and scopes made of them.

use std::fmt;
use std::str::FromStr;

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Text;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::refusal::Refusal;

/// A text that is no area code.
pub const NOT_A_CODE: Refusal = Refusal::invalid(
    "area.not_a_code",
    "区域编码须为6位(市)、9位(街道、乡镇)、12位(社区)或15位(网格)数字。",
    "An area code has 6 digits (city), 9 (subdistrict or town), 12 (community) or 15 (grid).",
);

/// The code of a place in the area tree: 6 digits for the city (GB/T 2260), 9 for a subdistrict or town
/// (GB/T 10114), 12 for a community, 15 for a grid. The code of the parent is its beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Text)]
#[serde(transparent)]
#[schema(value_type = String, pattern = "^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$", max_length = 15, example = "421181001001")]
pub struct AreaCode(String);

impl AreaCode {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The codes above this one, the city's first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        [6, 9, 12].into_iter().filter_map(|digits| (digits < self.0.len()).then(|| self.0.get(..digits)).flatten()).map(|code| Self(code.to_owned()))
    }

    /// Whether `code`, of a place or of a thing in it, lies at or under this one.
    #[must_use]
    pub fn covers(&self, code: &str) -> bool {
        code.starts_with(&self.0)
    }
}

impl FromStr for AreaCode {
    type Err = &'static Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text.len(), 6 | 9 | 12 | 15) && text.bytes().all(|byte| byte.is_ascii_digit()) { Ok(Self(text.to_owned())) } else { Err(&NOT_A_CODE) }
    }
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AreaCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|refusal: &Refusal| D::Error::custom(refusal.en))
    }
}

impl FromSql<Text, Pg> for AreaCode {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        <String as FromSql<Text, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<Text, Pg> for AreaCode {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        <String as ToSql<Text, Pg>>::to_sql(&self.0, out)
    }
}

/// Where a caller may see and act: a set of areas, each with all below it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scope(Vec<AreaCode>);

impl Scope {
    /// The scope of these areas; one that lies under another adds nothing and is dropped.
    #[must_use]
    pub fn of(mut areas: Vec<AreaCode>) -> Self {
        areas.sort();
        areas.dedup_by(|later, earlier| earlier.covers(later.as_str()));
        Self(areas)
    }

    /// The areas themselves.
    #[must_use]
    pub fn areas(&self) -> &[AreaCode] {
        &self.0
    }

    /// Whether a place or thing with this code lies within.
    #[must_use]
    pub fn covers(&self, code: &str) -> bool {
        self.0.iter().any(|area| area.covers(code))
    }

    /// The areas above the scope: whoever sees a grid sees also which community and subdistrict it is in.
    #[must_use]
    pub fn above(&self) -> Vec<AreaCode> {
        self.0.iter().flat_map(AreaCode::ancestors).collect()
    }

    /// The areas as texts, for a bound array.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// The end of the range of codes that begin with `code`; `~` sorts after every character of a code.
#[must_use]
pub fn end_of(code: &AreaCode) -> String {
    format!("{code}~")
}

/// A diesel condition: the area code in this column lies within the scope.
#[macro_export]
macro_rules! within {
    ($scope:expr, $column:expr) => {{
        use $crate::macros::diesel::{BoolExpressionMethods, ExpressionMethods, IntoSql};
        let scope = &$scope;
        let nowhere: Box<
            dyn $crate::macros::diesel::expression::BoxableExpression<_, $crate::macros::diesel::pg::Pg, SqlType = $crate::macros::diesel::sql_types::Bool>,
        > = Box::new(false.into_sql::<$crate::macros::diesel::sql_types::Bool>());
        scope.areas().iter().fold(nowhere, |condition, area| Box::new(condition.or($column.ge(area.clone()).and($column.lt($crate::area::end_of(area))))))
    }};
}

/// A diesel condition: the area code in this column lies within the scope, or above it.
#[macro_export]
macro_rules! within_or_above {
    ($scope:expr, $column:expr) => {{
        use $crate::macros::diesel::{BoolExpressionMethods, ExpressionMethods};
        let scope = &$scope;
        $crate::within!(scope, $column).or($column.eq_any(scope.above()))
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> AreaCode {
        text.parse().unwrap()
    }

    #[test]
    fn codes_have_a_level_and_nothing_else() {
        for bad in ["", "42118", "4211810", "42118100100A", "421181001001001001", "421181\0", "42118１"] {
            assert!(bad.parse::<AreaCode>().is_err(), "{bad}");
        }
        assert_eq!(code("421181001001002").ancestors().map(|c| c.to_string()).collect::<Vec<_>>(), ["421181", "421181001", "421181001001"]);
    }

    #[test]
    fn a_scope_drops_what_it_already_covers() {
        let scope = Scope::of(vec![code("421181001001"), code("421181001"), code("421181002")]);
        assert_eq!(scope.texts(), ["421181001", "421181002"]);
        assert!(scope.covers("42118100100100001") && !scope.covers("421181") && !scope.covers("421181003"));
    }
}
