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

#[tokio::test]
async fn org_14_a_membership_is_known_by_the_callers_own_key_and_a_transfer_is_one_batch() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (li, wang) = (person(&admin, "李华", Some(NUMBER)).await, person(&admin, "王强", None).await);
    let path = "/v1/party-memberships/by-ref/erp/17";
    let new = json!({"person_id": li["id"], "organization": "第一党支部", "joined_on": "2001-07-01"});
    let made = admin.put(path, new.clone()).await.ok(200);
    assert_eq!((made["valid_from"].as_str(), made["source"].as_str(), made["ref"].as_str()), (Some("2001-07-01"), Some("erp"), Some("17")));
    let mut full = new.clone();
    full["full_on"] = json!("2002-07-01");
    let changed = admin.put(path, full.clone()).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64(), changed["full_on"].as_str()), (true, Some(2), Some("2002-07-01")));
    let mut other = full.clone();
    other["person_id"] = wang["id"].clone();
    let refused = admin.put(path, other.clone()).await;
    assert_eq!((refused.status, refused.errors()), (409, vec!["/person_id reference.code_fixed".to_owned()]));
    // A first day does not move from under a post, by whatever way it is sent.
    admin.post("/v1/party-posts", post(&li, "secretary", "2024-01-01")).await.ok(201);
    let mut late = full.clone();
    (late["joined_on"], late["full_on"], late["valid_from"]) = (json!("2024-02-01"), json!(null), json!("2024-02-01"));
    assert_eq!(admin.put(path, late).await.code(), "party_membership.has_posts");
    let held = admin.get("/v1/party-posts?role=secretary").await.ok(200)["items"][0].clone();
    admin.post(&format!("{}/end", at("party-posts", &held)), ending("2025-01-01", 1)).await.ok(200);
    // A transfer: from that day on another organization holds the relation. By itself the second half is refused.
    let second = json!({"person_id": li["id"], "organization": "第二党支部", "joined_on": "2001-07-01", "full_on": "2002-07-01", "valid_from": "2025-06-01"});
    let alone = admin.post("/v1/party-memberships:batch", json!({"items": [{"create": second.clone()}]})).await;
    assert_eq!(alone.errors(), ["/items/0/valid_from party_membership.one_at_a_time"]);
    let transfer = json!({"items": [
        {"end": {"id": made["id"], "on": "2025-06-01", "reason": "转接", "version": 2}},
        {"create": second},
        {"create": {"person_id": wang["id"], "organization": "第二党支部", "joined_on": "2010-07-01"}}
    ]});
    let done = admin.post("/v1/party-memberships:batch", transfer).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 3, "succeeded": 3, "failed": 0}));
    let of_li = admin.get(&format!("/v1/party-memberships?person_id={}", li["id"].as_str().unwrap())).await.ok(200)["items"].clone();
    assert_eq!((of_li.as_array().unwrap().len(), of_li[0]["organization"].as_str()), (1, Some("第二党支部")));
    let ended = admin.put(path, full).await;
    assert_eq!((ended.status, ended.code()), (409, "period.ended"));
    // Where he is not at home, neither is he.
    let neighbour = app.user(&["*"], "421181001002").await;
    let away = neighbour.put("/v1/party-memberships/by-ref/erp/18", json!({"person_id": wang["id"], "organization": "甲", "joined_on": "2001-07-01"})).await;
    assert_eq!(away.errors(), ["/person_id party_membership.whose"]);
    assert_eq!(neighbour.put(path, other).await.code(), "party_membership.unknown");
}

#[tokio::test]
async fn org_14_of_two_that_enter_one_key_at_once_there_is_one() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = person(&admin, "李华", None).await;
    let both = [0; 2].map(|_| {
        let (admin, new) = (admin.clone(), json!({"person_id": li["id"], "organization": "第一党支部", "joined_on": "2001-07-01"}));
        tokio::spawn(async move { admin.put("/v1/party-memberships/by-ref/erp/17", new).await.ok(200)["id"].clone() })
    });
    let mut ids = Vec::new();
    for one in both {
        ids.push(one.await.unwrap());
    }
    assert_eq!(ids[0], ids[1]);
}
