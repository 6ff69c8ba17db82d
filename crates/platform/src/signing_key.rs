//! The keys that sign access tokens (Ed25519), shared by all replicas, and exchanged one after the other.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use jsonwebtoken::{DecodingKey, EncodingKey};
use kernel::cipher::FieldCipher;
use kernel::db::Store;
use kernel::task::Pace;
use kernel::{AreaCode, Call, Error, Prepare, Recorded, Result, Stamp, Tx, id};
use schema::signing_key;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

id!(
    /// A key that signs access tokens.
    SigningKeyId
);

/// What the private keys are sealed for.
pub(crate) const PURPOSE: &str = "signing_key";
/// How long a key signs.
const SIGNS: TimeDelta = TimeDelta::days(30);
/// How long before it signs a key is published: longer than any replica or client goes without looking.
const AHEAD: TimeDelta = TimeDelta::hours(1);
/// How long after its last signature a key verifies: longer than any token lives.
const AFTER: TimeDelta = TimeDelta::hours(1);
/// For how long a process takes the keys that it knows for all there are.
const TRUST: Duration = Duration::from_secs(1);

/// A key as the journal tells of it.
#[derive(Clone, Debug, Queryable, Selectable, Serialize)]
#[diesel(table_name = signing_key)]
pub struct SigningKey {
    /// Identity, and the `kid` of tokens.
    pub id: SigningKeyId,
    /// The city for which it signs.
    pub area_code: AreaCode,
    /// When it was made.
    pub created_at: Stamp,
    /// From when on it signs.
    pub signs_from: Stamp,
    /// From when on nothing that it signed is taken.
    pub expires_at: Stamp,
}

impl Recorded for SigningKey {
    const KIND: &'static str = "signing_key";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        1
    }
}

/// A public key as RFC 7517 and RFC 8037 write it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Jwk {
    /// `OKP`.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// `Ed25519`.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// `EdDSA`.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// `sig`.
    #[schema(example = "sig")]
    pub r#use: &'static str,
    /// Which key a token names.
    pub kid: String,
    /// The key itself, in base64url.
    pub x: String,
}

/// The public keys that verify access tokens.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JwkSet {
    /// The keys: the one that signs, the next, and those whose tokens may still be about.
    #[schema(max_items = 100)]
    pub keys: Vec<Jwk>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = signing_key)]
struct Row {
    id: SigningKeyId,
    public_key: Vec<u8>,
    sealed_key: Vec<u8>,
    signs_from: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// Makes a key that signs from an instant on.
async fn make(tx: &Tx<'_>, cipher: &FieldCipher, signs_from: DateTime<Utc>) -> Result<SigningKey> {
    let failed = |_| Error::Internal("cannot make a signing key".to_owned());
    let pair = Ed25519KeyPair::generate().map_err(failed)?;
    let private: Pkcs8V1Der<'static> = pair.as_der().map_err(failed)?;
    let made: SigningKey = diesel::insert_into(signing_key::table)
        .values((
            signing_key::id.eq(SigningKeyId::fresh()),
            signing_key::area_code.eq(&tx.city),
            signing_key::public_key.eq(pair.public_key().as_ref()),
            signing_key::sealed_key.eq(cipher.seal(PURPOSE, private.as_ref())?),
            signing_key::created_at.eq(tx.now),
            signing_key::signs_from.eq(signs_from),
            signing_key::expires_at.eq(signs_from + SIGNS + AHEAD + AFTER),
        ))
        .returning(SigningKey::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("signing_key.created", None, &made, None)?;
    Ok(made)
}

/// Makes the first key where there is none: at the first use, so that whoever uses keys of the API alone has none.
async fn begin(store: &Store, call: &Call, cipher: &FieldCipher) -> Result<()> {
    store
        .write(call, "signing_key.begin", async |tx| {
            tx.lock("signing keys").await?;
            let some: Option<SigningKeyId> = signing_key::table.select(signing_key::id).first(&mut tx.conn()).await.optional()?;
            if some.is_none() {
                make(tx, cipher, tx.now).await?;
            }
            Ok(())
        })
        .await
}

/// Makes the next key if it is time, and forgets those that have expired. For every replica to run now and then.
pub async fn keep(store: &Store, call: &Call, cipher: &FieldCipher) -> Result<Pace> {
    store
        .write(call, "signing_key.keep", async |tx| {
            if !tx.try_lock("signing keys").await? {
                return Ok(Pace::Rest);
            }
            let newest: Option<DateTime<Utc>> = signing_key::table.select(diesel::dsl::max(signing_key::signs_from)).first(&mut tx.conn()).await?;
            if let Some(newest) = newest.filter(|newest| *newest + SIGNS - AHEAD <= tx.now) {
                make(tx, cipher, tx.now.max(newest) + AHEAD).await?;
                diesel::delete(signing_key::table.filter(signing_key::expires_at.lt(tx.now))).execute(&mut tx.conn()).await?;
            }
            Ok(Pace::Rest)
        })
        .await
}

/// Exchanges the key. At leisure: the new one signs in an hour, the old ones verify on. At once, after a theft:
/// all others are forgotten, so that every token in use is refused and everybody renews his.
pub async fn rotate(tx: &Tx<'_>, cipher: &FieldCipher, at_once: bool) -> Result<SigningKey> {
    tx.lock("signing keys").await?;
    if at_once {
        diesel::delete(signing_key::table).execute(&mut tx.conn()).await?;
    }
    make(tx, cipher, if at_once { tx.now } else { tx.now + AHEAD }).await
}

/// A key as a process uses it.
struct Loaded {
    jwk: Jwk,
    verifies: DecodingKey,
    signs: EncodingKey,
    signs_from: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// The keys as they were at an instant.
type Known = (Instant, Arc<Vec<Loaded>>);

/// The keys, as all threads of a process share them: looked up now and then, and where a token names another.
#[derive(Clone)]
pub struct Keys {
    cipher: FieldCipher,
    known: Arc<RwLock<Option<Known>>>,
}

impl Keys {
    /// Keys that this cipher opens.
    #[must_use]
    pub fn new(cipher: FieldCipher) -> Self {
        Self { cipher, known: Arc::default() }
    }

    /// The key that signs now: its `kid`, and itself.
    pub async fn signing<T>(&self, store: &Store, call: &Call, work: impl FnOnce(&str, &EncodingKey) -> T) -> Result<T> {
        let keys = self.all(store, call).await?;
        let ready = keys.iter().filter(|key| key.signs_from <= call.now && call.now < key.expires_at).max_by_key(|key| key.signs_from);
        let key = ready.ok_or_else(|| Error::Internal("there is no signing key".to_owned()))?;
        Ok(work(&key.jwk.kid, &key.signs))
    }

    /// The key with this `kid`, if it still verifies.
    pub async fn verifying<T>(&self, store: &Store, call: &Call, kid: &str, work: impl FnOnce(&DecodingKey) -> T) -> Result<Option<T>> {
        let keys = self.all(store, call).await?;
        Ok(keys.iter().find(|key| key.jwk.kid == kid && call.now < key.expires_at).map(|key| work(&key.verifies)))
    }

    /// The public keys.
    pub async fn public(&self, store: &Store, call: &Call) -> Result<JwkSet> {
        let keys = self.all(store, call).await?;
        Ok(JwkSet { keys: keys.iter().filter(|key| call.now < key.expires_at).map(|key| key.jwk.clone()).collect() })
    }

    /// The keys as they were a moment ago.
    async fn all(&self, store: &Store, call: &Call) -> Result<Arc<Vec<Loaded>>> {
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, keys)) = &*known
                && since.elapsed() < TRUST
            {
                return Ok(Arc::clone(keys));
            }
        }
        let load = async || {
            store.browse(call, async |view| Ok(signing_key::table.select(Row::as_select()).order(signing_key::signs_from).load(&mut view.conn()).await?)).await
        };
        let mut rows: Vec<Row> = load().await?;
        if rows.is_empty() {
            begin(store, call, &self.cipher).await?;
            rows = load().await?;
        }
        let keys = Arc::new(rows.into_iter().map(|row| self.load(row)).collect::<Result<Vec<_>>>()?);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }

    fn load(&self, row: Row) -> Result<Loaded> {
        let x = URL_SAFE_NO_PAD.encode(&row.public_key);
        let verifies = DecodingKey::from_ed_components(&x).map_err(|error| Error::Internal(format!("signing key {}: {error}", row.id)))?;
        let signs = EncodingKey::from_ed_der(&self.cipher.open(PURPOSE, &row.sealed_key)?);
        let jwk = Jwk { kty: "OKP", crv: "Ed25519", alg: "EdDSA", r#use: "sig", kid: row.id.to_string(), x };
        Ok(Loaded { jwk, verifies, signs, signs_from: row.signs_from, expires_at: row.expires_at })
    }
}
