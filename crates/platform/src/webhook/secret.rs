//! The keys of signatures: one, or two while a receiver changes from one to the other.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::cipher::FieldCipher;
use kernel::{Error, Prepare, Result, Tx, View, id};
use rand::TryRng;
use rand::rngs::SysRng;
use schema::webhook_secret;

use super::WebhookId;
use super::signature::shown;

id!(
    /// A key of signatures.
    WebhookSecretId
);

/// Random bytes of a key: Standard Webhooks wants 24 to 64.
const BYTES: usize = 32;
/// What they are sealed for.
pub(crate) const PURPOSE: &str = "webhook.secret";

/// Makes a key and returns it as its holder keeps it; it cannot be read again.
pub async fn make(tx: &Tx<'_>, cipher: &FieldCipher, webhook: WebhookId) -> Result<String> {
    let mut key = [0; BYTES];
    SysRng.try_fill_bytes(&mut key).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    diesel::insert_into(webhook_secret::table)
        .values((
            webhook_secret::id.eq(WebhookSecretId::fresh()),
            webhook_secret::webhook_id.eq(webhook),
            webhook_secret::sealed.eq(cipher.seal(PURPOSE, &key)?),
            webhook_secret::created_at.eq(tx.now),
        ))
        .prepared()
        .execute(&mut tx.conn())
        .await?;
    Ok(shown(&key))
}

/// Lets the present key expire after some hours; one that was expiring before ends now, so that two are alive at most.
pub async fn retire(tx: &Tx<'_>, webhook: WebhookId, hours: i32) -> Result<()> {
    let of_it = webhook_secret::webhook_id.eq(webhook);
    diesel::delete(webhook_secret::table.filter(of_it.and(webhook_secret::expires_at.is_not_null()))).execute(&mut tx.conn()).await?;
    diesel::update(webhook_secret::table.filter(of_it))
        .set(webhook_secret::expires_at.eq(tx.now + TimeDelta::hours(hours.into())))
        .execute(&mut tx.conn())
        .await?;
    Ok(())
}

/// Forgets all keys of a webhook.
pub async fn forget(tx: &Tx<'_>, webhook: WebhookId) -> Result<()> {
    diesel::delete(webhook_secret::table.filter(webhook_secret::webhook_id.eq(webhook))).execute(&mut tx.conn()).await?;
    Ok(())
}

/// The keys that sign now, the newest first.
pub async fn alive(view: &View<'_>, cipher: &FieldCipher, webhook: WebhookId) -> Result<Vec<Vec<u8>>> {
    let alive = webhook_secret::expires_at.is_null().or(webhook_secret::expires_at.gt(view.now));
    let sealed: Vec<Vec<u8>> = webhook_secret::table
        .filter(webhook_secret::webhook_id.eq(webhook).and(alive))
        .select(webhook_secret::sealed)
        .order(webhook_secret::id.desc())
        .load(&mut view.conn())
        .await?;
    sealed.iter().map(|sealed| cipher.open(PURPOSE, sealed)).collect()
}
