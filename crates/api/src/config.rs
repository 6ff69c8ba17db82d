//! Configuration: by environment, or by a file with the same names; the environment wins.

use kernel::cipher::Cipher;
use kernel::{AreaCode, Error, Result};
use platform::password::Profile;
use serde::Deserialize;

/// What `linli --help` says about configuration: every variable, once.
pub const HELP: &str = "\
Configuration, by environment variable or in the file that LINLI_CONFIG names (TOML, the same names in lower case):

  DATABASE_URL         the Postgres database, as postgresql://user:password@host/database; needed
  DATABASE_POOL        connections at most for commands, lists and files, each process  [16]
  MODE                 production, or demo: a demo needs no secret, and must hold no real person's data  [production]
  SECRET_KEY           32 bytes in base64 that seal secrets in the database; `linli secret` makes one; needed in production
  FORMER_SECRET_KEYS   earlier values of SECRET_KEY, separated by commas, which still open what they sealed  [none]
  PASSWORD_PROFILE     mlps3 or asvs: the rules for passwords of new accounts  [mlps3]
  CITY_CODE            six digits of the city that this deployment serves (GB/T 2260)  [421181]
  HOST                 address to listen on  [127.0.0.1]
  PORT                 port to listen on; 0 takes a free one  [8080]
  WORKERS              threads that serve requests  [one a processor]
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

    /// The database URL with what every connection needs: time limits, and a fixed language of messages.
    #[must_use]
    pub fn connection_url(&self) -> String {
        let sign = if self.database_url.contains('?') { '&' } else { '?' };
        let defaults = [("application_name", "application_name=linli"), ("connect_timeout", "connect_timeout=2"), ("options=", OPTIONS)];
        let missing: Vec<_> = defaults.iter().filter(|(name, _)| !self.database_url.contains(name)).map(|(_, setting)| *setting).collect();
        if missing.is_empty() { self.database_url.clone() } else { format!("{}{sign}{}", self.database_url, missing.join("&")) }
    }
}

/// `-c statement_timeout=15s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s`
const OPTIONS: &str = "options=-c%20statement_timeout%3D15s%20-c%20lock_timeout%3D10s%20-c%20idle_in_transaction_session_timeout%3D60s";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_added_once() {
        let config = |url: &str| Config::of(url).unwrap();
        let url = config("postgresql://a@b/c").connection_url();
        assert!(url.starts_with("postgresql://a@b/c?application_name=linli&connect_timeout=2&options="), "{url}");
        assert_eq!(config(&url).connection_url(), url);
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
            "CITY_CODE",
            "HOST",
            "PORT",
            "WORKERS",
            "CORS_ORIGINS",
            "MAX_IMPORT_BYTES",
            "WEBHOOK_NETWORKS",
            "WEBHOOK_PORTS",
        ] {
            assert_eq!(HELP.matches(&format!("  {name} ")).count(), 1, "{name}");
        }
    }
}
