//! What no resident sees: API keys, idempotency, files, import runs, jobs, shared secrets, migrations.

pub mod actor;
pub mod api_key;
pub mod blob;
pub mod file;
pub mod housekeeping;
pub mod idempotency;
pub mod import_run;
pub mod job;
pub mod migrate;
pub mod secret;

use kernel::manifest::Domain;

/// What this domain declares about itself.
pub const DOMAIN: Domain = Domain {
    name: "platform",
    permissions: &[(file::WRITE, "上传文件", "send files")],
    refusals: &[
        &actor::GONE,
        &api_key::BAD_KEY,
        &api_key::KEY_MISSING,
        &blob::STORE_AWAY,
        &blob::TOO_LATE,
        &file::ATTACHED,
        &file::HALF_AN_OBJECT,
        &file::NO_HOLDER,
        &file::TOO_MANY_LOOSE,
        &file::UNKNOWN,
        &file::media::EMPTY,
        &file::media::NOT_TAKEN,
        &file::media::TOO_LARGE,
        &idempotency::IN_FLIGHT,
        &idempotency::KEY_REUSED,
        &import_run::IN_PROGRESS,
        &import_run::REFUSED,
        &import_run::UNKNOWN,
        &job::ENDED,
        &job::GIVEN_UP,
        &job::OWN_FILES,
        &job::TAKEN_OVER,
        &job::TOO_MANY,
        &job::UNKNOWN,
    ],
    sheets: &[],
    holders: &[job::HOLDER],
};
