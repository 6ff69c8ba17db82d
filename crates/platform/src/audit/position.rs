//! Where a line stands in the journal: transaction and number, as Postgres keeps them.

use std::fmt;

use kernel::xid::Xid;

/// The place of a line in the order of readers. The default stands for the beginning, whatever lines there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The transaction that wrote it.
    pub xid: Xid,
    /// Its number.
    pub seq: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.xid.0, self.seq)
    }
}
