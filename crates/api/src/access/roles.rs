//! `/v1/roles`: what each role permits, as the domains' manifests say.

use actix_web::get;
use kernel::Role;
use platform::role_grant::given_by;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::domains;
use crate::reply::{Done, Reply};

/// A role.
#[derive(Serialize, ToSchema)]
pub struct RoleDescription {
    /// Its name in the API.
    pub role: Role,
    /// Its name in Chinese.
    #[schema(example = "社区工作者")]
    pub label: &'static str,
    /// The permissions that it gives.
    #[schema(max_items = 500)]
    pub permissions: Vec<&'static str>,
    /// The roles that whoever holds it may give within its area.
    #[schema(max_items = 100)]
    pub gives: Vec<Role>,
}

/// A permission.
#[derive(Serialize, ToSchema)]
pub struct PermissionDescription {
    /// Its name.
    #[schema(example = "grid.read")]
    pub permission: &'static str,
    /// What it allows, in Chinese.
    pub zh: &'static str,
    /// What it allows, in English.
    pub en: &'static str,
}

/// All roles and permissions.
#[derive(Serialize, ToSchema)]
pub struct RoleList {
    /// The roles.
    #[schema(max_items = 100)]
    pub roles: Vec<RoleDescription>,
    /// The permissions.
    #[schema(max_items = 500)]
    pub permissions: Vec<PermissionDescription>,
}

/// List roles and what they permit · 列出角色及其权限
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[get("/roles")]
async fn list_roles(caller: Caller) -> Reply<Done<RoleList>> {
    let powers = &caller.services().powers;
    let roles = Role::ALL.iter().zip(Role::CHOICES).map(|(role, choice)| RoleDescription {
        role: *role,
        label: choice.zh,
        permissions: powers.of_role(*role).to_vec(),
        gives: given_by(*role).to_vec(),
    });
    let permissions = domains::permissions().map(|(permission, zh, en)| PermissionDescription { permission, zh, en });
    Ok(Done(RoleList { roles: roles.collect(), permissions: permissions.collect() }))
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_roles);
}
