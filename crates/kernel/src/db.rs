//! The only place that opens a connection or a transaction.
//!
//! A [`View`] reads, a [`Tx`] is one command in one transaction; both carry who asks, when and about which
//! day, and there is no other way to a query.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use sha2::{Digest, Sha256};
use tokio::time::{sleep, timeout_at};

use crate::actor::{Actor, Permission};
use crate::area::{AreaCode, Scope};
use crate::journal::{self, Entry, Recorded};
use crate::reads::Reads;
use crate::refusal::{DATABASE_AWAY, Error, OUTCOME_UNKNOWN, Result};
use crate::role::Role;

/// A connection as queries take it: shared, so that a few can be on their way at once.
pub type Conn<'a> = &'a AsyncPgConnection;
type Manager = <AsyncPgConnection as AsyncConnection>::TransactionManager;

/// How often a command that clashed with another is run before it is given up.
const ATTEMPTS: usize = 5;
/// How long a command waits for a connection that works.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who asks, when, and about which day.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who.
    pub actor: Arc<Actor>,
    /// When.
    pub now: DateTime<Utc>,
    /// About which day dated things are asked.
    pub as_of: NaiveDate,
    /// The request, as journal, log and answer name it.
    pub request_id: String,
    /// The city that this deployment serves: every area code begins with it.
    pub city: AreaCode,
}

impl Call {
    /// The day that it is.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        crate::clock::day(self.now)
    }
}

/// Reads on behalf of a caller.
pub struct View<'a> {
    conn: Conn<'a>,
    call: &'a Call,
}

impl<'a> View<'a> {
    /// The connection; bind it as `mut` where a query wants it.
    #[must_use]
    pub fn conn(&self) -> Conn<'a> {
        self.conn
    }

    /// Where the caller has at least one of the permissions.
    #[must_use]
    pub fn scope(&self, any_of: &[Permission]) -> Cow<'a, Scope> {
        self.call.actor.scope(any_of)
    }

    /// Where the caller has the permission; refuses where that is nowhere.
    pub fn may(&self, permission: Permission) -> Result<Cow<'a, Scope>> {
        self.call.actor.may(permission)?;
        Ok(self.scope(&[permission]))
    }
}

impl Deref for View<'_> {
    type Target = Call;

    fn deref(&self) -> &Call {
        self.call
    }
}

/// One command on behalf of a caller: one transaction, with its journal.
pub struct Tx<'a> {
    view: View<'a>,
    lock_space: &'a [u8],
    entries: RefCell<Vec<Entry>>,
    needed: RefCell<Vec<Need>>,
    role: Cell<Option<Role>>,
}

/// A permission that the caller needed, and where.
pub type Need = (&'static str, String);

impl<'a> Deref for Tx<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl Tx<'_> {
    /// Refuses unless the caller has the permission at this place; what was needed is remembered, so that a
    /// replay of the answer can ask again.
    pub fn may_at(&self, permission: Permission, area: &str) -> Result<()> {
        let grant = self.actor.may_at(permission, area)?;
        self.role.set(grant.role);
        self.needed.borrow_mut().push((permission.0, area.to_owned()));
        Ok(())
    }

    /// What the caller needed so far.
    #[must_use]
    pub fn needed(&self) -> Vec<Need> {
        self.needed.borrow().clone()
    }

    /// The role by which the caller may do what it was last asked whether he may.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.role.get()
    }

    /// Journals a change: what a thing was before, unless it is new, and what it is now.
    pub fn record<T: Recorded>(&self, action: &'static str, before: Option<&T>, after: &T, reason: Option<&str>) -> Result<()> {
        self.entries.borrow_mut().push(Entry::of(self, self.role(), action, before, after, reason)?);
        Ok(())
    }

    /// Runs a part that may fail by itself: if it does, what it wrote is undone, and the rest goes on.
    pub async fn savepoint<T>(&self, work: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        let mut conn = self.conn();
        let entries = self.entries.borrow().len();
        conn.batch_execute("savepoint part").await?;
        let result = work().await;
        if result.is_err() {
            self.entries.borrow_mut().truncate(entries);
            conn.batch_execute("rollback to savepoint part; release savepoint part").await?;
        } else {
            conn.batch_execute("release savepoint part").await?;
        }
        result
    }

    /// Takes a lock by name until the end of the transaction, waiting for whoever holds it.
    pub async fn lock(&self, name: &str) -> Result<()> {
        diesel::select(advisory::pg_advisory_xact_lock(self.lock_key(name))).execute(&mut self.conn()).await?;
        Ok(())
    }

    /// Takes a lock by name until the end of the transaction, unless somebody holds it.
    pub async fn try_lock(&self, name: &str) -> Result<bool> {
        Ok(diesel::select(advisory::pg_try_advisory_xact_lock(self.lock_key(name))).get_result(&mut self.conn()).await?)
    }

    /// Gives this transaction's statements longer than the connection allows.
    pub async fn take_minutes(&self, minutes: u32) -> Result<()> {
        let settings = format!("set local statement_timeout = '{minutes}min'; set local idle_in_transaction_session_timeout = '{minutes}min'");
        Ok(self.conn().batch_execute(&settings).await?)
    }

    fn lock_key(&self, name: &str) -> i64 {
        let digest = Sha256::new().chain_update(self.lock_space).chain_update(name).finalize();
        digest.iter().take(8).fold(0, |key, byte| key << 8 | i64::from(*byte))
    }

    async fn flush(&self) -> Result<()> {
        journal::append(self.conn(), &self.entries.take()).await
    }
}

/// Postgres's advisory locks, as diesel sees them.
mod advisory {
    use diesel::sql_types::BigInt;

    #[diesel::declare_sql_function]
    extern "SQL" {
        fn pg_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Nullable<Bool>;
        fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
    }
}

/// The database, as every thread may hold it: a pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    url: Arc<str>,
    strict: bool,
}

impl Store {
    /// A pool of at most `size` connections to the database at `url`. Connects at the first use.
    pub fn new(url: &str, size: usize) -> Result<Self> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
        let pool = Pool::builder(manager).max_size(size).build().map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { pool, url: url.into(), strict: false })
    }

    /// The same, which fails every command that changes rows and journals nothing. For tests.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// The same with shared read connections for this thread, which must run local tasks.
    #[must_use]
    pub fn on_this_thread(&self) -> Db {
        Db { reads: Rc::new(Reads::connect(&self.url)), store: self.clone() }
    }

    /// Reads that may take long: lists with many filters, statistics. On a connection of their own.
    pub async fn browse<T>(&self, call: &Call, work: impl AsyncFn(&View<'_>) -> Result<T>) -> Result<T> {
        let conn = self.begin("begin read only").await?;
        let result = work(&View { conn: &conn, call }).await;
        self.roll_back(conn).await;
        result.map_err(Error::refused)
    }

    /// Reads that must all see the same instant, however long they take.
    pub async fn snapshot<T>(&self, call: &Call, work: impl AsyncFn(&View<'_>) -> Result<T>) -> Result<T> {
        let conn = self.begin("begin isolation level repeatable read read only; set local statement_timeout = '15min'").await?;
        let result = work(&View { conn: &conn, call }).await;
        self.roll_back(conn).await;
        result.map_err(Error::refused)
    }

    /// Runs a command as one transaction: all of it is kept, or none. Runs it again, whole, where it clashed
    /// with another.
    pub async fn write<T>(&self, call: &Call, name: &'static str, work: impl AsyncFn(&Tx<'_>) -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let mut attempts = 1;
        loop {
            match self.attempt(call, &work).await {
                Err(error) if error.clashed() && attempts < ATTEMPTS => attempts += 1,
                result => {
                    tracing::debug!(command = name, attempts, micros = started.elapsed().as_micros(), ok = result.is_ok(), "command");
                    return result.map_err(Error::refused);
                }
            }
        }
    }

    async fn attempt<T>(&self, call: &Call, work: &impl AsyncFn(&Tx<'_>) -> Result<T>) -> Result<T> {
        let mut conn = self.begin("begin").await?;
        let result = {
            let view = View { conn: &conn, call };
            let tx = Tx { view, lock_space: self.url.as_bytes(), entries: RefCell::default(), needed: RefCell::default(), role: Cell::default() };
            async {
                let value = work(&tx).await?;
                tx.flush().await?;
                if self.strict {
                    journal::insist(tx.conn()).await?;
                }
                Ok(value)
            }
            .await
        };
        match result {
            Ok(value) => match (&*conn).batch_execute("commit").await.map_err(Error::from) {
                Ok(()) => {
                    release(&mut conn);
                    Ok(value)
                }
                Err(error) if error.lost_connection() => Err((&OUTCOME_UNKNOWN).into()),
                Err(error) => Err(error),
            },
            Err(error) => {
                self.roll_back(conn).await;
                Err(error)
            }
        }
    }

    /// A connection on which a transaction has begun. A connection that turns out dead is replaced: nothing
    /// has been done on it yet.
    async fn begin(&self, begin: &str) -> Result<Object<AsyncPgConnection>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match timeout_at(deadline.into(), self.pool.get()).await {
                Ok(Ok(mut conn)) => {
                    hold(&mut conn);
                    match (&*conn).batch_execute(begin).await.map_err(Error::from) {
                        Ok(()) => return Ok(conn),
                        Err(error) if error.lost_connection() => drop(Object::take(conn)),
                        Err(error) => return Err(error),
                    }
                }
                Ok(Err(error)) => tracing::warn!(%error, "Postgres cannot be reached"),
                Err(_) => return Err((&DATABASE_AWAY).into()),
            }
            if Instant::now() >= deadline {
                return Err((&DATABASE_AWAY).into());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn roll_back(&self, mut conn: Object<AsyncPgConnection>) {
        if (&*conn).batch_execute("rollback").await.is_ok() {
            release(&mut conn);
        }
    }
}

/// Marks a connection as in use: if its holder is dropped before [`release`], because the client hung up or
/// time ran out, the pool closes it rather than lend a half-done transaction to somebody else.
fn hold(conn: &mut AsyncPgConnection) {
    Manager::transaction_manager_status_mut(conn).set_in_error();
}

/// Marks a connection as free of any transaction.
fn release(conn: &mut AsyncPgConnection) {
    *conn.transaction_state() = Manager::default();
}

/// The database, as one thread holds it.
#[derive(Clone)]
pub struct Db {
    store: Store,
    reads: Rc<Reads>,
}

impl Db {
    /// Short reads by typed queries of fixed shape, on a shared connection.
    pub async fn read<T>(&self, call: &Call, work: impl AsyncFn(&View<'_>) -> Result<T>) -> Result<T> {
        self.reads.run(async |conn| work(&View { conn, call }).await).await
    }
}

impl Deref for Db {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
