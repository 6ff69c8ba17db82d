//! Access over HTTP: accounts, sessions, roles, keys.

mod accounts;
mod api_keys;
mod me;
pub mod oauth;
mod role_grants;
mod roles;
mod sessions;

use utoipa_actix_web::service_config::ServiceConfig;

pub use sessions::get_jwks;

/// The routes of this folder.
pub fn routes(config: &mut ServiceConfig) {
    config
        .configure(accounts::routes)
        .configure(role_grants::routes)
        .configure(api_keys::routes)
        .configure(roles::routes)
        .configure(sessions::routes)
        .configure(oauth::routes)
        .configure(me::routes);
}
