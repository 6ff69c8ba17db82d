//! `/v1/oauth/token`: how a machine becomes a caller by OAuth 2 (客户端凭证).

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Kind, Refusal};
use platform::client_credentials::{self, ClientToken, TokenRequest};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body;
use crate::caller::Visitor;
use crate::problem::Problem;
use crate::reply::{Reply, Shown};

/// Not the form that RFC 6749 wants.
pub const INVALID_REQUEST: Refusal = Refusal::new(
    Kind::Malformed,
    "oauth.invalid_request",
    "请求体须为 application/x-www-form-urlencoded,含 grant_type、client_id、client_secret,可含 scope,每项一次。",
    "The body must be application/x-www-form-urlencoded with grant_type, client_id, client_secret and perhaps scope, each once.",
);

/// Get a client's access token (OAuth 2) · 换取客户端访问令牌
///
/// Client credentials, RFC 6749 §4.4: the client's id is that of its API key, its secret the key itself, in the
/// form or in a Basic header.
#[utoipa::path(tag = "access", security(()), request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"))]
#[post("/oauth/token")]
async fn get_client_token(visitor: Visitor, request: ClientForm) -> Reply<Shown<ClientToken>> {
    let services = visitor.services();
    Ok(Shown(client_credentials::grant(&services.db, visitor.call(), &services.keys, &request.0).await?))
}

/// The form, with what a Basic header says of the client.
pub struct ClientForm(TokenRequest);

impl FromRequest for ClientForm {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
                return Err((&INVALID_REQUEST).into());
            }
            let bytes = body::read(&request, payload).await?;
            let form: TokenRequest = serde_urlencoded::from_bytes(&bytes).map_err(|_| Problem::from(&INVALID_REQUEST))?;
            Ok(Self(match basic(&request) {
                Some((id, secret)) => TokenRequest { client_id: Some(id), client_secret: Some(secret), ..form },
                None => form,
            }))
        })
    }
}

/// Id and secret of a Basic header.
fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let (scheme, text) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let text = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(text.trim()).ok())??;
    let (id, secret) = std::str::from_utf8(&text).ok()?.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(get_client_token);
}
