//! A streaming replica takes the long reads off the primary, and nothing else.

use std::time::Duration;

use platform::migrate;
use serde_json::json;
use testkit::{Cluster, TestApp, TestDb, User};
use tokio::time::sleep;

async fn export(user: &User) -> String {
    let file = user.get("/v1/exports/grids.csv").await;
    assert_eq!(file.status, 200, "{}", file.text());
    file.text()
}

async fn grids_in_report(user: &User) -> i64 {
    user.get("/v1/reports/grid-division").await.ok(200)["counts"]["grids"].as_i64().unwrap()
}

/// Makes a grid and waits until the replica shows it.
async fn make_and_follow(user: &User, code: &str) {
    user.post("/v1/grids", json!({"code": code, "name": "新"})).await.ok(201);
    while !export(user).await.contains(code) {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_and_statistics_come_from_the_replica_and_from_the_primary_where_it_is_away() {
    let primary = Cluster::start();
    migrate::run(&primary.url).unwrap();
    let replica = primary.replica();
    let app = TestApp::on(TestDb::at(&primary.url), |config| {
        config.database_read_url = Some(replica.url.clone());
        config.metrics_address = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    let admin = app.small_town().await;
    make_and_follow(&admin, "421181001001003").await;

    // The replica is held where it is: what comes from it is of then.
    let held = replica.connect().await;
    held.batch_execute("select pg_wal_replay_pause()").await.unwrap();
    while held.query_one("select pg_get_wal_replay_pause_state()", &[]).await.unwrap().get::<_, String>(0) != "paused" {
        sleep(Duration::from_millis(10)).await;
    }
    admin.post("/v1/grids", json!({"code": "421181001001004", "name": "新"})).await.ok(201);
    admin.by_code("grids", "421181001001004").await;
    assert!(!export(&admin).await.contains("421181001001004"));
    assert_eq!(grids_in_report(&admin).await, 4);
    // What somebody has just written he reads: the rows at fault of his import are not asked of the replica.
    let run = admin.import("grids", "mode=best_effort", b"code,name\n1,x\n".to_vec()).await.ok(200);
    let failed = admin.get(run["failed_csv"].as_str().unwrap()).await;
    assert_eq!((failed.status, failed.text().lines().count()), (200, 2));
    let metrics = app.metrics().await;
    assert!(metrics.contains("linli_pool_size{pool=\"replica\"} 8\n") && metrics.contains("linli_replica_away_total 0\n"), "{metrics}");
    assert!(metrics.lines().any(|line| line.starts_with("linli_replica_lag_seconds ") && !line.ends_with(" 0.0")), "{metrics}");

    held.batch_execute("select pg_wal_replay_resume()").await.unwrap();
    while !export(&admin).await.contains("421181001001004") {
        sleep(Duration::from_millis(10)).await;
    }
    replica.crash();
    admin.post("/v1/grids", json!({"code": "421181001001005", "name": "新"})).await.ok(201);
    assert!(export(&admin).await.contains("421181001001005"), "from the primary");
    assert_eq!(grids_in_report(&admin).await, 6);
    assert_eq!(admin.get("/health/ready").await.status, 200, "a replica that is away is nobody's outage");
    assert!(app.metrics().await.contains("linli_replica_away_total 2\n"));
    replica.go_on();
    make_and_follow(&admin, "421181001001006").await;
    assert!(app.metrics().await.contains("linli_replica_away_total 2\n"), "it is used again");
}
