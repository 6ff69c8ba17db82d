//! Blocks: a run of the journal's lines, hashed, and chained to the block before.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::xid::Xid;
use kernel::{Result, Stamp, View};
use schema::journal_block;
use serde::Serialize;
use utoipa::ToSchema;

use super::form::{FORM, Hash, Line, Micros, Tree, Values};
use super::position::Position;

/// A block as it stands.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = journal_block)]
pub struct Block {
    /// Counted from 1.
    pub number: i64,
    form: i16,
    /// Lines have this number or a greater one: the first after those restored from a dump; before any, the least of all.
    pub from_seq: i64,
    after_xid: Xid,
    after_seq: i64,
    last_xid: Xid,
    last_seq: i64,
    /// How many lines; none in a block that only says where lines begin after a restore.
    pub lines: i32,
    /// The earliest time of a line.
    pub first_at: Micros,
    /// The latest time of a line.
    pub last_at: Micros,
    /// The root of the tree over the lines.
    pub root: Hash,
    /// The hash of the block before; zeros in the first.
    pub previous: Hash,
    /// When it was sealed.
    pub sealed_at: Micros,
    /// The hash of all this, as it is stored.
    pub hash: Hash,
}

impl Block {
    /// The block that follows `before` and seals what is given: of the lines from `from_seq` on those after `after`.
    #[must_use]
    pub fn next(before: Option<&Self>, from_seq: i64, after: Position, content: &Content, sealed_at: Micros) -> Self {
        let mut block = Self {
            number: before.map_or(0, |before| before.number) + 1,
            form: FORM,
            from_seq,
            after_xid: after.xid,
            after_seq: after.seq,
            last_xid: content.last.xid,
            last_seq: content.last.seq,
            lines: i32::try_from(content.lines).unwrap_or(i32::MAX),
            first_at: if content.lines == 0 { sealed_at } else { content.first_at },
            last_at: if content.lines == 0 { sealed_at } else { content.last_at },
            root: content.tree.root(),
            previous: before.map(|before| before.hash).unwrap_or_default(),
            sealed_at,
            hash: Hash::default(),
        };
        block.hash = block.computed();
        block
    }

    /// Behind which line it begins; the default where nothing was sealed of lines from `from_seq` on.
    #[must_use]
    pub fn after(&self) -> Position {
        Position { xid: self.after_xid, seq: self.after_seq }
    }

    /// Its last line.
    #[must_use]
    pub fn last(&self) -> Position {
        Position { xid: self.last_xid, seq: self.last_seq }
    }

    /// The hash that its other columns have: every one, in the order of the table.
    #[must_use]
    pub fn computed(&self) -> Hash {
        Values::of_block()
            .integer(self.number)
            .integer(self.form)
            .integer(self.from_seq)
            .xid(self.after_xid)
            .integer(self.after_seq)
            .xid(self.last_xid)
            .integer(self.last_seq)
            .integer(self.lines)
            .time(self.first_at)
            .time(self.last_at)
            .hash(self.root)
            .hash(self.previous)
            .time(self.sealed_at)
            .end()
    }

    /// Whether it begins where the block before ends.
    #[must_use]
    pub fn adjoins(&self, before: &Self) -> bool {
        match self.from_seq == before.from_seq {
            true => self.after() == before.last(),
            false => self.from_seq > before.from_seq && self.after() == Position::default(),
        }
    }
}

/// What a run of lines amounts to, line by line.
#[derive(Debug, Default)]
pub struct Content {
    tree: Tree,
    /// How many lines.
    pub lines: i64,
    last: Position,
    first_at: Micros,
    last_at: Micros,
}

impl Content {
    /// Adds the next line.
    pub fn add(&mut self, line: &Line) {
        self.first_at = if self.lines == 0 { line.at } else { self.first_at.min(line.at) };
        self.last_at = if self.lines == 0 { line.at } else { self.last_at.max(line.at) };
        self.last = line.position();
        self.lines += 1;
        self.tree.add(line.leaf());
    }

    /// The root of the tree over the lines.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }
}

/// The latest block: whoever keeps its number and hash elsewhere finds out a chain that was written anew.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditHead {
    /// Its number.
    #[schema(minimum = 1, example = 1207)]
    pub number: i64,
    /// Its hash, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$", max_length = 64, example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// Lines in it.
    #[schema(minimum = 0)]
    pub lines: i32,
    /// When it was sealed.
    pub sealed_at: Stamp,
}

impl From<&Block> for AuditHead {
    fn from(block: &Block) -> Self {
        Self { number: block.number, hash: block.hash.to_string(), lines: block.lines, sealed_at: Stamp(block.sealed_at.told()) }
    }
}

/// The latest block, where there is one.
pub async fn latest(view: &View<'_>) -> Result<Option<Block>> {
    let query = journal_block::table.order(journal_block::number.desc()).select(Block::as_select());
    Ok(query.first(&mut view.conn()).await.optional()?)
}

/// Blocks in order, from a number on.
pub async fn from(view: &View<'_>, number: i64, limit: i64) -> Result<Vec<Block>> {
    let query = journal_block::table.filter(journal_block::number.ge(number)).order(journal_block::number).limit(limit).select(Block::as_select());
    Ok(query.load(&mut view.conn()).await?)
}
