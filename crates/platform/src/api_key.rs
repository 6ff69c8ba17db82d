//! API keys of machine clients: shown once, stored as a hash, with permissions, an area and an expiry.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::text::Name;
use kernel::{Actor, AreaCode, Call, Db, Error, Grant, Kind, Recorded, Refusal, Result, Scope, Stamp, Tx, View, id};
use rand::TryRng;
use rand::rngs::SysRng;
use schema::api_key;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

id!(
    /// An API key.
    ApiKeyId
);

/// What every key begins with, so that a leaked one is found by those who scan for it.
const PREFIX: &str = "lk_live_";
/// Random bytes of a key.
const SECRET_BYTES: usize = 32;
/// For how long a key that was found good is taken for good; the longest that a revocation takes to arrive.
const TRUST: Duration = Duration::from_secs(1);
/// Keys remembered at the most.
const REMEMBERED: usize = 10_000;

/// No key.
pub const KEY_MISSING: Refusal = Refusal::new(
    Kind::Unauthenticated,
    "access.key_missing",
    "请在请求头中提供密钥:Authorization: Bearer lk_live_…",
    "Give your key in the header: Authorization: Bearer lk_live_…",
);
/// A key that is unknown, expired or revoked; which of them is nobody's business.
pub const BAD_KEY: Refusal =
    Refusal::new(Kind::Unauthenticated, "access.bad_key", "密钥无效、已过期或已撤销。", "The key is not valid, has expired or was revoked.");

/// A key as the operator sees it: all but the key.
#[derive(Clone, Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = api_key)]
pub struct ApiKey {
    /// Identity of the client in the journal.
    pub id: ApiKeyId,
    /// Who uses it.
    pub name: Name,
    /// Prefix and last four characters.
    pub hint: String,
    /// What it permits.
    pub permissions: Vec<Option<String>>,
    /// Where.
    pub area_code: AreaCode,
    /// When it was made.
    pub created_at: Stamp,
    /// When it ends.
    pub expires_at: Stamp,
    /// When it was revoked.
    pub revoked_at: Option<Stamp>,
}

impl Recorded for ApiKey {
    const KIND: &'static str = "api_key";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        1 + i32::from(self.revoked_at.is_some())
    }
}

impl ApiKey {
    fn into_actor(self) -> Actor {
        let permissions = self.permissions.into_iter().flatten().map(Cow::Owned).collect();
        let grant = Grant { role: None, permissions, scope: Scope::of(vec![self.area_code]) };
        Actor::new(self.id.0, self.name.to_string(), vec![grant])
    }
}

/// Whoever holds the key with this id, if it is in force.
pub async fn actor(view: &View<'_>, id: ApiKeyId) -> Result<Option<Actor>> {
    let valid = api_key::table.find(id).filter(api_key::revoked_at.is_null().and(api_key::expires_at.gt(view.now)));
    Ok(valid.select(ApiKey::as_select()).first(&mut view.conn()).await.optional()?.map(ApiKey::into_actor))
}

/// Makes a key and returns it; it cannot be read again.
pub async fn create(tx: &Tx<'_>, name: &Name, permissions: &[String], area_code: &AreaCode, expires_at: DateTime<Utc>) -> Result<(ApiKey, String)> {
    let mut secret = [0; SECRET_BYTES];
    SysRng.try_fill_bytes(&mut secret).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let row = diesel::insert_into(api_key::table)
        .values((
            api_key::id.eq(ApiKeyId::fresh()),
            api_key::name.eq(name),
            api_key::digest.eq(digest(&key)),
            api_key::hint.eq(format!("{PREFIX}…{}", key.get(key.len() - 4..).unwrap_or_default())),
            api_key::permissions.eq(permissions),
            api_key::area_code.eq(area_code),
            api_key::created_at.eq(tx.now),
            api_key::expires_at.eq(expires_at),
        ))
        .returning(ApiKey::as_returning())
        .get_result(&mut tx.conn())
        .await?;
    tx.record("api_key.created", None, &row, None)?;
    Ok((row, key))
}

/// All keys, the newest last.
pub async fn list(view: &View<'_>) -> Result<Vec<ApiKey>> {
    Ok(api_key::table.select(ApiKey::as_select()).order(api_key::id).load(&mut view.conn()).await?)
}

/// Revokes a key; within a second no replica takes it any more. Returns whether there was such a key in force.
pub async fn revoke(tx: &Tx<'_>, id: ApiKeyId) -> Result<bool> {
    let before =
        api_key::table.find(id).filter(api_key::revoked_at.is_null()).select(ApiKey::as_select()).for_update().first(&mut tx.conn()).await.optional()?;
    let Some(before) = before else { return Ok(false) };
    let after =
        diesel::update(api_key::table.find(id)).set(api_key::revoked_at.eq(tx.now)).returning(ApiKey::as_returning()).get_result(&mut tx.conn()).await?;
    tx.record("api_key.revoked", Some(&before), &after, None)?;
    Ok(true)
}

fn digest(key: &str) -> Vec<u8> {
    Sha256::digest(key).to_vec()
}

/// The keys that were found good a moment ago, shared by the threads of a process.
#[derive(Clone, Default)]
pub struct Keyring(Arc<Mutex<Known>>);

/// By digest: since when, and who.
type Known = HashMap<Vec<u8>, (Instant, Arc<Actor>)>;

impl Keyring {
    /// Who holds this key. `asking` is whoever asks before he is known.
    pub async fn actor(&self, db: &Db, asking: &Call, key: &str) -> Result<Arc<Actor>> {
        let well_formed = key.strip_prefix(PREFIX).is_some_and(|secret| secret.len() == 43 && secret.is_ascii());
        if !well_formed {
            return Err((&BAD_KEY).into());
        }
        let digest = digest(key);
        if let Some(actor) = self.remembered(&digest) {
            return Ok(actor);
        }
        let row = db
            .read(asking, async |view| {
                let valid = api_key::digest.eq(&digest).and(api_key::revoked_at.is_null()).and(api_key::expires_at.gt(asking.now));
                Ok(api_key::table.filter(valid).select(ApiKey::as_select()).first(&mut view.conn()).await.optional()?)
            })
            .await?;
        let row: ApiKey = row.ok_or(&BAD_KEY)?;
        let actor = Arc::new(row.into_actor());
        self.remember(digest, &actor);
        Ok(actor)
    }

    fn remembered(&self, digest: &[u8]) -> Option<Arc<Actor>> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(digest).filter(|(since, _)| since.elapsed() < TRUST).map(|(_, actor)| Arc::clone(actor))
    }

    fn remember(&self, digest: Vec<u8>, actor: &Arc<Actor>) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= REMEMBERED {
            keys.retain(|_, (since, _)| since.elapsed() < TRUST);
        }
        if keys.len() < REMEMBERED {
            keys.insert(digest, (Instant::now(), Arc::clone(actor)));
        }
    }
}
