//! What stands in paths, queries and headers: ids, filters, pages, versions.

use std::collections::HashSet;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::page::Sort;
use kernel::period::OUT_OF_YEARS;
use kernel::refusal::Refused;
use kernel::text::Key;
use kernel::{Expected, Fault, Kind, Refusal, clock};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::problem::{NO_SUCH_PATH, Problem};

/// A parameter that is not understood.
pub const BAD_PARAMETER: Refusal = Refusal::new(
    Kind::Malformed,
    "query.bad_parameter",
    "参数“{name}”的值不正确;取值见 /docs。",
    "The value of the parameter “{name}” is not valid; see /docs.",
);
/// A parameter twice.
pub const DOUBLED_PARAMETER: Refusal =
    Refusal::new(Kind::Malformed, "query.doubled_parameter", "参数“{name}”出现了两次。", "The parameter “{name}” occurs twice.");
/// An `If-Match` that is no version.
pub const BAD_VERSION: Refusal =
    Refusal::new(Kind::Malformed, "version.malformed", "If-Match 须为带引号的版本,如 \"3\",或 *。", "If-Match must be a quoted version such as \"3\", or *.");

/// An id in the path; one that is none names nothing.
pub struct Id<T>(T);

impl<T> Deref for Id<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: From<Uuid> + 'static> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|id| id.parse::<Uuid>().ok());
        ready(id.map(|id| Self(id.into())).ok_or_else(|| BAD_PARAMETER.at("id").with("name", "id").into()))
    }
}

/// The caller's own key of an object, in the path.
pub struct ByRef {
    /// His system.
    pub source: Key,
    /// His key.
    pub reference: Key,
}

impl FromRequest for ByRef {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let part = |name: &str| Key::parse(request.match_info().get(name).unwrap_or_default()).map_err(|refused| Problem::from(refused.at(name)));
        ready(part("source").and_then(|source| Ok(Self { source, reference: part("ref")? })))
    }
}

/// The day of a report.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportDay {
    /// The day that is asked about; today unless said.
    pub as_of: Option<NaiveDate>,
}

/// A word in the path.
pub struct Word(String);

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromRequest for Word {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let word = request.match_info().iter().next().map(|(_, word)| word.to_owned());
        ready(word.map(Self).ok_or_else(|| (&NO_SUCH_PATH).into()))
    }
}

/// What the caller would like best (RFC 7240).
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Prefer {
    /// `respond-async`: the work goes on after the answer · 以后台任务处理
    #[param(rename = "Prefer", value_type = Option<String>, max_length = 200)]
    pub later: bool,
}

impl FromRequest for Prefer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let wishes = request.headers().get_all("prefer").filter_map(|header| header.to_str().ok()).flat_map(|header| header.split([',', ';']));
        ready(Ok(Self { later: wishes.into_iter().any(|wish| wish.trim().eq_ignore_ascii_case("respond-async")) }))
    }
}

/// The parameters that the document declares, as a struct. The frame has refused all others.
pub struct Query<T>(pub T);

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

/// Parameters that are days or instants.
const DAYS: [&str; 2] = ["as_of", "effective_on"];
const INSTANTS: [&str; 2] = ["from", "to"];

/// Reads a query; where it does not fit, names the parameters at fault.
fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    // An empty value is a value left out, as forms send it.
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str::<Vec<(String, String)>>(query).map_err(|_| Problem::from(BAD_PARAMETER.at("").with("name", "?")))?;
    let mut seen = HashSet::new();
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !seen.insert(name)) {
        return Err(DOUBLED_PARAMETER.at(name).with("name", name).into());
    }
    // chrono takes years that no calendar of ours has.
    let beyond = |(name, value): &&(String, String)| match name.as_str() {
        name if DAYS.contains(&name) => value.parse().is_ok_and(|day| !clock::in_reach(day)),
        name if INSTANTS.contains(&name) => value.parse::<DateTime<Utc>>().is_ok_and(|at| !clock::in_reach(at.date_naive())),
        _ => false,
    };
    if let Some((name, _)) = pairs.iter().find(beyond) {
        return Err(OUT_OF_YEARS.at(name).into());
    }
    serde_urlencoded::from_str(query).map_err(|_| {
        let alone =
            |(name, value): &&(String, String)| serde_urlencoded::to_string([(name, value)]).is_ok_and(|pair| serde_urlencoded::from_str::<T>(&pair).is_err());
        let faults: Vec<Fault> = pairs.iter().filter(alone).map(|(name, _)| BAD_PARAMETER.at(name).with("name", name).into_fault()).collect();
        let names = faults.iter().map(|fault| fault.pointer.clone()).collect::<Vec<_>>().join(", ");
        BAD_PARAMETER.with("name", names).faults(faults).into()
    })
}

/// The largest `limit` that is taken for one; what is more than a page holds is cut to it.
pub const MOST_ASKED: i64 = 1_000_000;

/// Which page of a list, and about which day.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PageParams {
    /// Rows on the page; more than 200 is cut to 200.
    #[param(minimum = 1, maximum = 1000000, default = 20)]
    pub limit: Option<i64>,
    /// `next` of the page before.
    #[param(min_length = 1, max_length = 4000, pattern = "^[A-Za-z0-9_-]+$")]
    pub after: Option<String>,
    /// Whether to count all rows, up to 10000.
    pub include_total: Option<bool>,
    /// The day that is asked about; today unless said.
    pub as_of: Option<NaiveDate>,
}

/// The order of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SortParam {
    /// By code, or by name in pinyin order; `-` from the last.
    #[param(inline)]
    pub sort: Option<Sort>,
}

/// The version that is meant, if `If-Match` says it.
pub struct IfMatch(pub Option<Expected>);

impl IfMatch {
    /// The version that is meant, by header or by body.
    pub fn or(&self, body: Option<i32>) -> kernel::Result<Expected> {
        Expected::said(self.0, body)
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(header) = request.headers().get(IF_MATCH) else { return ready(Ok(Self(None))) };
        let text = header.to_str().unwrap_or_default().trim();
        // The standard quotes it; a bare number can mean nothing else.
        let digits = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let version = Some(digits).filter(|digits| digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        ready(match version.and_then(|digits| digits.parse().ok()) {
            Some(version) => Ok(Self(Some(Expected::Version(version)))),
            None if text == "*" => Ok(Self(Some(Expected::Any))),
            None => Err(Refused::from(&BAD_VERSION).at("If-Match").into()),
        })
    }
}
