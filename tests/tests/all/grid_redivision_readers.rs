//! Who reads a re-division of grids sees of it what is in his areas, and households where he may see households (ORG-12).

use serde_json::{Value, json};
use testkit::{TestApp, User};

use crate::grid_redivisions::{AREA, building, draft, grid, path, plan, shared, today};

/// The codes in a member of the items of a list.
async fn listed(user: &User, redivision: &Value, part: &str, member: &str) -> Vec<String> {
    let items = user.get(&format!("{}/plan/{part}", path(redivision))).await.ok(200)["items"].clone();
    items.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

/// How many break a check, and which of them somebody is shown.
async fn found(user: &User, redivision: &Value, check: &str) -> (i64, Vec<String>) {
    let checks = user.get(&format!("{}/checks", path(redivision))).await.ok(200);
    let finding = checks["findings"].as_array().unwrap().iter().find(|one| one["check"] == check).unwrap().clone();
    let codes = finding["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect();
    (finding["count"].as_i64().unwrap(), codes)
}

/// A draft of the whole subdistrict, in which the second building is forgotten and a household parts from the first.
async fn of_the_subdistrict(admin: &User) -> Value {
    let made = draft(admin, "街道方案", "421181001", today()).await;
    let entries = json!({
        "grids": [shared(1), shared(2), {"code": "421181001002001", "name": "桥头网格"}],
        "buildings": [building(1, 1)],
        "households": [{"household_code": "42118100100100001010102", "grid_code": "421181001001002"}]
    });
    plan(admin, &made, entries).await.ok(200)
}

#[tokio::test]
async fn org_12_a_reader_is_shown_what_is_in_his_areas() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let stands = of_the_subdistrict(&admin).await;
    let neighbour = app.user(&["*"], "421181001002").await;
    let reader = app.user(&["grid_redivision.read"], AREA).await;
    let keeper = app.user(&["grid_redivision.read", "household.read"], AREA).await;
    // Who answers for one grid: its community is divided as one, but households are those of his grid.
    let of_first = app.user(&["*"], "421181001001001").await;
    let (first, second) = ("42118100100100001", "42118100100100002");
    let (parted, forgotten) = ("42118100100100001010102", "42118100100100002010101");
    let grids = ["421181001001001", "421181001001002", "421181001002001"];
    for (user, name, seen_grids, seen_buildings, missing, parts, homeless) in [
        (&admin, "admin", &grids[..], vec![first], vec![second], vec![parted], vec![forgotten]),
        (&neighbour, "neighbour", &grids[2..], vec![], vec![], vec![], vec![]),
        (&reader, "reader", &grids[..2], vec![first], vec![second], vec![], vec![]),
        (&keeper, "keeper", &grids[..2], vec![first], vec![second], vec![parted], vec![forgotten]),
        (&of_first, "of the first grid", &grids[..2], vec![first], vec![second], vec![parted], vec![]),
    ] {
        assert_eq!(listed(user, &stands, "grids", "code").await, seen_grids, "{name}");
        assert_eq!(listed(user, &stands, "buildings", "building_code").await, seen_buildings, "{name}");
        assert_eq!(listed(user, &stands, "households", "household_code").await, parts, "{name}");
        // How many there are is no secret, or nobody would know why it does not pass.
        let texts = |codes: Vec<&str>| codes.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>();
        assert_eq!(found(user, &stands, "buildings_missing").await, (1, texts(missing)), "{name}");
        assert_eq!(found(user, &stands, "households_missing").await, (1, texts(homeless)), "{name}");
        let simulation = user.get(&format!("{}/simulation", path(&stands))).await.ok(200);
        let simulated: Vec<_> = simulation["grids"].as_array().unwrap().iter().map(|grid| grid["code"].as_str().unwrap()).collect();
        assert_eq!((simulated.as_slice(), simulation["before"]["grids"].as_i64()), (seen_grids, Some(3)), "{name}");
    }
}

#[tokio::test]
async fn org_12_who_has_which_access_is_told_to_those_who_plan() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = draft(&admin, "柳岸方案", AREA, today()).await;
    let stands = plan(&admin, &made, json!({"grids": [grid(11), grid(2)], "buildings": [building(1, 11), building(2, 2)]})).await.ok(200);
    let planner = app.user(&["grid_redivision.read", "grid_redivision.write"], AREA).await;
    let reader = app.user(&["grid_redivision.read"], AREA).await;
    let of_a_grid = app.user(&["*"], "421181001001001").await;
    let told = async |user: &User| -> Vec<String> {
        let homes = user.get(&format!("{}/simulation", path(&stands))).await.ok(200)["homes"].clone();
        homes.as_array().unwrap().iter().filter(|home| home["follows"] == false).map(|home| home["table"].as_str().unwrap().to_owned()).collect()
    };
    let mut access = told(&planner).await;
    access.sort_unstable();
    assert_eq!(access, ["account", "api_key", "role_grant", "webhook"]);
    for user in [&reader, &of_a_grid] {
        assert_eq!(told(user).await, Vec::<String>::new());
        let homes = user.get(&format!("{}/simulation", path(&stands))).await.ok(200)["homes"].clone();
        assert!(homes.as_array().unwrap().iter().any(|home| home["table"] == "person"), "what follows is told");
    }
}

#[tokio::test]
async fn org_12_a_plan_tells_nothing_of_households_elsewhere() {
    let app = TestApp::start().await;
    app.small_town().await;
    let neighbour = app.user(&["grid_redivision.read", "grid_redivision.write"], "421181001002").await;
    let made = draft(&neighbour, "桥头方案", "421181001002", today()).await;
    // Of each pair one is there and the other is not; both are answered alike.
    let entries = json!({
        "grids": [{"code": "421181001002001", "name": "桥头网格"}],
        "buildings": [
            {"building_code": "42118100100100001", "grid_code": "421181001002001"},
            {"building_code": "42118100100100099", "grid_code": "421181001002001"}
        ],
        "households": [
            {"household_code": "42118100100100001010101", "grid_code": "421181001002001"},
            {"household_code": "42118100100100001010199", "grid_code": "421181001002001"}
        ]
    });
    let refused = plan(&neighbour, &made, entries).await;
    assert_eq!((refused.status, refused.code()), (422, "grid_redivision.bad_plan"));
    let mut expected = Vec::new();
    for (list, member) in [("buildings", "building_code"), ("households", "household_code")] {
        for place in 0..2 {
            expected.push(format!("/{list}/{place}/{member} grid_redivision.outside"));
            expected.push(format!("/{list}/{place}/grid_code grid_redivision.other_community"));
        }
    }
    assert_eq!(refused.errors(), expected);
    // What is missing in his own area is told.
    let own = json!({
        "grids": [{"code": "421181001002001", "name": "桥头网格"}],
        "buildings": [],
        "households": [{"household_code": "42118100100200001010101", "grid_code": "421181001002001"}]
    });
    assert_eq!(plan(&neighbour, &made, own).await.errors(), ["/households/0/household_code grid_redivision.no_such_household"]);
}
