//! The server as a process: how it starts, logs and ends.

use std::time::Duration;

use futures_util::stream;
use platform::migrate;
use reqwest::{Body, Method};
use testkit::{Cluster, Process, TestApp};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

type Blocks = mpsc::UnboundedSender<&'static str>;

/// An import of which the end is not sent until the sender that comes with it is dropped.
fn slow_import(process: &Process, key: &str) -> (Blocks, JoinHandle<Option<testkit::Answer>>) {
    let (sender, blocks) = mpsc::unbounded_channel();
    sender.send("code,name\n").unwrap();
    let user = process.user(Some(key));
    let body = Body::wrap_stream(stream::unfold(blocks, async |mut blocks| blocks.recv().await.map(|block| (std::io::Result::Ok(block), blocks))));
    let sent = tokio::spawn(async move { user.try_send(user.request(Method::POST, "/v1/imports/subdistricts").body(body)).await });
    (sender, sent)
}

async fn in_flight(process: &Process) -> bool {
    reqwest::get(&process.metrics).await.unwrap().text().await.unwrap().contains("linli_http_requests_in_flight 1\n")
}

#[tokio::test]
async fn a_server_that_is_told_to_end_drains_and_finishes_what_it_has_in_hand() {
    let app = TestApp::start().await;
    let key = app.key(&["*"], "421181").await.1;
    let mut process = Process::start(&app.db.url, &[("DRAIN_SECONDS", "2")]);
    let (user, prober) = (process.user(Some(&key)), process.user(None));
    assert_eq!(prober.get("/health/ready").await.ok(200)["status"], "ready");
    let (blocks, import) = slow_import(&process, &key);
    while !in_flight(&process).await {
        sleep(Duration::from_millis(5)).await;
    }

    process.signal("TERM");
    process.logged("told to end: not ready from now on", |_| true).await;
    let probe = prober.get("/health/ready").await;
    assert_eq!((probe.status, probe.code(), probe.headers["retry-after"].as_str()), (503, "server.draining", "2"));
    assert_eq!(prober.get("/health/live").await.status, 200);
    let list = user.get("/v1/grids").await;
    assert_eq!((list.status, list.headers["connection"].as_str()), (200, "close"), "it still serves, and sends the next request elsewhere");

    blocks.send("421181001,龙池桥街道\n").unwrap();
    // Each a new connection: when the pause is over, nobody new is let in.
    while reqwest::get(format!("{}/health/live", process.base)).await.is_ok() {
        sleep(Duration::from_millis(20)).await;
    }
    assert!(!process.has_ended(), "it waits for the import");
    drop(blocks);
    assert_eq!(import.await.unwrap().unwrap().ok(200)["run"]["created"], 1);
    assert_eq!(process.wait().code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_everything_at_once() {
    let app = TestApp::start().await;
    let key = app.key(&["*"], "421181").await.1;
    let mut process = Process::start(&app.db.url, &[("DRAIN_SECONDS", "0")]);
    let (_blocks, import) = slow_import(&process, &key);
    while !in_flight(&process).await {
        sleep(Duration::from_millis(5)).await;
    }
    // A terminal and a script tell the same news twice in a moment: that is not insisting.
    process.signal("INT");
    process.signal("TERM");
    sleep(Duration::from_millis(900)).await;
    assert!(!process.has_ended(), "it waits for the import");
    process.signal("TERM");
    assert_ne!(process.wait().code(), Some(0));
    assert!(import.await.unwrap().is_none(), "the import got no answer");
    assert_eq!(app.admin().await.get("/v1/subdistricts").await.ok(200)["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_server_may_start_before_its_database_and_before_the_migrations() {
    let cluster = Cluster::start();
    cluster.stop();
    let process = Process::start(&cluster.url, &[]);
    let user = process.user(Some("lk_live_0000000000000000000000000000000000000000000"));
    assert_eq!(user.get("/health/live").await.status, 200);
    let probe = user.get("/health/ready").await;
    assert_eq!((probe.status, probe.code()), (503, "database.away"));
    let answer = user.get("/v1/grids").await;
    assert_eq!((answer.status, answer.code(), answer.headers["retry-after"].as_str()), (503, "server.starting", "2"));
    assert_eq!(user.get("/openapi.json").await.status, 200, "what needs no database is there");

    cluster.go_on();
    let probe = loop {
        let probe = user.get("/health/ready").await;
        if probe.code() != "database.away" {
            break probe;
        }
    };
    assert_eq!((probe.status, probe.code()), (503, "health.not_migrated"));
    assert_eq!(user.get("/v1/grids").await.code(), "server.starting");
    migrate::run(&cluster.url).unwrap();
    assert_eq!(user.get("/health/ready").await.ok(200)["status"], "ready");
    while user.get("/v1/grids").await.code() == "server.starting" {
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(user.get("/v1/grids").await.code(), "access.bad_key", "the database was asked");
}

#[tokio::test]
async fn a_request_has_one_line_in_the_log_and_a_place_in_its_trace() {
    let app = TestApp::start().await;
    let (id, key) = app.key(&["grid.read"], "421181").await;
    let process = Process::start(&app.db.url, &[]);
    let user = process.user(Some(&key));
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let request = user.request(Method::GET, "/v1/grids?limit=1").header("traceparent", &parent).header("x-request-id", "one-1");
    let answer = user.send(request).await;
    let line = process.logged("request", |line| line["request_id"] == "one-1").await;
    assert_eq!(
        (line["operation"].as_str(), line["method"].as_str(), line["path"].as_str(), line["status"].as_i64()),
        (Some("list_grids"), Some("GET"), Some("/v1/grids"), Some(200))
    );
    assert_eq!((line["actor"].as_str(), line["trace_id"].as_str()), (Some(id.to_string().as_str()), Some(trace)));
    assert_eq!(line["bytes"].as_u64(), Some(answer.bytes.len() as u64));
    let own = format!("00-{trace}-{}-01", line["span_id"].as_str().unwrap());
    assert_eq!(answer.headers["traceparent"], own);
    assert_ne!(own, parent, "a span of its own");

    let begun = user.send(user.request(Method::POST, "/v1/nowhere").header("traceparent", "nonsense").header("x-request-id", "two-2")).await;
    let line = process.logged("request", |line| line["request_id"] == "two-2").await;
    assert_eq!((line["operation"].as_str(), line["status"].as_i64(), line["actor"].is_null()), (Some(""), Some(404), true));
    assert!(begun.headers["traceparent"].starts_with(&format!("00-{}-", line["trace_id"].as_str().unwrap())));
    assert!(!process.log().contains(&key), "a key is a secret");
}
