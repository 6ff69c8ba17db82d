//! What no resident sees: API keys, idempotency, import runs, shared secrets, migrations.

pub mod api_key;
pub mod gauges;
pub mod idempotency;
pub mod import_run;
pub mod migrate;
pub mod secret;

use kernel::manifest::Domain;

/// What this domain declares about itself.
pub const DOMAIN: Domain = Domain {
    name: "platform",
    permissions: &[],
    refusals: &[&api_key::BAD_KEY, &api_key::KEY_MISSING, &idempotency::IN_FLIGHT, &idempotency::KEY_REUSED, &import_run::IN_PROGRESS, &import_run::UNKNOWN],
    sheets: &[],
};
