//! `/v1/audit`: 审计日志.

use actix_web::{get, post};
use platform::audit::verify::{self, AuditRange, AuditVerification};
use platform::audit::{self, AuditFilter, AuditLine};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::query::{PageParams, Query};
use crate::reply::{Done, List, Reply};

/// Search the audit log · 检索审计日志
///
/// Every change in your area, and of what has left it, the latest first.
#[utoipa::path(tag = "platform", params(AuditFilter, PageParams), security(("Bearer" = ["audit.read"])))]
#[get("/audit")]
async fn search_audit(caller: Caller, filter: Query<AuditFilter>) -> Reply<List<AuditLine>> {
    caller.page(None, async |view, paging| audit::search(view, &filter, paging).await).await
}

/// Verify the audit log · 校验审计日志
///
/// Whether the journal is still what was sealed: some blocks at a time, `next` says where to go on. Changes nothing.
#[utoipa::path(tag = "platform", security(("Bearer" = ["audit.verify"])))]
#[post("/audit/verify")]
async fn verify_audit(caller: Caller, range: Json<AuditRange>) -> Reply<Done<AuditVerification>> {
    caller.browse(async |view| verify::verify(view, &range).await.map(Done)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(search_audit).service(verify_audit);
}
