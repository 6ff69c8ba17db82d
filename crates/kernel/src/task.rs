//! Tasks: work that nobody waits for, such as sealing, sending and purging. Every replica runs all of them, and
//! each takes its work from the database in such a way that no other replica takes the same.

use std::pin::Pin;
use std::time::Duration;

use crate::db::{Call, Db};
use crate::refusal::Result;

/// When a task wants to be run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At once: there is more to do.
    Go,
    /// At its usual time.
    Rest,
}

/// What a task does in one go: a piece of work that is over soon, so that a server that ends need not wait.
pub type Work = Box<dyn Fn(Db, Call) -> Pin<Box<dyn Future<Output = Result<Pace>>>> + Send>;

/// One task.
pub struct Task {
    /// Its name, for log and metrics.
    pub name: &'static str,
    /// How long it rests where there was nothing to do, or where it failed.
    pub every: Duration,
    /// What it does.
    pub work: Work,
}

impl Task {
    /// A task from a plain function.
    pub fn new<F: Future<Output = Result<Pace>> + 'static>(name: &'static str, every: Duration, work: impl Fn(Db, Call) -> F + Send + 'static) -> Self {
        Self { name, every, work: Box::new(move |db, call| Box::pin(work(db, call))) }
    }
}
