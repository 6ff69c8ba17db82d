//! Secrets: those that every replica shares, made by the migration, and random texts that are shown once.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Call, Error, Result, db::Store};
use rand::TryRng;
use rand::rngs::SysRng;
use schema::secret;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

/// Random bytes of a text that is shown once: no slow hash is needed for what nobody can guess.
const BYTES: usize = 32;

/// A secret, read at its first use and then kept: a server may start before its database does.
#[derive(Clone)]
pub struct Secret {
    name: &'static str,
    value: Arc<OnceCell<Vec<u8>>>,
}

impl Secret {
    /// The secret with this name.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self { name, value: Arc::default() }
    }

    /// Its bytes.
    pub async fn read(&self, store: &Store, call: &Call) -> Result<&[u8]> {
        Ok(self.value.get_or_try_init(|| load(store, call, self.name)).await?)
    }
}

/// The secret with this name.
pub async fn load(store: &Store, call: &Call, name: &str) -> Result<Vec<u8>> {
    let found =
        store.browse(call, async |view| Ok(secret::table.find(name).select(secret::value).first::<Vec<u8>>(&mut view.conn()).await.optional()?)).await?;
    found.ok_or_else(|| Error::Internal(format!("there is no secret {name}: was the database migrated?")))
}

/// A new random text that begins with a mark, so that a leaked one is found by those who scan for it.
pub(crate) fn fresh_token(mark: &str) -> Result<String> {
    let mut secret = [0; BYTES];
    SysRng.try_fill_bytes(&mut secret).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    Ok(format!("{mark}{}", URL_SAFE_NO_PAD.encode(secret)))
}

/// What is kept of such a text.
pub(crate) fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
