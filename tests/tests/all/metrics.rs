//! What Prometheus is told.

use std::collections::BTreeMap;

use serde_json::json;
use testkit::TestApp;

/// The samples, by name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

async fn app() -> TestApp {
    TestApp::start_with(|config| config.metrics_address = Some("127.0.0.1:0".parse().unwrap())).await
}

#[tokio::test]
async fn requests_commands_and_rows_are_counted_by_names_of_our_own() {
    let app = app().await;
    let admin = app.small_town().await;
    let stranger = app.stranger();
    for number in 0..3 {
        assert_eq!(admin.get(&format!("/v1/grids?limit={}", number + 1)).await.status, 200);
        assert_eq!(stranger.get(&format!("/v1/secret-{number}")).await.status, 404);
    }
    assert_eq!(stranger.get("/v1/grids").await.status, 401);
    admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八"})).await.ok(201);
    assert_eq!(admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八"})).await.status, 409);
    assert_eq!(admin.import("grids", "mode=dry_run", b"code,name\n421181001001009,x\n1,y\n".to_vec()).await.status, 200);

    let text = app.metrics().await;
    let samples = samples(&text);
    let value = |name: &str| *samples.get(name).unwrap_or_else(|| panic!("{name} is not in\n{text}"));
    assert_eq!(value("linli_http_requests_total{operation=\"list_grids\",status=\"200\"}"), 3.0);
    assert_eq!(value("linli_http_requests_total{operation=\"list_grids\",status=\"401\"}"), 1.0);
    assert_eq!(value("linli_http_requests_total{operation=\"none\",status=\"404\"}"), 3.0, "whatever the path was");
    assert!(!text.contains("secret-") && !text.contains("421181"), "nothing of a request becomes a label");
    assert_eq!(value("linli_http_request_seconds_count{operation=\"list_grids\"}"), 4.0);
    assert_eq!(value("linli_http_request_seconds_bucket{le=\"600.0\",operation=\"list_grids\"}"), 4.0);
    assert_eq!(value("linli_http_requests_in_flight"), 0.0);
    assert_eq!(value("linli_commands_total{command=\"grid.create\",outcome=\"done\"}"), 1.0);
    assert_eq!(value("linli_commands_total{command=\"grid.create\",outcome=\"refused\"}"), 1.0);
    assert_eq!(value("linli_command_seconds_count{command=\"grid.create\"}"), 2.0);
    assert_eq!(value("linli_import_rows_total{resource=\"grids\",outcome=\"created\"}"), 3.0);
    assert_eq!(value("linli_import_rows_total{resource=\"grids\",outcome=\"not_kept\"}"), 2.0);
    assert!(value("linli_read_links") >= 2.0 && value("linli_database_up") == 1.0);
    assert_eq!(value("linli_pool_size{pool=\"primary\"}"), 8.0);
    assert!(value("linli_pool_connections{pool=\"primary\",state=\"idle\"}") >= 1.0);
    assert!(value("linli_database_bytes") > 1e6 && value("linli_feed_lag_seconds") >= 0.0 && value("linli_oldest_writer_seconds") >= 0.0);
    assert_eq!((value("linli_jobs{state=\"queued\"}"), value("linli_jobs{state=\"running\"}"), value("linli_webhooks{state=\"disabled\"}")), (0.0, 0.0, 0.0));
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_writer_that_does_not_end_shows_as_lag_of_the_feed() {
    let app = app().await;
    let admin = app.small_town().await;
    let writer = app.db.connect().await;
    writer.batch_execute("begin; select pg_current_xact_id()").await.unwrap();
    admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八"})).await.ok(201);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let lag = samples(&app.metrics().await);
    for name in ["linli_feed_lag_seconds", "linli_oldest_writer_seconds", "linli_seal_lag_seconds"] {
        assert!(lag[name] >= 0.05, "{name} in {lag:?}");
    }
}

#[tokio::test]
async fn metrics_are_not_for_callers() {
    let app = app().await;
    assert_eq!(app.admin().await.get("/metrics").await.code(), "path.unknown");
}
