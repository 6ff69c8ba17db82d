//! What a re-division of grids brings with it to be decided on (ORG-12): reasons for what changes, and minutes of who was heard.

use serde_json::{Value, json};
use testkit::{TestApp, User};

use crate::grid_redivisions::{AREA, THINGS, act, advance, broken, building, draft, grid, minutes, notice, path, plan, shared, steady, today};

/// The same grid, and nobody says why; under another name, unless it is none.
fn silent(grid: Value, name: Option<&str>) -> Value {
    let mut grid = grid;
    grid.as_object_mut().unwrap().remove("reason");
    if let Some(name) = name {
        grid["name"] = json!(name);
    }
    grid
}

/// What forbids an action that its state takes.
async fn forbidden(user: &User, redivision: &Value, action: &str) -> Option<String> {
    let answer = user.get(&format!("{}/next-actions", path(redivision))).await.ok(200);
    let found = answer["actions"].as_array().unwrap().iter().find(|one| one["action"] == action).unwrap().clone();
    found["forbidden_by"]["code"].as_str().map(ToOwned::to_owned)
}

#[tokio::test]
async fn org_12_what_begins_gets_another_name_or_closes_has_a_reason() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    notice(&admin).await;
    admin.post("/v1/grids", json!({"code": "421181001001003", "name": "空网格", "valid_from": "2023-02-01"})).await.ok(201);
    let made = admin.post(THINGS, json!({"title": "柳岸方案", "area_code": AREA, "effective_on": today()})).await.ok(201);
    // A grid begins, with all of one that closes; one gets another name; one closes that nobody is in.
    let places = json!([building(1, 11), building(2, 2)]);
    let entries = json!({"grids": [silent(grid(11), None), silent(grid(2), None)], "buildings": places});
    let stands = plan(&admin, &made, entries).await.ok(200);
    let missing = |count| [("reasons_missing".to_owned(), count)];
    assert_eq!(broken(&admin, &stands).await, missing(3));
    let checks = admin.get(&format!("{}/checks", path(&stands))).await.ok(200);
    let finding = checks["findings"].as_array().unwrap().iter().find(|one| one["check"] == "reasons_missing").unwrap().clone();
    let codes: Vec<_> = finding["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["421181001001002", "421181001001003", "421181001001011"]);
    let refused = act(&admin, &stands, "submit", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "grid_redivision.no_reasons"));
    assert!(refused.body["detail"].as_str().unwrap().starts_with("有 3 个"), "{}", refused.body);
    assert_eq!(forbidden(&admin, &stands, "submit").await.as_deref(), Some("grid_redivision.no_reasons"));
    // The grids say why; of the one that leaves nobody the re-division does.
    let stands = plan(&admin, &stands, json!({"grids": [grid(11), grid(2)], "buildings": places})).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, missing(1));
    assert_eq!(act(&admin, &stands, "submit", json!({})).await.code(), "grid_redivision.no_reasons");
    let stands = admin.patch(&path(&stands), json!({"reason": "空网格无户", "version": stands["version"]})).await.ok(200);
    assert!(broken(&admin, &stands).await.is_empty());
    let published = advance(&admin, &stands, 5).await;
    act(&admin, &published, "take-effect", json!({})).await.ok(200);
    let lines = admin.get(&format!("/v1/grid-lineages?effective_on={}", today())).await.ok(200)["items"].clone();
    let reason = |member: &str, code: &str| lines.as_array().unwrap().iter().find(|line| line[member] == code).unwrap()["reason"].clone();
    assert_eq!(reason("new_code", "421181001001011"), "户数不均");
    assert_eq!(reason("old_code", "421181001001003"), "空网格无户");
}

#[tokio::test]
async fn org_12_a_grid_that_takes_in_another_has_a_reason_and_one_that_goes_on_needs_none() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = draft(&admin, "柳岸方案", AREA, today()).await;
    // The first closes, and all of it comes to the second, which keeps its name.
    let taken_in = json!({"grids": [silent(shared(2), Some("第二网格"))], "buildings": [building(1, 2), building(2, 2)]});
    let stands = plan(&admin, &made, taken_in).await.ok(200);
    assert_eq!(broken(&admin, &stands).await, [("reasons_missing".to_owned(), 1)]);
    // Both go on with their names, and a building passes from one to the other.
    let adjusted = json!({
        "grids": [silent(shared(1), Some("第一网格")), silent(grid(2), Some("第二网格"))],
        "buildings": [building(1, 1), building(2, 1)]
    });
    let stands = plan(&admin, &stands, adjusted).await.ok(200);
    assert!(broken(&admin, &stands).await.is_empty());
    let submitted = act(&admin, &stands, "submit", json!({})).await.ok(200);
    assert_eq!(submitted["state"], "community_submitted");
}

#[tokio::test]
async fn org_12_it_goes_to_the_city_with_the_minutes_of_its_consultation() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = draft(&admin, "柳岸方案", AREA, today()).await;
    let planned = plan(&admin, &made, steady()).await.ok(200);
    let reviewed = advance(&admin, &planned, 2).await;
    // Those of another re-division are not its own.
    let other = draft(&admin, "桥头方案", "421181001002", today()).await;
    minutes(&admin, &other).await;
    let refused = act(&admin, &reviewed, "pass", json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "grid_redivision.no_minutes"));
    assert_eq!(forbidden(&admin, &reviewed, "pass").await.as_deref(), Some("grid_redivision.no_minutes"));
    minutes(&admin, &reviewed).await;
    assert_eq!(forbidden(&admin, &reviewed, "pass").await, None);
    let passed = act(&admin, &reviewed, "pass", json!({})).await.ok(200);
    assert_eq!(passed["state"], "city_review");
}
