//! What a process counts of its work with the database; the server shows it to Prometheus.
//!
//! Labels come from the code alone, never from a request, so their number is bounded.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::refusal::{Error, Kind};

/// Upper bounds of what is timed, in seconds: from a read of one row to an import of a city.
pub const SECONDS: [f64; 16] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];

/// Labels and their values.
pub type Labels<const N: usize> = [(&'static str, &'static str); N];

/// A histogram of times for each value of a label.
pub type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

/// A family of histograms of times.
#[must_use]
pub fn timed<L: Clone + std::hash::Hash + Eq>() -> Timed<L> {
    Family::new_with_constructor(|| Histogram::new(SECONDS))
}

/// What is counted.
#[derive(Debug)]
pub struct Measures {
    commands: Timed<Labels<1>>,
    outcomes: Family<Labels<2>, Counter>,
    repeats: Counter,
    links: Gauge,
    replica_away: Counter,
    rows: Family<Labels<2>, Counter>,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            commands: timed(),
            outcomes: Family::default(),
            repeats: Counter::default(),
            links: Gauge::default(),
            replica_away: Counter::default(),
            rows: Family::default(),
        }
    }
}

impl Measures {
    /// Shows all of it.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("command_seconds", "Time of a command from its beginning to its commit, repeats included", self.commands.clone());
        registry.register("commands", "Commands by what came of them: done, refused, unavailable, failed", self.outcomes.clone());
        registry.register("command_repeats", "Transactions that clashed with another and were run again", self.repeats.clone());
        registry.register("read_links", "Shared read connections that are open", self.links.clone());
        registry.register("replica_away", "Exports and reports that read from the primary because the replica was away", self.replica_away.clone());
        registry.register("import_rows", "Rows of imports by what came of them; not_kept are those of trials and of refused files", self.rows.clone());
    }

    /// Counts rows of an import.
    pub fn import_rows(&self, resource: &'static str, outcome: &'static str, rows: i32) {
        self.rows.get_or_create(&[("resource", resource), ("outcome", outcome)]).inc_by(rows.try_into().unwrap_or(0));
    }

    pub(crate) fn command(&self, name: &'static str, took: Duration, attempts: usize, error: Option<&Error>) {
        let outcome = match error {
            None => "done",
            Some(Error::Refused(refused)) if refused.refusal.kind == Kind::Unavailable => "unavailable",
            Some(Error::Refused(_)) => "refused",
            Some(_) => "failed",
        };
        self.commands.get_or_create(&[("command", name)]).observe(took.as_secs_f64());
        self.outcomes.get_or_create(&[("command", name), ("outcome", outcome)]).inc();
        self.repeats.inc_by(u64::try_from(attempts).unwrap_or(u64::MAX).saturating_sub(1));
    }

    pub(crate) fn links(&self) -> &Gauge {
        &self.links
    }

    pub(crate) fn replica_was_away(&self) {
        self.replica_away.inc();
    }
}
