//! Nothing outlives the party organization or body that it is in, and nothing begins before it (ORG-06, ORG-14).

use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

use crate::jobs::{release, stands_before};

const LAKE: &str = "421181001001X001";
const BUILDING: &str = "42118100100100001";
const HOME: &str = "42118100100100001010101";

/// Far enough that no clock comes to it.
const LATE: &str = "2100-01-01";

/// The core Z1 and the group G1 of a compound, since 2020, and a person.
async fn town(app: &TestApp) -> (User, Value) {
    let admin = app.small_town().await;
    let chain = "code,name,tier,form,nature,parent_code,compound_code,valid_from\n\
        Z1,翠湖党支部,compound,branch,formal,,421181001001X001,2020-01-01\n\
        G1,一栋党小组,building_group,,,Z1,421181001001X001,2020-01-01\n";
    admin.import("party-organizations", "", chain.into()).await.ok(200);
    let person = admin.post("/v1/people", json!({"name": "客", "area_code": "421181001001001"})).await.ok(201);
    (admin, person)
}

async fn path(admin: &User, code: &str) -> String {
    format!("/v1/party-organizations/{}", admin.by_code("party-organizations", code).await["id"].as_str().unwrap())
}

fn observer(organization: &str, person: &Value, from: &str) -> Value {
    json!({"organization_code": organization, "person_id": person["id"], "role": "observer", "valid_from": from})
}

#[tokio::test]
async fn org_06_nothing_is_put_into_what_has_its_end() {
    let app = TestApp::start().await;
    let (admin, person) = town(&app).await;
    let who = person["id"].as_str().unwrap();
    // A group whose end is set takes no hub and no post.
    let group = path(&admin, "G1").await;
    admin.post(&format!("{group}/end"), ending(LATE, 1)).await.ok(200);
    let hub = json!({"code": "H1", "name": "中心户", "tier": "hub_household", "parent_code": "G1", "compound_code": LAKE, "household_code": HOME, "valid_from": "2024-01-01"});
    assert_eq!(admin.post("/v1/party-organizations", hub.clone()).await.errors(), ["/parent_code party_organization.parent_ended"]);
    let file = format!("code,name,tier,parent_code,compound_code,household_code,valid_from\nH1,中心户,hub_household,G1,{LAKE},{HOME},2024-01-01\n");
    assert_eq!(admin.import("party-organizations", "", file.into()).await.faults(), ["2 parent_code party_organization.parent_ended"]);
    assert_eq!(admin.post("/v1/party-posts", observer("G1", &person, "2024-01-01")).await.errors(), ["/organization_code party_post.organization_ended"]);
    let file = format!("organization_code,person_id,role,valid_from\nG1,{who},observer,2024-01-01\n");
    assert_eq!(admin.import("party-posts", "", file.into()).await.faults(), ["2 organization_code party_post.organization_ended"]);
    // A group takes no building whose end is set.
    let next = json!({"code": "G2", "name": "二组", "tier": "building_group", "parent_code": "Z1", "compound_code": LAKE, "valid_from": "2024-01-01"});
    admin.post("/v1/party-organizations", next).await.ok(201);
    let new = json!({"code": "42118100100100008", "compound_code": LAKE, "name": "8栋", "valid_from": "2020-01-01"});
    let building = admin.post("/v1/buildings", new).await.ok(201);
    admin.post(&format!("/v1/buildings/{}/end", building["id"].as_str().unwrap()), ending(LATE, 1)).await.ok(200);
    let set = json!({"building_codes": [building["code"], BUILDING], "on": "2024-01-01", "version": 1});
    let refused = admin.put(&format!("{}/buildings", path(&admin, "G2").await), set).await;
    assert_eq!(refused.errors(), ["/building_codes/0 party_organization.building_ends"]);
    // A body whose end is set gives it to whom the API seats, and takes nobody from a file, which says no end.
    let body = json!({"compound_code": LAKE, "kind": "owners_committee", "name": "业委会", "valid_from": "2024-01-01"});
    let body = admin.post("/v1/governance-bodies", body).await.ok(201)["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/governance-bodies/{body}/end"), ending(LATE, 1)).await.ok(200);
    let file = format!("compound_code,body_kind,governance_body_id,person_id,role,valid_from\n{LAKE},owners_committee,{body},{who},member,2024-06-01\n");
    assert_eq!(admin.import("governance-body-members", "", file.into()).await.faults(), ["2 body_kind governance_body.does_not_exist"]);
    let seat = json!({"governance_body_id": body, "person_id": who, "role": "member", "valid_from": "2024-06-01"});
    assert_eq!(admin.post("/v1/governance-body-members", seat).await.ok(201)["valid_to"], LATE);
}

#[tokio::test]
async fn org_06_nothing_in_a_party_organization_begins_before_it() {
    let app = TestApp::start().await;
    let (admin, person) = town(&app).await;
    let who = person["id"].as_str().unwrap();
    let early = observer("G1", &person, "2019-12-31");
    assert_eq!(admin.post("/v1/party-posts", early).await.errors(), ["/valid_from party_post.begins_before_organization"]);
    let file = format!("organization_code,person_id,role,valid_from\nG1,{who},observer,2019-12-31\n");
    assert_eq!(admin.import("party-posts", "", file.into()).await.faults(), ["2 valid_from party_post.begins_before_organization"]);
    let group = json!({"code": "G2", "name": "二组", "tier": "building_group", "parent_code": "Z1", "compound_code": LAKE, "valid_from": "2019-12-31"});
    assert_eq!(admin.post("/v1/party-organizations", group).await.errors(), ["/valid_from party_organization.begins_before_parent"]);
    let file = format!("code,name,tier,parent_code,compound_code,valid_from\nG2,二组,building_group,Z1,{LAKE},2019-12-31\n");
    assert_eq!(admin.import("party-organizations", "", file.into()).await.faults(), ["2 valid_from party_organization.begins_before_parent"]);
    // Nor does it move past what is in it: the group past its post and its building, the core past the group.
    let (core, group) = (path(&admin, "Z1").await, path(&admin, "G1").await);
    let set = json!({"building_codes": [BUILDING], "on": "2020-06-01", "version": 1});
    admin.put(&format!("{group}/buildings"), set).await.ok(200);
    let move_to = async |path: &str, day: &str, version: i32| {
        let answer = admin.patch(path, json!({"valid_from": day, "version": version})).await;
        (answer.status, answer.code().to_owned())
    };
    let in_use = (409, "party_organization.in_use_before".to_owned());
    assert_eq!(move_to(&core, "2020-01-02", 1).await, in_use);
    assert_eq!(move_to(&group, "2020-06-02", 2).await, in_use, "a building");
    admin.post("/v1/party-posts", observer("G1", &person, "2020-03-01")).await.ok(201);
    assert_eq!(move_to(&group, "2020-03-02", 2).await, in_use, "a post");
    let file = format!("code,name,tier,parent_code,compound_code,valid_from\nG1,一栋党小组,building_group,Z1,{LAKE},2020-03-02\n");
    assert_eq!(admin.import("party-organizations", "", file.into()).await.faults(), ["2 valid_from party_organization.in_use_before"]);
    assert_eq!(move_to(&group, "2020-03-01", 2).await.0, 200);
    assert_eq!(move_to(&core, "2020-03-01", 1).await.0, 200);
    // A whole chain may move back in one file, the upper end being looked for in it.
    let chain = format!(
        "code,name,tier,form,nature,parent_code,compound_code,valid_from\nG1,一栋党小组,building_group,,,Z1,{LAKE},2019-01-01\nZ1,翠湖党支部,compound,branch,formal,,{LAKE},2019-01-01\n"
    );
    assert_eq!(admin.import("party-organizations", "", chain.into()).await.ok(200)["run"]["changed"], 2);
}

#[tokio::test]
async fn org_06_org_14_an_import_does_not_move_a_first_day_under_an_import_of_what_comes_in() {
    let app = TestApp::start().await;
    let (admin, person) = town(&app).await;
    let who = person["id"].as_str().unwrap();
    let body = json!({"compound_code": LAKE, "kind": "owners_committee", "name": "业委会", "valid_from": "2024-01-01"});
    admin.post("/v1/governance-bodies", body).await.ok(201);
    for (inner, table, file, outer, moved, refusal) in [
        (
            "governance-body-members",
            "governance_body_member",
            format!("compound_code,body_kind,person_id,role,valid_from\n{LAKE},owners_committee,{who},member,2024-06-01\n"),
            "governance-bodies",
            format!("compound_code,kind,name,valid_from\n{LAKE},owners_committee,业委会,2025-01-01\n"),
            "governance_body.members_before",
        ),
        (
            "party-posts",
            "party_post",
            format!("organization_code,person_id,role,valid_from\nG1,{who},observer,2024-06-01\n"),
            "party-organizations",
            format!("code,name,tier,parent_code,compound_code,valid_from\nG1,一栋党小组,building_group,Z1,{LAKE},2025-01-01\n"),
            "party_organization.in_use_before",
        ),
    ] {
        let client = app.db.connect().await;
        client.batch_execute(&format!("begin; lock table {table} in share row exclusive mode")).await.unwrap();
        let importer = admin.clone();
        let under_way = tokio::spawn(async move { importer.import(inner, "", file.into_bytes()).await });
        stands_before(&client).await;
        // It has found that all begins late enough, and has not stored anything yet.
        let meanwhile = admin.import(outer, "", moved.clone().into_bytes()).await;
        assert_eq!((meanwhile.status, meanwhile.code()), (409, "import.in_progress"), "{outer}: {}", meanwhile.text());
        release(client).await;
        assert_eq!(under_way.await.unwrap().ok(200)["run"]["created"], 1, "{inner}");
        assert_eq!(admin.import(outer, "", moved.into_bytes()).await.faults(), [format!("2 valid_from {refusal}")]);
    }
}

#[tokio::test]
async fn org_06_the_journal_tells_of_the_end_of_a_group_what_it_answered_for() {
    let app = TestApp::start().await;
    let (admin, _) = town(&app).await;
    let group = path(&admin, "G1").await;
    let set = json!({"building_codes": [BUILDING], "on": "2024-01-01", "version": 1});
    admin.put(&format!("{group}/buildings"), set).await.ok(200);
    admin.post(&format!("{group}/end"), ending("2025-01-01", 2)).await.ok(200);
    let told = admin.get(&format!("{group}/history")).await.ok(200)["items"][0].clone();
    assert_eq!(told["action"], "party_organization.ended");
    assert_eq!(told["change"]["building_codes"], json!({"from": [BUILDING], "to": []}), "{told}");
    assert_eq!(told["change"]["valid_to"], json!({"from": null, "to": "2025-01-01"}), "{told}");
}
