//! A pool of connections on which transactions and longer reads run, one at a time; dead connections are replaced.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use futures_util::FutureExt;
use tokio::time::{sleep, timeout_at};

use crate::connect::Endpoint;
use crate::refusal::{DATABASE_AWAY, Error, Result};

type Manager = <AsyncPgConnection as AsyncConnection>::TransactionManager;

/// How long a transaction or a read waits for a connection that works.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause before another connection is tried: a dead one may have a living neighbour, a server that cannot be
/// reached wants to be left alone for longer.
const AFTER_DEAD: Duration = Duration::from_millis(5);
const AFTER_REFUSED: Duration = Duration::from_millis(100);

/// The connections to one server.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: Pool<AsyncPgConnection>,
    endpoint: Arc<Endpoint>,
}

/// How a pool is used at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections that the pool may have.
    pub most: usize,
    /// Connections that it has.
    pub open: usize,
    /// Those on which a transaction or a read runs.
    pub in_use: usize,
    /// Transactions and reads that wait for one.
    pub waiting: usize,
}

impl Connections {
    /// At most `size` connections. Connects at the first use.
    pub fn new(url: &str, size: usize) -> Result<Self> {
        let endpoint = Arc::new(Endpoint::parse(url)?);
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let connecting = Arc::clone(&endpoint);
        config.custom_setup = Box::new(move |_| {
            let endpoint = Arc::clone(&connecting);
            async move { endpoint.connect().await }.boxed()
        });
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config("", config);
        let pool = Pool::builder(manager).max_size(size).build().map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { pool, endpoint })
    }

    /// The server.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// How the pool is used.
    pub fn usage(&self) -> PoolUse {
        let status = self.pool.status();
        PoolUse { most: status.max_size, open: status.size, in_use: status.size.saturating_sub(status.available), waiting: status.waiting }
    }

    /// A connection on which a transaction has begun. A connection that turns out dead is replaced: nothing
    /// has been done on it yet.
    pub async fn begin(&self, begin: &str) -> Result<Lease> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match timeout_at(deadline.into(), self.try_begin(begin)).await {
                Ok(Ok(begun)) => return Ok(begun),
                Ok(Err(Lost::Dead)) => sleep(AFTER_DEAD).await,
                Ok(Err(Lost::Unreachable)) => sleep(AFTER_REFUSED).await,
                Ok(Err(Lost::Failed(error))) => return Err(error),
                Err(_) => return Err((&DATABASE_AWAY).into()),
            }
            if Instant::now() >= deadline {
                return Err((&DATABASE_AWAY).into());
            }
        }
    }

    /// Runs reads of which each sees its own instant: without a transaction, which would cost two more round trips.
    /// Where the connection turns out dead, they are run again on another.
    pub async fn read<T>(&self, read: impl AsyncFn(&AsyncPgConnection) -> Result<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let pause = match timeout_at(deadline.into(), self.lease()).await {
                Ok(Ok(lease)) => match read(&lease).await {
                    Err(error) if error.lost_connection() => {
                        lease.bury();
                        AFTER_DEAD
                    }
                    result => {
                        lease.release();
                        return result;
                    }
                },
                Ok(Err(_)) => AFTER_REFUSED,
                Err(_) => return Err((&DATABASE_AWAY).into()),
            };
            if Instant::now() >= deadline {
                return Err((&DATABASE_AWAY).into());
            }
            sleep(pause).await;
        }
    }

    async fn lease(&self) -> std::result::Result<Lease, Lost> {
        let mut conn = self.pool.get().await.map_err(|error| {
            self.endpoint.complain(&error);
            Lost::Unreachable
        })?;
        // Marks the connection as in use: if its holder is dropped before the end, because the client hung up or time
        // ran out, the pool closes it rather than lend a half-done one to somebody else.
        Manager::transaction_manager_status_mut(&mut *conn).set_in_error();
        Ok(Lease(conn))
    }

    async fn try_begin(&self, begin: &str) -> std::result::Result<Lease, Lost> {
        let lease = self.lease().await?;
        match (&*lease).batch_execute(begin).await.map_err(Error::from) {
            Ok(()) => Ok(lease),
            Err(error) if error.lost_connection() => {
                lease.bury();
                Err(Lost::Dead)
            }
            Err(error) => Err(Lost::Failed(error)),
        }
    }
}

/// Why no transaction has begun.
enum Lost {
    Dead,
    Unreachable,
    Failed(Error),
}

/// A connection that somebody works on. Dropped before he has said that he is done, it is closed.
pub(crate) struct Lease(Object<AsyncPgConnection>);

impl Lease {
    /// Keeps what was done.
    pub async fn commit(self) -> Result<()> {
        (&*self.0).batch_execute("commit").await?;
        self.release();
        Ok(())
    }

    /// Undoes what was done.
    pub async fn roll_back(self) {
        if (&*self.0).batch_execute("rollback").await.is_ok() {
            self.release();
        }
    }

    /// Gives it back to the pool.
    fn release(mut self) {
        *self.0.transaction_state() = Manager::default();
    }

    /// Takes a dead one out of the pool.
    fn bury(self) {
        drop(Object::take(self.0));
    }
}

impl Deref for Lease {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.0
    }
}
