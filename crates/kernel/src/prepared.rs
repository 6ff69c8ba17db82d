//! Statements that are prepared once a connection although diesel would prepare them each time.
//!
//! Diesel keeps no `INSERT` and no `UPDATE`: their shapes may be without number, and a connection forgets none. Where a
//! statement is made often and in few shapes, that costs a round trip and a plan each time for nothing.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::{LazyLock, Mutex, PoisonError};

use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// So many shapes are kept by each connection; what comes after them is prepared each time.
const MOST_SHAPES: usize = 500;

/// Which shapes are kept, by the hash of their text.
static SHAPES: LazyLock<Mutex<Shapes>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Shapes {
    hashes: HashSet<u64>,
    hasher: std::hash::RandomState,
}

impl Shapes {
    /// Whether a shape is kept; while there is room, any is.
    fn keep(&mut self, sql: &str, most: usize) -> bool {
        let hash = self.hasher.hash_one(sql);
        self.hashes.contains(&hash) || self.hashes.len() < most && self.hashes.insert(hash)
    }
}

/// A statement that is prepared once a connection.
#[derive(Debug)]
pub struct Prepared<Q>(Q);

/// Turns a statement into one that is prepared once a connection.
pub trait Prepare: Sized {
    /// The same statement, prepared once a connection.
    fn prepared(self) -> Prepared<Self> {
        Prepared(self)
    }
}

impl<Q: QueryFragment<Pg>> Prepare for Q {}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

// Its text is what it is known by.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &Pg) -> QueryResult<bool> {
        let mut text = PgQueryBuilder::default();
        self.0.to_sql(&mut text, backend)?;
        Ok(SHAPES.lock().unwrap_or_else(PoisonError::into_inner).keep(&text.finish(), MOST_SHAPES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_shapes_are_kept_as_there_is_room_for() {
        let mut shapes = Shapes::default();
        assert!(shapes.keep("a", 2) && shapes.keep("b", 2) && shapes.keep("a", 2));
        assert!(!shapes.keep("c", 2) && shapes.keep("b", 2));
    }
}
