//! Roles as accounts hold them: in an area, for a term (PLT-06). Which permissions a role gives stands in the
//! manifests of the domains; who may give which role stands here. Nobody widens his own.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{Constraint, RefusedBy};
use kernel::manifest::Powers;
use kernel::page::Cursor;
use kernel::{
    Ending, Expected, Grant, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Role, Scope, Stamp, Tx, View, clock, id, period, within,
    within_or_above,
};
use schema::{account, role_grant};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::account::{AccountId, OUTRANKED};

id!(
    /// A role that an account holds.
    RoleGrantId
);

/// A role that an account holds.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = role_grant)]
pub struct RoleGrant {
    /// Identity, for ever.
    pub id: RoleGrantId,
    /// Who holds it.
    pub account_id: AccountId,
    /// Which role.
    pub role: Role,
    /// Where: this area and all below it.
    pub area_code: AreaCode,
    /// First day on which it holds.
    pub valid_from: NaiveDate,
    /// First day on which it no longer holds.
    pub valid_to: NaiveDate,
    /// Since when it gives nothing, although its term is not over; null while it does.
    pub revoked_at: Option<Stamp>,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

/// A role to be given.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoleGrant {
    /// Who will hold it.
    pub account_id: AccountId,
    /// Which role.
    pub role: Role,
    /// Where: this area and all below it.
    pub area_code: AreaCode,
    /// First day on which it holds; today unless said.
    pub valid_from: Option<NaiveDate>,
    /// First day on which it no longer holds: a role without a term gives nothing.
    #[schema(example = "2027-11-24")]
    pub valid_to: NaiveDate,
}

/// Which roles a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct RoleGrantFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// Of this account.
    pub account_id: Option<AccountId>,
    /// This role.
    #[param(inline)]
    pub role: Option<Role>,
    /// Also those that were revoked, and those whose term has not begun or is over on the day.
    pub ever: Option<bool>,
}

/// May see who holds which role.
pub const READ: Permission = Permission("role_grant.read");
/// May give and end roles.
pub const WRITE: Permission = Permission("role_grant.write");

/// No such role of an account.
pub const UNKNOWN: Refusal =
    Refusal::not_found("role_grant.unknown", "没有该角色任职,或它不在您的区域内。", "There is no such role of an account, or it is not in your area.");
/// The account is not there.
pub const NO_ACCOUNT: Refusal =
    Refusal::invalid("role_grant.no_account", "没有该账户,或它不在您的区域内。", "There is no such account, or it is not in your area.");
/// Nobody widens his own.
pub const OWN: Refusal = Refusal::new(
    kernel::Kind::Forbidden,
    "role_grant.own",
    "不能给自己授予角色,请由他人办理。",
    "You may not give a role to yourself; let somebody else do it.",
);
/// Not a role that the caller may give.
pub const NOT_YOURS_TO_GIVE: Refusal =
    Refusal::new(kernel::Kind::Forbidden, "role_grant.not_yours_to_give", "您无权授予或终止角色 {role}。", "You may neither give nor end the role {role}.");
/// The account holds it already.
pub const ALREADY: Refusal =
    Refusal::conflict("role_grant.already", "该账户在此区域、此期间已担任该角色。", "The account holds this role in this area already during that time.");

const CONSTRAINTS: &[Constraint] = &[
    ("role_grant_once", &ALREADY, "/role"),
    ("role_grant_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_to"),
    ("role_grant_years", &period::OUT_OF_YEARS, "/valid_to"),
];

/// Roles of a subdistrict's own people and of those below them.
const OF_A_SUBDISTRICT: &[Role] = &[
    Role::CommunitySecretary,
    Role::PoliceLiaison,
    Role::UnitLiaison,
    Role::CommunityWorker,
    Role::CompoundSecretary,
    Role::PartyGroupLeader,
    Role::OwnersCommitteeMember,
    Role::PropertyManager,
    Role::VolunteerOrgAdmin,
    Role::Member,
    Role::Owner,
    Role::Resident,
    Role::Volunteer,
];
/// Roles of those below a community's secretary.
const OF_A_COMMUNITY: &[Role] = &[
    Role::CommunityWorker,
    Role::CompoundSecretary,
    Role::PartyGroupLeader,
    Role::OwnersCommitteeMember,
    Role::PropertyManager,
    Role::Member,
    Role::Owner,
    Role::Resident,
    Role::Volunteer,
];

/// The roles that a role may give, within its own area.
#[must_use]
pub fn given_by(role: Role) -> &'static [Role] {
    match role {
        Role::SystemAdmin => Role::ALL,
        Role::SubdistrictOfficer => OF_A_SUBDISTRICT,
        Role::CommunitySecretary => OF_A_COMMUNITY,
        _ => &[],
    }
}

impl Recorded for RoleGrant {
    const KIND: &'static str = "role_grant";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// Whether the caller may give this role there: by one of his roles, or, for a client, by a key that itself
/// permits all that the role does.
fn may_give(tx: &Tx<'_>, powers: &Powers, role: Role, area: &str) -> bool {
    tx.actor.grants().iter().filter(|grant| grant.scope.covers(area)).any(|grant| match grant.role {
        Some(own) => given_by(own).contains(&role),
        None => powers.of_role(role).iter().all(|permission| tx.actor.grant_at(permission, area).is_some()),
    })
}

/// Lists the roles held in the caller's area, the latest given first.
pub async fn list(view: &View<'_>, filter: &RoleGrantFilter, paging: &Paging) -> Result<Page<RoleGrant>> {
    let scope = view.may(READ)?;
    let mut query = RoleGrant::query().filter(within!(scope, role_grant::area_code)).into_boxed();
    if !filter.ever.unwrap_or(false) {
        query = query.filter(role_grant::valid_from.le(view.as_of).and(role_grant::valid_to.gt(view.as_of)).and(role_grant::revoked_at.is_null()));
    }
    if let Some(area) = &filter.area_code {
        query = query.filter(role_grant::area_code.ge(area.clone()).and(role_grant::area_code.lt(kernel::area::end_of(area))));
    }
    if let Some(account) = filter.account_id {
        query = query.filter(role_grant::account_id.eq(account));
    }
    if let Some(role) = filter.role {
        query = query.filter(role_grant::role.eq(role));
    }
    if let Some(after) = paging.after(filter)? {
        query = query.filter(role_grant::id.lt(after.id));
    }
    let rows = query.order(role_grant::id.desc()).limit(paging.fetch()).load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, filter, |row: &RoleGrant| Cursor { key: String::new(), id: row.id.0 })
}

/// The role of an account with this id.
pub async fn get(view: &View<'_>, id: RoleGrantId) -> Result<RoleGrant> {
    let scope = view.may(READ)?;
    let found = RoleGrant::query().filter(role_grant::id.eq(id)).filter(within!(scope, role_grant::area_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Gives a role to an account.
pub async fn create(tx: &Tx<'_>, powers: &Powers, new: &NewRoleGrant) -> Result<RoleGrant> {
    tx.may_at(WRITE, new.area_code.as_str())?;
    if new.account_id.0 == tx.actor.id {
        return Err((&OWN).into());
    }
    if !may_give(tx, powers, new.role, new.area_code.as_str()) {
        return Err(NOT_YOURS_TO_GIVE.at("/role").with("role", new.role.word()).into());
    }
    let holder = account::table
        .find(new.account_id)
        .filter(within_or_above!(tx.scope(&[WRITE]), account::area_code))
        .select(account::id)
        .for_key_share()
        .first::<AccountId>(&mut tx.conn())
        .await
        .optional()?;
    let holder = holder.ok_or_else(|| NO_ACCOUNT.at("/account_id"))?;
    let made = diesel::insert_into(role_grant::table)
        .values((
            role_grant::id.eq(RoleGrantId::fresh()),
            role_grant::account_id.eq(holder),
            role_grant::role.eq(new.role),
            role_grant::area_code.eq(&new.area_code),
            role_grant::valid_from.eq(new.valid_from.unwrap_or(tx.today())),
            role_grant::valid_to.eq(new.valid_to),
        ))
        .returning(RoleGrant::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("role_grant.created", None, &made, None)?;
    Ok(made)
}

/// Ends a role of an account before its term: on a day to come, or at once, which every replica knows within a second.
pub async fn end(tx: &Tx<'_>, powers: &Powers, id: RoleGrantId, expected: Expected, ending: &Ending) -> Result<RoleGrant> {
    let scope = tx.scope(&[READ, WRITE]);
    let found =
        RoleGrant::query().filter(role_grant::id.eq(id)).filter(within!(scope, role_grant::area_code)).for_update().first(&mut tx.conn()).await.optional()?;
    let before: RoleGrant = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, before.area_code.as_str())?;
    // One's own may go: that narrows.
    if before.account_id.0 != tx.actor.id && !may_give(tx, powers, before.role, before.area_code.as_str()) {
        return Err(NOT_YOURS_TO_GIVE.with("role", before.role.word()).into());
    }
    expected.check(before.version)?;
    if let Some(since) = before.revoked_at {
        return Err(period::ENDED.with("on", clock::day(since.0)).into());
    }
    period::still_open((ending.on >= before.valid_to).then_some(before.valid_to))?;
    // A term is a whole number of days; what ends today or is said too late ends at this instant.
    let now = ending.on <= tx.today();
    let valid_to = if now { before.valid_to } else { period::end(before.valid_from, None, ending.on)? };
    let after = diesel::update(role_grant::table.find(id))
        .set((
            role_grant::valid_to.eq(valid_to),
            role_grant::revoked_at.eq(now.then_some(tx.now)),
            role_grant::version.eq(before.version + 1),
            role_grant::updated_at.eq(tx.now),
        ))
        .returning(RoleGrant::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("role_grant.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// What the roles that an account holds now permit, and where.
pub(crate) async fn grants(view: &View<'_>, powers: &Powers, holder: AccountId) -> Result<Vec<Grant>> {
    let today = view.today();
    let held: Vec<(Role, AreaCode)> = role_grant::table
        .filter(role_grant::account_id.eq(holder).and(role_grant::valid_from.le(today)).and(role_grant::valid_to.gt(today)))
        .filter(role_grant::revoked_at.is_null())
        .select((role_grant::role, role_grant::area_code))
        .load(&mut view.conn())
        .await?;
    let grants = held.into_iter().map(|(role, area)| Grant {
        role: Some(role),
        permissions: powers.of_role(role).iter().map(|permission| (*permission).into()).collect(),
        scope: Scope::of(vec![area]),
    });
    Ok(grants.collect())
}

/// Refuses unless the caller may give every role that an account holds now or later: whoever may reset an
/// account could act as it.
pub async fn outrank(tx: &Tx<'_>, powers: &Powers, holder: AccountId) -> Result<()> {
    let held: Vec<(Role, AreaCode)> = role_grant::table
        .filter(role_grant::account_id.eq(holder).and(role_grant::valid_to.gt(tx.today())).and(role_grant::revoked_at.is_null()))
        .select((role_grant::role, role_grant::area_code))
        .load(&mut tx.conn())
        .await?;
    match held.iter().find(|(role, area)| !may_give(tx, powers, *role, area.as_str())) {
        None => Ok(()),
        Some((role, _)) => Err(OUTRANKED.with("role", role.word()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_the_administrator_gives_a_role_of_his_own_rank_or_above() {
        for role in Role::ALL.iter().filter(|role| **role != Role::SystemAdmin) {
            let gives = given_by(*role);
            assert!(!gives.contains(role) && !gives.contains(&Role::SystemAdmin) && !gives.contains(&Role::Auditor), "{role:?}");
            for below in gives {
                assert!(given_by(*below).len() < gives.len(), "{role:?} gives {below:?}, which gives as much");
            }
        }
    }
}
