//! Who acts: a client, what it may do, and where.

use crate::area::Scope;
use crate::refusal::{Error, Kind, Refusal, Result};
use uuid::Uuid;

/// Something that a caller may or may not do, named `grid.write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permission(pub &'static str);

/// The caller may not do this at all.
pub const FORBIDDEN: Refusal = Refusal::new(Kind::Forbidden, "access.forbidden", "您没有权限 {permission}。", "You lack the permission {permission}.");
/// The caller may do this, but not there.
pub const OUT_OF_SCOPE: Refusal =
    Refusal::new(Kind::Forbidden, "access.out_of_scope", "您的权限不及于区域 {area}。", "Your permission does not reach the area {area}.");

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Identity: an API key's, or nil for the system itself.
    pub id: Uuid,
    /// Name, as the journal keeps it.
    pub name: String,
    /// Where.
    pub scope: Scope,
    permissions: Vec<String>,
}

impl Actor {
    /// An actor with these permissions; `*` stands for all.
    #[must_use]
    pub fn new(id: Uuid, name: String, permissions: Vec<String>, scope: Scope) -> Self {
        Self { id, name, scope, permissions }
    }

    /// The system itself, for commands of the operator.
    #[must_use]
    pub fn system(scope: Scope) -> Self {
        Self::new(Uuid::nil(), "linli".to_owned(), vec!["*".to_owned()], scope)
    }

    /// Whether the actor has a permission, wherever it be.
    #[must_use]
    pub fn has(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held == "*" || held == permission)
    }

    /// Refuses unless the actor has the permission somewhere.
    pub fn may(&self, permission: Permission) -> Result<()> {
        if self.has(permission.0) { Ok(()) } else { Err(FORBIDDEN.with("permission", permission.0).into()) }
    }

    /// Refuses unless the actor has the permission at this place.
    pub fn may_at(&self, permission: Permission, area: &str) -> Result<()> {
        self.may(permission)?;
        if self.scope.covers(area) { Ok(()) } else { Err(Error::from(OUT_OF_SCOPE.with("area", area))) }
    }
}
