//! Configuration: by environment, or by a file with the same names; the environment wins.

use std::net::SocketAddr;

use kernel::cipher::Cipher;
use kernel::db::Store;
use kernel::{AreaCode, Error, Result};
use platform::password::Profile;
use serde::Deserialize;

/// What `linli --help` says about configuration: every variable, once.
pub const HELP: &str = "\
Configuration, by environment variable or in the file that LINLI_CONFIG names (TOML, the same names in lower case):

  DATABASE_URL         the Postgres database, as postgresql://user:password@host/database; needed
  DATABASE_POOL        connections at most for commands, lists and files, each process  [16]
  DATABASE_READ_URL    a streaming replica, from which exports and statistics are read  [none: from DATABASE_URL]
  MODE                 production, or demo: a demo needs no secret, and must hold no real person's data  [production]
  SECRET_KEY           32 bytes in base64 that seal secrets in the database; `linli secret` makes one; needed in production
  FORMER_SECRET_KEYS   earlier values of SECRET_KEY, separated by commas, which still open what they sealed  [none]
  PASSWORD_PROFILE     mlps3 or asvs: the rules for passwords of new accounts  [mlps3]
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
  WEBHOOK_NETWORKS     networks beside the public internet that webhooks may reach, also without TLS and at any
                       port, such as 10.20.0.0/16,fd12::/16  [none]
  WEBHOOK_PORTS        ports of the public internet that webhooks may reach  [443,8443]
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
    /// Whether it is a demo.
    #[serde(default)]
    pub mode: Mode,
    /// Seals secrets.
    pub secret_key: Option<String>,
    /// What sealed them before.
    #[serde(default)]
    pub former_secret_keys: String,
    /// Rules for passwords of new accounts.
    #[serde(default = "password_profile")]
    pub password_profile: Profile,
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
    /// Networks that webhooks may reach beside the public internet.
    #[serde(default)]
    pub webhook_networks: String,
    /// Ports that webhooks may reach.
    #[serde(default = "webhook_ports")]
    pub webhook_ports: String,
}

/// What a deployment is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A city's work.
    #[default]
    Production,
    /// Trying it out: secrets may be those that everybody can read in the sources.
    Demo,
}

/// The key of demos. It protects nothing, so production refuses it.
const DEMO_KEY: &str = "bGlubGkgZGVtbyBrZXksIGtub3duIHRvIGV2ZXJ5b24=";

fn password_profile() -> Profile {
    Profile::Mlps3
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

fn webhook_ports() -> String {
    "443,8443".to_owned()
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

    /// What seals secrets in the database. Production refuses to run without a key of its own.
    pub fn cipher(&self) -> Result<Cipher> {
        let key = match (self.mode, self.secret_key.as_deref().map(str::trim)) {
            (Mode::Demo, None) => DEMO_KEY,
            (Mode::Production, None) => return Err(Error::Internal("SECRET_KEY is missing: `linli secret` makes one; for a demo set MODE=demo".to_owned())),
            (Mode::Production, Some(DEMO_KEY)) => {
                return Err(Error::Internal("SECRET_KEY is that of the demo, which everybody knows: `linli secret` makes another".to_owned()));
            }
            (_, Some(key)) => key,
        };
        let former = self.former_secret_keys.split(',').map(str::trim).filter(|key| !key.is_empty());
        Cipher::new(std::iter::once(key).chain(former))
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
    fn production_refuses_to_run_without_a_key_of_its_own() {
        let mut config = Config::of("postgresql://a@b/c").unwrap();
        assert!(config.cipher().is_err());
        config.secret_key = Some(DEMO_KEY.to_owned());
        assert!(config.cipher().is_err());
        config.secret_key = Some(kernel::cipher::fresh_key().unwrap());
        assert!(config.cipher().is_ok());
        let demo = Config { mode: Mode::Demo, secret_key: None, ..config.clone() };
        assert!(demo.cipher().is_ok());
        config.secret_key = Some("short".to_owned());
        assert!(config.cipher().is_err());
    }

    #[test]
    fn every_variable_is_documented() {
        for name in [
            "MODE",
            "SECRET_KEY",
            "FORMER_SECRET_KEYS",
            "PASSWORD_PROFILE",
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
            "WEBHOOK_NETWORKS",
            "WEBHOOK_PORTS",
        ] {
            assert_eq!(HELP.matches(&format!("  {name} ")).count(), 1, "{name}");
        }
    }
}
