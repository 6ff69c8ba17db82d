//! The platform over HTTP, one file a resource.

mod events;
mod webhooks;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this domain.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(events::routes).configure(webhooks::routes);
}
