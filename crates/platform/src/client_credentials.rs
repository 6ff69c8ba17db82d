//! OAuth 2 client credentials (RFC 6749 §4.4) for city systems: an API key is a client, its id is the client's id
//! and the key itself its secret. The access token that comes of it lives ten minutes.

use kernel::db::Store;
use kernel::{Call, Kind, Refusal, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::api_key;
use crate::signing_key::Keys;
use crate::token::{Claims, LIFE};

/// What a client asks for, as RFC 6749 has it.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// `client_credentials`.
    #[schema(max_length = 40, pattern = "^client_credentials$", example = "client_credentials")]
    pub grant_type: String,
    /// The client's id: that of its API key. May stand in a Basic header instead.
    #[schema(max_length = 64, pattern = "^[!-~]*$", example = "019a0b2c-0000-7000-8000-000000000000")]
    pub client_id: Option<String>,
    /// The client's secret: the API key itself. May stand in a Basic header instead.
    #[schema(max_length = 200, format = Password)]
    pub client_secret: Option<String>,
    /// Permissions, separated by blanks, where the client wants fewer than its key permits.
    #[schema(max_length = 2000, pattern = "^[ -~]*$", example = "grid.read household.read")]
    pub scope: Option<String>,
}

/// An access token of a client.
#[derive(Serialize, ToSchema)]
pub struct ClientToken {
    /// The token: `Authorization: Bearer …`.
    pub access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds that it lives.
    #[schema(minimum = 1, maximum = 86400)]
    pub expires_in: i64,
    /// What it permits, where the client asked for less than its key does.
    pub scope: Option<String>,
}

/// Another kind of grant.
pub const UNSUPPORTED_GRANT: Refusal =
    Refusal::new(Kind::Malformed, "oauth.unsupported_grant_type", "grant_type 须为 client_credentials。", "The grant_type must be client_credentials.");
/// Id and secret do not belong together.
pub const BAD_CLIENT: Refusal = Refusal::new(
    Kind::Unauthenticated,
    "oauth.invalid_client",
    "client_id 或 client_secret 不正确,或密钥已过期、已撤销。",
    "client_id or client_secret is wrong, or the key has expired or was revoked.",
);
/// A permission that the key does not have.
pub const BAD_SCOPE: Refusal =
    Refusal::new(Kind::Malformed, "oauth.invalid_scope", "密钥没有权限 {permission}。", "The key does not have the permission {permission}.");

/// Gives a client its token.
pub async fn grant(store: &Store, call: &Call, keys: &Keys, request: &TokenRequest) -> Result<ClientToken> {
    if request.grant_type != "client_credentials" {
        return Err(UNSUPPORTED_GRANT.at("grant_type").into());
    }
    let secret = request.client_secret.as_deref().unwrap_or_default();
    let key = match store.browse(call, async |view| api_key::find(view, secret).await).await {
        Ok(key) if request.client_id.as_deref() == Some(key.id.to_string().as_str()) => key,
        Ok(_) => return Err((&BAD_CLIENT).into()),
        Err(error) if error.code() == Some(api_key::BAD_KEY.code) => return Err((&BAD_CLIENT).into()),
        Err(error) => return Err(error),
    };
    let whole = key.grant();
    let scope = request.scope.as_deref().map(|scope| scope.split_ascii_whitespace().collect::<Vec<_>>().join(" ")).filter(|scope| !scope.is_empty());
    if let Some(beyond) = scope.iter().flat_map(|scope| scope.split(' ')).find(|name| !whole.has(name)) {
        return Err(BAD_SCOPE.at("scope").with("permission", beyond).into());
    }
    let access_token = Claims::of_client(call, key.id.0, scope.clone()).sign(keys, store, call).await?;
    Ok(ClientToken { access_token, token_type: "Bearer", expires_in: LIFE.num_seconds(), scope })
}
