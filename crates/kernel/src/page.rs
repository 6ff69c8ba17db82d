//! Pages of lists: a limit, and a signed cursor that points behind the last row and pins the day.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::refusal::{Error, Kind, Refusal, Result};
use chrono::NaiveDate;

/// Rows on a page unless the caller says.
pub const DEFAULT_LIMIT: i64 = 20;
/// Rows on a page at the most; more is cut to this.
pub const MAX_LIMIT: i64 = 200;
/// Totals are counted up to here.
pub const MAX_TOTAL: i64 = 10_000;

/// A cursor that is not ours, or belongs to another list.
pub const BAD_CURSOR: Refusal = Refusal::new(
    Kind::Malformed,
    "page.bad_cursor",
    "after 参数无效:请原样使用上一页返回的 next,并保持其他查询条件不变。",
    "The cursor is not valid: use `next` of the page before as it is, with the same filters and sort.",
);

/// The order of a list: one key, then the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub enum Sort {
    /// By code, byte by byte.
    #[serde(rename = "code")]
    Code,
    /// By code, from the last.
    #[serde(rename = "-code")]
    CodeDescending,
    /// By name, in pinyin order.
    #[serde(rename = "name")]
    Name,
    /// By name, from the last.
    #[serde(rename = "-name")]
    NameDescending,
}

/// The row that a page ends with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Its sort key.
    pub key: String,
    /// Its id.
    pub id: Uuid,
}

/// What a cursor holds, signed.
#[derive(Serialize, Deserialize)]
struct Token {
    at: Cursor,
    filter: String,
    as_of: NaiveDate,
}

/// Which page of a list.
#[derive(Clone, Debug)]
pub struct Paging {
    limit: i64,
    cursor: Option<String>,
    /// Whether to count all rows.
    pub include_total: bool,
    /// The order.
    pub sort: Sort,
    secret: Vec<u8>,
}

impl Paging {
    /// A page as asked for; `secret` signs the cursors.
    #[must_use]
    pub fn new(limit: Option<i64>, cursor: Option<String>, include_total: bool, sort: Option<Sort>, secret: &[u8]) -> Self {
        Self { limit: limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT), cursor, include_total, sort: sort.unwrap_or(Sort::Code), secret: secret.to_owned() }
    }

    /// How many rows to fetch: one more than the page holds, to know whether there are more.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// The day that the cursor pins, where there is a cursor.
    pub fn pinned_day(&self) -> Result<Option<NaiveDate>> {
        self.cursor.as_deref().map(|cursor| self.open(cursor).map(|token| token.as_of)).transpose()
    }

    /// The row to go on after, where there is a cursor; it must belong to the same filter and order.
    pub fn after(&self, filter: &impl Serialize) -> Result<Option<Cursor>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let token = self.open(cursor)?;
        if token.filter == self.fingerprint(filter)? { Ok(Some(token.at)) } else { Err(Self::broken()) }
    }

    /// Makes the page of the rows that were fetched.
    pub fn page<T>(&self, as_of: NaiveDate, mut rows: Vec<T>, total: Option<usize>, filter: &impl Serialize, cursor: impl Fn(&T) -> Cursor) -> Result<Page<T>> {
        let size = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = match rows.last() {
            Some(last) if has_more => Some(self.seal(&Token { at: cursor(last), filter: self.fingerprint(filter)?, as_of })?),
            _ => None,
        };
        Ok(Page { items: rows, next, has_more, as_of, total: total.map(|total| i64::try_from(total).unwrap_or(MAX_TOTAL)) })
    }

    /// The refusal of a cursor.
    #[must_use]
    pub fn broken() -> Error {
        BAD_CURSOR.at("after").into()
    }

    fn fingerprint(&self, filter: &impl Serialize) -> Result<String> {
        let text = serde_json::to_string(&(filter, self.sort)).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(self.sign(text.as_bytes())?.get(..9).unwrap_or_default()))
    }

    fn seal(&self, token: &Token) -> Result<String> {
        let text = serde_json::to_vec(token).map_err(|error| Error::Internal(error.to_string()))?;
        let mut sealed = self.sign(&text)?;
        sealed.extend(text);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    fn open(&self, cursor: &str) -> Result<Token> {
        let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Self::broken())?;
        let (tag, text) = sealed.split_at_checked(32).ok_or_else(Self::broken)?;
        self.mac(text)?.verify_slice(tag).map_err(|_| Self::broken())?;
        serde_json::from_slice(text).map_err(|_| Self::broken())
    }

    fn mac(&self, text: &[u8]) -> Result<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.secret).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(mac.chain_update(text))
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        Ok(self.mac(text)?.finalize().into_bytes().to_vec())
    }
}

/// One page of a list.
#[derive(Serialize, Debug)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the next page, for `after`; null on the last.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
    /// The day that the list speaks of.
    pub as_of: NaiveDate,
    /// How many rows there are in all, where `include_total` asked; 10000 means that many or more.
    pub total: Option<i64>,
}

/// Orders a boxed query by the key that was asked for and the id, goes on after the cursor, and limits it.
#[macro_export]
macro_rules! keyset {
    ($query:expr, $table:ident, $paging:expr, $after:expr) => {{
        use $crate::page::Sort;
        let query = $query.limit($paging.fetch());
        let after = $after;
        match $paging.sort {
            Sort::Code => $crate::keyset!(@by query, $table, code, asc, gt, after),
            Sort::CodeDescending => $crate::keyset!(@by query, $table, code, desc, lt, after),
            Sort::Name => $crate::keyset!(@by query, $table, name, asc, gt, after),
            Sort::NameDescending => $crate::keyset!(@by query, $table, name, desc, lt, after),
        }
    }};
    (@by $query:ident, $table:ident, $key:ident, $order:ident, $beyond:ident, $after:ident) => {{
        let query = $query.order(($table::$key.$order(), $table::id.$order()));
        match $after {
            None => query,
            Some(cursor) => query.filter($table::$key.$beyond(cursor.key.clone()).or($table::$key.eq(cursor.key).and($table::id.$beyond(cursor.id)))),
        }
    }};
}

/// The cursor of a row that has a code, a name and an id.
#[macro_export]
macro_rules! cursor_of {
    ($paging:expr) => {
        |row| $crate::page::Cursor {
            key: match $paging.sort {
                $crate::page::Sort::Code | $crate::page::Sort::CodeDescending => row.code.to_string(),
                $crate::page::Sort::Name | $crate::page::Sort::NameDescending => row.name.to_string(),
            },
            id: row.id.into(),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(cursor: Option<String>, sort: Sort) -> Paging {
        Paging::new(Some(2), cursor, false, Some(sort), &[7; 32])
    }

    #[test]
    fn a_cursor_fits_its_own_list_only() {
        let day = "2026-11-23".parse().unwrap();
        let page = paging(None, Sort::Code).page(day, vec![1, 2, 3], None, &"f", |row| Cursor { key: row.to_string(), id: Uuid::nil() }).unwrap();
        assert_eq!((page.items.len(), page.has_more), (2, true));
        let next = page.next.unwrap();
        assert_eq!(paging(Some(next.clone()), Sort::Code).after(&"f").unwrap().unwrap().key, "2");
        assert_eq!(paging(Some(next.clone()), Sort::Code).pinned_day().unwrap(), Some(day));
        assert!(paging(Some(next.clone()), Sort::Code).after(&"g").is_err(), "another filter");
        assert!(paging(Some(next.clone()), Sort::Name).after(&"f").is_err(), "another order");
        let mut forged = next;
        forged.replace_range(3..4, if forged.as_bytes()[3] == b'A' { "B" } else { "A" });
        assert!(paging(Some(forged), Sort::Code).after(&"f").is_err(), "a changed character");
    }
}
