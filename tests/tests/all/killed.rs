//! `kill -9` of the server while it imports: what is there in the end is what one clean run gives.

use std::fmt::Write;

use serde_json::Value;
use testkit::{Process, TestApp, User};
use tokio_postgres::Client;

use crate::jobs::{CHUNK, end, hold_up, household, households, queue, release, stands_before};

/// A server that works on the jobs of an app, and that is killed; soon after, its job is another's.
fn worker(app: &TestApp) -> Process {
    Process::start(&app.db.url, &[("JOB_LEASE_SECONDS", "1"), ("FILE_STORE", &app.config.file_store)])
}

/// All that an import leaves behind: rows, journal, report, rows at fault.
async fn traces(app: &TestApp) -> Vec<String> {
    let client = app.db.connect().await;
    let mut traces = Vec::new();
    for query in [
        "select count(*)::text || ' ' || md5(string_agg(concat_ws(',', code, grid_code, name, residents, valid_from, valid_to, version), ';' order by code)) from household",
        "select count(*)::text || ' ' || md5(string_agg(concat_ws(',', code, h.grid_code, h.valid_from, h.valid_to), ';' order by code, h.valid_from)) \
         from household_grid h join household on household.id = h.household_id",
        "select object_kind || ' ' || action || ' ' || count(*) || ' ' || count(distinct object_id) || ' ' || md5(string_agg(change::text, ';' order by change::text)) \
         from journal where object_kind like 'household%' group by object_kind, action order by 1",
        "select concat_ws(',', resource, mode, rows_read, created, changed, unchanged, refused, committed) from import_run order by id",
        "select concat_ws(',', line, record, faults) from import_failure order by line",
        "select concat_ws(',', kind, state, rows_read, rows_refused) from job",
        "select action from journal where object_kind = 'job' order by seq",
    ] {
        traces.extend(client.query(query, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)));
    }
    traces
}

/// What one clean run leaves behind.
async fn clean(query: &str, file: &str) -> Vec<String> {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let id = queue(&admin, "households", query, file).await;
    end(&admin, &id).await;
    traces(&app).await
}

/// An app that leaves its jobs to other processes.
async fn idle() -> (TestApp, User) {
    let app = TestApp::start_with(|config| config.jobs_at_once = 0).await;
    let admin = app.small_town().await;
    (app, admin)
}

/// Holds up a job at its very end: its rows are written, its success is not.
async fn hold_up_the_end(app: &TestApp, id: &str) -> Client {
    let client = app.db.connect().await;
    client.batch_execute("begin").await.unwrap();
    client.execute("select from job where id = $1::text::uuid for update", &[&id]).await.unwrap();
    client
}

/// Waits until Postgres has noticed that whom it worked for is dead: until then it keeps the lock of the import.
async fn gone(app: &TestApp, backend: i32) {
    let client = app.db.connect().await;
    for _ in 0..3_000 {
        if !client.query_one("select exists (select from pg_stat_activity where pid = $1)", &[&backend]).await.unwrap().get::<_, bool>(0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it stays");
}

/// Waits until an import has written all its rows and wants to end.
async fn wants_to_end(wall: &Client) {
    let mine: i32 = wall.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    // It stands behind the wall, or behind its own progress, which stands there already.
    let ending = "select exists (select from pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) b where a.query ilike '%from \"job\"%for update%' \
                  and (b = $1 or $1 = any(pg_blocking_pids(b))))";
    for _ in 0..3_000 {
        // A transaction sees who is there as it was when it first looked, unless it is told to look again.
        wall.execute("select pg_stat_clear_snapshot()", &[]).await.unwrap();
        if wall.query_one(ending, &[&mine]).await.unwrap().get(0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it does not want to end");
}

#[tokio::test]
async fn an_atomic_import_that_is_killed_in_the_middle_is_done_once() {
    let file = households(2 * CHUNK + 2_000);
    let clean = clean("effective_on=2024-05-01", &file).await;
    let (app, admin) = idle().await;
    let before = traces(&app).await;
    let wall = hold_up(&app, 2 * CHUNK + 10).await;
    let first = worker(&app);
    let id = queue(&admin, "households", "effective_on=2024-05-01", file).await;
    stands_before(&wall).await;
    first.kill();
    release(wall).await;
    let orphaned = traces(&app).await;
    assert_eq!(orphaned[..before.len()], before, "nothing of it is seen");
    let second = worker(&app);
    let job = end(&admin, &id).await;
    assert_eq!((job["state"].as_str(), job["attempts"].as_i64()), (Some("succeeded"), Some(2)), "{job}");
    assert_eq!(traces(&app).await, clean);
    // It is done, whoever looks again.
    second.kill();
    let third = worker(&app);
    let list = admin.elsewhere(&third.base).get("/v1/jobs").await.ok(200);
    assert_eq!((list["items"][0]["state"].as_str(), list["items"][0]["version"].clone()), (Some("succeeded"), job["version"].clone()));
    assert_eq!(traces(&app).await, clean);
}

#[tokio::test]
async fn a_best_effort_import_that_is_killed_in_the_middle_and_at_its_end_is_done_once() {
    let mut file = households(CHUNK + 2_000);
    for number in 0..40 {
        // Too short, in no grid, doubled.
        writeln!(file, "4211810010010000{number:02},421181001001001,短,1\n{},421181001009001,无,1", household(90_000 + number)).unwrap();
        writeln!(file, "{},421181001001001,重,1", household(number)).unwrap();
    }
    let clean = clean("mode=best_effort", &file).await;
    assert!(clean.iter().any(|line| line.starts_with("households,best_effort,7120,7000,0,0,120,t")), "{clean:?}");
    let (app, admin) = idle().await;
    let wall = hold_up(&app, CHUNK + 10).await;
    let first = worker(&app);
    let id = queue(&admin, "households", "mode=best_effort", file).await;
    let backend = stands_before(&wall).await;
    first.kill();
    release(wall).await;
    gone(&app, backend).await;
    // The end is held up while the middle is, or the job could be over before it is.
    let wall = hold_up(&app, CHUNK + 10).await;
    let second = worker(&app);
    stands_before(&wall).await;
    let end_wall = hold_up_the_end(&app, &id).await;
    release(wall).await;
    let wall = end_wall;
    wants_to_end(&wall).await;
    second.kill();
    release(wall).await;
    let _third = worker(&app);
    let job: Value = end(&admin, &id).await;
    assert_eq!((job["state"].as_str(), job["attempts"].as_i64()), (Some("succeeded"), Some(3)), "{job}");
    assert_eq!(traces(&app).await, clean);
}
