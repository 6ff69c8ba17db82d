//! Configuration: by environment, or by a file with the same names; the environment wins.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::cipher::{Algorithm, FieldCipher};
use kernel::db::Store;
use kernel::{AreaCode, Error, Result};
use platform::blob::{Blobs, S3};
use platform::file::media::Limits;
use platform::housekeeping::Keeping;
use platform::job;
use platform::password::Profile;
use serde::Deserialize;

/// What `linli --help` says about configuration: every variable, once.
pub const HELP: &str = include_str!("config.txt");

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
    /// What seals from now on.
    #[serde(default)]
    pub field_cipher: Algorithm,
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
    /// Bytes of an import that is answered at once.
    #[serde(default = "import_inline_bytes")]
    pub import_inline_bytes: u64,
    /// Jobs at a time.
    #[serde(default = "jobs_at_once")]
    pub jobs_at_once: u16,
    /// Seconds of silence.
    #[serde(default = "job_lease_seconds")]
    pub job_lease_seconds: u16,
    /// Days of a file.
    #[serde(default = "keep_export_days")]
    pub keep_export_days: u16,
    /// Days of a job.
    #[serde(default = "keep_job_days")]
    pub keep_job_days: u16,
    /// Days of an import's report.
    #[serde(default = "keep_import_run_days")]
    pub keep_import_run_days: u16,
    /// Hours of a file.
    #[serde(default = "keep_loose_hours")]
    pub keep_loose_hours: u16,
    /// Folder or bucket.
    #[serde(default = "file_store")]
    pub file_store: String,
    /// Address of the bucket.
    pub s3_endpoint: Option<String>,
    /// Region of the bucket.
    pub s3_region: Option<String>,
    /// Key of the bucket.
    pub s3_access_key_id: Option<String>,
    /// Secret of the bucket.
    pub s3_secret_access_key: Option<String>,
    /// Whether the address names the bucket.
    #[serde(default)]
    pub s3_virtual_hosted: bool,
    /// Bytes of a picture.
    #[serde(default = "max_image_bytes")]
    pub max_image_bytes: u64,
    /// Bytes of a document.
    #[serde(default = "max_document_bytes")]
    pub max_document_bytes: u64,
    /// Bytes of a text.
    #[serde(default = "max_document_bytes")]
    pub max_text_bytes: u64,
    /// Bytes of an archive.
    #[serde(default = "max_archive_bytes")]
    pub max_archive_bytes: u64,
    /// Bytes that belong to nothing.
    #[serde(default = "max_import_bytes")]
    pub max_loose_bytes: u64,
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

fn import_inline_bytes() -> u64 {
    32 << 20
}

fn jobs_at_once() -> u16 {
    2
}

fn job_lease_seconds() -> u16 {
    30
}

fn keep_export_days() -> u16 {
    7
}

fn keep_job_days() -> u16 {
    30
}

fn keep_import_run_days() -> u16 {
    90
}

fn keep_loose_hours() -> u16 {
    24
}

fn file_store() -> String {
    ".data/files".to_owned()
}

fn max_image_bytes() -> u64 {
    20 << 20
}

fn max_document_bytes() -> u64 {
    50 << 20
}

fn max_archive_bytes() -> u64 {
    100 << 20
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

    /// How jobs are worked on.
    #[must_use]
    pub fn jobs(&self) -> job::Settings {
        job::Settings {
            lease: Duration::from_secs(self.job_lease_seconds.max(1).into()),
            export_lasts: TimeDelta::days(self.keep_export_days.into()),
            sheet: crate::domains::sheet,
            powers: crate::domains::powers(),
        }
    }

    /// How long things are kept.
    #[must_use]
    pub fn keeping(&self) -> Keeping {
        Keeping {
            import_runs: TimeDelta::days(self.keep_import_run_days.into()),
            jobs: TimeDelta::days(self.keep_job_days.into()),
            loose_files: TimeDelta::hours(self.keep_loose_hours.into()),
        }
    }

    /// The store of files.
    pub fn blobs(&self) -> Result<Blobs> {
        let s3 = S3 {
            endpoint: self.s3_endpoint.clone(),
            region: self.s3_region.clone(),
            access_key_id: self.s3_access_key_id.clone(),
            secret_access_key: self.s3_secret_access_key.clone(),
            virtual_hosted: self.s3_virtual_hosted,
        };
        Blobs::open(&self.file_store, &s3)
    }

    /// What files may be.
    #[must_use]
    pub fn file_limits(&self) -> Limits {
        Limits {
            image: self.max_image_bytes,
            document: self.max_document_bytes,
            text: self.max_text_bytes,
            archive: self.max_archive_bytes,
            loose: self.max_loose_bytes,
        }
    }

    /// What seals secrets and personal data in the database. Production refuses to run without a key of its own.
    pub fn cipher(&self) -> Result<FieldCipher> {
        let key = match (self.mode, self.secret_key.as_deref().map(str::trim)) {
            (Mode::Demo, None) => DEMO_KEY,
            (Mode::Production, None) => return Err(Error::Internal("SECRET_KEY is missing: `linli secret` makes one; for a demo set MODE=demo".to_owned())),
            (Mode::Production, Some(DEMO_KEY)) => {
                return Err(Error::Internal("SECRET_KEY is that of the demo, which everybody knows: `linli secret` makes another".to_owned()));
            }
            (_, Some(key)) => key,
        };
        let former = self.former_secret_keys.split(',').map(str::trim).filter(|key| !key.is_empty());
        FieldCipher::new(self.field_cipher, key, former)
    }

    /// The database, and its replica where there is one; with what opens sealed values, where there is a key.
    pub fn store(&self) -> Result<Store> {
        let store = Store::new(&connection_url(&self.database_url), self.database_pool)?;
        let store = if self.secret_key.is_some() || self.mode == Mode::Demo { store.with_cipher(self.cipher()?) } else { store };
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
            "FIELD_CIPHER",
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
            "FILE_STORE",
            "S3_ENDPOINT",
            "S3_REGION",
            "S3_ACCESS_KEY_ID",
            "S3_SECRET_ACCESS_KEY",
            "S3_VIRTUAL_HOSTED",
            "MAX_IMAGE_BYTES",
            "MAX_DOCUMENT_BYTES",
            "MAX_TEXT_BYTES",
            "MAX_ARCHIVE_BYTES",
            "MAX_LOOSE_BYTES",
            "IMPORT_INLINE_BYTES",
            "JOBS_AT_ONCE",
            "JOB_LEASE_SECONDS",
            "KEEP_EXPORT_DAYS",
            "KEEP_JOB_DAYS",
            "KEEP_IMPORT_RUN_DAYS",
            "KEEP_LOOSE_HOURS",
            "LOG",
            "LOG_FORMAT",
            "TMPDIR",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ] {
            assert_eq!(HELP.lines().filter(|line| line.split(' ').nth(2) == Some(name)).count(), 1, "{name}");
        }
    }
}
