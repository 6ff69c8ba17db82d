//! How large a plan of a re-division of grids may be (ORG-12): ten times the city, in one body.

use serde_json::{Value, json};
use testkit::TestApp;

use crate::grid_redivisions::{AREA, building, draft, path, plan, today};

/// So many grids of the subdistrict, those of six communities and more.
fn grids(many: usize) -> Vec<Value> {
    let code = |number: usize| format!("421181001{:03}{:03}", number / 999 + 1, number % 999 + 1);
    (0..many).map(|number| json!({"code": code(number), "name": format!("网格{number}"), "reason": "户数不均"})).collect()
}

/// So many buildings of a community, none of which is there.
fn buildings(many: u32) -> Vec<Value> {
    (50_001..=50_000 + many).map(|number| building(number, 1)).collect()
}

/// So many households of a building, none of which is there.
fn households(many: u32) -> Vec<Value> {
    (1..=many).map(|number| json!({"household_code": format!("{AREA}50001{number:06}"), "grid_code": format!("{AREA}001")})).collect()
}

#[tokio::test]
async fn org_12_a_plan_holds_ten_times_the_city_and_no_more() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = draft(&admin, "街道方案", "421181001", today()).await;
    let stands = plan(&admin, &made, json!({"grids": grids(5000), "buildings": []})).await.ok(200);
    assert_eq!(stands["planned_grids"], 5000);
    // All that it may hold is read in one body, and each building is looked for.
    let most = json!({"grids": grids(5000), "buildings": buildings(30_000), "households": households(20_000)});
    let refused = plan(&admin, &stands, most).await;
    assert_eq!((refused.status, refused.code()), (422, "grid_redivision.bad_plan"));
    let errors = refused.errors();
    assert_eq!(errors.first().map(String::as_str), Some("/buildings/0/building_code building.does_not_exist"));
    for (entries, pointer) in [
        (json!({"grids": grids(5001), "buildings": []}), "/grids"),
        (json!({"grids": grids(1), "buildings": buildings(30_001)}), "/buildings"),
        (json!({"grids": grids(1), "buildings": [], "households": households(20_001)}), "/households"),
    ] {
        let refused = plan(&admin, &stands, entries).await;
        assert_eq!((refused.status, refused.errors()), (422, vec![format!("{pointer} member.wrong_count")]));
    }
    assert_eq!(admin.get(&path(&made)).await.ok(200)["version"], 2, "nothing of it is kept");
}
