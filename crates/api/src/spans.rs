//! Spans for a collector of traces (OTLP over HTTP), in builds with the feature `otel`; without it there is nothing to send.

#[cfg(feature = "otel")]
pub use with_otel::Spans;

/// Variables of the OpenTelemetry standard of which one switches it on; the exporter reads the others itself.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The variable that says where spans are to be sent; an empty one says nothing.
fn wanted() -> Option<&'static str> {
    ENDPOINTS.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Sends no spans: this build cannot.
#[cfg(not(feature = "otel"))]
#[derive(Clone, Default)]
pub struct Spans;

#[cfg(not(feature = "otel"))]
impl Spans {
    /// Sends none; where some are wanted, the log tells why they do not come.
    #[must_use]
    pub fn from_environment() -> Self {
        if let Some(variable) = wanted() {
            tracing::warn!(variable, "no traces are sent: this build cannot; one with the feature otel can");
        }
        Self
    }

    /// Whether traces that begin here are recorded: they are not.
    #[must_use]
    pub fn recorded(&self) -> bool {
        false
    }

    /// Sends none.
    pub fn send(&self, _passage: &crate::passage::Passage, _status: u16, _took: std::time::Duration) {}

    /// Sends none.
    pub fn end(&self) {}
}

#[cfg(feature = "otel")]
mod with_otel {
    use std::borrow::Cow;
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use kernel::clock;
    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
    use opentelemetry::{InstrumentationScope, KeyValue};
    use opentelemetry_otlp::SpanExporter;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};

    use crate::passage::Passage;

    const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// Sends a span for each request that is recorded, from a thread of its own; where the collector is slow or away,
    /// spans are dropped and nobody waits.
    #[derive(Clone, Default)]
    pub struct Spans(Option<Arc<BatchSpanProcessor>>);

    impl Spans {
        /// Sends them where `OTEL_EXPORTER_OTLP_ENDPOINT` says; none where it says nothing.
        #[must_use]
        pub fn from_environment() -> Self {
            if super::wanted().is_none() {
                return Self(None);
            }
            match SpanExporter::builder().with_http().build() {
                Ok(exporter) => {
                    let mut processor = BatchSpanProcessor::builder(exporter).build();
                    processor.set_resource(&resource());
                    Self(Some(Arc::new(processor)))
                }
                Err(error) => {
                    tracing::warn!(%error, "no traces are sent");
                    Self(None)
                }
            }
        }

        /// Whether traces that begin here are recorded. Of others, whoever began them has decided.
        #[must_use]
        pub fn recorded(&self) -> bool {
            self.0.is_some()
        }

        /// Sends the span of a request that is over; those of probes tell nothing.
        pub fn send(&self, passage: &Passage, status: u16, took: Duration) {
            let (trace, operation) = (passage.trace, passage.operation.as_deref());
            let Some(processor) = self.0.as_ref().filter(|_| trace.sampled() && !operation.is_some_and(|operation| operation.probe)) else { return };
            let id = |id: u64| SpanId::from_bytes(id.to_be_bytes());
            let trace_id = TraceId::from_bytes(trace.trace_id().to_be_bytes());
            let end_time = SystemTime::from(clock::now());
            let name = operation.map_or(Cow::Borrowed("none"), |operation| Cow::Owned(operation.id.to_string()));
            let mut attributes = vec![
                KeyValue::new("http.request.method", passage.method.to_string()),
                KeyValue::new("url.path", passage.path.clone()),
                KeyValue::new("http.response.status_code", i64::from(status)),
                KeyValue::new("linli.request_id", passage.request_id.clone()),
            ];
            attributes.extend(passage.actor.get().map(|actor| KeyValue::new("enduser.id", actor.to_string())));
            processor.on_end(SpanData {
                span_context: SpanContext::new(trace_id, id(trace.span_id()), TraceFlags::SAMPLED, false, TraceState::NONE),
                parent_span_id: trace.parent().map_or(SpanId::INVALID, id),
                parent_span_is_remote: trace.parent().is_some(),
                span_kind: SpanKind::Server,
                name,
                start_time: end_time.checked_sub(took).unwrap_or(end_time),
                end_time,
                attributes,
                dropped_attributes_count: 0,
                events: SpanEvents::default(),
                links: SpanLinks::default(),
                status: if status >= 500 { Status::error("") } else { Status::Unset },
                instrumentation_scope: InstrumentationScope::builder("linli").with_version(VERSION).build(),
            });
        }

        /// Sends what is still on its way, waiting a few seconds for it at the most.
        pub fn end(&self) {
            if let Some(Err(error)) = self.0.as_ref().map(|processor| processor.shutdown()) {
                tracing::warn!(%error, "the last traces were not sent");
            }
        }
    }

    /// Who sends: `linli`, unless `OTEL_SERVICE_NAME` gives another name.
    fn resource() -> Resource {
        let resource = Resource::builder().with_attribute(KeyValue::new("service.version", VERSION));
        if std::env::var_os("OTEL_SERVICE_NAME").is_some() { resource.build() } else { resource.with_service_name("linli").build() }
    }
}
