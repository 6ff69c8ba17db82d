//! The buildings of building groups as files (ORG-06): a line for each, which only add; the group's version and history go with them.

use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

const LAKE: &str = "421181001001X001";
const FIRST: &str = "42118100100100001";
const SECOND: &str = "42118100100100003";
/// A building of the other compound.
const STREET: &str = "42118100100100002";

/// A core with two groups, in a compound with two buildings.
async fn town(app: &TestApp) -> User {
    let admin = app.small_town().await;
    let chain = "code,name,tier,form,nature,parent_code,compound_code,valid_from\n\
        Z1,翠湖党支部,compound,branch,formal,,421181001001X001,2024-01-01\n\
        G1,一组,building_group,,,Z1,421181001001X001,2024-01-01\n\
        G2,二组,building_group,,,Z1,421181001001X001,2024-02-01\n";
    admin.import("party-organizations", "", chain.into()).await.ok(200);
    admin.post("/v1/buildings", json!({"code": SECOND, "compound_code": LAKE, "name": "3栋", "valid_from": "2023-01-01"})).await.ok(201);
    admin
}

async fn group(user: &User, code: &str) -> Value {
    user.by_code("party-organizations", code).await
}

fn path(group: &Value) -> String {
    format!("/v1/party-organizations/{}", group["id"].as_str().unwrap())
}

#[tokio::test]
async fn org_06_buildings_come_to_groups_as_a_file() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let send = async |query: &str, file: &str| admin.import("party-organization-buildings", query, file.as_bytes().to_vec()).await;
    let file = format!("党组织代码,楼栋编码,负责起始日期\nG1,{FIRST},2024-03-01\nG2,{SECOND},\n");
    assert_eq!(send("mode=dry_run&effective_on=2024-01-15", &file).await.ok(200)["run"]["created"], 2);
    assert_eq!(group(&admin, "G1").await["building_codes"], json!([]), "a dry run keeps nothing");
    assert_eq!(admin.get("/v1/audit?action=party_organization.changed").await.ok(200)["items"], json!([]), "and tells nothing");
    assert_eq!(send("effective_on=2024-01-15", &file).await.ok(200)["run"]["created"], 2);
    assert_eq!(send("", &file).await.ok(200)["run"]["unchanged"], 2, "the same again");
    let g1 = group(&admin, "G1").await;
    assert_eq!((&g1["building_codes"], g1["version"].as_i64()), (&json!([FIRST]), Some(2)), "its version has risen, once");
    let on = async |day: &str| admin.get(&format!("/v1/party-organizations?code=G2&as_of={day}")).await.ok(200)["items"][0]["building_codes"].clone();
    assert_eq!(on("2024-02-01").await, json!([SECOND]), "a day that is not said is never before the group's own");
    let told = admin.get(&format!("{}/history", path(&g1))).await.ok(200)["items"][0].clone();
    assert_eq!((told["action"].as_str(), &told["change"]), (Some("party_organization.changed"), &json!({"building_codes": {"from": [], "to": [FIRST]}})));
    let told = admin.get("/v1/audit?object_kind=party_group_building").await.ok(200)["items"].as_array().unwrap().len();
    assert_eq!(told, 2, "each row is told");
    // Whoever has not seen what came does not replace it.
    let stale = admin.put(&format!("{}/buildings", path(&g1)), json!({"building_codes": [], "version": 1})).await;
    assert_eq!(stale.status, 412);
    for form in ["csv", "ndjson", "xlsx"] {
        for headers in ["names", "chinese"] {
            let out = admin.get(&format!("/v1/exports/party-organization-buildings.{form}?headers={headers}")).await;
            assert_eq!(admin.import("party-organization-buildings", "", out.bytes).await.ok(200)["run"]["unchanged"], 2, "{form} {headers}");
        }
    }
    // A first day is corrected; the set is the same.
    assert_eq!(send("", &format!("organization_code,building_code,valid_from\nG1,{FIRST},2024-02-15\n")).await.ok(200)["run"]["changed"], 1);
    let g1 = group(&admin, "G1").await;
    assert_eq!((&g1["building_codes"], g1["version"].as_i64()), (&json!([FIRST]), Some(3)));
    // What ends on a day ahead is exported, and comes in again as it is.
    admin.put(&format!("{}/buildings", path(&g1)), json!({"building_codes": [], "on": "2099-01-01", "version": 3})).await.ok(200);
    let g2 = group(&admin, "G2").await;
    admin.put(&format!("{}/buildings", path(&g2)), json!({"building_codes": [FIRST, SECOND], "on": "2099-01-01", "version": 2})).await.ok(200);
    let out = admin.get("/v1/exports/party-organization-buildings.csv").await;
    assert_eq!(admin.import("party-organization-buildings", "", out.bytes).await.ok(200)["run"]["unchanged"], 2);
    let late = format!("organization_code,building_code,valid_from\nG1,{FIRST},2099-01-01\n");
    assert_eq!(send("mode=dry_run", &late).await.faults(), ["2 valid_from party_organization.building_after_end"]);
}

#[tokio::test]
async fn org_06_rows_at_fault_are_named() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let faults = async |user: &User, rows: &str| {
        let file = format!("organization_code,building_code,valid_from\n{rows}");
        user.import("party-organization-buildings", "mode=dry_run", file.into_bytes()).await.faults()
    };
    let closing = json!({"code": "42118100100100009", "compound_code": LAKE, "name": "9栋", "valid_from": "2020-01-01"});
    let building = admin.post("/v1/buildings", closing).await.ok(201)["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/buildings/{building}/end"), ending("2099-01-01", 1)).await.ok(200);
    for (row, said) in [
        (format!("G9,{FIRST},2024-03-01"), "organization_code party_organization.group_unknown"),
        (format!("Z1,{FIRST},2024-03-01"), "organization_code party_organization.not_a_group"),
        ("G1,42118100100100099,2024-03-01".to_owned(), "building_code building.does_not_exist"),
        ("G1,4211,2024-03-01".to_owned(), "building_code building.bad_code"),
        (format!("G1,{STREET},2024-03-01"), "building_code party_organization.building_elsewhere"),
        ("G1,42118100100100009,2024-03-01".to_owned(), "building_code party_organization.building_ends"),
        ("G1,42118100100100009,2099-01-01".to_owned(), "building_code building.not_in_force"),
        (format!("G2,{FIRST},2024-01-31"), "valid_from party_organization.building_before_group"),
        ("G1,,2024-03-01".to_owned(), "building_code import.required"),
    ] {
        assert_eq!(faults(&admin, &format!("{row}\n")).await, [format!("2 {said}")], "{row}");
    }
    let row = format!("G1,{FIRST},2024-03-01\n");
    assert_eq!(faults(&admin, &row.repeat(2)).await, ["3 building_code import.duplicate"]);
    assert_eq!(faults(&admin, &format!("{row}G2,{FIRST},2024-03-01\n")).await, ["3 building_code party_organization.building_taken"]);
    let g1 = group(&admin, "G1").await;
    admin.put(&format!("{}/buildings", path(&g1)), json!({"building_codes": [FIRST], "on": "2024-03-01", "version": 1})).await.ok(200);
    assert_eq!(faults(&admin, &format!("G2,{FIRST},2024-04-01\n")).await, ["2 building_code party_organization.building_taken"]);
    // A group whose end is set takes nothing.
    let g2 = group(&admin, "G2").await;
    admin.post(&format!("{}/end", path(&g2)), ending("2099-01-01", 1)).await.ok(200);
    assert_eq!(faults(&admin, &format!("G2,{SECOND},2024-04-01\n")).await, ["2 organization_code party_organization.group_ended"]);
    // A neighbour is told of nothing but that it is not his.
    let neighbour = app.user(&["*"], "421181001002").await;
    let away = faults(&neighbour, &format!("G1,{SECOND},2024-04-01\n")).await;
    assert_eq!(away, ["2 organization_code import.out_of_scope", "2 organization_code party_organization.group_unknown"]);
    let reader = app.user(&["party_organization.read"], "421181").await;
    let file = format!("organization_code,building_code\nG1,{SECOND}\n");
    assert_eq!(reader.import("party-organization-buildings", "", file.into_bytes()).await.code(), "access.forbidden");
    assert_eq!(reader.get("/v1/exports/party-organization-buildings.csv").await.text().lines().count(), 2);
}

#[tokio::test]
async fn org_06_a_file_and_a_command_that_give_one_building_at_once_give_it_once() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let g2 = group(&admin, "G2").await;
    let file = {
        let admin = admin.clone();
        tokio::spawn(async move {
            let file = format!("organization_code,building_code,valid_from\nG1,{FIRST},2024-03-01\n");
            admin.import("party-organization-buildings", "", file.into_bytes()).await.status
        })
    };
    let command = {
        let (admin, path) = (admin.clone(), format!("{}/buildings", path(&g2)));
        tokio::spawn(async move { admin.put(&path, json!({"building_codes": [FIRST], "on": "2024-03-01", "version": 1})).await.status })
    };
    let came = (file.await.unwrap(), command.await.unwrap());
    assert!([(200, 409), (422, 200)].contains(&came), "{came:?}");
    let holders = admin.get("/v1/exports/party-organization-buildings.csv").await.text();
    assert_eq!(holders.matches(FIRST).count(), 1, "{holders}");
}
