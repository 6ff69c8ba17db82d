//! The form in which lines and blocks are hashed (form 1; told in docs/AUDIT.md for whoever checks it himself).
//!
//! A value is its type, its length and its bytes, so that no two lists of values look alike. A leaf is the hash of
//! all columns of a line, a root that of the Merkle tree over the leaves (RFC 9162), the hash of a block that of all
//! its other columns.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::{Bytea, Jsonb, Timestamptz};
use kernel::xid::Xid;
use schema::journal;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::position::Position;

/// The form that is written.
pub const FORM: i16 = 1;

/// What a hash is of, as its first byte: a leaf, two nodes, a block.
const LEAF: u8 = 0;
const NODE: u8 = 1;
const BLOCK: u8 = 2;

/// Types of values, as their first byte.
const NULL: u8 = 0;
const INTEGER: u8 = 1;
const TIME: u8 = 2;
const UUID: u8 = 3;
const TEXT: u8 = 4;
const JSON: u8 = 5;
const BYTES: u8 = 6;

/// A SHA-256, written in hexadecimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Bytea)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(());
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = text.get(2 * index..2 * index + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or(())?;
        }
        Ok(Self(bytes))
    }
}

impl FromSql<Bytea, Pg> for Hash {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into()?))
    }
}

impl ToSql<Bytea, Pg> for Hash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

/// An instant as Postgres keeps it: microseconds since 2000 began in UTC. Unlike a date of chrono it holds whatever
/// somebody may have put there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Timestamptz)]
pub struct Micros(pub i64);

impl Micros {
    /// From the beginning of 1970 to that of 2000.
    const SINCE_1970: i64 = 946_684_800_000_000;

    /// The instant, to the microsecond.
    #[must_use]
    pub fn of(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros() - Self::SINCE_1970)
    }

    /// The instant; the nearest one that can be told where it is out of reach.
    #[must_use]
    pub fn told(self) -> DateTime<Utc> {
        let nearest = if self.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        self.0.checked_add(Self::SINCE_1970).and_then(DateTime::from_timestamp_micros).unwrap_or(nearest)
    }
}

impl FromSql<Timestamptz, Pg> for Micros {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(Self(i64::from_be_bytes(value.as_bytes().try_into()?)))
    }
}

impl ToSql<Timestamptz, Pg> for Micros {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        out.write_all(&self.0.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

/// JSON in Postgres's own words, byte by byte what `change::text` is.
#[derive(Clone, Debug, FromSqlRow)]
pub struct JsonText(String);

impl FromSql<Jsonb, Pg> for JsonText {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        // On the wire jsonb is the number of its form and then its text.
        match value.as_bytes().split_first() {
            Some((1, text)) => Ok(Self(String::from_utf8(text.to_vec())?)),
            _ => Err("another form of jsonb".into()),
        }
    }
}

/// Hashes a list of values.
pub struct Values(Sha256);

impl Values {
    fn of(what: u8) -> Self {
        Self(Sha256::new().chain_update([what]))
    }

    /// Of a block.
    #[must_use]
    pub fn of_block() -> Self {
        Self::of(BLOCK)
    }

    fn value(self, kind: u8, bytes: &[u8]) -> Self {
        // Postgres keeps no value of 4 GiB.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self(self.0.chain_update([kind]).chain_update(length.to_be_bytes()).chain_update(bytes))
    }

    /// A whole number: eight bytes, the highest first.
    #[must_use]
    pub fn integer(self, number: impl Into<i64>) -> Self {
        self.value(INTEGER, &number.into().to_be_bytes())
    }

    /// A transaction id, as a whole number.
    #[must_use]
    pub fn xid(self, xid: Xid) -> Self {
        self.value(INTEGER, &xid.0.to_be_bytes())
    }

    /// An instant, as a whole number of microseconds.
    #[must_use]
    pub fn time(self, at: Micros) -> Self {
        self.value(TIME, &at.0.to_be_bytes())
    }

    /// A hash.
    #[must_use]
    pub fn hash(self, hash: Hash) -> Self {
        self.value(BYTES, &hash.0)
    }

    fn uuid(self, id: Uuid) -> Self {
        self.value(UUID, id.as_bytes())
    }

    fn text(self, text: &str) -> Self {
        self.value(TEXT, text.as_bytes())
    }

    fn perhaps(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(text),
            None => Self(self.0.chain_update([NULL])),
        }
    }

    fn json(self, json: &JsonText) -> Self {
        self.value(JSON, json.0.as_bytes())
    }

    /// The hash of them all.
    #[must_use]
    pub fn end(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// A line of the journal with all its columns.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = journal)]
pub struct Line {
    xid: Xid,
    seq: i64,
    /// When.
    pub at: Micros,
    actor_id: Uuid,
    actor_name: String,
    acting_role: Option<String>,
    request_id: String,
    action: String,
    object_kind: String,
    object_id: Uuid,
    area_code: String,
    former_area_code: Option<String>,
    version: i32,
    reason: Option<String>,
    change: JsonText,
    format: i16,
}

impl Line {
    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { xid: self.xid, seq: self.seq }
    }

    /// The leaf that it is: every column, in the order of the table.
    #[must_use]
    pub fn leaf(&self) -> Hash {
        Values::of(LEAF)
            .xid(self.xid)
            .integer(self.seq)
            .time(self.at)
            .uuid(self.actor_id)
            .text(&self.actor_name)
            .perhaps(self.acting_role.as_deref())
            .text(&self.request_id)
            .text(&self.action)
            .text(&self.object_kind)
            .uuid(self.object_id)
            .text(&self.area_code)
            .perhaps(self.former_area_code.as_deref())
            .integer(self.version)
            .perhaps(self.reason.as_deref())
            .json(&self.change)
            .integer(self.format)
            .end()
    }
}

/// A Merkle tree that grows leaf by leaf and keeps only its edge: the whole subtrees so far, the tallest first.
#[derive(Debug, Default)]
pub struct Tree(Vec<(u32, Hash)>);

impl Tree {
    /// Adds a leaf.
    pub fn add(&mut self, leaf: Hash) {
        let mut grown = (0, leaf);
        while let Some((height, left)) = self.0.pop_if(|(height, _)| *height == grown.0) {
            grown = (height + 1, join(left, grown.1));
        }
        self.0.push(grown);
    }

    /// The root; that of no leaves is the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let hashes = self.0.iter().rev().map(|(_, hash)| *hash);
        hashes.reduce(|right, left| join(left, right)).unwrap_or_else(|| Hash(Sha256::digest([]).into()))
    }
}

fn join(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new().chain_update([NODE]).chain_update(left.0).chain_update(right.0).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As RFC 9162 defines it.
    fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash(Sha256::digest([]).into()),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                join(naive(left), naive(right))
            }
        }
    }

    #[test]
    fn a_tree_that_grows_has_the_root_of_the_rfc() {
        let leaves: Vec<Hash> = (0..70_u8).map(|number| Hash([number; 32])).collect();
        let mut tree = Tree::default();
        for count in 0..=leaves.len() {
            assert_eq!(tree.root(), naive(&leaves[..count]), "{count}");
            if let Some(leaf) = leaves.get(count) {
                tree.add(*leaf);
            }
        }
    }

    #[test]
    fn values_do_not_run_into_one_another() {
        let hash = |texts: &[Option<&str>]| texts.iter().fold(Values::of(LEAF), |values, text| values.perhaps(*text)).end();
        assert_ne!(hash(&[Some("ab"), Some("c")]), hash(&[Some("a"), Some("bc")]));
        assert_ne!(hash(&[None, Some("a")]), hash(&[Some("a"), None]));
        assert_ne!(hash(&[None]), hash(&[Some("")]));
        assert_ne!(Values::of(LEAF).integer(1).end(), Values::of_block().integer(1).end());
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = Values::of_block().end();
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for wrong in ["", "ab", &"g".repeat(64), &"é".repeat(32)] {
            assert!(wrong.parse::<Hash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_instant_is_kept_as_postgres_keeps_it() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(Micros::of(at("2000-01-01T00:00:00.000001Z")), Micros(1));
        assert_eq!(Micros(-1_000_000).told(), at("1999-12-31T23:59:59Z"));
        assert_eq!(Micros(i64::MAX).told(), DateTime::<Utc>::MAX_UTC, "infinity");
        assert!(serde_json::to_string(&kernel::Stamp(Micros(i64::MAX).told())).is_ok());
    }
}
