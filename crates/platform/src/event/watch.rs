//! One watcher a process looks for new events on behalf of all who wait for some, so that waiting costs neither a
//! connection nor a query each.
//!
//! It looks four times a second, and only while somebody waits. `NOTIFY` would not do instead: it tells of a commit,
//! but a line becomes readable when an older transaction ends, which may have nothing to tell.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::task::{Pace, Task};
use kernel::{Call, Db, Result};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, timeout_at};

use super::cursor::Position;
use super::epoch::Eras;
use super::{Line, WINDOW, Wanted, end, read};

/// How often the watcher looks.
const EVERY: Duration = Duration::from_millis(250);
/// Looks that a waiter may be behind before it is told to read for itself.
const BEHIND: usize = 64;

/// New lines: these, or more than are worth telling.
type News = Option<Arc<[Line]>>;

/// The watcher of a process.
#[derive(Clone)]
pub struct Watch {
    news: broadcast::Sender<News>,
    open: Arc<watch::Sender<bool>>,
    /// Up to where it has looked.
    seen: Arc<Mutex<Option<Position>>>,
}

impl Default for Watch {
    fn default() -> Self {
        Self { news: broadcast::Sender::new(BEHIND), open: Arc::new(watch::Sender::new(true)), seen: Arc::default() }
    }
}

impl Watch {
    /// The looking itself, for the background.
    #[must_use]
    pub fn task(&self) -> Task {
        let watch = self.clone();
        Task::new("event.watch", EVERY, move |db, call| {
            let watch = watch.clone();
            async move { watch.look(&db, &call).await }
        })
    }

    /// Hears of whatever is found from now on. Listen first, then read, then wait: so nothing falls in between.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener { news: self.news.subscribe(), open: self.open.subscribe() }
    }

    /// Lets all go who wait: the server ends.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    async fn look(&self, db: &Db, call: &Call) -> Result<Pace> {
        if self.news.receiver_count() == 0 {
            return Ok(Pace::Rest);
        }
        // Taken out: where looking fails, the next look begins anew.
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (news, until) = db
            .browse(call, async |view| {
                let eras = Eras::load(view).await?;
                // After a time without anybody who waits there may be much to catch up with: they read for themselves.
                let Some(seen) = seen else { return Ok((None, end(view, &eras).await?)) };
                let window = read(view, &eras, seen, WINDOW).await?;
                if window.more { Ok((None, end(view, &eras).await?)) } else { Ok((Some(window.lines), window.until)) }
            })
            .await?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        if news.as_ref().is_none_or(|lines| !lines.is_empty()) {
            // Nobody may be left to hear it.
            drop(self.news.send(news.map(Into::into)));
        }
        Ok(Pace::Rest)
    }
}

/// One who waits.
pub struct Listener {
    news: broadcast::Receiver<News>,
    open: watch::Receiver<bool>,
}

impl Listener {
    /// Waits for an event that is wanted; false where none came in time, or the server ends.
    pub async fn hears(&mut self, wanted: &Wanted, deadline: Instant) -> bool {
        let Self { news, open } = self;
        let heard = async {
            loop {
                match news.recv().await {
                    Ok(Some(lines)) if !lines.iter().any(|line| wanted.fits(line)) => {}
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return true,
                    Err(broadcast::error::RecvError::Closed) => return false,
                }
            }
        };
        tokio::select! {
            heard = timeout_at(deadline, heard) => heard.unwrap_or(false),
            _ = open.wait_for(|open| !open) => false,
        }
    }
}
