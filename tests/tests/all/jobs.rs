//! Jobs: imports and exports that go on after the answer, each done once, whoever does it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, TestApp, User};
use tokio::time::sleep;
use tokio_postgres::Client;

/// Rows that an import stores at a time.
pub const CHUNK: usize = 5_000;
/// So many rows are stored before all others.
const FIRST: usize = 500;

/// A file of so many households, all of one grid.
pub fn households(count: usize) -> String {
    let rows = (0..count).map(|number| format!("{},421181001001001,户{number},3\n", household(number)));
    format!("code,grid_code,name,residents\n{}", rows.collect::<String>())
}

/// The code of the household on one of its lines.
pub fn household(number: usize) -> String {
    format!("42118100100100001{:06}", 100_000 + number)
}

/// Holds up an import at the household of this number: the code is about to be somebody else's, until [`release`].
pub async fn hold_up(app: &TestApp, number: usize) -> Client {
    let client = app.db.connect().await;
    let insert = "insert into household (id, code, name, valid_from) values (gen_random_uuid(), $1, '挡', '2020-01-01')";
    client.batch_execute("begin").await.unwrap();
    client.execute(insert, &[&household(number)]).await.unwrap();
    client
}

/// Waits until an import has come that far; answers which backend of Postgres works for it.
pub async fn stands_before(wall: &Client) -> i32 {
    let mine: i32 = wall.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    for _ in 0..3_000 {
        // A transaction sees who is there as it was when it first looked, unless it is told to look again.
        wall.execute("select pg_stat_clear_snapshot()", &[]).await.unwrap();
        if let Some(blocked) = wall.query_opt("select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid)) limit 1", &[&mine]).await.unwrap() {
            return blocked.get(0);
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody comes");
}

/// Lets the import go on.
pub async fn release(client: Client) {
    client.batch_execute("rollback").await.unwrap();
}

/// Asks for an import by a job.
pub async fn queue(user: &User, resource: &str, query: &str, file: impl Into<Vec<u8>>) -> String {
    let answer = user.import(resource, &format!("async=true&{query}"), file.into()).await;
    let job = answer.body.clone();
    assert_eq!((answer.status, job["state"].as_str()), (202, Some("queued")), "{job}");
    assert_eq!(answer.headers["location"], format!("/v1/jobs/{}", job["id"].as_str().unwrap()));
    job["id"].as_str().unwrap().to_owned()
}

/// Waits until a job is as wanted.
pub async fn until(user: &User, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..3_000 {
        let job = user.get(&format!("/v1/jobs/{id}")).await.ok(200);
        if wanted(&job) {
            return job;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("job {id} does not get there: {}", user.get(&format!("/v1/jobs/{id}")).await.body)
}

/// Waits for the end of a job.
pub async fn end(user: &User, id: &str) -> Value {
    until(user, id, |job| !job["finished_at"].is_null()).await
}

async fn cancel(user: &User, id: &str) -> Answer {
    user.send(user.request(Method::POST, &format!("/v1/jobs/{id}/cancel"))).await
}

async fn number(app: &TestApp, query: &str) -> i64 {
    app.db.connect().await.query_one(query, &[]).await.unwrap().get(0)
}

fn rows(job: &Value) -> [i64; 3] {
    ["rows_read", "rows_accepted", "rows_refused"].map(|name| job[name].as_i64().unwrap())
}

#[tokio::test]
async fn a_large_file_is_imported_after_the_answer() {
    let app = TestApp::start_with(|config| config.import_inline_bytes = 400).await;
    let admin = app.small_town().await;
    let small = "code,name\n421181001001010,小\n";
    let large = format!("code,name\n421181001001011,大文件一\n421181001001012,大文件二\n{}", "\n".repeat(400));
    assert_eq!(admin.import("grids", "", small.into()).await.status, 200);
    let request = admin.request(Method::POST, "/v1/imports/grids?effective_on=2024-05-01").header("X-Request-Id", "large-1").body(large);
    let answer = admin.send(request).await;
    assert_eq!((answer.status, answer.body["kind"].as_str(), answer.body["resource"].as_str()), (202, Some("import"), Some("grids")));
    assert_eq!(answer.body["input"], json!({"mode": "atomic", "effective_on": "2024-05-01"}));
    let id = answer.body["id"].as_str().unwrap();
    let job = end(&admin, id).await;
    assert_eq!((job["state"].as_str(), rows(&job), job["problem"].is_null(), job["attempts"].as_i64()), (Some("succeeded"), [2, 2, 0], true, Some(1)));
    assert!(job["rows_per_second"].as_i64().unwrap() > 0, "{job}");
    assert_eq!(admin.by_code("grids", "421181001001012").await["valid_from"], "2024-05-01");
    let run = admin.get(&format!("/v1/import-runs/{}", job["run_id"].as_str().unwrap())).await.ok(200);
    assert_eq!((run["created"].as_i64(), run["committed"].as_bool()), (Some(2), Some(true)));
    // The journal names who asked for it, not who did it.
    let told =
        "select string_agg(distinct actor_id::text || ' ' || request_id, ',') from journal where object_kind = 'grid' and change->>'name' like '大文件%'";
    let told: String = app.db.connect().await.query_one(told, &[]).await.unwrap().get(0);
    let owner: String = app.db.connect().await.query_one("select owner_id::text from job", &[]).await.unwrap().get(0);
    assert_eq!(told, format!("{owner} large-1"));
    // What was imported is no longer there to be read.
    let source: String = app.db.connect().await.query_one("select source_file_id::text from job", &[]).await.unwrap().get(0);
    assert_eq!(admin.get(&format!("/v1/files/{source}")).await.code(), "file.unknown");
    // The wish may come in a header, and a repeated request is the same job.
    let wish = async || {
        let request = admin.request(Method::POST, "/v1/imports/grids").header("Prefer", "return=minimal, respond-async").header("Idempotency-Key", "job-1");
        admin.send(request.body(small)).await
    };
    let (first, again) = (wish().await, wish().await);
    assert_eq!((first.status, &first.body["id"]), (202, &again.body["id"]));
    assert_eq!((again.headers["idempotent-replayed"].as_str(), &again.headers["location"]), ("true", &first.headers["location"]));
    end(&admin, first.body["id"].as_str().unwrap()).await;
    let list = admin.get("/v1/jobs?state=succeeded&limit=1").await.ok(200);
    assert_eq!((list["items"][0]["id"].clone(), list["has_more"].as_bool()), (first.body["id"].clone(), Some(true)));
    let other = app.admin().await;
    assert_eq!(other.get("/v1/jobs").await.ok(200)["items"], json!([]));
    assert_eq!((other.get(&format!("/v1/jobs/{id}")).await.code(), cancel(&other, id).await.code()), ("job.unknown", "job.unknown"));
    assert_eq!(cancel(&admin, id).await.code(), "job.ended");
}

#[tokio::test]
async fn a_job_ends_as_the_import_would() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = "code,name\n421181001001011,good\n421181001001,short\n421181001009001,nowhere\n";
    let there = async || admin.get("/v1/grids?code=421181001001011").await.ok(200)["items"].as_array().unwrap().len();
    let dry = end(&admin, &queue(&admin, "grids", "mode=dry_run", file).await).await;
    assert_eq!((dry["state"].as_str(), rows(&dry), there().await), (Some("succeeded"), [3, 1, 2], 0));
    let atomic = end(&admin, &queue(&admin, "grids", "", file).await).await;
    assert_eq!(
        (atomic["state"].as_str(), atomic["problem"]["code"].as_str(), rows(&atomic), there().await),
        (Some("failed"), Some("import.refused"), [3, 1, 2], 0)
    );
    let csv = admin.get(atomic["failed_csv"].as_str().unwrap()).await.text();
    assert_eq!(csv, "\u{feff}code,name\n421181001001,short\n421181001009001,nowhere\n");
    let best = end(&admin, &queue(&admin, "grids", "mode=best_effort", file).await).await;
    assert_eq!((best["state"].as_str(), rows(&best), there().await), (Some("succeeded"), [3, 1, 2], 1));
    let header = end(&admin, &queue(&admin, "grids", "", "code,colour\n1,2\n").await).await;
    assert_eq!((header["state"].as_str(), header["problem"]["code"].as_str(), header["run_id"].is_null()), (Some("failed"), Some("import.header"), true));
    let english = admin.request(Method::GET, &format!("/v1/jobs/{}", header["id"].as_str().unwrap())).header("Accept-Language", "en");
    let message = admin.send(english).await.ok(200)["problem"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("The header does not fit") && message.contains("“colour” is no column of grids"), "{message}");
    let refused = async |resource: &str| admin.import(resource, "async=true", "code\n".into()).await.code().to_owned();
    assert_eq!(refused("nothing").await, "import.no_such_resource");
    let reader = app.user(&["grid.read"], "421181").await;
    assert_eq!(reader.import("grids", "async=true", file.into()).await.code(), "access.forbidden");
}

#[tokio::test]
async fn a_job_has_the_rights_that_its_owner_has_when_it_runs() {
    let app = TestApp::start_with(|config| config.jobs_at_once = 0).await;
    let admin = app.small_town().await;
    let (id, _) = app.key(&["grid.write"], "421181").await;
    let file = "code,name\n421181001001011,一\n421181001002011,二\n";
    let job = queue(&admin, "grids", "mode=best_effort", file).await;
    let narrowed = queue(&admin, "compounds", "mode=best_effort", "code,name,kind\n421181001001X011,甲,old\n421181001002X011,乙,old\n").await;
    // By the time it is their turn, one job's owner is gone, and the other's reaches less far.
    let client = app.db.connect().await;
    let change = async |job: &str, owner: &str| {
        client.execute("update job set owner_id = $2::text::uuid where id = $1::text::uuid", &[&job, &owner]).await.unwrap();
    };
    change(&job, &id.to_string()).await;
    app.revoke(id).await;
    let (less, key) = app.key(&["compound.write"], "421181001001").await;
    change(&narrowed, &less.to_string()).await;
    app.replica_with(|config| config.jobs_at_once = 1).await;
    let ended = async |job: &str| {
        for _ in 0..500 {
            let row = client.query_one("select state, coalesce(refusal->>'code', ''), rows_refused from job where id = $1::text::uuid", &[&job]).await.unwrap();
            if row.get::<_, &str>(0) != "queued" && row.get::<_, &str>(0) != "running" {
                return (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, i32>(2));
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{job} does not end")
    };
    assert_eq!(ended(&job).await, ("failed".to_owned(), "access.gone".to_owned(), 0));
    assert_eq!(ended(&narrowed).await, ("succeeded".to_owned(), String::new(), 1), "one row lies outside the area by now");
    assert!(key.starts_with("lk_live_"));
    assert_eq!(admin.get("/v1/grids?code=421181001001011").await.ok(200)["items"], json!([]));
}

#[tokio::test]
async fn progress_is_seen_and_a_cancelled_import_leaves_no_trace() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let before = number(&app, "select count(*) from journal where object_kind in ('household', 'household_grid')").await;
    let wall = hold_up(&app, CHUNK + 10).await;
    let id = queue(&admin, "households", "", households(3 * CHUNK)).await;
    let seen = until(&admin, &id, |job| job["rows_read"] == FIRST).await;
    assert_eq!((seen["state"].as_str(), rows(&seen)[1]), (Some("running"), FIRST as i64));
    assert!(seen["rows_per_second"].as_i64().unwrap() > 0 && seen["version"].as_i64().unwrap() > 2, "{seen}");
    let asked = cancel(&admin, &id).await.ok(200);
    assert_eq!((asked["state"].as_str(), asked["cancel_requested_at"].is_string()), (Some("running"), true));
    assert_eq!(cancel(&admin, &id).await.ok(200)["cancel_requested_at"], asked["cancel_requested_at"], "once is enough");
    // Time for the worker to hear of it; then the wall goes.
    until(&admin, &id, |job| job["version"].as_i64().unwrap() > asked["version"].as_i64().unwrap() + 1).await;
    release(wall).await;
    let job = end(&admin, &id).await;
    assert_eq!((job["state"].as_str(), job["run_id"].is_null(), job["problem"].is_null()), (Some("cancelled"), true, true));
    assert_eq!(number(&app, "select count(*) from household").await, 3);
    assert_eq!(number(&app, "select count(*) from journal where object_kind in ('household', 'household_grid')").await, before);
    let told: Vec<String> = {
        let rows = app.db.connect().await.query("select action from journal where object_kind = 'job' order by seq", &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(told, ["job.created", "job.cancel_requested", "job.cancelled"]);
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once() {
    let app = TestApp::start_with(|config| config.jobs_at_once = 0).await;
    let admin = app.small_town().await;
    let id = queue(&admin, "grids", "", "code,name\n421181001001011,一\n").await;
    let stale = admin.send(admin.request(Method::POST, &format!("/v1/jobs/{id}/cancel")).header("If-Match", "\"7\"")).await;
    assert_eq!(stale.status, 412);
    assert_eq!(cancel(&admin, &id).await.ok(200)["state"], "cancelled");
    app.replica_with(|config| config.jobs_at_once = 1).await;
    let next = queue(&admin, "grids", "", "code,name\n421181001001012,二\n").await;
    assert_eq!(end(&admin, &next).await["state"], "succeeded");
    assert_eq!(admin.get("/v1/grids?code=421181001001011").await.ok(200)["items"], json!([]));
    let many: Vec<String> = {
        app.db.connect().await.execute("update job set state = 'queued', finished_at = null, not_before = now() + interval '1 hour'", &[]).await.unwrap();
        let mut codes = Vec::new();
        for _ in 0..19 {
            codes.push(admin.import("grids", "async=true", b"code,name\n".to_vec()).await.code().to_owned());
        }
        codes
    };
    assert_eq!(many.iter().filter(|code| *code == "job.too_many").count(), 1, "twenty may wait");
}

#[tokio::test]
async fn two_replicas_do_each_job_once_and_in_order() {
    let app = TestApp::start_with(|config| config.jobs_at_once = 0).await;
    let admin = app.small_town().await;
    let mut jobs = Vec::new();
    // Of each resource, the later file must win.
    for round in 0..4 {
        jobs.push(queue(&admin, "grids", "", format!("code,name\n421181001001011,第{round}次\n")).await);
        jobs.push(queue(&admin, "compounds", "", format!("code,name,kind\n421181001001X011,第{round}次,old\n")).await);
        jobs.push(queue(&admin, "buildings", "", format!("code,compound_code,name\n42118100100100009,421181001001X001,第{round}次\n")).await);
    }
    for _ in 0..2 {
        app.replica_with(|config| config.jobs_at_once = 2).await;
    }
    for id in &jobs {
        let job = end(&admin, id).await;
        assert_eq!((job["state"].as_str(), job["attempts"].as_i64(), rows(&job)), (Some("succeeded"), Some(1), [1, 1, 0]));
    }
    for (resource, code) in [("grids", "421181001001011"), ("compounds", "421181001001X011"), ("buildings", "42118100100100009")] {
        let object = admin.by_code(resource, code).await;
        assert_eq!((object["name"].as_str(), object["version"].as_i64()), (Some("第3次"), Some(4)), "{resource}");
    }
    assert_eq!(number(&app, "select count(*) from import_run where resource in ('grids', 'compounds', 'buildings')").await, 12 + 3);
}

#[tokio::test]
async fn a_job_waits_its_turn_behind_an_import_that_is_answered_at_once() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let wall = hold_up(&app, 0).await;
    let inline = tokio::spawn({
        let admin = admin.clone();
        async move { admin.import("households", "", households(1).into()).await }
    });
    stands_before(&wall).await;
    let id = queue(&admin, "households", "", households(2)).await;
    until(&admin, &id, |job| job["version"].as_i64().unwrap() >= 3).await;
    assert_eq!(admin.get(&format!("/v1/jobs/{id}")).await.ok(200)["finished_at"], Value::Null);
    release(wall).await;
    assert_eq!(inline.await.unwrap().ok(200)["run"]["created"], 1);
    let job = end(&admin, &id).await;
    assert_eq!((job["state"].as_str(), job["attempts"].as_i64()), (Some("succeeded"), Some(1)), "waiting is no attempt");
    let run = admin.get(&format!("/v1/import-runs/{}", job["run_id"].as_str().unwrap())).await.ok(200);
    assert_eq!((run["created"].as_i64(), run["unchanged"].as_i64()), (Some(1), Some(1)));
}

#[tokio::test]
async fn a_worker_that_was_silent_for_too_long_keeps_nothing() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let wall = hold_up(&app, CHUNK + 10).await;
    let id = queue(&admin, "households", "", households(2 * CHUNK)).await;
    until(&admin, &id, |job| job["rows_read"] == FIRST).await;
    // Another process has taken the job over, and works on it for a while.
    let client = app.db.connect().await;
    client.execute("update job set lease_id = gen_random_uuid(), lease_until = now() + interval '4 s'", &[]).await.unwrap();
    release(wall).await;
    // That process dies too; whoever takes the job then does it once.
    let job = end(&admin, &id).await;
    assert_eq!((job["state"].as_str(), job["attempts"].as_i64(), rows(&job)), (Some("succeeded"), Some(2), [10_000, 10_000, 0]));
    assert_eq!(number(&app, "select count(*) from household").await, 10_003);
    assert_eq!(number(&app, "select count(*) from journal where object_kind = 'household'").await, 10_003);
    assert_eq!(number(&app, "select count(*) from import_run where resource = 'households'").await, 2);
}

#[tokio::test]
async fn a_job_that_fails_each_time_is_given_up() {
    let app = TestApp::start_with(|config| config.jobs_at_once = 0).await;
    let admin = app.small_town().await;
    let id = queue(&admin, "grids", "", "code,name\n421181001001011,一\n").await;
    let lost = queue(&admin, "compounds", "", "code,name,kind\n421181001001X011,甲,old\n").await;
    let client = app.db.connect().await;
    // Five processes died over the one; the content of the other is lost.
    client.execute("update job set attempts = 5 where id = $1::text::uuid", &[&id]).await.unwrap();
    client.execute("update job set attempts = 4 where id = $1::text::uuid", &[&lost]).await.unwrap();
    let blob: String = client
        .query_one("select encode(digest, 'hex') from file join job on source_file_id = file.id where job.id = $1::text::uuid", &[&lost])
        .await
        .unwrap()
        .get(0);
    for folder in std::fs::read_dir(&app.config.file_store).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap().map(Result::unwrap).filter(|file| file.file_name().to_str().unwrap().starts_with(&blob))
        {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    app.replica_with(|config| config.jobs_at_once = 1).await;
    let (job, lost) = (end(&admin, &id).await, end(&admin, &lost).await);
    assert_eq!((job["state"].as_str(), job["problem"]["code"].as_str()), (Some("failed"), Some("job.given_up")));
    assert_eq!((lost["state"].as_str(), lost["problem"]["code"].as_str()), (Some("failed"), Some("file.store_away")));
}

#[tokio::test]
async fn an_export_by_a_job_is_the_file_that_an_export_gives() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    for path in ["households.csv?as_of=2024-01-01&headers=chinese&bom=true", "households.ndjson", "grids.xlsx", "buildings.ndjson?as_of=1999-01-01"] {
        let answer = admin.send(admin.request(Method::POST, &format!("/v1/exports/{path}"))).await;
        assert_eq!((answer.status, answer.body["kind"].as_str()), (202, Some("export")));
        let job = end(&admin, answer.body["id"].as_str().unwrap()).await;
        assert_eq!((job["state"].as_str(), job["problem"].clone()), (Some("succeeded"), Value::Null), "{path}");
        let file = admin.get(job["download"].as_str().unwrap()).await;
        let direct = admin.get(&format!("/v1/exports/{path}")).await;
        assert_eq!(
            (file.status, &file.headers["content-type"], &file.headers["content-disposition"]),
            (200, &direct.headers["content-type"], &direct.headers["content-disposition"])
        );
        // A workbook says when it was made.
        assert!(file.bytes == direct.bytes || path.ends_with("xlsx") && file.bytes.len().abs_diff(direct.bytes.len()) < 50, "{path}");
        let meta = admin.get(&format!("/v1/files/{}", job["file_id"].as_str().unwrap())).await.ok(200);
        assert_eq!((meta["object_kind"].as_str(), meta["object_id"].clone(), meta["expires_at"].is_string()), (Some("job"), job["id"].clone(), true));
        let other = app.admin().await;
        assert_eq!(other.get(job["download"].as_str().unwrap()).await.code(), "file.unknown");
    }
    assert_eq!(admin.send(admin.request(Method::POST, "/v1/exports/grids.pdf")).await.code(), "import.no_such_resource");
    let writer = app.user(&["grid.write"], "421181").await;
    assert_eq!(writer.send(writer.request(Method::POST, "/v1/exports/grids.csv")).await.code(), "access.forbidden");
}
