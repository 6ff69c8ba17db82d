//! Shared, pipelined read connections of one worker thread, which heal by themselves.
//!
//! Many reads run on one connection at a time, so a read of one row costs no pool and no waiting. In return
//! only short, typed queries of fixed shape may come here: Postgres answers one connection in order, and a
//! statement cache never forgets a shape.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::connect::Endpoint;
use crate::measures::Measures;
use crate::refusal::{DATABASE_AWAY, Error, Result};

type Link = Option<Rc<AsyncPgConnection>>;

/// Connections a worker keeps: two, so that a slow read holds up at most its own.
const LINKS: usize = 2;
/// How long a read waits for Postgres to come back before it answers "not now".
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause before the same read is tried again, and between attempts to connect.
const PAUSE: Duration = Duration::from_millis(20);
const RECONNECT: Duration = Duration::from_millis(100);

/// The read connections of one worker thread.
pub struct Reads {
    slots: Vec<watch::Receiver<Link>>,
    next: Cell<usize>,
}

impl Reads {
    /// Connects in the background. Must be called on a thread that runs local tasks.
    pub fn connect(endpoint: Arc<Endpoint>, measures: Arc<Measures>) -> Self {
        let slots = (0..LINKS)
            .map(|_| {
                let (sender, receiver) = watch::channel(None);
                tokio::task::spawn_local(keep(Arc::clone(&endpoint), Arc::clone(&measures), sender));
                receiver
            })
            .collect();
        Self { slots, next: Cell::new(0) }
    }

    /// Runs a read, again on another connection if its own is lost, for up to two seconds.
    pub async fn run<T>(&self, read: impl AsyncFn(&AsyncPgConnection) -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let Some(link) = self.link().await else { break };
            match read(&link).await {
                Err(error) if error.lost_connection() => sleep(PAUSE).await,
                result => return result.map_err(Error::refused),
            }
        }
        Err((&DATABASE_AWAY).into())
    }

    /// The least busy open connection; where none is open, the first that opens in time.
    async fn link(&self) -> Link {
        let start = self.next.replace(self.next.get().wrapping_add(1));
        let in_turn = || self.slots.iter().cycle().skip(start % LINKS).take(LINKS);
        let open = in_turn().filter_map(|slot| slot.borrow().clone()).min_by_key(Rc::strong_count);
        if open.is_some() {
            return open;
        }
        let mut slot = in_turn().next()?.clone();
        timeout(PATIENCE, slot.wait_for(Option::is_some)).await.ok()?.ok()?.clone()
    }
}

/// Keeps one slot filled: connects, waits for the end of the connection, connects again.
async fn keep(endpoint: Arc<Endpoint>, measures: Arc<Measures>, slot: watch::Sender<Link>) {
    while !slot.is_closed() {
        match endpoint.open().await {
            Ok((client, driver)) => {
                // The driver's end is the only news of a lost connection.
                let driver = tokio::spawn(driver);
                match AsyncPgConnection::try_from(client).await {
                    Ok(conn) => {
                        slot.send_replace(Some(Rc::new(conn)));
                        measures.links().inc();
                        let end = tokio::select! { end = driver => Some(end), () = slot.closed() => None };
                        measures.links().dec();
                        slot.send_replace(None);
                        if end.is_some() {
                            tracing::warn!("a read connection to Postgres ended");
                        }
                    }
                    Err(error) => tracing::warn!(%error, "a read connection could not be set up"),
                }
            }
            Err(error) => endpoint.complain(&error),
        }
        sleep(RECONNECT).await;
    }
}
