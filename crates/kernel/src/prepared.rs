//! Statements that are prepared once a connection although diesel would prepare them each time.
//!
//! Diesel keeps no `INSERT` and no `UPDATE`: their shapes may be without number, and a connection forgets none. Where a
//! statement is made often and in few shapes, that costs a round trip and a plan each time for nothing.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{LazyLock, Mutex, PoisonError};

use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// So many shapes are kept by each connection; what comes after them is prepared each time. Some fifty tables are written, each by
/// a statement that makes, one that ends and one that patches; what is made leaves out some members, and what is patched most, so
/// these come in a dozen shapes or two. A connection keeps those alone that it has met, and Postgres keeps some tens of kilobytes
/// of each.
const MOST_SHAPES: usize = 1_000;
/// So many of them may be of one verb and one table: whoever patches members in all their combinations, of which a table can have
/// thousands, takes no room from others.
const MOST_OF_ONE: usize = 50;

/// Which shapes are kept, by the hash of their text.
static SHAPES: LazyLock<Mutex<Shapes>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Shapes {
    /// By the hash of their verb and table.
    of_one: HashMap<u64, HashSet<u64>>,
    kept: usize,
    hasher: std::hash::RandomState,
}

impl Shapes {
    /// Whether a shape is kept; while there is room, any is.
    fn keep(&mut self, sql: &str, most: usize, most_of_one: usize) -> bool {
        let shape = self.hasher.hash_one(sql);
        // INSERT INTO "grid" or UPDATE "grid".
        let verb_and_table = sql.split('"').take(2).collect::<String>();
        let of_one = self.of_one.entry(self.hasher.hash_one(verb_and_table)).or_default();
        if of_one.contains(&shape) {
            return true;
        }
        let room = self.kept < most && of_one.len() < most_of_one;
        if room {
            of_one.insert(shape);
            self.kept += 1;
        }
        room
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
        Ok(SHAPES.lock().unwrap_or_else(PoisonError::into_inner).keep(&text.finish(), MOST_SHAPES, MOST_OF_ONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_shapes_are_kept_as_there_is_room_for() {
        let mut shapes = Shapes::default();
        assert!(shapes.keep("a", 2, 9) && shapes.keep("b", 2, 9) && shapes.keep("a", 2, 9));
        assert!(!shapes.keep("c", 2, 9) && shapes.keep("b", 2, 9));
    }

    #[test]
    fn a_statement_of_many_shapes_takes_no_room_from_others() {
        let mut shapes = Shapes::default();
        let set = |table: &str, member: &str| format!("UPDATE \"{table}\" SET \"{member}\" = $1");
        assert!(shapes.keep(&set("grid", "name"), 9, 2) && shapes.keep(&set("grid", "kind"), 9, 2));
        assert!(!shapes.keep(&set("grid", "code"), 9, 2) && shapes.keep(&set("grid", "kind"), 9, 2));
        assert!(shapes.keep(&set("person", "name"), 9, 2), "another table");
        assert!(shapes.keep("INSERT INTO \"grid\" (\"name\") VALUES ($1)", 9, 2), "another verb");
    }
}
