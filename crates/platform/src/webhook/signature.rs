//! Signatures of Standard Webhooks: HMAC-SHA256 over id, time and body, by each key that is alive.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::{Error, Result};
use sha2::Sha256;

/// What every secret begins with, so that a leaked one is found by those who scan for it.
const PREFIX: &str = "whsec_";

/// A key as its holder keeps it.
#[must_use]
pub fn shown(key: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key))
}

/// The header `webhook-signature`: a signature by each key, separated by blanks.
pub fn sign(keys: &[Vec<u8>], id: &str, timestamp: i64, body: &str) -> Result<String> {
    let one = |key: &Vec<u8>| {
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| Error::Internal(error.to_string()))?;
        let tag = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body).finalize().into_bytes();
        Ok(format!("v1,{}", STANDARD.encode(tag)))
    };
    Ok(keys.iter().map(one).collect::<Result<Vec<_>>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_comes_out() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let sign = |keys: &[Vec<u8>]| sign(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(shown(&key), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(sign(std::slice::from_ref(&key)), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(sign(&[key, vec![7; 32]]).split(' ').count(), 2);
    }
}
