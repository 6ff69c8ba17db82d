//! What every domain of Linli shares: ids, codes, time, refusals, pages, the database, the journal, imports.
//! No noun of any domain lives here, and nothing of HTTP.

// The macros below name this crate as their users do.
extern crate self as kernel;

pub mod actor;
pub mod area;
pub mod boundary;
pub mod bundle;
pub mod change;
pub mod charset;
pub mod cipher;
pub mod clock;
pub mod connect;
pub mod db;
pub mod export;
pub mod gauge;
mod id;
pub mod import;
pub mod journal;
pub mod manifest;
pub mod measures;
pub mod page;
pub mod period;
pub mod personal;
mod pool;
pub mod prepared;
pub mod pulse;
mod reads;
pub mod refusal;
pub mod rekey;
pub mod role;
pub mod sheet;
pub mod spool;
pub mod statistic;
pub mod tabular;
pub mod task;
pub mod text;
mod text_enum;
pub mod trace;
pub mod workflow;
pub mod xid;

/// What the macros of this crate expand to; not for direct use.
#[doc(hidden)]
pub mod macros {
    pub use {chrono, diesel, serde, utoipa, uuid};
}

pub use actor::{Actor, Grant, Permission};
pub use area::{AreaCode, Scope};
pub use change::{Ending, Expected};
pub use clock::Stamp;
pub use db::{Call, Conn, Db, Tx, View};
pub use journal::Recorded;
pub use page::{Page, Paging};
pub use prepared::Prepare;
pub use refusal::{Error, Fault, Kind, Refusal, Result};
pub use role::Role;
pub use text_enum::{Choice, Labelled};
