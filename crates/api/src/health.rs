//! `/health`: whether the process lives, and whether it should be sent requests.

use std::time::Duration;

use actix_web::{get, web};
use kernel::refusal::DATABASE_AWAY;
use kernel::{Kind, Refusal};
use platform::migrate;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Services;
use crate::phase::{DRAINING, Phase};
use crate::reply::{Done, Reply};

/// The database has not the form that this version needs.
pub const NOT_MIGRATED: Refusal = Refusal::new(
    Kind::Unavailable,
    "health.not_migrated",
    "数据库尚未升级到本版本所需的结构;请运行 linli migrate。",
    "The database has not the form that this version needs; run linli migrate.",
);

/// A probe is asked again soon, so it does not wait long for the database.
const PATIENCE: Duration = Duration::from_secs(1);

/// That all is well.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `live` or `ready`.
    #[schema(example = "ready", max_length = 20)]
    pub status: &'static str,
}

/// Ask whether the server lives · 存活检查
///
/// Answered by the process alone: where it is not, restart the process.
#[utoipa::path(tag = "operations", security(()))]
#[get("/health/live")]
async fn get_liveness() -> Reply<Done<Health>> {
    Ok(Done(Health { status: "live" }))
}

/// Ask whether the server is ready · 就绪检查
///
/// 503 while the database is away or not migrated to this version, and from the moment on which the server is told
/// to end: send requests to another replica.
#[utoipa::path(tag = "operations", security(()))]
#[get("/health/ready")]
async fn get_readiness(services: web::Data<Services>, phase: web::Data<Phase>) -> Reply<Done<Health>> {
    if phase.is_draining() {
        return Err((&DRAINING).into());
    }
    let call = services.nobody("health");
    match timeout(PATIENCE, services.db.read(&call, migrate::pending)).await {
        Ok(Ok(pending)) if pending.is_empty() => Ok(Done(Health { status: "ready" })),
        Ok(Ok(_)) => Err((&NOT_MIGRATED).into()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err((&DATABASE_AWAY).into()),
    }
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_liveness).service(get_readiness);
}
