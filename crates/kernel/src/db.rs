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
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::actor::{Actor, Permission};
use crate::area::{AreaCode, Scope};
use crate::cipher::FieldCipher;
use crate::journal::{self, Entry, Recorded};
use crate::measures::Measures;
use crate::pool::{Connections, Lease, PoolUse};
use crate::reads::Reads;
use crate::refusal::{DATABASE_AWAY, Error, OUTCOME_UNKNOWN, Result};
use crate::role::Role;

/// A connection as queries take it: shared, so that a few can be on their way at once.
pub type Conn<'a> = &'a AsyncPgConnection;

/// How often a command that clashed with another is run before it is given up.
const ATTEMPTS: usize = 5;

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
    cipher: Option<&'a FieldCipher>,
}

impl<'a> View<'a> {
    /// The connection; bind it as `mut` where a query wants it.
    #[must_use]
    pub fn conn(&self) -> Conn<'a> {
        self.conn
    }

    /// What seals and opens personal values.
    pub fn cipher(&self) -> Result<&'a FieldCipher> {
        self.cipher.ok_or_else(|| Error::Internal("SECRET_KEY is missing: personal data can be neither sealed nor opened".to_owned()))
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
    measures: &'a Measures,
    entries: RefCell<Vec<Entry>>,
    needed: RefCell<Vec<Need>>,
    role: Cell<Option<Role>>,
    waits_until: Cell<Option<Instant>>,
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
        diesel::select(advisory::pg_advisory_xact_lock(advisory::key(name))).execute(&mut self.conn()).await?;
        Ok(())
    }

    /// Takes a lock by name until the end of the transaction, unless somebody holds it.
    pub async fn try_lock(&self, name: &str) -> Result<bool> {
        Ok(diesel::select(advisory::pg_try_advisory_xact_lock(advisory::key(name))).get_result(&mut self.conn()).await?)
    }

    /// Takes a lock by name until the end of the transaction, beside others who share it, unless somebody holds it alone.
    pub async fn try_share(&self, name: &str) -> Result<bool> {
        Ok(diesel::select(advisory::pg_try_advisory_xact_lock_shared(advisory::key(name))).get_result(&mut self.conn()).await?)
    }

    /// Until when this transaction waits for others, however often it meets them: so long from the first time that it asks.
    #[must_use]
    pub fn waits_until(&self, patience: Duration) -> Instant {
        let until = self.waits_until.get().unwrap_or_else(|| Instant::now() + patience);
        self.waits_until.set(Some(until));
        until
    }

    /// Gives this transaction's statements longer than the connection allows.
    pub async fn take_minutes(&self, minutes: u32) -> Result<()> {
        let settings = format!("set local statement_timeout = '{minutes}min'; set local idle_in_transaction_session_timeout = '{minutes}min'");
        Ok(self.conn().batch_execute(&settings).await?)
    }

    /// What the process counts.
    #[must_use]
    pub fn measures(&self) -> &Measures {
        self.measures
    }

    /// Writes down what was recorded so far: a savepoint that is undone then undoes it too.
    pub(crate) async fn flush(&self) -> Result<()> {
        journal::append(self.conn(), &self.entries.take()).await
    }
}

/// Postgres's advisory locks, as diesel sees them.
mod advisory {
    use diesel::dsl::AsExprOf;
    use diesel::sql_types::{BigInt, Text};
    use diesel::{IntoSql, TextExpressionMethods};

    #[diesel::declare_sql_function]
    extern "SQL" {
        fn pg_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Nullable<Bool>;
        fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;
        fn pg_try_advisory_xact_lock_shared(key: BigInt) -> Bool;
        fn hashtextextended(text: Text, seed: BigInt) -> BigInt;
        fn current_schema() -> Text;
    }

    /// The number of a lock: the same for all who work on one schema, however they reach it.
    pub fn key(name: &str) -> hashtextextended<diesel::helper_types::Concat<current_schema, AsExprOf<&str, Text>>, i64> {
        hashtextextended(current_schema().concat(name.into_sql::<Text>()), 0)
    }
}

/// The database, as every thread may hold it: a pool of connections, and one to a replica where there is one.
#[derive(Clone)]
pub struct Store {
    primary: Connections,
    replica: Option<Connections>,
    measures: Arc<Measures>,
    cipher: Option<FieldCipher>,
    strict: bool,
}

/// Statistics are asked of a grid and of the whole city in the same words: a plan that is made once for all areas suits neither.
const REPORT: &str = "begin read only; set local plan_cache_mode = force_custom_plan";
const LONG_READ: &str = "begin isolation level repeatable read read only; set local statement_timeout = '15min'";

impl Store {
    /// A pool of at most `size` connections to the database at `url`. Connects at the first use.
    pub fn new(url: &str, size: usize) -> Result<Self> {
        Ok(Self { primary: Connections::new(url, size)?, replica: None, measures: Arc::default(), cipher: None, strict: false })
    }

    /// The same with a streaming replica at `url`, from which [`Store::snapshot`] and [`Store::report`] read.
    pub fn with_replica(self, url: &str, size: usize) -> Result<Self> {
        Ok(Self { replica: Some(Connections::new(url, size)?), ..self })
    }

    /// The same, whose views can seal and open personal values.
    #[must_use]
    pub fn with_cipher(self, cipher: FieldCipher) -> Self {
        Self { cipher: Some(cipher), ..self }
    }

    /// The same, which fails every command that changes rows and journals nothing. For tests.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// The same with shared read connections for this thread, which must run local tasks.
    #[must_use]
    pub fn on_this_thread(&self) -> Db {
        Db { reads: Rc::new(Reads::connect(Arc::clone(self.primary.endpoint()), Arc::clone(&self.measures))), store: self.clone() }
    }

    /// What the process counts of its work with the database.
    #[must_use]
    pub fn measures(&self) -> &Arc<Measures> {
        &self.measures
    }

    /// How the pool is used at the moment, and that of the replica where there is one.
    #[must_use]
    pub fn usage(&self) -> (PoolUse, Option<PoolUse>) {
        (self.primary.usage(), self.replica.as_ref().map(Connections::usage))
    }

    /// The hosts that are reached over a network without TLS, for a warning.
    #[must_use]
    pub fn in_the_clear(&self) -> Vec<String> {
        [Some(&self.primary), self.replica.as_ref()].into_iter().flatten().flat_map(|server| server.endpoint().in_the_clear()).collect()
    }

    /// Reads that may take long and must see what was written a moment ago: lists with many filters. On a
    /// connection of their own, each query by itself.
    pub async fn browse<T>(&self, call: &Call, work: impl AsyncFn(&View<'_>) -> Result<T>) -> Result<T> {
        let cipher = self.cipher.as_ref();
        self.primary.read(async |conn| work(&View { conn, call, cipher }).await).await.map_err(Error::refused)
    }

    /// Statistics: like [`Store::browse`], from the replica where there is one, so perhaps of a moment ago.
    pub async fn report<T>(&self, call: &Call, work: impl AsyncFn(&View<'_>) -> Result<T>) -> Result<T> {
        self.look(self.begin_apart(REPORT).await?, call, work).await
    }

    /// Reads that must all see the same instant, however long they take; from the replica where there is one.
    pub async fn snapshot<T>(&self, call: &Call, work: impl AsyncFn(&View<'_>) -> Result<T>) -> Result<T> {
        self.look(self.begin_apart(LONG_READ).await?, call, work).await
    }

    /// Asks the replica itself, and nobody else where it is away.
    pub async fn ask_replica<T>(&self, call: &Call, work: impl AsyncFn(&View<'_>) -> Result<T>) -> Result<T> {
        let replica = self.replica.as_ref().ok_or(&DATABASE_AWAY)?;
        self.look(replica.begin("begin read only").await?, call, work).await
    }

    /// Begins a read on the replica where there is one. Where that is away, everything else still works, so this
    /// does too: on the primary.
    async fn begin_apart(&self, begin: &str) -> Result<Lease> {
        if let Some(replica) = &self.replica {
            match replica.begin(begin).await {
                Ok(lease) => return Ok(lease),
                Err(error) => {
                    self.measures.replica_was_away();
                    tracing::warn!(%error, "the replica cannot be read; the primary is");
                }
            }
        }
        self.primary.begin(begin).await
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
                    let result = result.map_err(Error::refused);
                    self.measures.command(name, started.elapsed(), attempts, result.as_ref().err());
                    tracing::debug!(command = name, attempts, micros = started.elapsed().as_micros(), ok = result.is_ok(), "command");
                    return result;
                }
            }
        }
    }

    /// Reads on a connection of its own, and gives it back.
    async fn look<T>(&self, lease: Lease, call: &Call, work: impl AsyncFn(&View<'_>) -> Result<T>) -> Result<T> {
        let result = work(&View { conn: &lease, call, cipher: self.cipher.as_ref() }).await;
        lease.roll_back().await;
        result.map_err(Error::refused)
    }

    async fn attempt<T>(&self, call: &Call, work: &impl AsyncFn(&Tx<'_>) -> Result<T>) -> Result<T> {
        let lease = self.primary.begin("begin").await?;
        let result = {
            let view = View { conn: &lease, call, cipher: self.cipher.as_ref() };
            let tx = Tx {
                view,
                measures: &self.measures,
                entries: RefCell::default(),
                needed: RefCell::default(),
                role: Cell::default(),
                waits_until: Cell::default(),
            };
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
            Ok(value) => match lease.commit().await {
                Err(error) if error.lost_connection() => Err((&OUTCOME_UNKNOWN).into()),
                kept => kept.map(|()| value),
            },
            Err(error) => {
                lease.roll_back().await;
                Err(error)
            }
        }
    }
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
        let cipher = self.store.cipher.as_ref();
        self.reads.run(async |conn| work(&View { conn, call, cipher }).await).await
    }
}

impl Deref for Db {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}
