//! Configuration: by environment, or by a file with the same names; the environment wins.

use std::net::SocketAddr;

use kernel::db::Store;
use kernel::{AreaCode, Error, Result};
use serde::Deserialize;

/// What `linli --help` says about configuration: every variable, once.
pub const HELP: &str = "\
Configuration, by environment variable or in the file that LINLI_CONFIG names (TOML, the same names in lower case):

  DATABASE_URL         the Postgres database, as postgresql://user:password@host/database; needed
  DATABASE_POOL        connections at most for commands, lists and files, each process  [16]
  DATABASE_READ_URL    a streaming replica, from which exports and statistics are read  [none: from DATABASE_URL]
  CITY_CODE            six digits of the city that this deployment serves (GB/T 2260)  [421181]
  HOST                 address to listen on  [127.0.0.1]
  PORT                 port to listen on; 0 takes a free one  [8080]
  WORKERS              threads that serve requests  [one a processor]
  METRICS_ADDRESS      address and port to serve /metrics on, for Prometheus alone; it asks for no key  [none]
  DRAIN_SECONDS        how long a server that is told to end still takes requests, while it says it is not ready  [1]
  TRUSTED_PROXIES      proxies (addresses or networks, separated by commas) that tell by X-Forwarded-For who calls  [none]
  RATE_LIMIT_READS     reads a minute that one client may ask for; 0 for no limit  [60000]
  RATE_LIMIT_WRITES    the same for writes  [12000]
  RATE_LIMIT_IMPORTS   the same for imported files  [600]
  RATE_LIMIT_BURST     how many seconds' worth of it may come at once  [10]
  CORS_ORIGINS         origins of web pages that may call, separated by commas  [none]
  MAX_IMPORT_BYTES     bytes of one imported file  [1073741824]
  LOG                  what is logged, as in RUST_LOG  [info]
  LOG_FORMAT           json, or text for people  [text on a terminal, else json]
  TMPDIR               where files on their way in and out are kept while they are worked on  [/tmp]
";

/// Configuration.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// The database.
    pub database_url: String,
    /// Connections of the pool.
    #[serde(default = "database_pool")]
    pub database_pool: usize,
    /// The city.
    #[serde(default = "city_code")]
    pub city_code: AreaCode,
    /// Address.
    #[serde(default = "host")]
    pub host: String,
    /// Port.
    #[serde(default = "port")]
    pub port: u16,
    /// Threads.
    pub workers: Option<usize>,
    /// A replica.
    pub database_read_url: Option<String>,
    /// Where metrics are served.
    pub metrics_address: Option<SocketAddr>,
    /// Seconds between the end of readiness and the end.
    #[serde(default = "drain_seconds")]
    pub drain_seconds: u64,
    /// Proxies.
    #[serde(default)]
    pub trusted_proxies: String,
    /// Reads a minute.
    #[serde(default = "rate_limit_reads")]
    pub rate_limit_reads: u32,
    /// Writes a minute.
    #[serde(default = "rate_limit_writes")]
    pub rate_limit_writes: u32,
    /// Imports a minute.
    #[serde(default = "rate_limit_imports")]
    pub rate_limit_imports: u32,
    /// Seconds' worth of them at once.
    #[serde(default = "rate_limit_burst")]
    pub rate_limit_burst: u32,
    /// Origins.
    #[serde(default)]
    pub cors_origins: String,
    /// Bytes of an import.
    #[serde(default = "max_import_bytes")]
    pub max_import_bytes: u64,
}

fn database_pool() -> usize {
    16
}

#[expect(clippy::unwrap_used, reason = "a constant")]
fn city_code() -> AreaCode {
    "421181".parse().unwrap()
}

fn host() -> String {
    "127.0.0.1".to_owned()
}

fn port() -> u16 {
    8080
}

fn drain_seconds() -> u64 {
    1
}

fn rate_limit_reads() -> u32 {
    60_000
}

fn rate_limit_writes() -> u32 {
    12_000
}

fn rate_limit_imports() -> u32 {
    600
}

fn rate_limit_burst() -> u32 {
    10
}

fn max_import_bytes() -> u64 {
    1 << 30
}

impl Config {
    /// For the database at this URL, everything else by default.
    pub fn of(database_url: &str) -> Result<Self> {
        let built = ::config::Config::builder().set_override("database_url", database_url).and_then(|builder| builder.build()?.try_deserialize());
        built.map_err(|error| Error::Internal(format!("configuration: {error}")))
    }

    /// Reads file and environment.
    pub fn load(file: Option<&str>) -> Result<Self> {
        let mut builder = ::config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(::config::File::new(file, ::config::FileFormat::Toml));
        }
        let loaded = builder.add_source(::config::Environment::default().ignore_empty(true)).build().and_then(::config::Config::try_deserialize);
        loaded.map_err(|error| Error::Internal(format!("configuration: {error}; see linli --help")))
    }

    /// The database, and its replica where there is one.
    pub fn store(&self) -> Result<Store> {
        let store = Store::new(&connection_url(&self.database_url), self.database_pool)?;
        match self.database_read_url.as_deref() {
            Some(replica) => store.with_replica(&connection_url(replica), self.database_pool),
            None => Ok(store),
        }
    }
}

/// The URL of a database with what every connection needs: time limits, and news of a peer that is gone.
fn connection_url(url: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    let missing: Vec<_> = DEFAULTS.iter().filter(|(name, _)| !url.contains(name)).map(|(_, setting)| *setting).collect();
    if missing.is_empty() { url.to_owned() } else { format!("{url}{sign}{}", missing.join("&")) }
}

/// What a connection gets unless its URL says otherwise; times are in seconds.
const DEFAULTS: [(&str, &str); 6] = [
    ("application_name", "application_name=linli"),
    ("connect_timeout", "connect_timeout=2"),
    ("keepalives_idle", "keepalives_idle=10"),
    ("keepalives_interval", "keepalives_interval=5"),
    ("tcp_user_timeout", "tcp_user_timeout=10"),
    ("options=", OPTIONS),
];

/// `-c statement_timeout=15s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s`
const OPTIONS: &str = "options=-c%20statement_timeout%3D15s%20-c%20lock_timeout%3D10s%20-c%20idle_in_transaction_session_timeout%3D60s";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_added_once() {
        let url = connection_url("postgresql://a@b/c");
        assert!(url.starts_with("postgresql://a@b/c?application_name=linli&connect_timeout=2&") && url.ends_with(OPTIONS), "{url}");
        assert_eq!(connection_url(&url), url);
        assert!(Config::of(&url).unwrap().store().is_ok());
    }

    #[test]
    fn every_variable_is_documented() {
        for name in [
            "DATABASE_URL",
            "DATABASE_POOL",
            "DATABASE_READ_URL",
            "CITY_CODE",
            "HOST",
            "PORT",
            "WORKERS",
            "METRICS_ADDRESS",
            "DRAIN_SECONDS",
            "TRUSTED_PROXIES",
            "RATE_LIMIT_READS",
            "RATE_LIMIT_WRITES",
            "RATE_LIMIT_IMPORTS",
            "RATE_LIMIT_BURST",
            "CORS_ORIGINS",
            "MAX_IMPORT_BYTES",
        ] {
            assert_eq!(HELP.matches(&format!("  {name} ")).count(), 1, "{name}");
        }
    }
}
