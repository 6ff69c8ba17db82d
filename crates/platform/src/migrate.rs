//! Bringing a database to the form that this version needs.

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use kernel::connect::Endpoint;
use kernel::{Error, Result, View};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Runs the migrations that have not run yet; returns their names. Several processes may call it at once.
///
/// Where one waits for whoever reads or writes a table, everybody else would wait behind it; so after five seconds it
/// fails, with nothing changed, and can be run again.
pub fn run(url: &str) -> Result<Vec<String>> {
    on_own_runtime(url, async |conn| {
        let mut harness = AsyncMigrationHarness::new(conn);
        let ran = harness.run_pending_migrations(MIGRATIONS).map_err(|error| Error::Internal(format!("migration: {error}")))?;
        Ok(ran.iter().map(ToString::to_string).collect())
    })
}

/// What Postgres knows of migrations.
mod catalogue {
    #[diesel::declare_sql_function]
    extern "SQL" {
        fn to_regclass(name: diesel::sql_types::Text) -> diesel::sql_types::Nullable<diesel::sql_types::Oid>;
    }

    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
        }
    }
}

/// The migrations that this version needs and that have not run. A database that knows more than this version is
/// fine: what is new is added before what is old is taken away.
pub async fn pending(view: &View<'_>) -> Result<Vec<String>> {
    use catalogue::__diesel_schema_migrations as ran;
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("migration: {error}"));
    let needed: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(|error| failed(&error))?;
    let there = diesel::select(catalogue::to_regclass("__diesel_schema_migrations").is_not_null()).get_result::<bool>(&mut view.conn()).await?;
    let known: Vec<String> = if there { ran::table.select(ran::version).load(&mut view.conn()).await? } else { Vec::new() };
    let missing = needed.iter().filter(|migration| !known.contains(&migration.name().version().to_string()));
    Ok(missing.map(|migration| migration.name().to_string()).collect())
}

/// Undoes every migration. For tests of the way down.
pub fn undo(url: &str) -> Result<()> {
    on_own_runtime(url, async |conn| {
        let mut harness = AsyncMigrationHarness::new(conn);
        harness.revert_all_migrations(MIGRATIONS).map_err(|error| Error::Internal(format!("migration: {error}")))?;
        Ok(())
    })
}

/// The harness blocks, which only a runtime with several threads allows; the callers have one each.
fn on_own_runtime<T: Send>(url: &str, work: impl AsyncFnOnce(AsyncPgConnection) -> Result<T> + Send) -> Result<T> {
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("migration: {error}"));
    let endpoint = Endpoint::parse(url)?;
    std::thread::scope(|scope| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|error| failed(&error))?;
        let thread = scope.spawn(move || {
            runtime.block_on(async {
                let mut conn = endpoint.connect().await.map_err(|error| failed(&error))?;
                // Held until the connection closes, so that two replicas do not migrate at the same time.
                conn.batch_execute("set statement_timeout = 0; select pg_advisory_lock(hashtextextended('linli.migrate' || current_schema(), 0))").await?;
                conn.batch_execute("set lock_timeout = '5s'").await?;
                work(conn).await
            })
        });
        thread.join().map_err(|_| failed(&"the thread stopped"))?
    })
}
