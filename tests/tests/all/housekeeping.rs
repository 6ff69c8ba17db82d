//! What is no longer needed goes by itself, and nothing else does.

use chrono::TimeDelta;
use kernel::{Result, Tx};
use platform::{file, idempotency, import_run, job};
use reqwest::Method;
use serde_json::json;
use testkit::TestApp;

use crate::jobs::{end, queue};

async fn purged(app: &TestApp, work: impl AsyncFn(&Tx<'_>) -> Result<(usize, bool)>) -> usize {
    app.store().write(&api::server::operator(&app.config, "test"), "test", work).await.unwrap().0
}

async fn age(app: &TestApp, table: &str, column: &str, which: &str) {
    let update = format!("update {table} set {column} = {column} - interval '40 days' where {which}");
    app.db.connect().await.batch_execute(&update).await.unwrap();
}

async fn count(app: &TestApp, table: &str) -> i64 {
    app.db.connect().await.query_one(&format!("select count(*) from {table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn answers_are_forgotten_when_their_time_is_over() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let create = async |key: &str, code: &str| {
        let request = admin.request(Method::POST, "/v1/grids").header("Idempotency-Key", key).json(&json!({"code": code, "name": "幂等"}));
        admin.send(request).await
    };
    create("old", "421181001001008").await.ok(201);
    create("new", "421181001001009").await.ok(201);
    age(&app, "idempotency", "expires_at", "key = 'old'").await;
    assert_eq!(purged(&app, idempotency::purge).await, 1);
    assert_eq!(create("new", "421181001001009").await.headers["idempotent-replayed"], "true");
    assert_eq!(create("old", "421181001001010").await.status, 201, "the key may be used anew");
}

#[tokio::test]
async fn reports_of_imports_go_with_their_rows_at_fault() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let old = admin.import("grids", "mode=best_effort", b"code,name\n1,x\n".to_vec()).await.ok(200)["run"]["id"].as_str().unwrap().to_owned();
    let job = queue(&admin, "grids", "mode=best_effort", "code,name\n2,y\n").await;
    let late = end(&admin, &job).await["run_id"].as_str().unwrap().to_owned();
    age(&app, "import_run", "created_at", &format!("id = '{old}'")).await;
    let purge = async |tx: &Tx<'_>| import_run::purge(tx, TimeDelta::days(30)).await;
    assert_eq!((purged(&app, purge).await, purged(&app, purge).await), (1, 0));
    assert_eq!(admin.get(&format!("/v1/import-runs/{old}")).await.code(), "import_run.unknown");
    assert_eq!(admin.get(&format!("/v1/import-runs/{late}/failures")).await.ok(200)["items"].as_array().unwrap().len(), 1);
    // A job outlives its report.
    age(&app, "import_run", "created_at", &format!("id = '{late}'")).await;
    assert_eq!((purged(&app, purge).await, count(&app, "import_failure").await), (1, 0));
    assert!(admin.get(&format!("/v1/jobs/{job}")).await.ok(200)["run_id"].is_null());
}

#[tokio::test]
async fn jobs_that_have_ended_go_with_what_is_left_of_their_files() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let export = async || {
        let id = admin.send(admin.request(Method::POST, "/v1/exports/grids.csv")).await.ok(202)["id"].as_str().unwrap().to_owned();
        end(&admin, &id).await
    };
    let (old, late) = (export().await, export().await);
    age(&app, "job", "finished_at", &format!("id = '{}'", old["id"].as_str().unwrap())).await;
    assert_eq!(purged(&app, async |tx| job::purge(tx, TimeDelta::days(30)).await).await, 1);
    assert_eq!(admin.get(&format!("/v1/jobs/{}", old["id"].as_str().unwrap())).await.code(), "job.unknown");
    assert_eq!((count(&app, "job").await, count(&app, "file").await), (1, 1));
    assert_eq!(admin.get(late["download"].as_str().unwrap()).await.status, 200);
    // The file of an export goes before its job.
    age(&app, "file", "expires_at", "true").await;
    assert_eq!(purged(&app, file::purge_expired).await, 1);
    let job = admin.get(&format!("/v1/jobs/{}", late["id"].as_str().unwrap())).await.ok(200);
    assert_eq!((job["state"].as_str(), job["file_id"].is_null(), job["download"].is_null()), (Some("succeeded"), true, true));
}

#[tokio::test]
async fn a_server_does_it_by_itself() {
    let app = TestApp::start_with(|config| config.jobs_at_once = 0).await;
    let admin = app.small_town().await;
    let send = async |text: &str| admin.send(admin.request(Method::POST, "/v1/files").body(text.to_owned())).await.ok(201);
    send("orphan").await;
    age(&app, "file", "created_at", "true").await;
    age(&app, "blob", "touched_at", "true").await;
    age(&app, "import_run", "created_at", "true").await;
    let kept = send("kept").await;
    // A server that starts looks at once.
    app.replica_with(|config| config.keep_import_run_days = 30).await;
    for _ in 0..500 {
        // The content goes at the next look, when its file has gone.
        if (count(&app, "file").await, count(&app, "import_run").await) == (1, 0) {
            let path = format!("/v1/files/{}/content", kept["id"].as_str().unwrap());
            assert_eq!(admin.get(&path).await.text(), "kept");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("nothing goes by itself");
}
