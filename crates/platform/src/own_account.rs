//! What a person does to his own account: a new password, a second factor, the end of his sessions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::db::Store;
use kernel::refusal::Refused;
use kernel::{Call, Fault, Prepare, Refusal, Result, View};
use schema::account;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::account::{Account, AccountId};
use crate::password::{Passwords, Profile, SAME};
use crate::session::{self, EndReason, SessionId};

/// The present password, once more.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reassurance {
    /// The present password.
    #[schema(min_length = 1, max_length = 200, format = Password, example = "Tq8#mZx2!kw")]
    #[validate(length(min = 1, max = 200))]
    pub password: String,
}

/// A new password.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present password.
    #[schema(min_length = 1, max_length = 200, format = Password, example = "Tq8#mZx2!kw")]
    #[validate(length(min = 1, max = 200))]
    pub password: String,
    /// The new one. What it must be like follows from the account's profile.
    #[schema(min_length = 1, max_length = 200, format = Password, example = "wR7-green-Kettle-92")]
    #[validate(length(min = 1, max = 200))]
    pub new_password: String,
}

/// The present password is another.
pub const WRONG_PASSWORD: Refusal = Refusal::invalid(
    "password.wrong",
    "现密码不正确;连续错误 5 次账户将被锁定。",
    "The present password is wrong; after 5 failures in a row the account is locked.",
);
/// The new password cannot be taken.
pub const REFUSED: Refusal = Refusal::invalid("password.refused", "新密码不符合要求,详见 errors。", "The new password cannot be taken; see errors.");

/// The account of the person himself.
pub async fn get(view: &View<'_>, id: AccountId) -> Result<Account> {
    Ok(Account::query().filter(account::id.eq(id)).first(&mut view.conn()).await?)
}

/// Makes sure that it is the person himself who asks, by his password. A wrong one counts as a failed log-in.
pub async fn reassure(store: &Store, call: &Call, passwords: &Passwords, id: AccountId, password: &str) -> Result<()> {
    let row = account::table.find(id).select((account::password_hash, account::locked_until));
    let (hash, locked): (String, Option<DateTime<Utc>>) = store.browse(call, async |view| Ok(row.first(&mut view.conn()).await?)).await?;
    let shut = locked.is_some_and(|until| call.now < until);
    if !passwords.check(password, Some(hash.as_str()).filter(|_| !shut)).await? {
        if !shut {
            store.write(call, "account.reassure", async |tx| session::count_failure(tx, id).await).await?;
        }
        return Err(WRONG_PASSWORD.at("/password").into());
    }
    Ok(())
}

/// Sets a new password; the person's other sessions end.
pub async fn change_password(
    store: &Store,
    call: &Call,
    passwords: &Passwords,
    (id, present): (AccountId, SessionId),
    change: &PasswordChange,
) -> Result<Account> {
    reassure(store, call, passwords, id, &change.password).await?;
    let account = store.browse(call, async |view| get(view, id).await).await?;
    let faults = faults(account.profile, &account, change);
    if !faults.is_empty() {
        return Err(Refused::from(&REFUSED).faults(faults).into());
    }
    let hash = passwords.hash(&change.new_password).await?;
    let set = store.write(call, "account.change_password", async |tx| {
        let before: Account = Account::query().filter(account::id.eq(id)).for_update().first(&mut tx.conn()).await?;
        let after = diesel::update(account::table.find(id))
            .set((
                account::password_hash.eq(&hash),
                account::password_changed_at.eq(tx.now),
                account::password_temporary.eq(false),
                account::version.eq(before.version + 1),
                account::updated_at.eq(tx.now),
            ))
            .returning(Account::as_returning())
            .prepared()
            .get_result(&mut tx.conn())
            .await?;
        session::end_all(tx, id, EndReason::PasswordChanged, Some(present)).await?;
        tx.record("account.password_changed", Some(&before), &after, None)?;
        Ok(after)
    });
    set.await
}

fn faults(profile: Profile, account: &Account, change: &PasswordChange) -> Vec<Fault> {
    let mut faults = profile.faults(&change.new_password, &[account.user_name.as_str(), account.name.as_str()]);
    if change.password == change.new_password {
        faults.push(Refused::from(&SAME).into_fault());
    }
    faults.into_iter().map(|fault| Fault { pointer: "/new_password".to_owned(), ..fault }).collect()
}
