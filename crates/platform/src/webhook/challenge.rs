//! The challenge: before anything is sent to an address, it must answer a signed letter with the token in it. So
//! nobody is sent events against his will, and a mistyped address is found at once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::cipher::FieldCipher;
use kernel::{Error, Expected, Kind, Refusal, Result, Stamp, View};
use rand::TryRng;
use rand::rngs::SysRng;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::courier::{Answer, Courier, Failure, Letter};
use super::{ENDED, WRITE, Webhook, WebhookId, WebhookState, get, secret};
use crate::event;

/// The receiver did not do its part.
pub const NOT_MET: Refusal = Refusal::new(
    Kind::Invalid,
    "webhook.challenge_not_met",
    "接收方未通过验证({failure}):它须在15秒内以2xx状态答复,正文为 data.token 的值,或含 token 一项的 JSON 对象。",
    "The receiver did not meet the challenge ({failure}): it must answer 2xx within 15 seconds with the value of data.token, bare or as the member token of a JSON object.",
);

/// Which version of a webhook is meant.
#[derive(Clone, Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookVersion {
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// A challenge that is about to be posed.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// The webhook as it is challenged.
    pub webhook: Webhook,
    letter: Letter,
    token: String,
}

/// Prepares a challenge for a caller who may write the webhook.
pub async fn prepare(view: &View<'_>, cipher: &FieldCipher, id: WebhookId, expected: Expected) -> Result<Challenge> {
    let webhook = get(view, id).await?;
    view.actor.may_at(WRITE, webhook.area_code.as_str())?;
    view.actor.may_at(event::READ, webhook.area_code.as_str())?;
    if webhook.state == WebhookState::Ended {
        return Err((&ENDED).into());
    }
    expected.check(webhook.version)?;
    let mut random = [0; 24];
    SysRng.try_fill_bytes(&mut random).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    let token = URL_SAFE_NO_PAD.encode(random);
    let letter_id = format!("challenge_{}", Uuid::now_v7().simple());
    let body = json!({
        "id": letter_id, "source": format!("urn:linli:{}", view.city), "specversion": "1.0", "type": "webhook.challenge", "time": Stamp(view.now),
        "subject": format!("webhook/{id}"), "datacontenttype": "application/json", "data": {"token": token},
    });
    let letter = Letter { url: webhook.url.to_string(), id: letter_id, body: body.to_string(), keys: secret::alive(view, cipher, id).await? };
    Ok(Challenge { webhook, letter, token })
}

impl Challenge {
    /// Poses the challenge; refused where it is not met.
    pub async fn pose(&self, courier: &Courier) -> Result<()> {
        let answer = courier.post(&self.letter).await?;
        match failure(&answer, &self.token) {
            None => Ok(()),
            Some(failure) => {
                let failure = answer.status.map_or_else(|| failure.word().to_owned(), |status| format!("{} {status}", failure.word()));
                Err(NOT_MET.with("failure", failure).into())
            }
        }
    }
}

/// Why an answer does not meet the challenge.
fn failure(answer: &Answer, token: &str) -> Option<Failure> {
    if answer.failure.is_some() {
        return answer.failure;
    }
    let bare = answer.body.trim_ascii() == token.as_bytes();
    let wrapped = || serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body.as_str().or(body.get("token").and_then(Value::as_str)) == Some(token));
    if bare || wrapped() { None } else { Some(Failure::NoEcho) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_an_echo() {
        let answer = |body: &str| Answer { status: Some(200), failure: None, body: body.as_bytes().to_vec(), took: std::time::Duration::ZERO };
        for good in ["t0ken", " t0ken\n", "\"t0ken\"", "{\"token\": \"t0ken\"}"] {
            assert_eq!(failure(&answer(good), "t0ken"), None, "{good}");
        }
        // Who throws back whatever comes has understood nothing.
        for bad in ["", "ok", "t0ken2", "{\"data\": {\"token\": \"t0ken\"}}", "{\"token\": 1}", "[\"t0ken\"]"] {
            assert_eq!(failure(&answer(bad), "t0ken"), Some(Failure::NoEcho), "{bad}");
        }
        let refused = Answer { status: Some(500), failure: Some(Failure::Status), ..answer("t0ken") };
        assert_eq!(failure(&refused, "t0ken"), Some(Failure::Status));
    }
}
