//! One request on its way through: what it asks for, who sent it, what it may still ask for; and its line in the log.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::Method;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest};
use kernel::trace::Trace;
use kernel::{Actor, Error, Kind};
use uuid::Uuid;

use crate::client::holder;
use crate::frame::Frame;
use crate::limits::{Client, Left, Work};
use crate::problem::Problem;
use crate::route::Operation;

/// What the frame and the handlers share of one request.
pub struct Passage {
    /// Identifies it.
    pub request_id: String,
    /// What it asks for, where the document knows.
    pub operation: Option<Arc<Operation>>,
    /// Its span.
    pub trace: Trace,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) started: Instant,
    pub(crate) origin: IpAddr,
    pub(crate) frame: Rc<Frame>,
    pub(crate) actor: Cell<Option<Uuid>>,
    pub(crate) left: RefCell<Option<Left>>,
    pub(crate) answer: Cell<Option<(u16, Duration)>>,
    pub(crate) bytes: Cell<u64>,
}

/// What is logged of a request whose caller was gone before there was an answer.
const GONE: u16 = 499;

impl Passage {
    /// That of a request; every request inside the frame has one.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// Notes who calls, and takes the request from his allowance.
    pub fn admit(&self, actor: &Actor) -> Result<(), Problem> {
        self.actor.set(Some(actor.id));
        self.take(Client::Known(actor.id))
    }

    /// Takes the request from the allowance of its address: its sender need not say who he is.
    pub fn admit_stranger(&self) -> Result<(), Problem> {
        self.take(Client::Unknown(holder(self.origin)))
    }

    /// What to tell a caller whom nobody knows: why, unless his address asks that too often.
    #[must_use]
    pub fn turn_away(&self, error: Error) -> Problem {
        match error {
            Error::Refused(refused) if refused.refusal.kind == Kind::Unauthenticated => {
                self.admit_stranger().err().unwrap_or_else(|| Error::Refused(refused).into())
            }
            other => other.into(),
        }
    }

    /// The answer is ready.
    pub(crate) fn answered(&self, status: u16) {
        self.answer.set(Some((status, self.started.elapsed())));
    }

    fn take(&self, client: Client) -> Result<(), Problem> {
        let work = self.operation.as_ref().map_or(Work::Reads, |operation| operation.work);
        let (left, verdict) = match self.frame.limits.take(client, work) {
            Ok(left) => (left, Ok(())),
            Err(refused) => {
                let (left, problem) = *refused;
                (Some(left), Err(problem))
            }
        };
        self.left.replace(left);
        verdict
    }
}

/// The end of a request: its answer is sent, or its caller is gone. It is counted, and has its line in the log.
impl Drop for Passage {
    fn drop(&mut self) {
        let (status, took) = self.answer.get().unwrap_or_else(|| (GONE, self.started.elapsed()));
        self.frame.meters.end(self.operation.as_ref().map(|operation| &operation.id), status, took);
        self.frame.spans.send(self, status, took);
        tracing::info!(
            request_id = self.request_id,
            trace_id = format_args!("{:032x}", self.trace.trace_id()),
            span_id = format_args!("{:016x}", self.trace.span_id()),
            method = %self.method,
            path = self.path,
            operation = self.operation.as_ref().map_or("", |operation| &*operation.id),
            actor = self.actor.get().map(tracing::field::display),
            status,
            bytes = self.bytes.get(),
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}

/// An answer's body on its way out, counted. It holds the request, which ends with it.
pub struct Outgoing {
    body: BoxBody,
    passage: Rc<Passage>,
}

impl Outgoing {
    /// The body of the answer to a request.
    #[must_use]
    pub fn wrap(body: BoxBody, passage: Rc<Passage>) -> BoxBody {
        BoxBody::new(Self { body, passage })
    }
}

impl MessageBody for Outgoing {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(block))) = &next {
            self.passage.bytes.set(self.passage.bytes.get() + u64::try_from(block.len()).unwrap_or(u64::MAX));
        }
        next
    }
}
