//! Gauges that the database is asked for whenever Prometheus asks: queues, lags, sizes.

use diesel::QueryableByName;
use diesel::sql_types::{Double, Text};
use diesel_async::RunQueryDsl;

use crate::db::View;
use crate::refusal::Result;

/// One gauge.
#[derive(Clone, Copy, Debug)]
pub struct Gauge {
    /// Its name, with its unit and without the prefix: `feed_lag_seconds`.
    pub name: &'static str,
    /// What it says, in a line.
    pub help: &'static str,
    /// What tells its values apart; none where it has one value.
    pub label: Option<&'static str>,
    /// The query: rows of `label text` (empty where there is none) and `value float8`, from few rows by an index.
    pub query: &'static str,
}

/// A value of a gauge.
#[derive(Debug, QueryableByName)]
pub struct Value {
    /// Which, where there are several.
    #[diesel(sql_type = Text)]
    pub label: String,
    /// How much.
    #[diesel(sql_type = Double)]
    pub value: f64,
}

/// Asks for the values of a gauge.
pub async fn ask(view: &View<'_>, gauge: &Gauge) -> Result<Vec<Value>> {
    Ok(diesel::sql_query(gauge.query).load(&mut view.conn()).await?)
}
