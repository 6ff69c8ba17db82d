//! Accounts of staff (PLT-06). What an account may do follows from the roles that it holds, see [`crate::role_grant`].

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{Constraint, RefusedBy, present};
use kernel::manifest::Powers;
use kernel::page::Cursor;
use kernel::text::{Line, Name};
use kernel::{Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, id, text_type, within};
use schema::account;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::password::Profile;
use crate::session::{self, EndReason};

id!(
    /// An account.
    AccountId
);

/// Not a user name.
pub const NOT_A_USER_NAME: Refusal = Refusal::invalid(
    "account.not_a_user_name",
    "用户名须为3至32个字符:以小写字母开头,只含小写字母、数字和 . _ - 。",
    "A user name has 3 to 32 characters: a small letter first, then small letters, digits, . _ and - only.",
);

text_type!(
    /// What a person types to log in.
    UserName,
    |text| {
        let text = text.trim();
        let fits = (3..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte));
        if fits { Ok(text.to_owned()) } else { Err((&NOT_A_USER_NAME).into()) }
    },
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9._-]{2,31}$", max_length = 32, example = "wang.fang")]
);

/// An account as those see it who keep accounts.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = account)]
pub struct Account {
    /// Identity, for ever.
    pub id: AccountId,
    /// What the person types to log in; never used again.
    pub user_name: UserName,
    /// Name of the person.
    pub name: Name,
    /// Where the account is kept: who may write accounts there may reset it.
    pub area_code: AreaCode,
    /// Rules for its password and log-in.
    pub profile: Profile,
    /// Whether a log-in needs a one-time code.
    #[diesel(select_expression = account::second_factor.is_not_null())]
    pub has_second_factor: bool,
    /// When the password was set.
    pub password_changed_at: Stamp,
    /// Whether another set the password, so that it must be changed at the next log-in.
    pub password_temporary: bool,
    /// No log-in before this instant, after too many failures.
    pub locked_until: Option<Stamp>,
    /// Since when it opens nothing; null while it does.
    pub disabled_at: Option<Stamp>,
    /// Rises with every change.
    pub version: i32,
    /// When it was made.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

/// An account to be made.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// What the person will type to log in.
    pub user_name: UserName,
    /// Name of the person.
    #[schema(example = "王芳")]
    pub name: Name,
    /// Where the account is kept.
    pub area_code: AreaCode,
    /// Rules for its password and log-in; those of the deployment unless said.
    pub profile: Option<Profile>,
}

/// A change of an account: what is left out stays.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = account)]
#[serde(deny_unknown_fields, default)]
pub struct AccountPatch {
    /// Name of the person.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "王芳芳")]
    pub name: Option<Name>,
    /// Where the account is kept.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub area_code: Option<AreaCode>,
    /// Rules for its password and log-in.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub profile: Option<Profile>,
    /// The version that is meant, unless `If-Match` says it.
    #[diesel(skip_update)]
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Why something is done to an account; kept in the journal.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Intervention {
    /// Why.
    #[schema(example = "调离岗位")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// What is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It opens nothing any more; its sessions end.
    Disable,
    /// It opens again what its roles permit.
    Enable,
    /// It may log in again after too many failures.
    Unlock,
    /// Its sessions end.
    EndSessions,
    /// It logs in without a one-time code, until the person sets one up again.
    ResetSecondFactor,
}

impl Act {
    fn told(self) -> &'static str {
        match self {
            Self::Disable => "account.disabled",
            Self::Enable => "account.enabled",
            Self::Unlock => "account.unlocked",
            Self::EndSessions => "account.sessions_ended",
            Self::ResetSecondFactor => "account.second_factor_reset",
        }
    }
}

/// Which accounts a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AccountFilter {
    /// Kept in this area or under it.
    pub area_code: Option<AreaCode>,
    /// With this user name.
    pub user_name: Option<UserName>,
    /// Whose name holds this text.
    pub name: Option<Name>,
}

/// May see accounts.
pub const READ: Permission = Permission("account.read");
/// May make, change, disable and reset accounts.
pub const WRITE: Permission = Permission("account.write");

/// No such account.
pub const UNKNOWN: Refusal = Refusal::not_found("account.unknown", "没有该账户,或它不在您的区域内。", "There is no such account, or it is not in your area.");
/// The user name has been used.
pub const USER_NAME_TAKEN: Refusal =
    Refusal::conflict("account.user_name_taken", "该用户名已被使用,请换一个。", "This user name has been used; take another one.");
/// Somebody with more rights than the actor could give.
pub const OUTRANKED: Refusal = Refusal::new(
    kernel::Kind::Forbidden,
    "account.outranked",
    "该账户担任您无权授予的角色 {role},须由有权授予该角色的人处理。",
    "The account holds the role {role}, which you may not give; leave it to somebody who may.",
);
/// One's own account.
pub const OWN: Refusal = Refusal::new(
    kernel::Kind::Forbidden,
    "account.own",
    "不能对自己的账户执行此操作,请由他人办理。",
    "You may not do this to your own account; let somebody else do it.",
);

const CONSTRAINTS: &[Constraint] = &[("account_user_name_key", &USER_NAME_TAKEN, "/user_name")];

impl Recorded for Account {
    const KIND: &'static str = "account";

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

/// Lists the accounts that are kept in the caller's area, by user name.
pub async fn list(view: &View<'_>, filter: &AccountFilter, paging: &Paging) -> Result<Page<Account>> {
    let scope = view.may(READ)?;
    let mut query = Account::query().filter(within!(scope, account::area_code)).into_boxed();
    if let Some(area) = &filter.area_code {
        query = query.filter(account::area_code.ge(area.clone()).and(account::area_code.lt(kernel::area::end_of(area))));
    }
    if let Some(user_name) = &filter.user_name {
        query = query.filter(account::user_name.eq(user_name));
    }
    if let Some(name) = &filter.name {
        query = query.filter(account::name.like(name.pattern()));
    }
    if let Some(after) = paging.after(filter)? {
        query = query.filter(account::user_name.gt(after.key));
    }
    let rows = query.order(account::user_name).limit(paging.fetch()).load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, filter, |row: &Account| Cursor { key: row.user_name.to_string(), id: row.id.0 })
}

/// The account with this id.
pub async fn get(view: &View<'_>, id: AccountId) -> Result<Account> {
    let scope = view.may(READ)?;
    let found = Account::query().filter(account::id.eq(id)).filter(within!(scope, account::area_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Makes an account whose password, the hash of which is given, must be changed at the first log-in.
pub async fn create(tx: &Tx<'_>, new: &NewAccount, profile: Profile, password_hash: &str) -> Result<Account> {
    tx.may_at(WRITE, new.area_code.as_str())?;
    let made = diesel::insert_into(account::table)
        .values((
            account::id.eq(AccountId::fresh()),
            account::user_name.eq(&new.user_name),
            account::name.eq(&new.name),
            account::area_code.eq(&new.area_code),
            account::profile.eq(new.profile.unwrap_or(profile)),
            account::password_hash.eq(password_hash),
            account::password_changed_at.eq(tx.now),
            account::password_temporary.eq(true),
        ))
        .returning(Account::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("account.created", None, &made, None)?;
    Ok(made)
}

/// Changes an account.
pub async fn update(tx: &Tx<'_>, id: AccountId, expected: Expected, patch: &AccountPatch) -> Result<Account> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    if let Some(area) = &patch.area_code {
        tx.may_at(WRITE, area.as_str())?;
    }
    let after = diesel::update(account::table.find(id))
        .set((patch, account::version.eq(before.version + 1), account::updated_at.eq(tx.now)))
        .returning(Account::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("account.changed", Some(&before), &after, None)?;
    Ok(after)
}

/// Does something to an account, for a reason.
pub async fn intervene(tx: &Tx<'_>, powers: &Powers, id: AccountId, expected: Expected, act: Act, reason: &Line) -> Result<Account> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    if before.id.0 == tx.actor.id && act != Act::EndSessions {
        return Err((&OWN).into());
    }
    crate::role_grant::outrank(tx, powers, before.id).await?;
    let row = diesel::update(account::table.find(id));
    let version = (account::version.eq(before.version + 1), account::updated_at.eq(tx.now));
    let unlocked = (account::failures.eq(0), account::locked_until.eq(None::<DateTime<Utc>>));
    let mut conn = tx.conn();
    let after: Account = match act {
        Act::Disable => {
            let since = before.disabled_at.map_or(tx.now, |since| since.0);
            row.set((account::disabled_at.eq(since), version)).returning(Account::as_returning()).get_result(&mut conn).await?
        }
        Act::Enable => {
            row.set((account::disabled_at.eq(None::<DateTime<Utc>>), unlocked, version)).returning(Account::as_returning()).get_result(&mut conn).await?
        }
        Act::Unlock => row.set((unlocked, version)).returning(Account::as_returning()).get_result(&mut conn).await?,
        Act::EndSessions => row.set(version).returning(Account::as_returning()).get_result(&mut conn).await?,
        Act::ResetSecondFactor => {
            let none = (account::second_factor.eq(None::<Vec<u8>>), account::second_factor_pending.eq(None::<Vec<u8>>));
            row.set((none, version)).returning(Account::as_returning()).get_result(&mut conn).await?
        }
    };
    match act {
        Act::Disable => session::end_all(tx, id, EndReason::AccountDisabled, None).await?,
        Act::EndSessions | Act::ResetSecondFactor => session::end_all(tx, id, EndReason::EndedByOther, None).await?,
        Act::Enable | Act::Unlock => (),
    }
    tx.record(act.told(), Some(&before), &after, Some(reason.as_str()))?;
    Ok(after)
}

/// Gives an account a temporary password, the hash of which is given; its sessions end.
pub async fn reset_password(tx: &Tx<'_>, powers: &Powers, id: AccountId, expected: Expected, password_hash: &str, reason: &Line) -> Result<Account> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    if before.id.0 == tx.actor.id {
        return Err((&OWN).into());
    }
    crate::role_grant::outrank(tx, powers, before.id).await?;
    let after = diesel::update(account::table.find(id))
        .set((
            account::password_hash.eq(password_hash),
            account::password_changed_at.eq(tx.now),
            account::password_temporary.eq(true),
            account::failures.eq(0),
            account::locked_until.eq(None::<DateTime<Utc>>),
            account::version.eq(before.version + 1),
            account::updated_at.eq(tx.now),
        ))
        .returning(Account::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    session::end_all(tx, id, EndReason::EndedByOther, None).await?;
    tx.record("account.password_reset", Some(&before), &after, Some(reason.as_str()))?;
    Ok(after)
}

/// The account, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: AccountId) -> Result<Account> {
    let scope = tx.scope(&[READ, WRITE]);
    let found = Account::query().filter(account::id.eq(id)).filter(within!(scope, account::area_code)).for_update().first(&mut tx.conn()).await.optional()?;
    let account: Account = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, account.area_code.as_str())?;
    Ok(account)
}
