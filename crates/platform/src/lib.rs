//! What no resident sees: API keys, the audit log, idempotency, import runs, shared secrets, migrations.

pub mod api_key;
pub mod audit;
pub mod idempotency;
pub mod import_run;
pub mod journal_months;
pub mod migrate;
pub mod secret;

use kernel::manifest::Domain;

/// What this domain declares about itself.
pub const DOMAIN: Domain = Domain {
    name: "platform",
    permissions: &[(audit::READ, "检索审计日志", "search the audit log"), (audit::verify::VERIFY, "校验审计日志", "verify the audit log")],
    refusals: &[
        &api_key::BAD_KEY,
        &api_key::KEY_MISSING,
        &audit::verify::NOT_KEPT,
        &idempotency::IN_FLIGHT,
        &idempotency::KEY_REUSED,
        &import_run::IN_PROGRESS,
        &import_run::UNKNOWN,
    ],
    sheets: &[],
};
