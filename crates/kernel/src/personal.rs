//! Personal values, such as phones: kept sealed, found by a keyed hash, shown masked. Not one of these types can be printed
//! or written as JSON in clear, so none can come out by oversight.

use std::fmt;

use aes_gcm::KeyInit;
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Bytea;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use hmac::{Hmac, Mac};
use schema::sealed_key;
use serde::{Deserialize, Serialize, Serializer};
use sha2::Sha256;
use utoipa::ToSchema;

use crate::cipher::{FieldCipher, fresh_bytes};
use crate::db::{Tx, View};
use crate::refusal::{Error, Refusal, Refused, Result};

/// Bytes of the keyed hash with which a kept value begins.
pub const HASH_BYTES: usize = 32;
/// The sign that stands for what is not shown.
pub const STAR: char = '*';

/// A mask where a value should be.
pub const MASKED: Refusal = Refusal::invalid(
    "personal.masked",
    "带 * 的脱敏值不能保存;不更改时请省略此项,要更改请填写完整的值。",
    "A masked value with * cannot be stored: leave it out where it stays as it is, or give the whole value.",
);

/// One kind of personal value.
#[derive(Debug)]
pub struct Personal {
    /// The column that keeps it, as in `person.phone`; seals and hashes are bound to it.
    pub purpose: &'static str,
    /// The column of the same row that tells how it is to be read, such as the kind of a document.
    pub beside: Option<&'static str>,
    /// Checks what people write and puts it into the one form that is sealed and hashed; refuses without quoting it.
    pub read: fn(&str, &str) -> Result<String, Refused>,
    /// What may be shown of that form.
    pub mask: fn(&str) -> String,
}

/// A personal value as a caller sent it. It can be read by [`Clear::expose`] alone.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 1, max_length = 40, pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
pub struct Clear(String);

impl Clear {
    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Clear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clear(***)")
    }
}

/// What is shown of a personal value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "138****5678")]
pub struct Masked(String);

/// A personal value as it is kept: its keyed hash, then the sealed value.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Bytea)]
pub struct Kept(Vec<u8>);

impl Kept {
    /// The keyed hash, which is the same for the same value.
    #[must_use]
    pub fn hash(&self) -> &[u8] {
        self.0.get(..HASH_BYTES).unwrap_or_default()
    }

    /// The keyed hash as text, for comparing.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(self.hash())
    }

    /// The value itself.
    pub fn open(&self, personal: &Personal, cipher: &FieldCipher) -> Result<String> {
        let clear = cipher.open(personal.purpose, self.0.get(HASH_BYTES..).unwrap_or_default())?;
        String::from_utf8(clear).map_err(|_| Error::Internal(format!("{} is no text", personal.purpose)))
    }

    /// What may be shown of it.
    pub fn mask(&self, personal: &Personal, cipher: &FieldCipher) -> Result<Masked> {
        Ok(Masked((personal.mask)(&self.open(personal, cipher)?)))
    }

    /// The bytes as text, as imports hand them to Postgres.
    pub(crate) fn as_hex(&self) -> String {
        hex(&self.0)
    }

    /// What exports read from Postgres.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let pairs = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        pairs.collect::<Option<Vec<u8>>>().map(Self)
    }
}

impl Masked {
    /// The mask.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(***)")
    }
}

impl FromSql<Bytea, Pg> for Kept {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        <Vec<u8> as FromSql<Bytea, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<Bytea, Pg> for Kept {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        <Vec<u8> as ToSql<Bytea, Pg>>::to_sql(&self.0, out)
    }
}

/// The name of the key that hashes personal values.
const LOOKUP: &str = "lookup";
/// What that key is sealed for.
pub const LOOKUP_PURPOSE: &str = "sealed_key.sealed";

/// Keeps personal values: hashes them under the key of the database, seals them under the present key of the deployment.
///
/// The key of hashes is random, made at its first use and kept in the database, sealed: the deployment's keys can be
/// exchanged without touching a hash, and a copy of the database alone finds nobody.
#[derive(Clone)]
pub struct Keeper {
    cipher: FieldCipher,
    lookup: Hmac<Sha256>,
}

impl Keeper {
    /// The keeper for a command; makes the key of hashes if there is none.
    pub async fn of(tx: &Tx<'_>) -> Result<Self> {
        if let Some(keeper) = Self::find(tx).await? {
            return Ok(keeper);
        }
        let sealed = tx.cipher()?.seal(LOOKUP_PURPOSE, &fresh_bytes()?)?;
        // Whoever comes second waits for the first, and takes his.
        diesel::insert_into(sealed_key::table)
            .values((sealed_key::name.eq(LOOKUP), sealed_key::sealed.eq(sealed)))
            .on_conflict_do_nothing()
            .execute(&mut tx.conn())
            .await?;
        Self::find(tx).await?.ok_or_else(|| Error::Internal("the key of hashes is gone".to_owned()))
    }

    /// The keeper, where there is a key of hashes: without one, nobody has been kept yet.
    pub async fn find(view: &View<'_>) -> Result<Option<Self>> {
        let found = sealed_key::table.find(LOOKUP).select(sealed_key::sealed).first::<Vec<u8>>(&mut view.conn()).await.optional()?;
        let Some(sealed) = found else { return Ok(None) };
        let cipher = view.cipher()?.clone();
        let key = cipher.open(LOOKUP_PURPOSE, &sealed)?;
        Self::with(cipher, &key).map(Some)
    }

    fn with(cipher: FieldCipher, key: &[u8]) -> Result<Self> {
        let lookup = Hmac::new_from_slice(key).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { cipher, lookup })
    }

    /// The keyed hash of a value in the form that [`Personal::read`] gives it.
    #[must_use]
    pub fn hash(&self, personal: &Personal, value: &str) -> Vec<u8> {
        let hash = self.lookup.clone().chain_update(personal.purpose).chain_update([0]).chain_update(value);
        hash.finalize().into_bytes().to_vec()
    }

    /// Keeps a value in the form that [`Personal::read`] gives it.
    pub fn keep(&self, personal: &Personal, value: &str) -> Result<Kept> {
        let sealed = self.cipher.seal(personal.purpose, value.as_bytes())?;
        Ok(Kept([self.hash(personal, value), sealed].concat()))
    }
}

/// Stands as a personal value in what must be JSON, such as the filter of a search: it tells nothing.
impl Serialize for Clear {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// A text with stars in place of all but its ends.
#[must_use]
pub fn starred(text: &str, first: usize, last: usize) -> String {
    let length = text.chars().count();
    let shown = |at: usize| length > first + last && (at < first || at >= length - last);
    text.chars().enumerate().map(|(at, sign)| if shown(at) { sign } else { STAR }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::{Algorithm, fresh_key};

    const PHONE: Personal = Personal { purpose: "a.phone", beside: None, read: |text, _| Ok(text.to_owned()), mask: |text| starred(text, 3, 4) };

    #[test]
    fn a_kept_value_opens_shows_its_mask_and_is_found_by_its_hash() {
        let cipher = FieldCipher::new(Algorithm::default(), &fresh_key().unwrap(), []).unwrap();
        let keeper = Keeper::with(cipher.clone(), &[7; 32]).unwrap();
        let kept = keeper.keep(&PHONE, "12012345678").unwrap();
        assert_eq!(kept.open(&PHONE, &cipher).unwrap(), "12012345678");
        assert_eq!(kept.mask(&PHONE, &cipher).unwrap().as_str(), "120****5678");
        let again = keeper.keep(&PHONE, "12012345678").unwrap();
        assert!(kept != again && kept.hash() == again.hash() && kept.hash() == keeper.hash(&PHONE, "12012345678"));
        assert_ne!(kept.hash(), Keeper::with(cipher, &[8; 32]).unwrap().hash(&PHONE, "12012345678"), "another key");
        assert_eq!(Kept::from_hex(&kept.as_hex()).unwrap(), kept);
    }

    #[test]
    fn no_type_shows_what_it_holds() {
        let clear: Clear = serde_json::from_str("\"12012345678\"").unwrap();
        let kept = Kept(b"12012345678".to_vec());
        let shown = format!("{clear:?} {kept:?} {}", serde_json::to_string(&clear).unwrap());
        assert!(!shown.contains("5678") && !shown.contains("31"), "{shown}");
    }

    #[test]
    fn what_is_too_short_shows_nothing() {
        assert_eq!((starred("1234567", 3, 4), starred("12345678", 3, 4)), ("*******".to_owned(), "123*5678".to_owned()));
    }
}
