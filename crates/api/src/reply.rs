//! Replies: what handlers return. The documented responses come from these types, so the document cannot lie.

use std::cell::RefCell;
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, LINK, LOCATION};
use actix_web::{HttpRequest, HttpResponse, Responder};
use kernel::{Error, Page, Recorded};
use platform::idempotency::Answered;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, KnownFormat, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::problem::Problem;

/// What a handler returns.
pub type Reply<R> = Result<R, Problem>;

/// What a write returns: an answer made now, or the one that was given to the same request before.
pub type WriteReply<R> = Result<Written<R>, Problem>;

thread_local! {
    /// Schemas of the replies met while the document is put together. utoipa collects those of request bodies
    /// from the handlers' signatures, but not those of responses that a type declares for itself.
    static SCHEMAS: RefCell<BTreeMap<String, RefOr<Schema>>> = RefCell::default();
}

/// Puts a type and all it refers to into the document; returns a reference to it.
pub fn document<T: ToSchema>() -> RefOr<Schema> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    SCHEMAS.with_borrow_mut(|known| known.extend(schemas));
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

/// Takes the schemas that were put into the document.
pub fn documented() -> BTreeMap<String, RefOr<Schema>> {
    SCHEMAS.take()
}

fn response(status: &str, description: &str, schema: RefOr<Schema>, headers: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = headers.iter().fold(ResponseBuilder::new().description(description), |response, (name, description)| {
        let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).build();
        response.header(*name, HeaderBuilder::new().schema(Some(text)).description(Some(*description)).build())
    });
    BTreeMap::from([(status.to_owned(), response.content("application/json", content).build().into())])
}

/// An answer to a write, as it is kept for an `Idempotency-Key`.
pub trait Answer {
    /// The status.
    fn status(&self) -> StatusCode {
        StatusCode::OK
    }
    /// Whether it is worth keeping: refusals are not.
    fn kept(&self) -> bool {
        true
    }
    /// The path of what was made, or of what goes on, for an answer to a request to `path`.
    fn location(&self, _path: &str) -> Option<String> {
        None
    }
    /// The version of what it holds.
    fn version(&self) -> Option<i32> {
        None
    }
    /// The body.
    fn body(&self) -> serde_json::Result<String>;
}

/// One object, with its version as `ETag`.
pub struct One<T>(pub T);
/// An object that was made: 201, with its `Location`.
pub struct Created<T>(pub T);
/// The outcome of something that is no object with a version.
pub struct Done<T>(pub T);
/// The outcome of something that is no object, which holds a secret: it is shown once, and never kept for an
/// `Idempotency-Key`.
pub struct Shown<T>(pub T);
/// An object that was made together with a secret, which is shown once: 201, never kept.
pub struct CreatedOnce<T, S> {
    /// The object.
    pub object: T,
    /// The same with its secret.
    pub shown: S,
}
/// Something that goes on after the answer: 202, with where it is found.
pub struct Accepted<T> {
    /// It, as it stands.
    pub body: T,
    /// Its path.
    pub path: String,
}
/// What was done at once, or what goes on after the answer.
pub enum DoneOrAccepted<D, A> {
    /// Done.
    Done(Done<D>),
    /// Looked at, and nothing of it kept: a refusal follows, which is no answer to be repeated for an `Idempotency-Key`.
    Undone(Done<D>),
    /// It goes on.
    Accepted(Accepted<A>),
}
/// A page of a list.
pub struct List<T>(pub Page<T>);

impl<T: Recorded> Answer for One<T> {
    fn version(&self) -> Option<i32> {
        Some(self.0.version())
    }

    fn body(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.0)
    }
}

impl<T: Recorded> Answer for Created<T> {
    fn status(&self) -> StatusCode {
        StatusCode::CREATED
    }

    fn location(&self, path: &str) -> Option<String> {
        Some(format!("{path}/{}", self.0.id()))
    }

    fn version(&self) -> Option<i32> {
        Some(self.0.version())
    }

    fn body(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.0)
    }
}

impl<T: Serialize> Answer for Shown<T> {
    fn kept(&self) -> bool {
        false
    }

    fn body(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.0)
    }
}

impl<T: Recorded, S: Serialize> Answer for CreatedOnce<T, S> {
    fn status(&self) -> StatusCode {
        StatusCode::CREATED
    }

    fn kept(&self) -> bool {
        false
    }

    fn location(&self, path: &str) -> Option<String> {
        Some(format!("{path}/{}", self.object.id()))
    }

    fn version(&self) -> Option<i32> {
        Some(self.object.version())
    }

    fn body(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.shown)
    }
}

impl<T: Serialize> Answer for Done<T> {
    fn body(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.0)
    }
}

impl<T: Serialize> Answer for Accepted<T> {
    fn status(&self) -> StatusCode {
        StatusCode::ACCEPTED
    }

    fn location(&self, _path: &str) -> Option<String> {
        Some(self.path.clone())
    }

    fn body(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.body)
    }
}

impl<D: Serialize, A: Serialize> Answer for DoneOrAccepted<D, A> {
    fn kept(&self) -> bool {
        !matches!(self, Self::Undone(_))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Done(done) | Self::Undone(done) => done.status(),
            Self::Accepted(accepted) => accepted.status(),
        }
    }

    fn location(&self, path: &str) -> Option<String> {
        match self {
            Self::Done(done) | Self::Undone(done) => done.location(path),
            Self::Accepted(accepted) => accepted.location(path),
        }
    }

    fn body(&self) -> serde_json::Result<String> {
        match self {
            Self::Done(done) | Self::Undone(done) => done.body(),
            Self::Accepted(accepted) => accepted.body(),
        }
    }
}

/// An answer of now or of before.
pub enum Written<R> {
    /// Made now.
    Now(R),
    /// Given to the same request before.
    Before(Answered, std::marker::PhantomData<R>),
}

impl<R> Written<R> {
    /// The same answer in another form.
    pub fn map<S>(self, form: impl FnOnce(R) -> S) -> Written<S> {
        match self {
            Self::Now(reply) => Written::Now(form(reply)),
            Self::Before(before, _) => Written::Before(before, std::marker::PhantomData),
        }
    }
}

fn etag(version: i32) -> String {
    format!("\"{version}\"")
}

fn json(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.content_type("application/json");
    response
}

fn failed(error: &serde_json::Error) -> HttpResponse {
    actix_web::ResponseError::error_response(&Problem::from(Error::Internal(error.to_string())))
}

fn answer<R: Answer>(reply: &R, request: &HttpRequest) -> HttpResponse {
    let mut response = json(reply.status());
    if let Some(location) = reply.location(request.path()) {
        response.insert_header((LOCATION, location));
    }
    if let Some(version) = reply.version() {
        response.insert_header((ETAG, etag(version)));
    }
    reply.body().map_or_else(|error| failed(&error), |body| response.body(body))
}

impl<R: Answer> Responder for Written<R> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Now(reply) => answer(&reply, request),
            Self::Before(before, _) => {
                let mut response = json(u16::try_from(before.status).ok().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK));
                if let Some(location) = before.location {
                    response.insert_header((LOCATION, location));
                }
                if let Some(version) = serde_json::from_str::<Value>(&before.body).ok().and_then(|body| body.get("version").and_then(Value::as_i64)) {
                    response.insert_header((ETAG, format!("\"{version}\"")));
                }
                response.insert_header(("Idempotent-Replayed", "true")).body(before.body)
            }
        }
    }
}

impl<R: IntoResponses> IntoResponses for Written<R> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        R::responses()
    }
}

impl<T: Recorded> Responder for One<T> {
    type Body = actix_web::body::BoxBody;

    /// 304 only to a client that asked for it: some hosts take it for a failure.
    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let tag = etag(self.0.version());
        let known = request.headers().get("if-none-match").and_then(|header| header.to_str().ok());
        if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
            return HttpResponse::NotModified().insert_header((ETAG, tag)).finish();
        }
        answer(&self, request)
    }
}

impl<T: Serialize> Responder for Done<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        answer(&self, request)
    }
}

impl<T: Serialize> Responder for Shown<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        answer(&self, request)
    }
}

impl<T: Serialize> Responder for List<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::OK);
        if let Some(next) = &self.0.next {
            let others = request
                .query_string()
                .split('&')
                .filter(|pair| !pair.is_empty() && !pair.starts_with("after="))
                .map(|pair| format!("{pair}&"))
                .collect::<String>();
            response.insert_header((LINK, format!("<{}?{others}after={next}>; rel=\"next\"", request.path())));
        }
        serde_json::to_string(&self.0).map_or_else(|error| failed(&error), |body| response.body(body))
    }
}

const VERSION: (&str, &str) = ("ETag", "The version, quoted · 带引号的版本");

impl<T: ToSchema> IntoResponses for One<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        response("200", "The object · 该对象", document::<T>(), &[VERSION])
    }
}

impl<T: ToSchema> IntoResponses for Created<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        response("201", "It was made · 已建立", document::<T>(), &[VERSION, ("Location", "Where it is · 其地址")])
    }
}

impl<T, S: ToSchema> IntoResponses for CreatedOnce<T, S> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        response("201", "It was made; its secret is shown once · 已建立,密钥仅显示一次", document::<S>(), &[VERSION, ("Location", "Where it is · 其地址")])
    }
}

impl<T: ToSchema> IntoResponses for Shown<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        response("200", "What came of it; shown once · 结果,仅显示一次", document::<T>(), &[])
    }
}

impl<T: ToSchema> IntoResponses for Done<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        response("200", "What came of it · 结果", document::<T>(), &[])
    }
}

impl<T: ToSchema> IntoResponses for Accepted<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        response("202", "It goes on after this answer · 已受理,处理在后台继续", document::<T>(), &[("Location", "Where to see how it goes · 查看进度的地址")])
    }
}

impl<D: ToSchema, A: ToSchema> IntoResponses for DoneOrAccepted<D, A> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        Done::<D>::responses().into_iter().chain(Accepted::<A>::responses()).collect()
    }
}

impl<T: ToSchema> IntoResponses for List<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let name = format!("{}Page", T::name());
        let text = |description: &str| {
            ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null])).max_length(Some(4000)).description(Some(description))
        };
        let page = ObjectBuilder::new()
            .property("items", ArrayBuilder::new().items(document::<T>()).max_items(Some(200)).description(Some("The rows.")))
            .required("items")
            .property("next", text("Cursor of the next page, for `after`; null on the last."))
            .required("next")
            .property("has_more", ObjectBuilder::new().schema_type(SchemaType::new(Type::Boolean)).description(Some("Whether there is a next page.")))
            .required("has_more")
            .property(
                "as_of",
                ObjectBuilder::new()
                    .schema_type(SchemaType::new(Type::String))
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
                    .description(Some("The day that the list speaks of.")),
            )
            .required("as_of")
            .property(
                "total",
                ObjectBuilder::new()
                    .schema_type(SchemaType::from_iter([Type::Integer, Type::Null]))
                    .minimum(Some(0))
                    .maximum(Some(10_000))
                    .description(Some("How many rows there are in all, where `include_total` asked; 10000 means that many or more.")),
            )
            .required("total")
            .description(Some("One page of a list."))
            .build();
        SCHEMAS.with_borrow_mut(|known| known.insert(name.clone(), page.into()));
        response("200", "A page · 一页", Ref::from_schema_name(name).into(), &[("Link", "The next page, rel=next · 下一页")])
    }
}
