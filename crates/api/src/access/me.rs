//! `/v1/me`: what somebody sees of himself, and does to his own account.

use actix_web::{get, post};
use kernel::{AreaCode, Role};
use platform::account::Account;
use platform::own_account::{self, PasswordChange, Reassurance};
use platform::second_factor::{self, CodeConfirmation, SecondFactorSecret};
use platform::session::{self, Duty, EndReason, Session, SessionId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::body::Json;
use crate::caller::{Caller, Person};
use crate::query::Id;
use crate::reply::{Done, Reply, Shown, WriteReply};

/// Who calls.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Identity, as the journal names it.
    pub id: Uuid,
    /// Name, as the journal keeps it.
    pub name: String,
    /// The account, of a person who has logged in; null of a client with a key.
    pub account: Option<Account>,
    /// The session of such a person.
    pub session_id: Option<SessionId>,
    /// What he must do before the session opens anything else.
    #[schema(max_items = 10)]
    pub duties: Vec<Duty>,
}

/// What the caller may do in some places.
#[derive(Serialize, ToSchema)]
pub struct MyGrant {
    /// The role that it comes from; null of a key.
    pub role: Option<Role>,
    /// The permissions; `*` stands for all.
    #[schema(max_items = 500)]
    pub permissions: Vec<String>,
    /// Where: these areas and all below them.
    #[schema(max_items = 500)]
    pub area_codes: Vec<AreaCode>,
}

/// What the caller may do now.
#[derive(Serialize, ToSchema)]
pub struct MyPermissions {
    /// A grant a role.
    #[schema(max_items = 500)]
    pub grants: Vec<MyGrant>,
}

/// The sessions of the caller.
#[derive(Serialize, ToSchema)]
pub struct MySessions {
    /// Those that are not over, the latest first.
    #[schema(max_items = 200)]
    pub items: Vec<Session>,
}

/// A session that is over.
#[derive(Serialize, ToSchema)]
pub struct EndedSession {
    /// Which.
    pub session_id: SessionId,
}

/// Tell who calls · 我是谁
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[get("/me")]
async fn get_me(caller: Caller) -> Reply<Done<Me>> {
    let person = caller.identity().person.as_ref();
    let account = match person {
        Some(person) => Some(caller.read(async |view| own_account::get(view, person.account).await).await?),
        None => None,
    };
    let actor = &caller.call().actor;
    let duties = person.map(|person| person.duties.clone()).unwrap_or_default();
    Ok(Done(Me { id: actor.id, name: actor.name.clone(), account, session_id: person.map(|person| person.session), duties }))
}

/// Tell what the caller may do · 我的权限
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[get("/me/permissions")]
async fn get_my_permissions(caller: Caller) -> Reply<Done<MyPermissions>> {
    let grants = caller.call().actor.grants().iter().map(|grant| MyGrant {
        role: grant.role,
        permissions: grant.permissions.iter().map(ToString::to_string).collect(),
        area_codes: grant.scope.areas().to_vec(),
    });
    Ok(Done(MyPermissions { grants: grants.collect() }))
}

/// List one's own sessions · 我的会话
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[get("/me/sessions")]
async fn list_my_sessions(person: Person) -> Reply<Done<MySessions>> {
    let items = person.caller.browse(async |view| session::list(view, person.account).await).await?;
    Ok(Done(MySessions { items }))
}

/// End one of one's own sessions · 终止自己的会话
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[post("/me/sessions/{id}/end")]
async fn end_my_session(person: Person, id: Id<SessionId>) -> WriteReply<Done<EndedSession>> {
    end(&person, *id, EndReason::EndedByOther).await
}

/// Log out · 退出登录
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[post("/me/log-out")]
async fn log_out(person: Person) -> WriteReply<Done<EndedSession>> {
    end(&person, person.session, EndReason::LoggedOut).await
}

async fn end(person: &Person, session_id: SessionId, reason: EndReason) -> WriteReply<Done<EndedSession>> {
    let end = person.caller.write("session.end", async |tx| {
        session::end(tx, person.account, session_id, reason).await?;
        Ok(Done(EndedSession { session_id }))
    });
    end.await
}

/// Change one's own password · 修改自己的密码
///
/// All other sessions end.
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[post("/me/password")]
async fn change_my_password(person: Person, change: Json<PasswordChange>) -> Reply<Shown<Account>> {
    let services = person.caller.services();
    let own = (person.account, person.session);
    Ok(Shown(own_account::change_password(&services.db, person.caller.call(), &services.passwords, own, &change).await?))
}

/// Ask for a second factor · 申请第二因素
///
/// The answer holds the secret for an authenticator app; it is shown this once, and counts once a code confirms it.
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[post("/me/second-factor")]
async fn begin_second_factor(person: Person, reassurance: Json<Reassurance>) -> WriteReply<Shown<SecondFactorSecret>> {
    let services = person.caller.services();
    own_account::reassure(&services.db, person.caller.call(), &services.passwords, person.account, &reassurance.password).await?;
    let begin = async |tx: &kernel::Tx<'_>| second_factor::begin(tx, &services.cipher, person.account).await.map(Shown);
    person.caller.write("second_factor.begin", begin).await
}

/// Confirm the second factor · 确认第二因素
#[utoipa::path(tag = "access", security(("Bearer" = [])))]
#[post("/me/second-factor/confirm")]
async fn confirm_second_factor(person: Person, confirmation: Json<CodeConfirmation>) -> WriteReply<Shown<Account>> {
    let cipher = &person.caller.services().cipher;
    let confirm = async |tx: &kernel::Tx<'_>| second_factor::confirm(tx, cipher, person.account, &confirmation.code).await.map(Shown);
    person.caller.write("second_factor.confirm", confirm).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(get_me)
        .service(get_my_permissions)
        .service(list_my_sessions)
        .service(end_my_session)
        .service(log_out)
        .service(change_my_password)
        .service(begin_second_factor)
        .service(confirm_second_factor);
}
