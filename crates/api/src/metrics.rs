//! `/metrics`, on an address of its own: Prometheus has no key of ours, and nobody else has any business there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use kernel::db::Store;
use kernel::gauge::{self, Gauge, Value};
use kernel::{Call, Error, Result, View};
use platform::gauges::REPLICA_LAG;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge as Shown;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::limits::Limits;
use crate::meters::Meters;

/// What every name begins with.
const PREFIX: &str = "linli";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Number = Shown<f64, AtomicU64>;

/// Everything that is counted or can be asked for.
pub struct Metrics {
    counted: Registry,
    store: Store,
    limits: Arc<Limits>,
    gauges: Vec<Gauge>,
    call: Box<dyn Fn() -> Call + Send + Sync>,
}

impl Metrics {
    /// Shows what these count, and what the gauges' queries say; `call` makes the call in which they are asked.
    #[must_use]
    pub fn new(meters: &Meters, limits: Arc<Limits>, store: Store, gauges: Vec<Gauge>, call: impl Fn() -> Call + Send + Sync + 'static) -> Self {
        let mut counted = Registry::with_prefix(PREFIX);
        counted.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        meters.register(&mut counted);
        store.measures().register(&mut counted);
        Self { counted, store, limits, gauges, call: Box::new(call) }
    }

    /// Serves them, by one thread of its own; returns the server with its port.
    pub fn serve(self, address: SocketAddr) -> std::io::Result<(Server, u16)> {
        let metrics = web::Data::new(self);
        let server = HttpServer::new(move || App::new().app_data(metrics.clone()).route("/metrics", web::get().to(show)));
        let server = server.workers(1).disable_signals().bind(address)?;
        let port = server.addrs().first().map_or(0, SocketAddr::port);
        Ok((server.run(), port))
    }

    async fn text(&self) -> std::result::Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.counted)?;
        encode_registry(&mut text, &self.asked().await)?;
        encode_eof(&mut text)?;
        Ok(text)
    }

    /// What is not counted but asked for; what the database does not say is left out.
    async fn asked(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let connections = Family::<[(&str, &str); 2], Shown>::default();
        let (most, waiting) = (Family::<[(&str, &str); 1], Shown>::default(), Family::<[(&str, &str); 1], Shown>::default());
        let (primary, replica) = self.store.usage();
        for (pool, usage) in [("primary", Some(primary)), ("replica", replica)] {
            let Some(usage) = usage else { continue };
            connections.get_or_create(&[("pool", pool), ("state", "in_use")]).set(whole(usage.in_use));
            connections.get_or_create(&[("pool", pool), ("state", "idle")]).set(whole(usage.open - usage.in_use));
            most.get_or_create(&[("pool", pool)]).set(whole(usage.most));
            waiting.get_or_create(&[("pool", pool)]).set(whole(usage.waiting));
        }
        registry.register("pool_connections", "Connections of a pool by what they do", connections);
        registry.register("pool_size", "Connections that a pool may have at most", most);
        registry.register("pool_waiting", "Transactions that wait for a connection", waiting);
        let clients = Shown::<i64>::default();
        clients.set(whole(self.limits.remembered()));
        registry.register("rate_limit_clients", "Clients of whom the rate limits know", clients);

        let call = (self.call)();
        let up = Shown::<i64>::default();
        let asked = self.store.browse(&call, async |view| ask(view, &self.gauges).await).await;
        up.set(i64::from(asked.is_ok()));
        registry.register("database_up", "Whether the database answers", up);
        let lag = match replica {
            Some(_) => self.store.ask_replica(&call, async |view| ask(view, &[REPLICA_LAG]).await).await,
            None => Ok(Vec::new()),
        };
        for (gauge, values) in asked.into_iter().chain(lag).flatten() {
            show_gauge(&mut registry, gauge, values);
        }
        registry
    }
}

type Asked = Vec<(Gauge, Vec<Value>)>;

async fn ask(view: &View<'_>, gauges: &[Gauge]) -> Result<Asked> {
    let mut asked = Vec::new();
    for gauge in gauges {
        asked.push((*gauge, gauge::ask(view, gauge).await?));
    }
    Ok(asked)
}

fn show_gauge(registry: &mut Registry, gauge: Gauge, values: Vec<Value>) {
    match gauge.label {
        Some(label) => {
            let family = Family::<[(&str, String); 1], Number>::default();
            for value in values {
                family.get_or_create(&[(label, value.label)]).set(value.value);
            }
            registry.register(gauge.name, gauge.help, family);
        }
        None => {
            let number = Number::default();
            number.set(values.first().map_or(f64::NAN, |value| value.value));
            registry.register(gauge.name, gauge.help, number);
        }
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

async fn show(metrics: web::Data<Metrics>) -> std::result::Result<HttpResponse, actix_web::Error> {
    let text = metrics.text().await.map_err(|error| actix_web::error::ErrorInternalServerError(Error::Internal(error.to_string())))?;
    Ok(HttpResponse::Ok().content_type(OPEN_METRICS).body(text))
}
