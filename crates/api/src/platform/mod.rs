//! What no resident sees, over HTTP, one file a subject.

mod audit;
mod events;
mod webhooks;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this domain.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(audit::routes).configure(events::routes).configure(webhooks::routes);
}
