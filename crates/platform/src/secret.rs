//! Keys that every replica shares, made by the migration.

use std::sync::Arc;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Call, Error, Result, db::Store};
use schema::secret;
use tokio::sync::OnceCell;

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
