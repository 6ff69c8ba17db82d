//! What no resident sees, over HTTP, one file a subject.

mod audit;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this domain.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(audit::routes);
}
