//! Whoever has a post in the Party is in the Party as long as he has it (ORG-06, ORG-14).

use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

const NUMBER: &str = "421199199003070010";

/// The party organization of a compound, Z1.
async fn town(app: &TestApp) -> User {
    let admin = app.small_town().await;
    let core = "code,name,tier,form,nature,compound_code,valid_from\nZ1,翠湖党支部,compound,branch,formal,421181001001X001,2020-01-01\n";
    admin.import("party-organizations", "", core.into()).await.ok(200);
    admin
}

async fn person(admin: &User, name: &str, number: Option<&str>) -> Value {
    admin.post("/v1/people", json!({"name": name, "id_number": number, "area_code": "421181001001001"})).await.ok(201)
}

async fn join(admin: &User, person: &Value, from: &str) -> Value {
    let new = json!({"person_id": person["id"], "organization": "第一党支部", "joined_on": "2001-07-01", "valid_from": from});
    admin.post("/v1/party-memberships", new).await.ok(201)
}

fn post(person: &Value, role: &str, from: &str) -> Value {
    json!({"organization_code": "Z1", "person_id": person["id"], "role": role, "valid_from": from})
}

fn at(resource: &str, object: &Value) -> String {
    format!("/v1/{resource}/{}", object["id"].as_str().unwrap())
}

#[tokio::test]
async fn org_06_a_post_lies_within_memberships_that_follow_without_a_gap() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = person(&admin, "李华", Some(NUMBER)).await;
    let first = join(&admin, &li, "2001-07-01").await;
    admin.post(&format!("{}/end", at("party-memberships", &first)), ending("2024-01-01", 1)).await.ok(200);
    // Once a member, but no more: on the first day he was one, and after it no longer.
    let early = post(&li, "secretary", "2023-06-01");
    assert_eq!(admin.post("/v1/party-posts", early.clone()).await.errors(), ["/person_id party_post.not_a_member"]);
    let file = format!("organization_code,id_number,role,valid_from\nZ1,{NUMBER},secretary,2023-06-01\n");
    assert_eq!(admin.import("party-posts", "", file.clone().into()).await.faults(), ["2 person_id party_post.not_a_member"]);
    let second = join(&admin, &li, "2024-02-01").await;
    assert_eq!(admin.post("/v1/party-posts", early.clone()).await.code(), "party_post.not_a_member", "a month lies between the two");
    let second_path = at("party-memberships", &second);
    admin.patch(&second_path, json!({"valid_from": "2024-01-01", "version": 1})).await.ok(200);
    assert_eq!(admin.import("party-posts", "", file.into()).await.ok(200)["run"]["created"], 1);
    let held = admin.get("/v1/party-posts?role=secretary").await.ok(200)["items"][0].clone();
    // Now the membership neither ends nor moves from under the post.
    let end = admin.post(&format!("{second_path}/end"), ending("2026-01-01", 2)).await;
    assert_eq!((end.status, end.code()), (409, "party_membership.has_posts"));
    assert_eq!(admin.patch(&second_path, json!({"valid_from": "2024-02-01", "version": 2})).await.code(), "party_membership.has_posts");
    let moved = format!("id_number,organization,joined_on,valid_from\n{NUMBER},第一党支部,2001-07-01,2024-02-01\n");
    assert_eq!(admin.import("party-memberships", "", moved.into()).await.faults(), ["2 valid_from party_membership.has_posts"]);
    assert_eq!(admin.get(&second_path).await.ok(200)["version"], 2, "what was refused left nothing");
    admin.post(&format!("{}/end", at("party-posts", &held)), ending("2100-01-01", 1)).await.ok(200);
    assert_eq!(admin.post(&format!("{second_path}/end"), ending("2099-12-31", 2)).await.code(), "party_membership.has_posts", "a day short");
    admin.post(&format!("{second_path}/end"), ending("2100-01-01", 2)).await.ok(200);
    // Whoever only sits in need not be a member.
    let guest = person(&admin, "客", None).await;
    admin.post("/v1/party-posts", post(&guest, "observer", "2024-01-01")).await.ok(201);
}

#[tokio::test]
async fn org_06_a_post_and_the_end_of_the_membership_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    for round in 0..6 {
        let someone = person(&admin, &format!("某{round}"), None).await;
        let membership = join(&admin, &someone, "2001-07-01").await;
        let (one, two) = (admin.clone(), admin.clone());
        let (path, new) = (format!("{}/end", at("party-memberships", &membership)), post(&someone, "committee_member", "2025-06-01"));
        let end = tokio::spawn(async move { one.post(&path, ending("2026-01-01", 1)).await.status });
        let entry = tokio::spawn(async move { two.post("/v1/party-posts", new).await.status });
        let outcome = (end.await.unwrap(), entry.await.unwrap());
        assert!([(200, 422), (409, 201)].contains(&outcome), "round {round}: {outcome:?}");
    }
}

#[tokio::test]
async fn org_14_a_merge_is_not_undone_from_under_a_post() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (survivor, duplicate) = (person(&admin, "李华", None).await, person(&admin, "李华", None).await);
    join(&admin, &duplicate, "2001-07-01").await;
    let merge = json!({"survivor_id": survivor["id"], "duplicate_id": duplicate["id"], "reason": "同一人"});
    let made = admin.post("/v1/person-merges", merge).await.ok(201);
    let held = admin.post("/v1/party-posts", post(&survivor, "secretary", "2024-01-01")).await.ok(201);
    let undo = format!("{}/undo", at("person-merges", &made));
    assert_eq!(admin.post(&undo, json!({"reason": "误并", "version": 1})).await.code(), "party_membership.has_posts");
    // A post that is over is history.
    admin.post(&format!("{}/end", at("party-posts", &held)), ending("2025-01-01", 1)).await.ok(200);
    admin.post(&undo, json!({"reason": "误并", "version": 1})).await.ok(200);
}
