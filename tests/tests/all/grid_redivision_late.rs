//! What is built after a re-division of grids is approved (ORG-03, ORG-12): it goes with its compound, or the plan is returned and mended.

use kernel::Role;
use serde_json::{Value, json};
use testkit::{TestApp, User};

use crate::grid_redivision_effects::published;
use crate::grid_redivisions::{act, advance, body, broken, building, grid, path, plan, shared};

/// A building of the community that has stood for a while.
async fn build(admin: &User, number: u32, compound: &str) {
    let code = format!("421181001001{number:05}");
    let building = json!({"code": code, "compound_code": format!("421181001001{compound}"), "name": format!("{number}栋"), "valid_from": "2024-01-01"});
    admin.post("/v1/buildings", building).await.ok(201);
}

/// What the checks tell of late buildings: whether it forbids, and which they are.
async fn late(admin: &User, redivision: &Value) -> (bool, Vec<String>) {
    let checks = admin.get(&format!("{}/checks", path(redivision))).await.ok(200);
    let finding = checks["findings"].as_array().unwrap().iter().find(|one| one["check"] == "buildings_late").unwrap().clone();
    let codes = finding["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect();
    (finding["forbids"].as_bool().unwrap(), codes)
}

#[tokio::test]
async fn org_12_what_is_built_after_the_approval_goes_with_its_compound() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let stands = published(&admin, json!({"grids": [grid(11), grid(2)], "buildings": [building(1, 11), building(2, 2)]})).await;
    build(&admin, 3, "X001").await;
    let home = json!({"code": "42118100100100003010101", "grid_code": "421181001001001", "name": "1单元0101", "valid_from": "2024-01-01"});
    admin.post("/v1/households", home).await.ok(201);
    assert!(broken(&admin, &stands).await.is_empty());
    assert_eq!(late(&admin, &stands).await, (false, vec!["42118100100100003".to_owned()]));
    let simulation = admin.get(&format!("{}/simulation", path(&stands))).await.ok(200);
    let new = simulation["grids"].as_array().unwrap().iter().find(|grid| grid["code"] == "421181001001011").unwrap().clone();
    assert_eq!(
        (simulation["households_moved"].as_i64(), new["households_after"].as_i64(), new["buildings_after"].as_i64(), new["compounds_after"].as_i64()),
        (Some(3), Some(3), Some(2), Some(1))
    );
    let done = act(&admin, &stands, "take-effect", json!({})).await.ok(200);
    assert_eq!((done["households_moved"].as_i64(), done["households_after"].as_i64()), (Some(3), Some(4)));
    assert_eq!(admin.by_code("households", "42118100100100003010101").await["grid_code"], "421181001001011");
    let report = admin.get("/v1/reports/grid-division?area_code=421181001001").await.ok(200);
    assert_eq!((report["seamless"].as_bool(), report["buildings_in_no_grid"]["count"].as_i64()), (Some(true), Some(0)));
}

#[tokio::test]
async fn org_12_what_nobody_decided_on_sends_the_plan_back_to_be_mended() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let officer = app.staff("officer", Role::SubdistrictOfficer, "421181001").await;
    let missing = |count| [("buildings_missing".to_owned(), count)];
    // The compound of the first building has another, in another grid.
    build(&admin, 5, "X001").await;
    let divided = json!({"grids": [grid(11), shared(2)], "buildings": [building(1, 11), building(2, 2), building(5, 2)]});
    let stands = published(&admin, divided.clone()).await;
    build(&admin, 3, "X001").await;
    admin.post("/v1/compounds", json!({"code": "421181001001X003", "name": "新苑", "kind": "commercial", "valid_from": "2024-01-01"})).await.ok(201);
    build(&admin, 4, "X003").await;
    assert_eq!((broken(&admin, &stands).await, late(&admin, &stands).await.1), (missing(2).to_vec(), vec![]));
    let refused = act(&admin, &stands, "take-effect", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "grid_redivision.checks_fail"));
    // The city that decided gives it back, nobody else, and says why.
    assert_eq!(act(&officer, &stands, "return", body("return")).await.code(), "access.forbidden");
    assert_eq!(act(&admin, &stands, "return", json!({})).await.errors(), ["/reason member.missing"]);
    let back = act(&admin, &stands, "return", body("return")).await.ok(200);
    assert_eq!(
        (back["state"].as_str(), back["previous_state"].as_str(), back["notice_number"].is_null()),
        (Some("draft"), Some("published"), true),
        "it is published by another notice, or by that one anew"
    );
    // What is drafted names each building: nothing goes with its compound unseen.
    let draft = plan(&admin, &back, json!({"grids": [grid(11), grid(2)], "buildings": [building(1, 11), building(2, 2)]})).await.ok(200);
    assert_eq!(broken(&admin, &draft).await, missing(3));
    let mut whole = divided;
    whole["buildings"].as_array_mut().unwrap().extend([building(3, 11), building(4, 2)]);
    let mended = plan(&admin, &draft, whole).await.ok(200);
    let approved = advance(&admin, &mended, 4).await;
    let again = act(&admin, &approved, "return", body("return")).await.ok(200);
    assert_eq!((again["state"].as_str(), again["previous_state"].as_str()), (Some("draft"), Some("approved")));
    let stands = advance(&admin, &again, 5).await;
    let done = act(&admin, &stands, "take-effect", json!({})).await.ok(200);
    assert_eq!((done["state"].as_str(), done["grids_after"].as_i64()), (Some("effective"), Some(2)));
    let effective = act(&admin, &done, "return", body("return")).await;
    assert_eq!((effective.status, effective.code()), (409, "workflow.wrong_state"));
}

#[tokio::test]
async fn org_12_it_takes_effect_or_is_returned_and_not_both() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let stands = published(&admin, json!({"grids": [grid(11), grid(2)], "buildings": [building(1, 11), building(2, 2)]})).await;
    let both = ["take-effect", "return"].map(|action| {
        let (admin, stands) = (admin.clone(), stands.clone());
        tokio::spawn(async move { act(&admin, &stands, action, body(action)).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let now = admin.get(&path(&stands)).await.ok(200);
    let moved = admin.by_code("households", "42118100100100001010101").await["grid_code"] == "421181001001011";
    assert_eq!(moved, now["state"] == "effective", "{now}");
}
