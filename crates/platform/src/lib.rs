//! What no resident sees: API keys, idempotency, files, import runs, shared secrets, migrations.

pub mod api_key;
pub mod blob;
pub mod file;
pub mod idempotency;
pub mod import_run;
pub mod migrate;
pub mod secret;

use kernel::manifest::Domain;

/// What this domain declares about itself.
pub const DOMAIN: Domain = Domain {
    name: "platform",
    permissions: &[(file::WRITE, "上传文件", "send files")],
    refusals: &[
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
        &import_run::UNKNOWN,
    ],
    sheets: &[],
    holders: &[],
};
