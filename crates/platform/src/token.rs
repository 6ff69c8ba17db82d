//! Access tokens: JWTs signed with EdDSA (RFC 9068), short-lived. They say who, not what he may: that is looked
//! up, so that the end of a role takes effect whatever the token says.

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use kernel::db::Store;
use kernel::{Call, Error, Kind, Refusal, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::signing_key::Keys;

/// How long an access token lives.
pub const LIFE: TimeDelta = TimeDelta::minutes(10);
/// Who issues them and whom they are for.
const LINLI: &str = "linli";
/// The type in their header.
const TYPE: &str = "at+jwt";

/// A token that is forged, malformed or over.
pub const BAD_TOKEN: Refusal = Refusal::new(
    Kind::Unauthenticated,
    "access.bad_token",
    "令牌无效或已过期;请用刷新令牌换取新的访问令牌,或重新登录。",
    "The token is not valid or has expired; renew it with the refresh token, or log in again.",
);

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Who: an account, or a client's API key.
    pub sub: Uuid,
    /// The session of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Uuid>,
    /// Of a client: the permissions that it asked for, where it wants fewer than its key permits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    iat: i64,
    exp: i64,
}

impl Claims {
    /// Of an account in a session.
    #[must_use]
    pub fn of_session(call: &Call, account: Uuid, session: Uuid) -> Self {
        Self { sid: Some(session), ..Self::of_client(call, account, None) }
    }

    /// Of a client.
    #[must_use]
    pub fn of_client(call: &Call, client: Uuid, scope: Option<String>) -> Self {
        let exp = (call.now + LIFE).timestamp();
        Self { iss: LINLI.to_owned(), aud: LINLI.to_owned(), sub: client, sid: None, scope, iat: call.now.timestamp(), exp }
    }

    /// The token.
    pub async fn sign(&self, keys: &Keys, store: &Store, call: &Call) -> Result<String> {
        let sign = |kid: &str, key: &_| {
            let header = Header { typ: Some(TYPE.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
            encode(&header, self, key)
        };
        keys.signing(store, call, sign).await?.map_err(|error| Error::Internal(format!("token: {error}")))
    }

    /// What a token says, if it is ours and not over.
    pub async fn read(token: &str, keys: &Keys, store: &Store, call: &Call) -> Result<Self> {
        let refused = || Error::from(&BAD_TOKEN);
        let header = decode_header(token).map_err(|_| refused())?;
        if header.typ.as_deref() != Some(TYPE) {
            return Err(refused());
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[LINLI]);
        validation.set_audience(&[LINLI]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The clock is an argument, so the term is checked below.
        validation.validate_exp = false;
        let read = keys.verifying(store, call, &header.kid.ok_or_else(refused)?, |key| decode::<Self>(token, key, &validation)).await?;
        let claims = read.ok_or_else(refused)?.map_err(|_| refused())?.claims;
        if call.now.timestamp() < claims.exp { Ok(claims) } else { Err(refused()) }
    }
}
