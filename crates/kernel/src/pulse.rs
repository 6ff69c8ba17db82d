//! How far a long piece of work has come, and whether it shall stop: the work tells the one and asks the other, and
//! whoever watches it does the reverse, in the same thread.

use std::cell::Cell;

use crate::refusal::{Refusal, Result};

/// It was told to stop.
pub const STOPPED: Refusal = Refusal::conflict("job.stopped", "该任务已被取消。", "The work was told to stop.");

/// What the work and its watcher share.
#[derive(Debug, Default)]
pub struct Pulse {
    rows: Cell<i32>,
    refused: Cell<i32>,
    stopped: Cell<bool>,
}

impl Pulse {
    /// Tells how many rows have been read or written so far, and how many of them were at fault. Refuses once the
    /// work shall stop.
    pub fn beat(&self, rows: i32, refused: i32) -> Result<()> {
        self.rows.set(rows);
        self.refused.set(refused);
        if self.stopped.get() { Err((&STOPPED).into()) } else { Ok(()) }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> i32 {
        self.rows.get()
    }

    /// Rows at fault so far.
    #[must_use]
    pub fn refused(&self) -> i32 {
        self.refused.get()
    }

    /// Tells the work to stop, which it does at its next beat.
    pub fn stop(&self) {
        self.stopped.set(true);
    }
}
