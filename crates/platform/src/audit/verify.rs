//! Verifying: whether journal and blocks are still what was sealed, some blocks at a time.
//!
//! The hash of a block vouches for its own columns, the hash of the next for the chain, the root for the lines, and a
//! hash that was kept elsewhere for the whole chain up to it. Lines are read as a stream, so memory stays flat.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use diesel::dsl::{count_star, min};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::TryStreamExt;
use kernel::{Permission, Refusal, Result, Stamp, View, clock, period, text_enum};
use schema::{journal, journal_block};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::block::{self, AuditHead, Block, Content};
use super::form::{Hash, Line, Micros};
use super::position::Position;
use super::seal;

/// May verify the audit log.
pub const VERIFY: Permission = Permission("audit.verify");

/// Blocks that are verified at a time unless said.
const BLOCKS: i64 = 50;
/// Blocks whose lines are read by one statement, so that it is over in time.
const READ: usize = 20;

text_enum!(
    /// What is wrong with a block.
    AuditFault {
        /// There is no such block, though there are later ones, or it was expected.
        BlockMissing = "block_missing" "区块缺失",
        /// Its columns do not have its hash: the block was changed.
        BlockChanged = "block_changed" "区块被更改",
        /// It does not follow the block before: one of the two was written anew.
        ChainBroken = "chain_broken" "区块链断裂",
        /// Its hash is not the one that was kept elsewhere: the chain was written anew.
        NotExpected = "not_expected" "与留存的哈希不符",
        /// The journal has fewer lines in its place than were sealed.
        LinesRemoved = "lines_removed" "日志行被删除",
        /// The journal has more lines in its place than were sealed.
        LinesInserted = "lines_inserted" "日志行被插入",
        /// The journal has as many lines in its place, but not the same.
        LinesChanged = "lines_changed" "日志行被更改",
    }
);

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditFinding {
    /// Number of the block.
    #[schema(minimum = 1)]
    pub block: i64,
    /// What is wrong with it.
    pub fault: AuditFault,
    /// How many lines were sealed, where they were compared.
    #[schema(minimum = 0)]
    pub sealed: Option<i32>,
    /// How many lines are there now, where they were compared.
    #[schema(minimum = 0)]
    pub found: Option<i64>,
    /// The earliest time of a line that was sealed in it, where the block can be trusted in this.
    pub first_at: Option<Stamp>,
    /// The latest time of such a line.
    pub last_at: Option<Stamp>,
}

/// What came of verifying.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditVerification {
    /// Whether nothing is wrong with these blocks.
    pub sound: bool,
    /// What is wrong, in the order of the blocks: the first is where to look.
    #[schema(max_items = 1000)]
    pub findings: Vec<AuditFinding>,
    /// Blocks that were verified.
    #[schema(minimum = 0)]
    pub blocks: usize,
    /// Lines that were compared with what was sealed.
    #[schema(minimum = 0)]
    pub lines: i64,
    /// The block to go on from; null where these were the last.
    #[schema(minimum = 1)]
    pub next: Option<i64>,
    /// Lines that no block seals yet: nothing can be said about them.
    #[schema(minimum = 0)]
    pub unsealed: i64,
    /// The earliest time of such a line: some minutes ago, unless something writes for long or nobody seals.
    pub unsealed_since: Option<Stamp>,
    /// The latest block; null while there is none.
    pub head: Option<AuditHead>,
}

/// Number and hash of a block, kept elsewhere: `1207:9f86…`.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(
    value_type = String, pattern = "^[1-9][0-9]{0,17}:[0-9a-fA-F]{64}$", max_length = 83,
    example = "1:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)]
pub struct KeptHash((i64, Hash));

impl FromStr for KeptHash {
    type Err = &'static Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, hash) = text.split_once(':').ok_or(&NOT_KEPT)?;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or(&NOT_KEPT)?;
        Ok(Self((number, hash.parse().map_err(|()| &NOT_KEPT)?)))
    }
}

impl fmt::Display for KeptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self((number, hash)) = self;
        write!(f, "{number}:{hash}")
    }
}

impl<'de> Deserialize<'de> for KeptHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|refusal: &Refusal| D::Error::custom(refusal.en))
    }
}

/// What is to be verified.
#[derive(Clone, Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditRange {
    /// The first block; 1 unless said.
    #[validate(range(min = 1, max = 1_000_000_000_000_i64))]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 1)]
    pub from: Option<i64>,
    /// How many blocks; 50 unless said. `next` of the answer says where to go on.
    #[validate(range(min = 1, max = 200))]
    #[schema(minimum = 1, maximum = 200, example = 50)]
    pub blocks: Option<i64>,
    /// Months before this day were archived and are not in the database any more: of blocks with lines before it only
    /// the chain is verified.
    pub lines_since: Option<NaiveDate>,
    /// Number and hash of a block, `NUMBER:HASH`, that were kept elsewhere.
    pub expect: Option<KeptHash>,
}

/// A text that is no number and hash of a block.
pub const NOT_KEPT: Refusal = Refusal::invalid(
    "audit.not_kept",
    "须为“区块号:哈希”,哈希为64位十六进制,如 linli audit head 所示。",
    "Give NUMBER:HASH, the hash in 64 hexadecimal digits, as linli audit head prints it.",
);

impl AuditFinding {
    fn of(block: &Block, fault: AuditFault) -> Self {
        let known = |at: Micros| (fault != AuditFault::BlockChanged).then(|| Stamp(at.told()));
        Self { block: block.number, fault, sealed: None, found: None, first_at: known(block.first_at), last_at: known(block.last_at) }
    }

    fn missing(number: i64) -> Self {
        Self { block: number, fault: AuditFault::BlockMissing, sealed: None, found: None, first_at: None, last_at: None }
    }

    /// What is wrong with the lines of a block, if anything is.
    fn lines(block: &Block, content: &Content) -> Option<Self> {
        let fault = match content.lines.cmp(&i64::from(block.lines)) {
            std::cmp::Ordering::Less => AuditFault::LinesRemoved,
            std::cmp::Ordering::Greater => AuditFault::LinesInserted,
            std::cmp::Ordering::Equal if content.root() != block.root => AuditFault::LinesChanged,
            std::cmp::Ordering::Equal => return None,
        };
        Some(Self { sealed: Some(block.lines), found: Some(content.lines), ..Self::of(block, fault) })
    }
}

/// What is wrong with the chain of these blocks, which are to begin with the number `from`; `before` is the one before.
/// Returns the blocks that can be trusted to say which lines they hold, too.
fn chain(before: Option<&Block>, blocks: Vec<Block>, from: i64) -> (Vec<AuditFinding>, Vec<Block>) {
    let mut findings = Vec::new();
    let mut sound = Vec::new();
    if from > 1 && before.is_none() && !blocks.is_empty() {
        findings.push(AuditFinding::missing(from - 1));
    }
    // After a block that is at fault itself it says nothing new that the next does not follow it.
    let mut trusted = before.filter(|before| before.hash == before.computed()).cloned();
    let mut expected = from;
    for block in blocks {
        if block.number > expected {
            findings.push(AuditFinding::missing(expected));
            trusted = None;
        }
        let begins = block.previous == Hash::default() && block.after() == Position::default();
        expected = block.number + 1;
        if block.hash != block.computed() {
            findings.push(AuditFinding::of(&block, AuditFault::BlockChanged));
            trusted = None;
            continue;
        }
        let follows = trusted.as_ref().is_none_or(|before| block.previous == before.hash && block.adjoins(before));
        if !follows || (block.number == 1 && !begins) {
            findings.push(AuditFinding::of(&block, AuditFault::ChainBroken));
        }
        trusted = Some(block.clone());
        sound.push(block);
    }
    (findings, sound)
}

/// Verifies some blocks: their chain, their lines, and a hash that was kept elsewhere.
pub async fn verify(view: &View<'_>, range: &AuditRange) -> Result<AuditVerification> {
    view.may(VERIFY)?;
    let from = range.from.unwrap_or(1);
    let since = match range.lines_since {
        Some(day) if !clock::in_reach(day) => return Err(period::OUT_OF_YEARS.at("/lines_since").into()),
        Some(day) => Micros::of(clock::start_of(day)),
        None => Micros(i64::MIN),
    };
    let latest = block::latest(view).await?;
    let before = block::from(view, from - 1, 1).await?.into_iter().find(|before| before.number < from);
    let limit = range.blocks.unwrap_or(BLOCKS);
    let mut blocks = block::from(view, from, limit + 1).await?;
    let next = usize::try_from(limit).ok().and_then(|limit| blocks.get(limit)).map(|block| block.number);
    blocks.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let (unsealed, unsealed_since) = unsealed(view, latest.as_ref()).await?;
    let mut verification = AuditVerification {
        sound: true,
        findings: Vec::new(),
        blocks: blocks.len(),
        lines: 0,
        next,
        unsealed,
        unsealed_since: unsealed_since.map(|at| Stamp(at.told())),
        head: latest.as_ref().map(AuditHead::from),
    };
    let (findings, sound) = chain(before.as_ref(), blocks, from);
    verification.findings = findings;
    let kept: Vec<Block> = sound.into_iter().filter(|block| block.first_at >= since).collect();
    for run in kept.chunk_by(|earlier, later| later.adjoins(earlier) && later.from_seq == earlier.from_seq) {
        for part in run.chunks(READ) {
            compare(view, part, &mut verification).await?;
        }
    }
    if let Some(kept) = &range.expect {
        verification.findings.extend(unexpected(view, kept).await?);
    }
    verification.findings.sort_by_key(|finding| finding.block);
    verification.sound = verification.findings.is_empty();
    Ok(verification)
}

/// Compares blocks that follow one another with the lines of the journal in their place.
async fn compare(view: &View<'_>, run: &[Block], verification: &mut AuditVerification) -> Result<()> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let mut conn = view.conn();
    let restored = journal_block::table
        .filter(journal_block::from_seq.gt(first.from_seq))
        .select((journal_block::number, journal_block::from_seq))
        .order((journal_block::from_seq, journal_block::number));
    let restored: Option<(i64, i64)> = restored.first(&mut conn).await.optional()?;
    let mut lines = journal::table.filter(journal::seq.ge(first.from_seq)).order((journal::xid, journal::seq)).into_boxed();
    lines = seal::behind(lines, first.after());
    if let Some((_, from_seq)) = restored {
        lines = lines.filter(journal::seq.lt(from_seq));
    }
    // The last block before a restore is followed by nothing: a line behind it was inserted.
    let closes = restored.is_some_and(|(number, _)| number == last.number + 1);
    if !closes {
        let Position { xid, seq } = last.last();
        lines = lines.filter(journal::xid.le(xid).and(journal::xid.lt(xid).or(journal::seq.le(seq))));
    }
    let mut lines = lines.select(Line::as_select()).load_stream::<Line>(&mut conn).await?;
    let mut next_line = lines.try_next().await?;
    for block in run {
        let mut content = Content::default();
        let takes_all = closes && block.number == last.number;
        while let Some(line) = next_line.take_if(|line| takes_all || line.position() <= block.last()) {
            content.add(&line);
            next_line = lines.try_next().await?;
        }
        verification.lines += content.lines;
        verification.findings.extend(AuditFinding::lines(block, &content));
    }
    Ok(())
}

/// What is wrong where a block does not have the hash that was kept of it.
async fn unexpected(view: &View<'_>, KeptHash((number, hash)): &KeptHash) -> Result<Option<AuditFinding>> {
    let found = block::from(view, *number, 1).await?.into_iter().find(|block| block.number == *number);
    Ok(match found {
        None => Some(AuditFinding::missing(*number)),
        Some(block) if block.hash != *hash => Some(AuditFinding::of(&block, AuditFault::NotExpected)),
        Some(_) => None,
    })
}

/// How many lines come after the latest block, and the time of the earliest of them.
async fn unsealed(view: &View<'_>, latest: Option<&Block>) -> Result<(i64, Option<Micros>)> {
    let (from_seq, after) = latest.map_or((i64::MIN, Position::default()), |latest| (latest.from_seq, latest.last()));
    let lines = seal::behind(journal::table.filter(journal::seq.ge(from_seq)).into_boxed(), after);
    Ok(lines.select((count_star(), min(journal::at))).first(&mut view.conn()).await?)
}
