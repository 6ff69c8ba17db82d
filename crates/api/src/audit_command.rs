//! `linli audit`: what an operator asks about the seals of the journal.

use chrono::NaiveDate;
use clap::Subcommand;
use kernel::db::Store;
use kernel::{Call, Error, Result};
use platform::audit::block;
use platform::audit::verify::{self, AuditFault, AuditFinding, AuditRange, KeptHash};

/// Blocks that are asked for at a time.
const BLOCKS: i64 = 50;

/// What is asked.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// Print number and hash of the latest block, as NUMBER:HASH.
    ///
    /// Whoever can write to the database can write all of its hashes anew. So keep this line where he cannot reach it
    /// (on paper, in a gazette, with another office), daily or weekly, and give it to `linli audit verify --expect`.
    Head,
    /// Verify that the journal is still what was sealed; exit with 1 where it is not.
    ///
    /// Reads all blocks and all lines that they seal, as a stream: memory stays flat, and ten million lines take minutes.
    /// Prints a line for each block that is at fault, the first of them being where to look: the block is missing or was
    /// changed, it does not follow the block before, or lines in its place were removed, inserted or changed. Then
    /// counts: blocks, lines, and lines that no block seals yet, which nothing can be said about.
    Verify {
        /// The first block.
        #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=1_000_000_000_000))]
        from: i64,
        /// The last block; the latest unless given.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=1_000_000_000_000))]
        to: Option<i64>,
        /// Months before this day were archived: of blocks with lines before it only the chain is verified.
        #[arg(long, value_name = "YYYY-MM-DD")]
        lines_since: Option<NaiveDate>,
        /// Number and hash of a block that were kept elsewhere, as `linli audit head` printed them.
        #[arg(long, value_name = "NUMBER:HASH")]
        expect: Option<KeptHash>,
    },
}

/// Answers; `say` takes a line of the answer.
pub async fn run(command: AuditCommand, store: &Store, call: &Call, say: impl Fn(&str) -> Result<()>) -> Result<()> {
    match command {
        AuditCommand::Head => match store.browse(call, block::latest).await? {
            Some(block) => say(&format!("{}:{}", block.number, block.hash)),
            None => Err(Error::Internal("nothing is sealed yet; linli serve seals a minute after the first change".to_owned())),
        },
        AuditCommand::Verify { from, to, lines_since, expect } => {
            let to = to.unwrap_or(i64::MAX);
            if to < from {
                return Err(Error::Internal(format!("there is no block from {from} to {to}")));
            }
            let mut range = AuditRange { from: Some(from), blocks: Some(BLOCKS), lines_since, expect };
            let (mut blocks, mut lines, mut found) = (0, 0, 0);
            let mut first = None;
            loop {
                range.blocks = Some(BLOCKS.min(to - range.from.unwrap_or(1) + 1));
                let part = store.browse(call, async |view| verify::verify(view, &range).await).await?;
                blocks += part.blocks;
                lines += part.lines;
                found += part.findings.len();
                first = first.or(part.findings.first().map(|finding| finding.block));
                part.findings.iter().try_for_each(|finding| say(&told(finding)))?;
                range = AuditRange { from: part.next, expect: None, ..range };
                if part.next.is_none_or(|next| next > to) {
                    let since = part.unsealed_since.map(|at| format!(", the earliest of {}", at.0)).unwrap_or_default();
                    say(&format!("{blocks} blocks and {lines} lines verified, {} lines not yet sealed{since}", part.unsealed))?;
                    break;
                }
            }
            match first {
                None => Ok(()),
                Some(first) => Err(Error::Internal(format!("the audit log is not what was sealed: {found} findings, the first in block {first}"))),
            }
        }
    }
}

/// A finding as a sentence.
fn told(finding: &AuditFinding) -> String {
    let what = match finding.fault {
        AuditFault::BlockMissing => "there is no such block",
        AuditFault::BlockChanged => "the block itself was changed",
        AuditFault::ChainBroken => "it does not follow the block before; one of the two was written anew",
        AuditFault::NotExpected => "its hash is not the one that was kept elsewhere; the chain was written anew",
        AuditFault::LinesRemoved => "lines were removed",
        AuditFault::LinesInserted => "lines were inserted",
        AuditFault::LinesChanged => "lines were changed",
    };
    let counts = finding.sealed.zip(finding.found).map(|(sealed, found)| format!(", {sealed} sealed and {found} found")).unwrap_or_default();
    let between = finding.first_at.zip(finding.last_at).map(|(from, to)| format!(", of {} to {}", from.0, to.0)).unwrap_or_default();
    format!("block {}: {}: {what}{counts}{between}", finding.block, finding.fault.word())
}
