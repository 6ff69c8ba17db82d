//! Configuration: by environment, or by a file with the same names; the environment wins.

use std::time::Duration;

use chrono::TimeDelta;
use kernel::{AreaCode, Error, Result};
use platform::blob::{Blobs, S3};
use platform::file::media::Limits;
use platform::housekeeping::Keeping;
use platform::job;
use serde::Deserialize;

/// What `linli --help` says about configuration: every variable, once.
pub const HELP: &str = "\
Configuration, by environment variable or in the file that LINLI_CONFIG names (TOML, the same names in lower case):

  DATABASE_URL         the Postgres database, as postgresql://user:password@host/database; needed
  DATABASE_POOL        connections at most for commands, lists and files, each process  [16]
  CITY_CODE            six digits of the city that this deployment serves (GB/T 2260)  [421181]
  HOST                 address to listen on  [127.0.0.1]
  PORT                 port to listen on; 0 takes a free one  [8080]
  WORKERS              threads that serve requests  [one a processor]
  CORS_ORIGINS         origins of web pages that may call, separated by commas  [none]
  MAX_IMPORT_BYTES     bytes of one imported file  [1073741824]
  IMPORT_INLINE_BYTES  bytes up to which an imported file is answered at once; larger ones become jobs  [33554432]
  JOBS_AT_ONCE         jobs that this process works on at a time; 0 leaves them to other replicas  [2]
  JOB_LEASE_SECONDS    after this silence another process takes a job over  [30]
  KEEP_EXPORT_DAYS     days for which the file of an export is kept  [7]
  KEEP_JOB_DAYS        days for which a job that has ended is kept  [30]
  KEEP_IMPORT_RUN_DAYS days for which the report of an import is kept, with its rows at fault  [90]
  KEEP_LOOSE_HOURS     hours for which a file is kept that belongs to nothing  [24]
  FILE_STORE           where the content of files is kept: a folder that all replicas share, or s3://bucket/prefix  [.data/files]
  S3_ENDPOINT          address of an S3-compatible store  [Amazon's]
  S3_REGION            its region  [us-east-1]
  S3_ACCESS_KEY_ID     the key; without it, it is looked up as Amazon's tools do
  S3_SECRET_ACCESS_KEY the secret of the key
  S3_VIRTUAL_HOSTED    true where S3_ENDPOINT names the bucket itself, as Aliyun's does  [false]
  MAX_IMAGE_BYTES      bytes of a picture; 0 takes none  [20971520]
  MAX_DOCUMENT_BYTES   bytes of a PDF or an Office document; 0 takes none  [52428800]
  MAX_TEXT_BYTES       bytes of a text or CSV; 0 takes none  [52428800]
  MAX_ARCHIVE_BYTES    bytes of a ZIP; 0 takes none  [104857600]
  MAX_LOOSE_BYTES      bytes of all files of one uploader that belong to nothing yet  [1073741824]
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
    fn every_variable_is_documented() {
        let files = ["FILE_STORE", "S3_ENDPOINT", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_VIRTUAL_HOSTED"];
        let limits = ["MAX_IMPORT_BYTES", "MAX_IMAGE_BYTES", "MAX_DOCUMENT_BYTES", "MAX_TEXT_BYTES", "MAX_ARCHIVE_BYTES", "MAX_LOOSE_BYTES"];
        let jobs =
            ["IMPORT_INLINE_BYTES", "JOBS_AT_ONCE", "JOB_LEASE_SECONDS", "KEEP_EXPORT_DAYS", "KEEP_JOB_DAYS", "KEEP_IMPORT_RUN_DAYS", "KEEP_LOOSE_HOURS"];
        let rest = ["DATABASE_URL", "DATABASE_POOL", "CITY_CODE", "HOST", "PORT", "WORKERS", "CORS_ORIGINS"];
        for name in files.iter().chain(&jobs).chain(&limits).chain(&rest) {
            assert_eq!(HELP.matches(&format!("  {name} ")).count(), 1, "{name}");
        }
    }
}
