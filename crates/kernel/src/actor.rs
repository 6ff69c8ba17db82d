//! Who acts: a client or a person, what it may do, and where.

use std::borrow::Cow;

use uuid::Uuid;

use crate::area::{AreaCode, Scope};
use crate::refusal::{Kind, Refusal, Result};
use crate::role::Role;

/// Something that a caller may or may not do, named `grid.write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permission(pub &'static str);

/// The caller may not do this at all.
pub const FORBIDDEN: Refusal = Refusal::new(Kind::Forbidden, "access.forbidden", "您没有权限 {permission}。", "You lack the permission {permission}.");
/// The caller may do this, but not there.
pub const OUT_OF_SCOPE: Refusal =
    Refusal::new(Kind::Forbidden, "access.out_of_scope", "您的权限不及于区域 {area}。", "Your permission does not reach the area {area}.");

/// What an actor may do in some places, and by which role.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The role that it comes from; none of a machine client, whose key names its permissions.
    pub role: Option<Role>,
    /// Names of permissions; `*` stands for all.
    pub permissions: Vec<Cow<'static, str>>,
    /// Where.
    pub scope: Scope,
}

impl Grant {
    /// Whether it includes the permission with this name.
    #[must_use]
    pub fn has(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held == "*" || held == permission)
    }
}

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Identity: an account's, an API key's, or nil for the system itself.
    pub id: Uuid,
    /// Name, as the journal keeps it.
    pub name: String,
    grants: Vec<Grant>,
}

impl Actor {
    /// An actor with these grants; without any it may see what is its own.
    #[must_use]
    pub fn new(id: Uuid, name: String, grants: Vec<Grant>) -> Self {
        Self { id, name, grants }
    }

    /// The system itself, for commands of the operator.
    #[must_use]
    pub fn system(scope: Scope) -> Self {
        Self::new(Uuid::nil(), "linli".to_owned(), vec![Grant { role: None, permissions: vec!["*".into()], scope }])
    }

    /// What the actor may do, and where.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Where the actor has at least one of the permissions.
    #[must_use]
    pub fn scope(&self, any_of: &[Permission]) -> Cow<'_, Scope> {
        let mut with = self.grants.iter().filter(|grant| any_of.iter().any(|permission| grant.has(permission.0)));
        match (with.next(), with.next()) {
            (None, _) => Cow::Owned(Scope::default()),
            (Some(only), None) => Cow::Borrowed(&only.scope),
            (Some(first), Some(second)) => {
                Cow::Owned(Scope::of([first, second].into_iter().chain(with).flat_map(|grant| grant.scope.areas().iter().cloned()).collect()))
            }
        }
    }

    /// The areas in which the actor has the permission, each with the role that gives it there; where they overlap,
    /// the first counts.
    pub fn reaches(&self, permission: Permission) -> impl Iterator<Item = (&AreaCode, Option<Role>)> {
        let with = self.grants.iter().filter(move |grant| grant.has(permission.0));
        with.flat_map(|grant| grant.scope.areas().iter().map(|area| (area, grant.role)))
    }

    /// Refuses unless the actor has the permission somewhere.
    pub fn may(&self, permission: Permission) -> Result<()> {
        if self.grants.iter().any(|grant| grant.has(permission.0)) { Ok(()) } else { Err(FORBIDDEN.with("permission", permission.0).into()) }
    }

    /// The grant by which the actor has the permission at this place; refuses where there is none.
    pub fn may_at(&self, permission: Permission, area: &str) -> Result<&Grant> {
        self.may(permission)?;
        self.grant_at(permission.0, area).ok_or_else(|| OUT_OF_SCOPE.with("area", area).into())
    }

    /// The grant by which the actor has the permission with this name at this place.
    #[must_use]
    pub fn grant_at(&self, permission: &str, area: &str) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.has(permission) && grant.scope.covers(area))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEE: Permission = Permission("thing.read");
    const CHANGE: Permission = Permission("thing.write");

    #[test]
    fn a_permission_reaches_where_the_role_that_gives_it_reaches() {
        let grant = |role, permissions: &[&'static str], area: &str| Grant {
            role: Some(role),
            permissions: permissions.iter().map(|name| Cow::Borrowed(*name)).collect(),
            scope: Scope::of(vec![area.parse().unwrap()]),
        };
        let worker = grant(Role::CommunityWorker, &["thing.read", "thing.write"], "421181001001");
        let auditor = grant(Role::Auditor, &["thing.read"], "421181002");
        let actor = Actor::new(Uuid::nil(), "甲".to_owned(), vec![worker, auditor]);
        assert_eq!(actor.scope(&[SEE]).texts(), ["421181001001", "421181002"]);
        assert_eq!(actor.scope(&[CHANGE]).texts(), ["421181001001"]);
        assert_eq!(actor.may_at(CHANGE, "421181001001001").unwrap().role, Some(Role::CommunityWorker));
        assert_eq!(actor.may_at(CHANGE, "421181002001").unwrap_err().code(), Some("access.out_of_scope"));
        assert_eq!(actor.may(Permission("other.read")).unwrap_err().code(), Some("access.forbidden"));
        assert!(actor.scope(&[Permission("other.read")]).areas().is_empty());
    }
}
