//! Batches: all or nothing, or each by itself.

use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn an_atomic_batch_is_done_whole_or_not_at_all() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grid = admin.by_code("grids", "421181001002001").await;
    let id = grid["id"].as_str().unwrap();
    let good = json!({"items": [
        {"create": {"code": "421181001002002", "name": "二"}},
        {"update": {"id": id, "change": {"name": "改", "version": 1}}},
        {"end": {"id": id, "on": "2026-01-01", "reason": "撤销", "version": 2}}
    ]});
    let done = admin.post("/v1/grids:batch", good).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 3, "succeeded": 3, "failed": 0}));
    assert_eq!((done["items"][0]["status"].as_i64(), done["items"][2]["version"].as_i64()), (Some(201), Some(3)));

    let bad = json!({"items": [
        {"create": {"code": "421181001002003", "name": "三"}},
        {"create": {"code": "421181001002002", "name": "又二"}},
        {"update": {"id": id, "change": {"name": "晚"}}}
    ]});
    let refused = admin.post("/v1/grids:batch", bad.clone()).await;
    assert_eq!((refused.status, refused.code()), (422, "batch.refused"));
    assert_eq!(refused.errors(), ["/items/1/code grid.code_taken", "/items/2 version.missing"]);
    assert_eq!(admin.get("/v1/grids?code=421181001002003").await.ok(200)["items"], json!([]));

    let mut each = bad;
    each["mode"] = json!("best_effort");
    let report = admin.post("/v1/grids:batch", each).await.ok(200);
    assert_eq!(report["summary"], json!({"total": 3, "succeeded": 1, "failed": 2}));
    assert_eq!((report["items"][1]["status"].as_i64(), report["items"][1]["problem"]["code"].as_str()), (Some(409), Some("grid.code_taken")));
    admin.by_code("grids", "421181001002003").await;
    let history = admin.get(&format!("/v1/grids/{id}/history")).await.ok(200);
    assert_eq!(history["items"].as_array().unwrap().len(), 3, "what was refused left no line");
}

#[tokio::test]
async fn a_batch_has_bounds_and_names_the_item_at_fault() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let answer = admin.post("/v1/grids:batch", json!({"items": []})).await;
    assert_eq!((answer.status, answer.errors()), (422, vec!["/items member.wrong_count".to_owned()]));
    let many: Vec<_> = (0..501).map(|number| json!({"create": {"code": format!("421181001001{number:03}"), "name": "多"}})).collect();
    assert_eq!(admin.post("/v1/grids:batch", json!({"items": many})).await.errors(), ["/items member.wrong_count"]);
    let answer = admin.post("/v1/grids:batch", json!({"items": [{"create": {"code": "1", "name": "短"}}, {"create": {"code": "421181001001008"}}]})).await;
    assert_eq!(answer.errors(), ["/items/0/create/code member.wrong_form", "/items/1/create/name member.missing"]);
    let answer = admin
        .post(
            "/v1/buildings:batch",
            json!({"items": [{"create": {"code": "42118100100100009", "compound_code": "421181001001X001", "name": "高", "floors_above": 999}}]}),
        )
        .await;
    assert_eq!(answer.errors(), ["/items/0/create/floors_above member.out_of_bounds"]);
}
