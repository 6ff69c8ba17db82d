//! A schema for each running test: leased from a small pool by advisory lock, emptied, not made anew.

use kernel::db::Store;
use platform::migrate;
use tokio_postgres::{Client, NoTls};

/// A database of one test, until it is dropped.
pub struct TestDb {
    /// Where it is.
    pub url: String,
    /// Holds the lease, where it is leased: the lock ends with the connection.
    _lease: Option<Client>,
}

impl TestDb {
    /// Leases a database with no rows but those of the migrations.
    pub async fn lease() -> Self {
        let cluster = std::env::var("TEST_DATABASE_URL").expect("tests need TEST_DATABASE_URL; make test sets it");
        let (lease, driver) = tokio_postgres::connect(&cluster, NoTls).await.unwrap();
        tokio::spawn(driver);
        for number in 1.. {
            let locked: bool = lease.query_one("select pg_try_advisory_lock(4711, $1)", &[&number]).await.unwrap().get(0);
            if !locked {
                continue;
            }
            let schema = format!("test_{number}");
            let url = format!("{cluster}?options=-c%20search_path%3D{schema}%2Cpublic");
            let exists: bool = lease.query_one("select exists (select from pg_namespace where nspname = $1)", &[&schema]).await.unwrap().get(0);
            if !exists {
                // The extension is the whole database's, so it must not land in the schema of whoever comes first.
                // A statement each: in one batch they would be one transaction, seen only after the lock is gone.
                for statement in ["select pg_advisory_lock(4712)", "create extension if not exists btree_gist schema public", "select pg_advisory_unlock(4712)"]
                {
                    lease.batch_execute(statement).await.unwrap();
                }
                lease.batch_execute(&format!("create schema {schema}")).await.unwrap();
                migrate::run(&url).unwrap();
            }
            empty(&lease, &schema).await;
            return Self { url, _lease: Some(lease) };
        }
        unreachable!("numbers do not end")
    }

    /// A database that is somebody else's, as it stands.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), _lease: None }
    }

    /// A pool on it that fails commands which journal nothing.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(&self.url, 8).unwrap().strict()
    }

    /// A plain connection to it, for what no API shows.
    pub async fn connect(&self) -> Client {
        let (client, driver) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(driver);
        client
    }
}

/// Deletes all rows that tests made, in one batch, past the triggers that guard the journal.
async fn empty(lease: &Client, schema: &str) {
    let tables = lease
        .query(
            "select relname from pg_class where relnamespace = to_regnamespace($1) and relkind in ('r', 'p') and not relispartition \
             and relname not in ('secret', 'grid_size_band', '__diesel_schema_migrations')",
            &[&schema],
        )
        .await
        .unwrap();
    let deletes: String = tables.iter().map(|row| format!("delete from {schema}.{};", row.get::<_, String>(0))).collect();
    // The background of an app that is about to end may be sealing what was there before.
    let wait = format!("lock table {schema}.journal_block in access exclusive mode;");
    lease.batch_execute(&format!("begin; set local session_replication_role = replica; {wait} {deletes} commit")).await.unwrap();
}
