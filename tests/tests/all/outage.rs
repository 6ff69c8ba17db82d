//! Postgres goes away and comes back: nothing that was acknowledged is lost, nothing is done twice, nothing is a 500.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use platform::migrate;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::{Answer, Cluster, TestApp, TestDb, User};
use tokio::time::sleep;

async fn app() -> (Cluster, TestApp) {
    let cluster = Cluster::start();
    migrate::run(&cluster.url).unwrap();
    let app = TestApp::on(TestDb::at(&cluster.url), |_| ()).await;
    (cluster, app)
}

/// Sends a request until it is done; on the way only “not now” is an answer.
async fn insist(user: &User, request: impl Fn() -> RequestBuilder) -> Answer {
    loop {
        let answer = user.send(request()).await;
        match answer.status {
            200 | 201 => return answer,
            503 => assert!(answer.headers.contains_key("retry-after"), "{answer:?}"),
            409 if answer.code() == "idempotency.in_flight" => {}
            _ => panic!("{answer:?}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Makes subdistricts and renames each, until it is told to stop; returns how many.
async fn write(user: User, hundred: u32, stop: Arc<AtomicBool>) -> i64 {
    let mut done = 0;
    for number in 0..100 {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let code = format!("421181{}", hundred * 100 + number);
        let request =
            |method: Method, path: &str, step: &str, body: &Value| user.request(method, path).header("Idempotency-Key", format!("{step}-{code}")).json(body);
        let new = json!({"code": code, "name": "旧"});
        let made = insist(&user, || request(Method::POST, "/v1/subdistricts", "make", &new)).await;
        let path = &made.headers["location"];
        let change = json!({"name": "新", "version": 1});
        let changed = insist(&user, || request(Method::PATCH, path, "change", &change)).await;
        assert_eq!(changed.body["version"], 2, "once");
        done += 1;
    }
    done
}

/// Reads lists and objects until it is told to stop; returns how often there was an answer.
async fn read(user: User, stop: Arc<AtomicBool>) -> usize {
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let list = insist(&user, || user.request(Method::GET, "/v1/subdistricts?sort=-code&limit=1")).await;
        if let Some(id) = list.body["items"][0]["id"].as_str() {
            let _ = insist(&user, || user.request(Method::GET, &format!("/v1/subdistricts/{id}"))).await;
        }
        answered += 1;
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn crashes_under_load_lose_nothing_and_do_nothing_twice() {
    let (cluster, app) = app().await;
    let admin = app.admin().await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (1..=4).map(|hundred| tokio::spawn(write(admin.clone(), hundred, Arc::clone(&stop)))).collect();
    let readers: Vec<_> = (0..2).map(|_| tokio::spawn(read(admin.clone(), Arc::clone(&stop)))).collect();
    let pause = || sleep(Duration::from_millis(300));

    pause().await;
    cluster.crash();
    pause().await;
    cluster.go_on();
    pause().await;
    cluster.kill_backend().await;
    pause().await;
    cluster.kill().await;
    cluster.go_on();
    pause().await;
    cluster.stop();
    cluster.go_on();
    pause().await;
    stop.store(true, Ordering::Relaxed);

    let mut acknowledged = 0;
    for writer in writers {
        acknowledged += writer.await.unwrap();
    }
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert!(acknowledged > 10, "there was some load: {acknowledged}");
    let query = "select count(*), count(*) filter (where name = '新' and version = 2), \
                 (select count(*) from journal where action = 'subdistrict.created'), (select count(*) from journal where action = 'subdistrict.changed') from subdistrict";
    let row = cluster.connect().await.query_one(query, &[]).await.unwrap();
    let counts: [i64; 4] = [0, 1, 2, 3].map(|column| row.get(column));
    assert_eq!(counts, [acknowledged; 4], "rows, rows renamed once, and their lines in the journal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_away_the_answer_is_not_now_and_the_first_request_after_it_is_served() {
    let (cluster, app) = app().await;
    let admin = app.small_town().await;
    let grid = admin.by_code("grids", "421181001001001").await;
    let one = format!("/v1/grids/{}", grid["id"].as_str().unwrap());
    let body = json!({"code": "421181002", "name": "二"});
    for (number, crash) in [Cluster::crash, Cluster::stop].into_iter().enumerate() {
        crash(&cluster);
        let (read, list, write) = tokio::join!(admin.get(&one), admin.get("/v1/grids"), admin.post("/v1/subdistricts", body.clone()));
        let (export, report) = tokio::join!(admin.get("/v1/exports/grids.csv"), admin.get("/v1/reports/grid-division"));
        for answer in [read, list, write, export, report] {
            assert_eq!((answer.status, answer.code(), answer.headers["retry-after"].as_str()), (503, "database.away", "2"));
        }
        assert_eq!(admin.get("/health/live").await.status, 200);
        assert_eq!(admin.get("/health/ready").await.code(), "database.away");

        cluster.go_on();
        // A request waits two seconds for the database before it gives up: so this is how soon all is well.
        let (read, list, write) = tokio::join!(admin.get(&one), admin.get("/v1/grids"), admin.post("/v1/subdistricts", body.clone()));
        assert_eq!((read.status, &read.body, list.status), (200, &grid, 200));
        assert_eq!(write.status, if number == 0 { 201 } else { 409 }, "{}", write.body);
        assert_eq!(admin.get("/health/ready").await.status, 200);
    }
}
