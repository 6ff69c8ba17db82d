//! Problems: every failure in one form, RFC 9457, in the language that the caller reads.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_RANGE, ContentType, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use kernel::import::IN_PROGRESS;
use kernel::refusal::Refused;
use kernel::{Error, Kind, Refusal};
use platform::idempotency::IN_FLIGHT;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::reply::document;

/// Something of ours failed; the cause is in the log.
pub const INTERNAL: Refusal = Refusal::new(
    Kind::Internal,
    "internal",
    "服务器内部错误;请凭 request_id 联系运维人员。",
    "Something failed on our side; give the request_id to the operator.",
);
/// No such path.
pub const NO_SUCH_PATH: Refusal = Refusal::not_found("path.unknown", "没有这个地址;所有地址见 /docs。", "There is no such path; /docs lists them all.");
/// The path has no such method.
pub const METHOD_NOT_ALLOWED: Refusal =
    Refusal::new(Kind::MethodNotAllowed, "method.not_allowed", "该地址不支持此方法;可用:{allow}。", "This path does not take this method; it takes {allow}.");
/// A failure that the web server itself noticed.
pub const BAD_REQUEST: Refusal = Refusal::new(Kind::Malformed, "request.malformed", "请求格式不正确。", "The request is malformed.");
/// A body that is too large.
pub const TOO_LARGE: Refusal = Refusal::new(Kind::TooLarge, "body.too_large", "请求体超过上限 {limit} 字节。", "The body is larger than {limit} bytes.");
/// A body that does not come.
pub const TOO_SLOW: Refusal =
    Refusal::new(Kind::TimedOut, "body.too_slow", "请求体未在 {seconds} 秒内传完。", "The body did not arrive within {seconds} seconds.");

/// Refusals that only HTTP knows.
pub const REFUSALS: &[&Refusal] = &[
    &INTERNAL,
    &NO_SUCH_PATH,
    &METHOD_NOT_ALLOWED,
    &BAD_REQUEST,
    &TOO_LARGE,
    &TOO_SLOW,
    &crate::body::NOT_JSON,
    &crate::body::MALFORMED,
    &crate::body::INVALID,
    &crate::body::MEDIA_TYPE,
    &crate::body::MEMBER_MISSING,
    &crate::body::MEMBER_UNKNOWN,
    &crate::body::MEMBER_DOUBLED,
    &crate::body::WRONG_TYPE,
    &crate::body::WRONG_FORM,
    &crate::body::NOT_IN_LIST,
    &crate::body::OUT_OF_BOUNDS,
    &crate::body::WRONG_LENGTH,
    &crate::body::WRONG_COUNT,
    &crate::body::CUT_OFF,
    &crate::access::oauth::INVALID_REQUEST,
    &crate::batch::REFUSED,
    &crate::bundle::BUSY,
    &crate::caller::BAD_IDEMPOTENCY_KEY,
    &crate::content::OUT_OF_RANGE,
    &crate::frame::BAD_OVERRIDE,
    &crate::frame::UNKNOWN_PARAMETER,
    &crate::health::NOT_MIGRATED,
    &crate::limits::EXCEEDED,
    &crate::naming::FAILED_ROWS,
    &crate::naming::NOT_A_RESOURCE,
    &crate::phase::DRAINING,
    &crate::phase::STARTING,
    &crate::query::BAD_PARAMETER,
    &crate::query::BAD_VERSION,
    &crate::query::DOUBLED_PARAMETER,
    &crate::spool::COMPRESSED,
    &crate::spool::NO_FILE,
    &crate::transfer::AT_ONCE,
    &crate::transfer::NO_SUCH_RESOURCE,
];

/// The languages that Linli speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// Simplified Chinese, unless asked otherwise.
    #[default]
    Chinese,
    /// English.
    English,
}

impl Language {
    /// The language that an `Accept-Language` header wants: the first of ours that it names.
    #[must_use]
    pub fn wanted(header: Option<&HeaderValue>) -> Self {
        let names = header.and_then(|header| header.to_str().ok()).unwrap_or_default().split(',');
        let first = names.map(|name| name.trim().to_ascii_lowercase()).find(|name| name.starts_with("zh") || name.starts_with("en"));
        if first.is_some_and(|name| name.starts_with("en")) { Self::English } else { Self::Chinese }
    }

    /// One of two sentences.
    pub fn choose<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }
}

/// A failure on its way to the caller.
#[derive(Debug)]
pub struct Problem {
    refused: Box<Refused>,
    /// What the log is to know and the caller is not.
    pub cause: Option<String>,
    after: Option<u32>,
    allow: Option<HeaderValue>,
    size: Option<u64>,
    import: Option<Box<Value>>,
    bundle: Option<Box<Value>>,
}

impl Problem {
    /// Of a path that does not take the method: with the methods that it takes.
    #[must_use]
    pub fn method_not_allowed(allow: &HeaderValue) -> Self {
        let refused = METHOD_NOT_ALLOWED.with("allow", allow.to_str().unwrap_or_default());
        Self { allow: Some(allow.clone()), ..refused.into() }
    }

    /// Worth trying again after these seconds.
    #[must_use]
    pub fn after(self, seconds: u32) -> Self {
        Self { after: Some(seconds), ..self }
    }

    /// Of a part that a content of so many bytes does not have.
    #[must_use]
    pub fn out_of_range(refusal: &'static Refusal, size: u64) -> Self {
        Self { size: Some(size), ..refusal.with("size", size).into() }
    }

    /// Whether the caller may not do it, or not see what it is about.
    #[must_use]
    pub fn turned_away(&self) -> bool {
        matches!(self.refused.refusal.kind, Kind::Forbidden | Kind::NotFound)
    }

    /// With the report of the import that was refused.
    #[must_use]
    pub fn with_import(self, report: Value) -> Self {
        Self { import: Some(Box::new(report)), ..self }
    }

    /// With the report of the bundle that was refused.
    #[must_use]
    pub fn with_bundle(self, report: Value) -> Self {
        Self { bundle: Some(Box::new(report)), ..self }
    }

    /// Seconds after which it is worth trying again.
    fn retry_after(&self) -> Option<u32> {
        match self.refused.refusal {
            _ if self.after.is_some() => self.after,
            refusal if *refusal == IN_FLIGHT => Some(1),
            refusal if *refusal == IN_PROGRESS => Some(5),
            refusal if refusal.kind == Kind::Unavailable => Some(2),
            _ => None,
        }
    }

    /// The answer to one request.
    #[must_use]
    pub fn render(&self, language: Language, request_id: &str, path: &str) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        response.insert_header(ContentType("application/problem+json".parse().unwrap_or(mime())));
        if let Some(allow) = &self.allow {
            response.insert_header((ALLOW, allow.clone()));
        }
        if let Some(size) = self.size {
            response.insert_header((CONTENT_RANGE, format!("bytes */{size}")));
        }
        if let Some(seconds) = self.retry_after() {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header(("WWW-Authenticate", "Bearer realm=\"linli\""));
        }
        response.json(ProblemBody {
            r#type: format!("urn:linli:problem:{}", self.refused.refusal.code),
            title: title(self.refused.refusal.kind, language).to_owned(),
            status: status.as_u16(),
            detail: language.choose(self.refused.zh(), self.refused.en()),
            instance: path.to_owned(),
            code: self.refused.refusal.code.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors(language),
            retry_after: self.retry_after(),
            import: self.import.as_deref().cloned(),
            bundle: self.bundle.as_deref().cloned(),
            error: self.refused.refusal.code.strip_prefix("oauth.").map(ToOwned::to_owned),
        })
    }

    fn errors(&self, language: Language) -> Vec<ProblemError> {
        let own = self.refused.pointer.is_some().then(|| (*self.refused).clone().into_fault());
        let faults = self.refused.faults.iter().cloned().chain(own.filter(|_| self.refused.faults.is_empty()));
        faults.map(|fault| ProblemError { pointer: fault.pointer, code: fault.code.to_owned(), message: language.choose(fault.zh, fault.en) }).collect()
    }
}

fn mime() -> actix_web::mime::Mime {
    actix_web::mime::APPLICATION_JSON
}

fn title(kind: Kind, language: Language) -> &'static str {
    let (zh, en) = match kind {
        Kind::Malformed => ("请求无法理解", "Malformed request"),
        Kind::Unauthenticated => ("未认证", "Not authenticated"),
        Kind::Forbidden => ("没有权限", "Forbidden"),
        Kind::NotFound => ("不存在", "Not found"),
        Kind::MethodNotAllowed => ("方法不允许", "Method not allowed"),
        Kind::TimedOut => ("请求超时", "Request timeout"),
        Kind::Conflict => ("与现状冲突", "Conflict"),
        Kind::Stale => ("版本已过期", "Stale version"),
        Kind::TooLarge => ("内容过大", "Content too large"),
        Kind::Unsupported => ("不支持的格式", "Unsupported media type"),
        Kind::OutOfRange => ("范围无效", "Range not satisfiable"),
        Kind::Invalid => ("内容有误", "Refused content"),
        Kind::VersionMissing => ("缺少版本", "Version required"),
        Kind::TooMany => ("请求过于频繁", "Too many requests"),
        Kind::Internal => ("内部错误", "Internal error"),
        Kind::Unavailable => ("暂不可用", "Unavailable"),
    };
    language.choose(zh, en)
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refused) => (*refused).into(),
            other => Self { cause: Some(other.to_string()), ..Refused::from(&INTERNAL).into() },
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self { refused: Box::new(refused), cause: None, after: None, allow: None, size: None, import: None, bundle: None }
    }
}

impl From<&'static Refusal> for Problem {
    fn from(refusal: &'static Refusal) -> Self {
        Refused::from(refusal).into()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", Error::Refused(self.refused.clone()))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self.refused.refusal.kind {
            Kind::Malformed => StatusCode::BAD_REQUEST,
            Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Kind::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Stale => StatusCode::PRECONDITION_FAILED,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::OutOfRange => StatusCode::RANGE_NOT_SATISFIABLE,
            Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::VersionMissing => StatusCode::PRECONDITION_REQUIRED,
            Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The frame renders it anew for its request.
    fn error_response(&self) -> HttpResponse {
        self.render(Language::default(), "", "")
    }
}

/// The body of every failure (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Identifies the kind of problem.
    #[schema(example = "urn:linli:problem:grid.code_taken")]
    pub r#type: String,
    /// What kind of problem, in a few words.
    pub title: String,
    /// The HTTP status, for clients that cannot see it.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What to mend, in the language that `Accept-Language` asked for.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// The stable code of the problem: compare this, never the sentences.
    #[schema(example = "grid.code_taken")]
    pub code: String,
    /// Identifies the request, for the operator.
    pub request_id: String,
    /// All faults of the body, the query or the path.
    pub errors: Vec<ProblemError>,
    /// Seconds after which it is worth trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after: Option<u32>,
    /// Of a token request: the error code of OAuth 2 (RFC 6749 §5.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "invalid_client")]
    pub error: Option<String>,
    /// Of an import that was refused: what came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::transfer::ImportReport>, nullable = false)]
    pub import: Option<Value>,
    /// Of a bundle that was refused: what came of its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::bundle::BundleReport>, nullable = false)]
    pub bundle: Option<Value>,
}

/// One fault.
#[derive(Serialize, ToSchema)]
pub struct ProblemError {
    /// Where: a JSON pointer into the body, or the name of a parameter or header.
    #[schema(example = "/code")]
    pub pointer: String,
    /// The stable code of the fault.
    pub code: String,
    /// What to mend.
    pub message: String,
}

impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        document::<ProblemBody>();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let problem = ResponseBuilder::new().description("A problem · 失败").content("application/problem+json", content).build();
        ["4XX", "5XX"].into_iter().map(|status| (status.to_owned(), problem.clone().into())).collect()
    }
}
