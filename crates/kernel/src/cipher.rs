//! Sealing what must come back in clear and must not lie in clear: secrets, and personal data.
//!
//! One cipher for all of it, under the deployment's own keys (`SECRET_KEY`): AES-256-GCM, or SM4-GCM (GB/T 32907 in the mode
//! of RFC 8998) where `FIELD_CIPHER` says so. What is sealed names its algorithm and its key, so that both can be
//! exchanged, and is bound to its purpose, so that it cannot be moved to another column.

use std::sync::Arc;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, Generate, Nonce, Payload};
use aes_gcm::{Aes256Gcm, AesGcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sm4::Sm4;

use crate::refusal::{Error, Result};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes with which a sealed value begins: its algorithm, and the id of its key.
pub const MARK_BYTES: usize = 1 + ID_BYTES;
const ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;
/// Bytes of a key of SM4.
const SM4_KEY_BYTES: usize = 16;

/// SM4 in Galois/Counter Mode with the nonce and the tag of RFC 8998.
type Sm4Gcm = AesGcm<Sm4, U12>;

/// With what is sealed from now on; all of them open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// AES-256-GCM (NIST SP 800-38D).
    #[default]
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// SM4-GCM, for deployments that need national cryptography (国密).
    #[serde(rename = "sm4-gcm")]
    Sm4Gcm,
}

impl Algorithm {
    /// The first byte of what it sealed.
    const fn mark(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::Sm4Gcm => 2,
        }
    }

    fn of(mark: u8) -> Option<Self> {
        [Self::Aes256Gcm, Self::Sm4Gcm].into_iter().find(|algorithm| algorithm.mark() == mark)
    }
}

/// The deployment's keys: the first seals, all of them open.
#[derive(Clone)]
pub struct FieldCipher(Arc<Keys>);

struct Keys {
    algorithm: Algorithm,
    present: Key,
    former: Vec<Key>,
}

struct Key {
    id: [u8; ID_BYTES],
    aes: Aes256Gcm,
    sm4: Sm4Gcm,
}

impl Key {
    fn read(text: &str) -> Result<Self> {
        let broken = || Error::Internal("SECRET_KEY must be 32 bytes in base64; `linli secret` makes one".to_owned());
        let bytes = STANDARD.decode(text.trim()).map_err(|_| broken())?;
        let aes = Aes256Gcm::new_from_slice(&bytes).map_err(|_| broken())?;
        // SM4 takes half as many bytes, and no two algorithms should share a key.
        let mut half = [0; SM4_KEY_BYTES];
        Hkdf::<Sha256>::new(None, &bytes).expand(b"linli sm4-gcm", &mut half).map_err(|_| broken())?;
        let sm4 = Sm4Gcm::new_from_slice(&half).map_err(|_| broken())?;
        let id = Sha256::digest(&bytes).first_chunk().copied().ok_or_else(broken)?;
        Ok(Self { id, aes, sm4 })
    }
}

impl FieldCipher {
    /// Keys in base64: the present one, which seals by this algorithm, and former ones.
    pub fn new<'a>(algorithm: Algorithm, present: &str, former: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let former = former.into_iter().map(Key::read).collect::<Result<_>>()?;
        Ok(Self(Arc::new(Keys { algorithm, present: Key::read(present)?, former })))
    }

    /// How everything begins that is sealed from now on; what begins otherwise is to be sealed anew.
    #[must_use]
    pub fn mark(&self) -> Vec<u8> {
        [&[self.0.algorithm.mark()], self.0.present.id.as_slice()].concat()
    }

    /// Seals bytes for a purpose, such as `account.second_factor`.
    pub fn seal(&self, purpose: &str, clear: &[u8]) -> Result<Vec<u8>> {
        let nonce = <[u8; NONCE_BYTES]>::try_generate().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        let payload = Payload { msg: clear, aad: purpose.as_bytes() };
        let key = &self.0.present;
        let sealed = match self.0.algorithm {
            Algorithm::Aes256Gcm => key.aes.encrypt(&Nonce::<Aes256Gcm>::from(nonce), payload),
            Algorithm::Sm4Gcm => key.sm4.encrypt(&Nonce::<Sm4Gcm>::from(nonce), payload),
        };
        let sealed = sealed.map_err(|_| Error::Internal("cannot seal".to_owned()))?;
        Ok([&self.mark(), nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the same purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let broken = |why: &str| Error::Internal(format!("cannot open {purpose}: {why}"));
        let (mark, rest) = sealed.split_first().ok_or_else(|| broken("it is empty"))?;
        let algorithm = Algorithm::of(*mark).ok_or_else(|| broken("its algorithm is not known"))?;
        let (id, rest) = rest.split_first_chunk::<ID_BYTES>().ok_or_else(|| broken("it is too short"))?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| broken("it is too short"))?;
        let mut keys = std::iter::once(&self.0.present).chain(&self.0.former);
        let key = keys.find(|key| key.id == *id).ok_or_else(|| broken("its key is neither SECRET_KEY nor among FORMER_SECRET_KEYS"))?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        let clear = match algorithm {
            Algorithm::Aes256Gcm => key.aes.decrypt(&Nonce::<Aes256Gcm>::from(*nonce), payload),
            Algorithm::Sm4Gcm => key.sm4.decrypt(&Nonce::<Sm4Gcm>::from(*nonce), payload),
        };
        clear.map_err(|_| broken("it was changed, or sealed for another purpose"))
    }
}

/// A new key in base64.
pub fn fresh_key() -> Result<String> {
    Ok(STANDARD.encode(fresh_bytes()?))
}

/// Random bytes for a key.
pub fn fresh_bytes() -> Result<[u8; KEY_BYTES]> {
    <[u8; KEY_BYTES]>::try_generate().map_err(|error| Error::Internal(format!("no randomness: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Algorithm; 2] = [Algorithm::Aes256Gcm, Algorithm::Sm4Gcm];

    #[test]
    fn what_is_sealed_opens_under_its_key_and_for_its_purpose_alone() {
        for algorithm in BOTH {
            let (old, new) = (fresh_key().unwrap(), fresh_key().unwrap());
            let sealed = FieldCipher::new(algorithm, &old, []).unwrap().seal("a", b"clear").unwrap();
            let both = FieldCipher::new(algorithm, &new, [old.as_str()]).unwrap();
            assert_eq!(both.open("a", &sealed).unwrap(), b"clear");
            assert_ne!(both.seal("a", b"clear").unwrap(), both.seal("a", b"clear").unwrap(), "a nonce is used once");
            assert!(both.open("b", &sealed).is_err(), "another purpose");
            assert!(FieldCipher::new(algorithm, &new, []).unwrap().open("a", &sealed).is_err(), "another key");
            let mut changed = sealed.clone();
            *changed.last_mut().unwrap() ^= 1;
            assert!(both.open("a", &changed).is_err() && both.open("a", &sealed[..20]).is_err() && both.open("a", b"").is_err());
        }
        assert!(FieldCipher::new(Algorithm::Sm4Gcm, "c2hvcnQ=", []).is_err());
    }

    #[test]
    fn what_one_algorithm_sealed_opens_where_the_other_seals() {
        let key = fresh_key().unwrap();
        let [aes, sm4] = BOTH.map(|algorithm| FieldCipher::new(algorithm, &key, []).unwrap());
        let (by_aes, by_sm4) = (aes.seal("a", b"clear").unwrap(), sm4.seal("a", b"clear").unwrap());
        assert_eq!((by_aes[0], by_sm4[0]), (1, 2));
        assert_eq!((sm4.open("a", &by_aes).unwrap(), aes.open("a", &by_sm4).unwrap()), (b"clear".to_vec(), b"clear".to_vec()));
        assert!(by_sm4.starts_with(&sm4.mark()) && !by_sm4.starts_with(&aes.mark()));
        let mut mixed = by_sm4;
        mixed[0] = 1;
        assert!(aes.open("a", &mixed).is_err(), "the algorithm is part of what is checked");
    }

    /// RFC 8998, appendix A.1.
    #[test]
    fn sm4_gcm_is_that_of_the_standard() {
        let bytes = |hex: &str| (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect::<Vec<_>>();
        let cipher = Sm4Gcm::new_from_slice(&bytes("0123456789ABCDEFFEDCBA9876543210")).unwrap();
        let nonce = Nonce::<Sm4Gcm>::try_from(bytes("00001234567800000000ABCD").as_slice()).unwrap();
        let clear = bytes("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDDEEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA");
        let aad = bytes("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
        let sealed = bytes(
            "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D\
             83DE3541E4C2B58177E065A9BF7B62EC",
        );
        assert_eq!(cipher.encrypt(&nonce, Payload { msg: &clear, aad: &aad }).unwrap(), sealed);
        assert_eq!(cipher.decrypt(&nonce, Payload { msg: &sealed, aad: &aad }).unwrap(), clear);
    }
}
