//! Sealing what must come back in clear and must not lie in clear: secrets, and personal data.
//!
//! AES-256-GCM under the deployment's own key (`SECRET_KEY`). What is sealed names its key, so that keys can be
//! exchanged one after the other, and is bound to its purpose, so that it cannot be moved to another column.

use aes_gcm::aead::{Aead, Generate, Nonce, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::refusal::{Error, Result};

/// First byte of what is sealed: the form of the rest.
const FORM: u8 = 1;
/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;

/// The deployment's keys: the first seals, all of them open.
#[derive(Clone)]
pub struct Cipher(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: [u8; ID_BYTES],
    cipher: Aes256Gcm,
}

impl Key {
    fn read(text: &str) -> Result<Self> {
        let broken = || Error::Internal("SECRET_KEY must be 32 bytes in base64; `linli secret` makes one".to_owned());
        let bytes = STANDARD.decode(text.trim()).map_err(|_| broken())?;
        let cipher = Aes256Gcm::new_from_slice(&bytes).map_err(|_| broken())?;
        let digest = Sha256::digest(&bytes);
        let id = digest.first_chunk().copied().ok_or_else(broken)?;
        Ok(Self { id, cipher })
    }
}

impl Cipher {
    /// Keys in base64, the present one first, former ones after it.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        keys.into_iter().map(Key::read).collect::<Result<_>>().map(Self)
    }

    /// Seals bytes for a purpose, such as `account.second_factor`.
    pub fn seal(&self, purpose: &str, clear: &[u8]) -> Result<Vec<u8>> {
        let key = self.0.first().ok_or_else(|| Error::Internal("no key to seal with".to_owned()))?;
        let nonce = Nonce::<Aes256Gcm>::try_generate().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        let payload = Payload { msg: clear, aad: purpose.as_bytes() };
        let sealed = key.cipher.encrypt(&nonce, payload).map_err(|_| Error::Internal("cannot seal".to_owned()))?;
        Ok([&[FORM], key.id.as_slice(), nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the same purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let broken = |why: &str| Error::Internal(format!("cannot open {purpose}: {why}"));
        let (form, rest) = sealed.split_first().ok_or_else(|| broken("it is empty"))?;
        let (id, rest) = rest.split_at_checked(ID_BYTES).filter(|_| *form == FORM).ok_or_else(|| broken("it has another form"))?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).ok_or_else(|| broken("it is too short"))?;
        let key = self.0.iter().find(|key| key.id == id).ok_or_else(|| broken("its key is neither SECRET_KEY nor among FORMER_SECRET_KEYS"))?;
        let nonce = Nonce::<Aes256Gcm>::try_from(nonce).map_err(|_| broken("it is too short"))?;
        key.cipher.decrypt(&nonce, Payload { msg: sealed, aad: purpose.as_bytes() }).map_err(|_| broken("it was changed, or sealed for another purpose"))
    }
}

const _: () = assert!(size_of::<Nonce<Aes256Gcm>>() == NONCE_BYTES);

/// A new key in base64.
pub fn fresh_key() -> Result<String> {
    let key = <[u8; KEY_BYTES]>::try_generate().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    Ok(STANDARD.encode(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_its_key_and_for_its_purpose_alone() {
        let (old, new) = (fresh_key().unwrap(), fresh_key().unwrap());
        let sealed = Cipher::new([old.as_str()]).unwrap().seal("a", b"clear").unwrap();
        let both = Cipher::new([new.as_str(), &old]).unwrap();
        assert_eq!(both.open("a", &sealed).unwrap(), b"clear");
        assert_ne!(both.seal("a", b"clear").unwrap(), both.seal("a", b"clear").unwrap(), "a nonce is used once");
        assert!(both.open("b", &sealed).is_err(), "another purpose");
        assert!(Cipher::new([new.as_str()]).unwrap().open("a", &sealed).is_err(), "another key");
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(both.open("a", &changed).is_err() && both.open("a", &sealed[..20]).is_err() && both.open("a", b"").is_err());
        assert!(Cipher::new(["c2hvcnQ="]).is_err());
    }
}
