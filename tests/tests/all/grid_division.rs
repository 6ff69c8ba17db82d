//! The report on grid division (ORG-03): each breach shown once.

use serde_json::{Value, json};
use testkit::{TestApp, app::ending};

fn codes(finding: &Value) -> Vec<&str> {
    finding["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn org_03_the_report_names_what_breaks_the_criteria() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let sound = admin.get("/v1/reports/grid-division").await.ok(200);
    assert_eq!(
        (sound["seamless"].as_bool(), sound["counts"].clone()),
        (Some(true), json!({"communities": 2, "grids": 3, "compounds": 2, "buildings": 2, "households": 3}))
    );
    assert_eq!(sound["load"], json!({"min": 0, "median": 1, "max": 2, "mean": "1.00", "balance_index": "0.6000"}));
    assert_eq!(codes(&sound["grids_too_small"]).len(), 3, "300 to 500 households unless said");
    assert_eq!(sound["size_band"]["min_households"], 300);

    // A household without a grid, a building of two grids, an empty building in a compound without a grid.
    admin.post("/v1/households", json!({"code": "42118100100100001020101", "name": "无网格"})).await.ok(201);
    admin.post("/v1/households", json!({"code": "42118100100100001020102", "name": "另一网格", "grid_code": "421181001001002"})).await.ok(201);
    admin.post("/v1/compounds", json!({"code": "421181001001X003", "name": "无网格苑", "kind": "self_built"})).await.ok(201);
    admin.post("/v1/buildings", json!({"code": "42118100100100003", "compound_code": "421181001001X003", "name": "3栋"})).await.ok(201);
    admin.post("/v1/compound-grids", json!({"compound_code": "421181001001X001", "grid_code": "421181001001002", "exception": "large_split", "exception_reason": "大", "approved_by": "街道"})).await.ok(201);
    let report = admin.get("/v1/reports/grid-division?area_code=421181001001&min_households=2&max_households=2").await.ok(200);
    assert_eq!(report["seamless"], false);
    assert_eq!(codes(&report["households_in_no_grid"]), ["42118100100100001020101"]);
    assert_eq!(codes(&report["households_in_several_grids"]), Vec::<&str>::new());
    assert_eq!(report["buildings_in_several_grids"]["items"], json!([{"code": "42118100100100001", "name": "1栋", "number": 2}]));
    assert_eq!(codes(&report["buildings_in_no_grid"]), ["42118100100100003"]);
    assert_eq!(codes(&report["compounds_in_no_grid"]), ["421181001001X003"]);
    assert_eq!(codes(&report["compounds_in_several_grids"]), ["421181001001X001"]);
    assert_eq!((codes(&report["grids_too_small"]), codes(&report["grids_too_large"])), (vec![], vec![]));
    assert_eq!((report["counts"]["communities"].as_i64(), report["size_band"]["rule_id"].is_null()), (Some(1), true));
    let narrow = admin.get("/v1/reports/grid-division?area_code=421181001001&min_households=0&max_households=1").await.ok(200);
    assert_eq!(codes(&narrow["grids_too_large"]), ["421181001001001", "421181001001002"]);

    // The day before all of it, nothing of it.
    let before = admin.get("/v1/reports/grid-division?as_of=2023-06-01").await.ok(200);
    assert_eq!((before["seamless"].as_bool(), before["counts"]["households"].as_i64(), before["as_of"].as_str()), (Some(true), Some(3), Some("2023-06-01")));
    let household = admin.by_code("households", "42118100100100001010101").await;
    admin.post(&format!("/v1/households/{}/end", household["id"].as_str().unwrap()), ending("2024-01-01", 1)).await.ok(200);
    let past = admin.get("/v1/reports/grid-division?as_of=2023-06-01").await.ok(200);
    assert_eq!(past["load"], before["load"], "what ends today does not move what was");
    assert_eq!(admin.get("/v1/reports/grid-division?area_code=421181009").await.code(), "grid_division.unknown_area");
}
