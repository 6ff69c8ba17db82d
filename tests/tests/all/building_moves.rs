//! Buildings that move to another compound (ORG-06): not under the building group or the hub household of the one they leave.

use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

use crate::jobs::{release, stands_before};

const LAKE: &str = "421181001001X001";
const STREET: &str = "421181001001X002";
const FIRST: &str = "42118100100100001";
const HOME: &str = "42118100100100001010101";
const HUB: &str =
    "code,name,tier,parent_code,compound_code,household_code,valid_from\nH1,党员中心户,hub_household,G1,421181001001X001,42118100100100001010101,2024-01-01\n";

/// The party organization of the lake's compound, and a building group under it, which is returned.
async fn group(admin: &User) -> Value {
    let core = json!({"code": "Z1", "name": "小区党支部", "tier": "compound", "form": "branch", "nature": "formal", "compound_code": LAKE, "valid_from": "2024-01-01"});
    admin.post("/v1/party-organizations", core).await.ok(201);
    let group = json!({"code": "G1", "name": "楼栋党小组", "tier": "building_group", "parent_code": "Z1", "compound_code": LAKE, "valid_from": "2024-01-01"});
    admin.post("/v1/party-organizations", group).await.ok(201)
}

async fn building(admin: &User) -> String {
    format!("/v1/buildings/{}", admin.by_code("buildings", FIRST).await["id"].as_str().unwrap())
}

#[tokio::test]
async fn org_06_a_building_does_not_move_away_from_its_group_and_its_hubs() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let buildings = format!("/v1/party-organizations/{}/buildings", group(&admin).await["id"].as_str().unwrap());
    let hub = json!({"code": "H1", "name": "党员中心户", "tier": "hub_household", "parent_code": "G1", "compound_code": LAKE, "household_code": HOME, "valid_from": "2024-01-01"});
    let hub = admin.post("/v1/party-organizations", hub).await.ok(201);
    admin.put(&buildings, json!({"building_codes": [FIRST], "version": 1})).await.ok(200);
    let path = building(&admin).await;
    let file = format!("code,compound_code,name\n{FIRST},{STREET},1栋\n");
    let refused = async || {
        let answer = admin.patch(&path, json!({"compound_code": STREET, "version": 1})).await;
        (answer.status, answer.errors(), admin.import("buildings", "", file.clone().into_bytes()).await.faults())
    };
    let (status, errors, faults) = refused().await;
    assert_eq!((status, errors), (409, vec!["/compound_code building.has_party_group".to_owned()]));
    assert_eq!(faults, ["2 compound_code building.has_party_group", "2 compound_code building.has_party_hub"]);
    admin.put(&buildings, json!({"building_codes": [], "version": 2})).await.ok(200);
    let (status, errors, faults) = refused().await;
    assert_eq!((status, errors), (409, vec!["/compound_code building.has_party_hub".to_owned()]));
    assert_eq!(faults, ["2 compound_code building.has_party_hub"]);
    // What says where it is already moves nothing; what has ended keeps nothing.
    admin.patch(&path, json!({"compound_code": LAKE, "name": "一栋", "version": 1})).await.ok(200);
    admin.post(&format!("/v1/party-organizations/{}/end", hub["id"].as_str().unwrap()), ending("2025-01-01", 1)).await.ok(200);
    assert_eq!(admin.patch(&path, json!({"compound_code": STREET, "version": 2})).await.ok(200)["compound_code"], STREET);
    let back = format!("code,compound_code,name\n{FIRST},{LAKE},一栋\n");
    assert_eq!(admin.import("buildings", "", back.into_bytes()).await.ok(200)["run"]["changed"], 1);
}

#[tokio::test]
async fn org_06_a_building_does_not_move_under_an_import_of_a_hub() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    group(&admin).await;
    let path = building(&admin).await;
    let client = app.db.connect().await;
    client.batch_execute("begin; lock table party_organization in share row exclusive mode").await.unwrap();
    let importer = admin.clone();
    let under_way = tokio::spawn(async move { importer.import("party-organizations", "", HUB.into()).await });
    stands_before(&client).await;
    // It has found the household in its compound, and has not stored anything yet.
    let moved = admin.patch(&path, json!({"compound_code": STREET, "version": 1})).await;
    assert_eq!((moved.status, moved.code()), (409, "import.in_progress"), "{}", moved.text());
    let file = format!("code,compound_code,name\n{FIRST},{STREET},1栋\n");
    let moved = admin.import("buildings", "", file.into_bytes()).await;
    assert_eq!((moved.status, moved.code()), (409, "import.in_progress"), "{}", moved.text());
    release(client).await;
    assert_eq!(under_way.await.unwrap().ok(200)["run"]["created"], 1);
    assert_eq!(admin.patch(&path, json!({"compound_code": STREET, "version": 1})).await.code(), "building.has_party_hub");
}
