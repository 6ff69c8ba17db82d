//! What the server counts of its requests and tasks, and how Prometheus gets all that is counted.

use std::sync::Arc;
use std::time::Duration;

use kernel::measures::{Labels, Timed, timed};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// An operation, by its id in the document; paths never become labels, or anybody could make millions of them.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    operation: Arc<str>,
}

/// An operation and what it answered.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    operation: Arc<str>,
    status: u16,
}

/// What is counted.
#[derive(Clone, Debug)]
pub struct Meters {
    requests: Family<Answered, Counter>,
    seconds: Timed<Asked>,
    in_flight: Gauge,
    tasks: Family<Labels<2>, Counter>,
    none: Arc<str>,
}

impl Default for Meters {
    fn default() -> Self {
        Self { requests: Family::default(), seconds: timed(), in_flight: Gauge::default(), tasks: Family::default(), none: "none".into() }
    }
}

impl Meters {
    /// Shows all of it.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Requests answered, by operationId (none: what is no operation) and status (499: the caller was gone before)",
            self.requests.clone(),
        );
        registry.register("http_request_seconds", "Time from a request's header to its answer's, by operationId", self.seconds.clone());
        registry.register("http_requests_in_flight", "Requests of which the answer is not sent to its end", self.in_flight.clone());
        registry.register("task_runs", "Runs of background tasks by what came of them: done, failed", self.tasks.clone());
    }

    /// A request came.
    pub fn begin(&self) {
        self.in_flight.inc();
    }

    /// The answer to a request is sent; it was ready after this time.
    pub fn end(&self, operation: Option<&Arc<str>>, status: u16, took: Duration) {
        let operation = operation.unwrap_or(&self.none);
        self.in_flight.dec();
        self.requests.get_or_create(&Answered { operation: Arc::clone(operation), status }).inc();
        self.seconds.get_or_create(&Asked { operation: Arc::clone(operation) }).observe(took.as_secs_f64());
    }

    /// A task was run.
    pub fn task(&self, task: &'static str, done: bool) {
        self.tasks.get_or_create(&[("task", task), ("outcome", if done { "done" } else { "failed" })]).inc();
    }
}
