//! `/v1/accounts`: 账户.

use actix_web::{get, patch, post};
use kernel::journal::{self, Change};
use platform::account::{self, Account, AccountFilter, AccountId, AccountPatch, Act, Intervention, NewAccount};
use platform::password;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::query::{Id, IfMatch, PageParams, Query};
use crate::reply::{CreatedOnce, List, One, Reply, Shown, WriteReply};

/// An account, with a password that is shown once.
#[derive(Serialize, ToSchema)]
pub struct AccountWithPassword {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// Its temporary password, to be handed over to the person and changed at the first log-in.
    #[schema(example = "hT3kw-mPq4R-vVx5n-bWc2j")]
    pub temporary_password: String,
}

/// List accounts · 列出账户
#[utoipa::path(tag = "access", params(AccountFilter, PageParams), security(("Bearer" = ["account.read"])))]
#[get("/accounts")]
async fn list_accounts(caller: Caller, filter: Query<AccountFilter>) -> Reply<List<Account>> {
    caller.page(None, async |view, paging| account::list(view, &filter, paging).await).await
}

/// Get an account · 读取账户
#[utoipa::path(tag = "access", security(("Bearer" = ["account.read"])))]
#[get("/accounts/{id}")]
async fn get_account(caller: Caller, id: Id<AccountId>) -> Reply<One<Account>> {
    caller.read(async |view| account::get(view, *id).await.map(One)).await
}

/// Create an account · 建立账户
///
/// The answer holds a temporary password; it is shown this once. The account opens nothing until it holds a role.
#[utoipa::path(tag = "access", security(("Bearer" = ["account.write"])))]
#[post("/accounts")]
async fn create_account(caller: Caller, new: Json<NewAccount>) -> WriteReply<CreatedOnce<Account, AccountWithPassword>> {
    caller.call().actor.may(account::WRITE)?;
    let temporary_password = password::temporary()?;
    let hash = caller.services().passwords.hash(&temporary_password).await?;
    let profile = caller.services().profile;
    let made = caller.write("account.create", async |tx| {
        let object = account::create(tx, &new, profile, &hash).await?;
        Ok(CreatedOnce { shown: AccountWithPassword { account: object.clone(), temporary_password: temporary_password.clone() }, object })
    });
    made.await
}

/// Change an account · 更改账户
#[utoipa::path(tag = "access", security(("Bearer" = ["account.write"])))]
#[patch("/accounts/{id}")]
async fn update_account(caller: Caller, id: Id<AccountId>, version: IfMatch, patch: Json<AccountPatch>) -> WriteReply<One<Account>> {
    caller.write("account.update", async |tx| account::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

async fn intervene(caller: &Caller, id: AccountId, version: &IfMatch, act: Act, why: &Intervention) -> WriteReply<One<Account>> {
    let powers = &caller.services().powers;
    caller.write("account.intervene", async |tx| account::intervene(tx, powers, id, version.or(why.version)?, act, &why.reason).await.map(One)).await
}

/// Disable an account · 停用账户
///
/// It opens nothing any more, on any replica, within a second; its sessions end.
#[utoipa::path(tag = "access", security(("Bearer" = ["account.write"])))]
#[post("/accounts/{id}/disable")]
async fn disable_account(caller: Caller, id: Id<AccountId>, version: IfMatch, why: Json<Intervention>) -> WriteReply<One<Account>> {
    intervene(&caller, *id, &version, Act::Disable, &why).await
}

/// Enable an account again · 恢复账户
#[utoipa::path(tag = "access", security(("Bearer" = ["account.write"])))]
#[post("/accounts/{id}/enable")]
async fn enable_account(caller: Caller, id: Id<AccountId>, version: IfMatch, why: Json<Intervention>) -> WriteReply<One<Account>> {
    intervene(&caller, *id, &version, Act::Enable, &why).await
}

/// Unlock an account · 解锁账户
///
/// After too many failed log-ins; it also unlocks by itself after a quarter of an hour.
#[utoipa::path(tag = "access", security(("Bearer" = ["account.write"])))]
#[post("/accounts/{id}/unlock")]
async fn unlock_account(caller: Caller, id: Id<AccountId>, version: IfMatch, why: Json<Intervention>) -> WriteReply<One<Account>> {
    intervene(&caller, *id, &version, Act::Unlock, &why).await
}

/// End all sessions of an account · 终止账户的全部会话
#[utoipa::path(tag = "access", security(("Bearer" = ["account.write"])))]
#[post("/accounts/{id}/end-sessions")]
async fn end_account_sessions(caller: Caller, id: Id<AccountId>, version: IfMatch, why: Json<Intervention>) -> WriteReply<One<Account>> {
    intervene(&caller, *id, &version, Act::EndSessions, &why).await
}

/// Take the second factor off an account · 重置第二因素
///
/// For a person who has lost his phone: he logs in by password alone, once, and sets up another.
#[utoipa::path(tag = "access", security(("Bearer" = ["account.write"])))]
#[post("/accounts/{id}/reset-second-factor")]
async fn reset_second_factor(caller: Caller, id: Id<AccountId>, version: IfMatch, why: Json<Intervention>) -> WriteReply<One<Account>> {
    intervene(&caller, *id, &version, Act::ResetSecondFactor, &why).await
}

/// Give an account a temporary password · 重置密码
///
/// The answer holds it; it is shown this once. The account's sessions end.
#[utoipa::path(tag = "access", security(("Bearer" = ["account.write"])))]
#[post("/accounts/{id}/reset-password")]
async fn reset_account_password(caller: Caller, id: Id<AccountId>, version: IfMatch, why: Json<Intervention>) -> WriteReply<Shown<AccountWithPassword>> {
    caller.call().actor.may(account::WRITE)?;
    let temporary_password = password::temporary()?;
    let hash = caller.services().passwords.hash(&temporary_password).await?;
    let powers = &caller.services().powers;
    let reset = caller.write("account.reset_password", async |tx| {
        let account = account::reset_password(tx, powers, *id, version.or(why.version)?, &hash, &why.reason).await?;
        Ok(Shown(AccountWithPassword { account, temporary_password: temporary_password.clone() }))
    });
    reset.await
}

/// List the changes of an account · 列出账户的变更
#[utoipa::path(tag = "access", params(PageParams), security(("Bearer" = ["account.read"])))]
#[get("/accounts/{id}/history")]
async fn list_account_history(caller: Caller, id: Id<AccountId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            account::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_accounts)
        .service(get_account)
        .service(create_account)
        .service(update_account)
        .service(disable_account)
        .service(enable_account)
        .service(unlock_account)
        .service(end_account_sessions)
        .service(reset_second_factor)
        .service(reset_account_password)
        .service(list_account_history);
}
