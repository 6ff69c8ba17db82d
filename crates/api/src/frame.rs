//! The frame round every request: its id and trace, the method and the operation that are meant, limits, parameters
//! that nobody knows, failures in one form, one line in the log.

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, Method};
use actix_web::{Error as ActixError, HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use kernel::trace::Trace;
use kernel::{Error, Kind, Refusal};
use uuid::Uuid;

use crate::client::Proxies;
use crate::contract::Contract;
use crate::limits::Limits;
use crate::meters::Meters;
use crate::passage::{Outgoing, Passage};
use crate::phase::{Phase, STARTING};
use crate::problem::{BAD_REQUEST, INTERNAL, Language, NO_SUCH_PATH, Problem, TOO_LARGE};
use crate::query::BAD_PARAMETER;
use crate::route::{Operation, Route};
use crate::spans::Spans;

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

/// What the frame of one thread needs.
pub struct Frame {
    /// The document.
    pub contract: web::Data<Contract>,
    /// Where the server is in its life.
    pub phase: Phase,
    /// What a client may ask for.
    pub limits: Arc<Limits>,
    /// What is counted.
    pub meters: Arc<Meters>,
    /// Where spans are sent.
    pub spans: Spans,
    /// Whose word is taken on where a request comes from.
    pub proxies: Proxies,
}

/// Runs a request inside the frame.
pub fn run<S, B>(frame: &Rc<Frame>, mut request: ServiceRequest, next: &S) -> impl Future<Output = Result<ServiceResponse<BoxBody>, ActixError>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = ActixError>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let (passage, verdict) = enter(frame, &mut request);
    request.extensions_mut().insert(Rc::clone(&passage));
    // The service is lent for this call only, so its future is made before anything waits.
    let answer = match verdict {
        Ok(()) => Ok(next.call(request)),
        Err(problem) => Err(request.error_response(problem)),
    };
    async move {
        let response = match answer {
            // Not all that we build on refuses in an orderly way: a writer of workbooks panics where the disk is full.
            Ok(answer) => match AssertUnwindSafe(passage.trace.scope(answer)).catch_unwind().await {
                Ok(answer) => answer?.map_into_boxed_body(),
                Err(_) => return Err(broke_off(&passage)),
            },
            Err(refused) => refused,
        };
        Ok(finish(response, passage))
    }
}

/// Finds out what a request means, and whether it may go on.
fn enter(frame: &Rc<Frame>, request: &mut ServiceRequest) -> (Rc<Passage>, Result<(), Problem>) {
    frame.meters.begin();
    let started = Instant::now();
    let method = request.method().clone();
    let meant = meant(request);
    let route = frame.contract.route(request.method(), request.path());
    let (operation, refused) = match route {
        Route::Taken(operation) => (Some(Arc::clone(operation)), None),
        // Said here: the router would go on to whatever else fits.
        Route::Refused(methods) if request.method() != Method::OPTIONS => (None, Some(Problem::method_not_allowed(methods))),
        Route::Refused(_) | Route::Nowhere => (None, None),
    };
    let headers = request.headers();
    let trace = headers.get("traceparent").and_then(|header| header.to_str().ok()).and_then(Trace::parse);
    let passage = Rc::new(Passage {
        request_id: request_id(request),
        trace: trace.map_or_else(|| Trace::root(frame.spans.recorded()), |trace| trace.child()),
        method,
        path: request.path().to_owned(),
        started,
        origin: frame.proxies.origin(request.peer_addr(), headers),
        operation,
        frame: Rc::clone(frame),
        actor: Cell::default(),
        left: RefCell::default(),
        answer: Cell::default(),
        bytes: Cell::default(),
    });
    let verdict = meant.and_then(|()| allow(&passage, request)).and(refused.map_or(Ok(()), Err));
    (passage, verdict)
}

/// The id of a request: the caller's own where it is a safe one, else ours.
fn request_id(request: &ServiceRequest) -> String {
    let safe = |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let own = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).filter(safe);
    own.map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned)
}

/// Resolves the method that is meant.
fn meant(request: &mut ServiceRequest) -> Result<(), Problem> {
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
    Ok(())
}

/// Whether a request may go on: the server serves, a stranger has not asked too much, the operation knows all
/// parameters. Whoever must say who he is has his own allowance, and is asked for it when he has said so.
fn allow(passage: &Passage, request: &ServiceRequest) -> Result<(), Problem> {
    match passage.operation.as_deref() {
        Some(Operation { probe: true, .. }) => {}
        Some(_) if passage.frame.phase.is_starting() => return Err((&STARTING).into()),
        Some(Operation { public: false, .. }) => {}
        _ => passage.admit_stranger()?,
    }
    let Some(operation) = passage.operation.as_deref().filter(|_| !request.query_string().is_empty()) else { return Ok(()) };
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).map_err(|_| Problem::from(&BAD_REQUEST))?;
    let faults = pairs.iter().filter_map(|(name, value)| match operation.parameters.get(name) {
        None => Some(UNKNOWN_PARAMETER.at(name).with("name", name)),
        Some(parameter) if !parameter.fits(value) => Some(BAD_PARAMETER.at(name).with("name", name)),
        Some(_) => None,
    });
    let faults: Vec<_> = faults.collect();
    match faults.first().cloned() {
        None => Ok(()),
        Some(first) => Err(first.faults(faults.into_iter().map(kernel::refusal::Refused::into_fault).collect()).into()),
    }
}

/// What is answered where the work broke off in the middle; what broke it has told the log.
fn broke_off(passage: &Passage) -> ActixError {
    let problem = Problem::from(Error::Internal("the work broke off".to_owned()));
    let mut answer = problem.render(Language::default(), &passage.request_id, &passage.path);
    tracing::error!(request_id = passage.request_id, cause = problem.cause, "a request failed");
    sign(answer.headers_mut(), passage);
    passage.answered(answer.status().as_u16());
    InternalError::from_response(problem, answer).into()
}

/// What every answer gets on its way out.
fn finish(response: ServiceResponse<BoxBody>, passage: Rc<Passage>) -> ServiceResponse<BoxBody> {
    let mut response = in_one_form(response, &passage.request_id);
    sign(response.headers_mut(), &passage);
    if passage.frame.phase.is_draining() {
        // Whoever keeps connections open is to open the next one to another replica.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    passage.answered(response.status().as_u16());
    response.map_body(|_, body| Outgoing::wrap(body, passage))
}

/// The headers that every answer has.
fn sign(headers: &mut HeaderMap, passage: &Passage) {
    if let Ok(id) = HeaderValue::try_from(passage.request_id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    if let Ok(trace) = HeaderValue::try_from(passage.trace.to_string()) {
        headers.insert(HeaderName::from_static("traceparent"), trace);
    }
    if let Some(left) = passage.left.take() {
        headers.insert(HeaderName::from_static("ratelimit-policy"), left.policy);
        headers.insert(HeaderName::from_static("ratelimit"), left.state);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // It only told the compression to leave the content alone; clients need not hear of it.
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "identity") {
        headers.remove(CONTENT_ENCODING);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
}

/// Gives every failure the form of a problem, in the caller's language, with the request's id.
fn in_one_form(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let request = response.request();
    let language = Language::wanted(request.headers().get("accept-language"));
    let render = |problem: &Problem| problem.render(language, id, request.path());
    let rendered = match response.response().error() {
        Some(error) => match error.as_error::<Problem>() {
            Some(problem) => {
                if let Some(cause) = &problem.cause {
                    tracing::error!(request_id = id, cause, "a request failed");
                }
                render(problem)
            }
            None => {
                tracing::warn!(request_id = id, %error, "the web server refused a request");
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
