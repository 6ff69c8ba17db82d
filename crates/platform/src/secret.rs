//! Keys that every replica shares, made by the migration.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Call, Error, Result, db::Store};
use schema::secret;

/// The secret with this name.
pub async fn load(store: &Store, call: &Call, name: &str) -> Result<Vec<u8>> {
    let found =
        store.browse(call, async |view| Ok(secret::table.find(name).select(secret::value).first::<Vec<u8>>(&mut view.conn()).await.optional()?)).await?;
    found.ok_or_else(|| Error::Internal(format!("there is no secret {name}: was the database migrated?")))
}
