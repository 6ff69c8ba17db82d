//! The frame round every request: its id, the method that is meant, parameters that nobody knows, failures in
//! one form, one line in the log.

use std::fmt;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::{Error as ActixError, HttpMessage, HttpRequest, HttpResponse, web};
use kernel::{Kind, Refusal};
use uuid::Uuid;

use crate::contract::{Contract, Route};
use crate::problem::{BAD_REQUEST, INTERNAL, Language, NO_SUCH_PATH, Problem, TOO_LARGE};

/// A method override that is none.
pub const BAD_OVERRIDE: Refusal = Refusal::new(
    Kind::Malformed,
    "method.bad_override",
    "X-HTTP-Method-Override 只能是 PATCH、PUT 或 DELETE。",
    "X-HTTP-Method-Override must be PATCH, PUT or DELETE.",
);
/// A parameter that nobody knows.
pub const UNKNOWN_PARAMETER: Refusal =
    Refusal::new(Kind::Malformed, "query.unknown_parameter", "没有参数“{name}”;参数见 /docs。", "There is no parameter “{name}”; see /docs.");

/// The id of a request: the caller's own where it is a safe one, else ours.
#[derive(Clone)]
pub struct RequestId(String);

impl RequestId {
    fn of(request: &ServiceRequest) -> Self {
        let safe = |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let own = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).filter(safe);
        Self(own.map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs a request inside the frame.
pub fn run<S, B>(mut request: ServiceRequest, next: &S) -> impl Future<Output = Result<ServiceResponse<BoxBody>, ActixError>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let started = Instant::now();
    let id = RequestId::of(&request);
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());
    // The service is lent for this call only, so its future is made before anything waits.
    let answer = match prepare(&mut request) {
        Ok(()) => Ok(next.call(request)),
        Err(problem) => Err(request.error_response(problem)),
    };
    async move {
        let response = match answer {
            Ok(answer) => answer.await?.map_into_boxed_body(),
            Err(refused) => refused,
        };
        Ok(finish(response, &id, &method, started))
    }
}

/// What every answer gets on its way out, and its line in the log.
fn finish(response: ServiceResponse<BoxBody>, id: &RequestId, method: &Method, started: Instant) -> ServiceResponse<BoxBody> {
    let mut response = in_one_form(response, id);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id.0.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // It only told the compression to leave the content alone; clients need not hear of it.
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "identity") {
        headers.remove(CONTENT_ENCODING);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    tracing::info!(
        request_id = id.0,
        %method,
        path = response.request().path(),
        operation = response.request().match_pattern().as_deref().unwrap_or(""),
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// Resolves the method that is meant, and refuses parameters that the operation does not know.
fn prepare(request: &mut ServiceRequest) -> Result<(), Problem> {
    let meant = match (request.method().as_str(), request.headers().get("x-http-method-override").map(HeaderValue::as_bytes)) {
        // The codec remembers that it was HEAD: no body goes out, and the length stays.
        ("HEAD", _) => Some(Method::GET),
        ("POST", Some(b"PATCH")) => Some(Method::PATCH),
        ("POST", Some(b"PUT")) => Some(Method::PUT),
        ("POST", Some(b"DELETE")) => Some(Method::DELETE),
        ("POST", Some(_)) => return Err(BAD_OVERRIDE.at("X-HTTP-Method-Override").into()),
        _ => None,
    };
    if let Some(method) = meant {
        request.head_mut().method = method;
    }
    if request.query_string().is_empty() {
        return Ok(());
    }
    let Some(contract) = request.app_data::<web::Data<Contract>>() else { return Ok(()) };
    let Route::Taken(known) = contract.route(request.method(), request.path()) else { return Ok(()) };
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).map_err(|_| Problem::from(&BAD_REQUEST))?;
    let unknown: Vec<_> = pairs.iter().filter(|(name, _)| !known.contains(name)).map(|(name, _)| UNKNOWN_PARAMETER.at(name).with("name", name)).collect();
    match unknown.first().cloned() {
        None => Ok(()),
        Some(first) => Err(first.faults(unknown.into_iter().map(kernel::refusal::Refused::into_fault).collect()).into()),
    }
}

/// Gives every failure the form of a problem, in the caller's language, with the request's id.
fn in_one_form(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let request = response.request();
    let language = Language::wanted(request.headers().get("accept-language"));
    let render = |problem: &Problem| problem.render(language, &id.0, request.path());
    let rendered = match response.response().error() {
        Some(error) => match error.as_error::<Problem>() {
            Some(problem) => {
                if let Some(cause) = &problem.cause {
                    tracing::error!(request_id = id.0, cause, "a request failed");
                }
                render(problem)
            }
            None => {
                tracing::warn!(request_id = id.0, %error, "the web server refused a request");
                render(&plain(status.as_u16()))
            }
        },
        // Answered as a problem already, or by something that knows nothing of problems.
        None if is_problem(response.response()) => return response,
        None => render(&plain(status.as_u16())),
    };
    let request = request.clone();
    ServiceResponse::new(request, rendered)
}

fn is_problem(response: &HttpResponse) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|media_type| media_type.as_bytes().starts_with(b"application/problem+json"))
}

/// The problem that a bare status amounts to.
fn plain(status: u16) -> Problem {
    match status {
        404 => (&NO_SUCH_PATH).into(),
        413 => TOO_LARGE.with("limit", "?").into(),
        400..=499 => (&BAD_REQUEST).into(),
        _ => (&INTERNAL).into(),
    }
}

/// Answers what no handler takes: 405 with the methods that the path has, or 404.
pub async fn refuse(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let Some(contract) = request.app_data::<web::Data<Contract>>() else { return Err((&NO_SUCH_PATH).into()) };
    match contract.route(request.method(), request.path()) {
        Route::Refused(allow) if request.method() == Method::OPTIONS => {
            Ok(HttpResponse::Ok().insert_header(("Allow", allow.clone())).json(serde_json::json!({"allow": allow.to_str().unwrap_or_default()})))
        }
        Route::Refused(allow) => Err(Problem::method_not_allowed(allow)),
        Route::Nowhere | Route::Taken(_) => Err((&NO_SUCH_PATH).into()),
    }
}
