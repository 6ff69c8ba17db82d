//! What every command that changes a thing takes: the version that is meant, the members that change, the end.

use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use validator::Validate;

use crate::refusal::{Error, Kind, OnConstraint, Refusal, Result};
use crate::text::Line;
use chrono::NaiveDate;

/// Which version is meant was not said.
pub const VERSION_MISSING: Refusal = Refusal::new(
    Kind::VersionMissing,
    "version.missing",
    "请用 If-Match 请求头或请求体的 version 说明您所依据的版本(见该对象的 version)。",
    "Say which version you mean, in an If-Match header or as `version` in the body (it stands in the object).",
);
/// It has changed since.
pub const STALE: Refusal = Refusal::new(
    Kind::Stale,
    "version.stale",
    "该对象已被更改:现为版本 {version};请重新读取后再试。",
    "It has been changed since: it is at version {version} now. Read it again, then repeat.",
);
/// A key of the caller's that belongs to another object.
pub const REFERENCE_TAKEN: Refusal = Refusal::conflict("reference.taken", "该 source 与 ref 已属于另一对象。", "This source and ref belong to another object.");
/// One of source and ref without the other.
pub const HALF_A_REFERENCE: Refusal = Refusal::invalid("reference.half", "source 与 ref 须同时提供或同时省略。", "Give both source and ref, or neither.");
/// The caller's key names an object with another code.
pub const CODE_FIXED: Refusal = Refusal::conflict(
    "reference.code_fixed",
    "该 source 与 ref 属于编码为 {code} 的对象;编码不能更改。",
    "This source and ref belong to the object with the code {code}; a code does not change.",
);

/// The version that a caller means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Just this one.
    Version(i32),
    /// Whatever it is now: `If-Match: *`, or an upsert by the caller's own key.
    Any,
}

impl Expected {
    /// The version said in a header or in a body; one of them must be there.
    pub fn said(header: Option<Self>, body: Option<i32>) -> Result<Self> {
        header.or(body.map(Self::Version)).ok_or_else(|| Error::from(&VERSION_MISSING))
    }

    /// Refuses where the object has another version.
    pub fn check(self, version: i32) -> Result<()> {
        match self {
            Self::Version(expected) if expected != version => Err(STALE.with("version", version).into()),
            _ => Ok(()),
        }
    }
}

/// The end of something that has a term.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// The first day on which it no longer holds.
    #[schema(example = "2027-01-01")]
    pub on: NaiveDate,
    /// Why it ends; kept in the journal.
    #[schema(example = "并入相邻网格")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// A member of a merge patch that may be left out but not be null.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A member of a merge patch that may be left out, and whose null empties the value.
pub fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What a named constraint means: its refusal, and the member at fault.
pub type Constraint = (&'static str, &'static Refusal, &'static str);

/// Turns the violations of a table's constraints into refusals.
pub trait RefusedBy<T> {
    /// The first constraint of the list that was violated is the refusal.
    fn refused_by(self, constraints: &[Constraint]) -> Result<T>;
}

impl<T, E: Into<Error>> RefusedBy<T> for Result<T, E> {
    fn refused_by(self, constraints: &[Constraint]) -> Result<T> {
        constraints.iter().fold(self.map_err(Into::into), |result, (name, refusal, pointer)| result.on_constraint(name, refusal.at(*pointer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Patch {
        #[serde(default, deserialize_with = "present")]
        name: Option<String>,
        #[serde(default, deserialize_with = "nullable")]
        note: Option<Option<String>>,
    }

    #[test]
    fn null_and_absent_differ_in_a_patch() {
        let read = |text| serde_json::from_str::<Patch>(text);
        assert_eq!(read("{}").unwrap(), Patch { name: None, note: None });
        assert_eq!(read(r#"{"note": null}"#).unwrap().note, Some(None));
        assert!(read(r#"{"name": null}"#).is_err());
    }

    #[test]
    fn the_version_is_said_once_and_checked() {
        assert_eq!(Expected::said(None, None).unwrap_err().code(), Some("version.missing"));
        assert_eq!(Expected::said(None, Some(2)).unwrap().check(3).unwrap_err().code(), Some("version.stale"));
        assert!(Expected::said(Some(Expected::Any), Some(2)).unwrap().check(3).is_ok());
    }
}
