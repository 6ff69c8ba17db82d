//! `/v1/sessions` and the public keys: how a person becomes a caller (登录).

use actix_web::{get, post};
use platform::session::{self, Duty, LogIn, Opened, SessionId};
use platform::signing_key::JwkSet;
use platform::token::{Claims, LIFE};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use validator::Validate;

use crate::body::Json;
use crate::caller::Visitor;
use crate::reply::{Done, Reply, Shown};

/// What renews a session.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// The refresh token; it is good once.
    #[schema(min_length = 1, max_length = 100, pattern = "^[!-~]+$", example = "lr_u5Jq0hVn3xT2bWc8")]
    #[validate(length(min = 1, max = 100))]
    pub refresh_token: String,
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub struct SessionTokens {
    /// The session.
    pub session_id: SessionId,
    /// The access token: `Authorization: Bearer …`.
    pub access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds that the access token lives.
    #[schema(minimum = 1, maximum = 86400)]
    pub expires_in: i64,
    /// What renews the session, once: keep the newest, and never send one twice.
    pub refresh_token: String,
    /// When the session is over, however busy.
    pub session_expires_at: kernel::Stamp,
    /// What must be done before the session opens anything but `/v1/me`.
    #[schema(max_items = 10)]
    pub duties: Vec<Duty>,
}

async fn tokens(visitor: &Visitor, opened: Opened) -> Reply<Shown<SessionTokens>> {
    let services = visitor.services();
    let claims = Claims::of_session(visitor.call(), opened.account.0, opened.session.0);
    Ok(Shown(SessionTokens {
        session_id: opened.session,
        access_token: claims.sign(&services.keys, &services.db, visitor.call()).await?,
        token_type: "Bearer",
        expires_in: LIFE.num_seconds(),
        refresh_token: opened.refresh_token,
        session_expires_at: opened.expires_at,
        duties: opened.duties,
    }))
}

/// Log in · 登录
///
/// By user name, password and, where the account has a second factor, the one-time code.
#[utoipa::path(tag = "access", security(()))]
#[post("/sessions")]
async fn log_in(visitor: Visitor, log_in: Json<LogIn>) -> Reply<Shown<SessionTokens>> {
    let services = visitor.services();
    let opened = session::log_in(&services.db, visitor.call(), &services.passwords, &services.cipher, &log_in).await?;
    tokens(&visitor, opened).await
}

/// Renew a session · 续期会话
///
/// The refresh token is good once: the answer holds the next one. One that comes again ends the session.
#[utoipa::path(tag = "access", security(()))]
#[post("/sessions/renew")]
async fn renew_session(visitor: Visitor, renewal: Json<Renewal>) -> Reply<Shown<SessionTokens>> {
    let opened = session::renew(&visitor.services().db, visitor.call(), &renewal.refresh_token).await?;
    tokens(&visitor, opened).await
}

/// Get the public keys of access tokens · 读取令牌公钥
#[utoipa::path(tag = "access", security(()))]
#[get("/.well-known/jwks.json")]
pub async fn get_jwks(visitor: Visitor) -> Reply<Done<JwkSet>> {
    let services = visitor.services();
    Ok(Done(services.keys.public(&services.db, visitor.call()).await?))
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(log_in).service(renew_session);
}
