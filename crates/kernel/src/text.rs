//! Texts that are safe to keep: parsed once, at the door, whatever way they come in.

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Numeric;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::refusal::{Refusal, Refused};

/// Nothing but blanks.
pub const EMPTY: Refusal = Refusal::invalid("text.empty", "不能为空。", "It must not be empty.");
/// Too many characters.
pub const TOO_LONG: Refusal = Refusal::invalid("text.too_long", "最多 {max} 个字符。", "At most {max} characters.");
/// A character that no one can see.
pub const CONTROL_CHARACTER: Refusal =
    Refusal::invalid("text.control_character", "含有不可见的控制字符,请删除。", "It holds an invisible control character; remove it.");
/// Characters outside the list.
pub const NOT_A_KEY: Refusal =
    Refusal::invalid("text.not_a_key", "只能使用字母、数字和 . _ : - ,最多64个字符。", "Use letters, digits and . _ : - only, at most 64 characters.");
/// Not a number of square metres.
pub const NOT_AN_AREA: Refusal = Refusal::invalid(
    "text.not_an_area",
    "面积须为0至9999999999.99平方米,最多两位小数,如 \"286.50\"。",
    "A floor area is 0 to 9999999999.99 square metres with at most two decimals, such as \"286.50\".",
);

/// Checks a text that people write: not blank, not too long, nothing invisible; outer blanks go.
pub fn tidy(text: &str, max: usize) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Err((&EMPTY).into());
    }
    if text.chars().count() > max {
        return Err(TOO_LONG.with("max", max));
    }
    if text.chars().any(char::is_control) {
        return Err((&CONTROL_CHARACTER).into());
    }
    Ok(text.to_owned())
}

/// Checks a text of several lines: as [`tidy`] does, but lines and tabs stay; every line ends in `\n`.
pub fn passage(text: &str, max: usize) -> Result<String, Refused> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim();
    if text.is_empty() {
        return Err((&EMPTY).into());
    }
    if text.chars().count() > max {
        return Err(TOO_LONG.with("max", max));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err((&CONTROL_CHARACTER).into());
    }
    Ok(text.to_owned())
}

/// Declares a text that is checked once: its check, its JSON form, its document and its column in one place.
///
/// ```ignore
/// text_type!(/// A name. Name, |text| tidy(text, 60), #[schema(value_type = String, max_length = 60)]);
/// ```
#[macro_export]
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $parse:expr, $(#[$schema:meta])*) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, $crate::macros::serde::Serialize, $crate::macros::utoipa::ToSchema,
            $crate::macros::diesel::expression::AsExpression, $crate::macros::diesel::deserialize::FromSqlRow,
        )]
        #[serde(crate = "kernel::macros::serde", transparent)]
        #[diesel(sql_type = $crate::macros::diesel::sql_types::Text)]
        $(#[$schema])*
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Checks a text.
            pub fn parse(text: &str) -> Result<Self, $crate::refusal::Refused> {
                let parse: fn(&str) -> Result<String, $crate::refusal::Refused> = $parse;
                parse(text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> $crate::macros::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::macros::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as $crate::macros::serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(|refused| $crate::macros::serde::de::Error::custom(refused.refusal.code))
            }
        }

        impl $crate::macros::diesel::deserialize::FromSql<$crate::macros::diesel::sql_types::Text, $crate::macros::diesel::pg::Pg> for $name {
            fn from_sql(value: $crate::macros::diesel::pg::PgValue<'_>) -> $crate::macros::diesel::deserialize::Result<Self> {
                <String as $crate::macros::diesel::deserialize::FromSql<$crate::macros::diesel::sql_types::Text, $crate::macros::diesel::pg::Pg>>::from_sql(value).map(Self)
            }
        }

        impl $crate::macros::diesel::serialize::ToSql<$crate::macros::diesel::sql_types::Text, $crate::macros::diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut $crate::macros::diesel::serialize::Output<'b, '_, $crate::macros::diesel::pg::Pg>) -> $crate::macros::diesel::serialize::Result {
                <String as $crate::macros::diesel::serialize::ToSql<$crate::macros::diesel::sql_types::Text, $crate::macros::diesel::pg::Pg>>::to_sql(&self.0, out)
            }
        }
    };
}

text_type!(
    /// A name: 1 to 60 characters, none invisible.
    Name,
    |text| tidy(text, 60),
    #[schema(value_type = String, min_length = 1, max_length = 60, example = "龙池", pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
);
impl Name {
    /// The pattern of `LIKE` that finds names which hold this one.
    #[must_use]
    pub fn pattern(&self) -> String {
        format!("%{}%", self.0.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"))
    }
}

text_type!(
    /// A line of text: an address, a number, a reason: 1 to 200 characters, none invisible.
    Line,
    |text| tidy(text, 200),
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "将军路7号", pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
);
text_type!(
    /// A passage of text, such as a clause: 1 to 5000 characters in any number of lines, none invisible.
    Passage,
    |text| passage(text, 5_000),
    #[schema(value_type = String, min_length = 1, max_length = 5000, example = "本小区在社区党组织领导下开展自治。", pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
);
text_type!(
    /// A key of the caller's own: 1 to 64 letters, digits and `. _ : -`.
    Key,
    |text| {
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b));
        if fits { Ok(text.to_owned()) } else { Err((&NOT_A_KEY).into()) }
    },
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]{1,64}$", example = "erp-17")]
);

/// A floor area in square metres: a decimal string with two places, never a float.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, AsExpression, FromSqlRow, ToSchema)]
#[serde(transparent)]
#[diesel(sql_type = Numeric)]
#[schema(value_type = String, pattern = r"^[0-9]{1,10}(\.[0-9]{1,2})?$", max_length = 13, example = "286.50")]
pub struct SquareMetres(String);

impl SquareMetres {
    /// The number, with two decimals.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number in hundredths of a square metre, for exact arithmetic; it has twelve digits at the most.
    #[must_use]
    pub fn hundredths(&self) -> i64 {
        self.0.bytes().filter(u8::is_ascii_digit).fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
    }

    /// Checks a number.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let (whole, cents) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole, 10) || !digits(cents, 2) {
            return Err((&NOT_AN_AREA).into());
        }
        let whole = whole.trim_start_matches('0');
        Ok(Self(format!("{}.{cents:0<2}", if whole.is_empty() { "0" } else { whole })))
    }
}

impl<'de> Deserialize<'de> for SquareMetres {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(|refused| D::Error::custom(refused.refusal.code))
    }
}

impl FromSql<Numeric, Pg> for SquareMetres {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let number = bigdecimal::BigDecimal::from_sql(value)?;
        Ok(Self(number.with_scale(2).to_plain_string()))
    }
}

impl ToSql<Numeric, Pg> for SquareMetres {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let number: bigdecimal::BigDecimal = self.0.parse()?;
        <bigdecimal::BigDecimal as ToSql<Numeric, Pg>>::to_sql(&number, &mut out.reborrow())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tidied_and_refused_by_name() {
        assert_eq!(Name::parse("  龙池社区 ").unwrap().as_str(), "龙池社区");
        assert_eq!(Name::parse("5%_\\").unwrap().pattern(), r"%5\%\_\\%");
        assert_eq!(Name::parse(" \u{3000}").unwrap_err().refusal, &EMPTY);
        assert_eq!(Name::parse("a\0b").unwrap_err().refusal, &CONTROL_CHARACTER);
        assert_eq!(Name::parse(&"网".repeat(61)).unwrap_err().zh(), "最多 60 个字符。");
    }

    #[test]
    fn passages_keep_their_lines() {
        assert_eq!(Passage::parse(" 第一条\r\n第二条\r第三条\n").unwrap().as_str(), "第一条\n第二条\n第三条");
        assert_eq!(Passage::parse(" \n\t").unwrap_err().refusal, &EMPTY);
        assert_eq!(Passage::parse("a\u{b}b").unwrap_err().refusal, &CONTROL_CHARACTER);
        assert_eq!(Passage::parse(&"条".repeat(5_001)).unwrap_err().refusal, &TOO_LONG);
    }

    #[test]
    fn floor_areas_have_two_places() {
        assert_eq!(SquareMetres::parse("0286.5").unwrap().as_str(), "286.50");
        assert_eq!(SquareMetres::parse("0").unwrap().as_str(), "0.00");
        assert_eq!(SquareMetres::parse("9999999999.99").unwrap().hundredths(), 999_999_999_999);
        assert_eq!((SquareMetres::parse("286.5").unwrap().hundredths(), SquareMetres::parse("0").unwrap().hundredths()), (28_650, 0));
        for bad in ["", "-1", "1.234", ".5", "1e3", "１", "12345678901"] {
            assert!(SquareMetres::parse(bad).is_err(), "{bad}");
        }
    }
}
