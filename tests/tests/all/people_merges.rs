//! Merging two entries of one person, and undoing it; party membership as a dated fact (ORG-14, WRK-01).

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

use crate::jobs::{release, stands_before};

const NUMBER: &str = "421199199003070010";
const OTHER_NUMBER: &str = "421199198501120127";
const PHONE: &str = "12012345678";

async fn enter(user: &User, name: &str, number: Option<&str>, area: &str) -> Value {
    user.post("/v1/people", json!({"name": name, "id_number": number, "phone": PHONE, "area_code": area})).await.ok(201)
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

async fn join(user: &User, person: &Value, from: &str) -> testkit::Answer {
    let new =
        json!({"person_id": person["id"], "organization": "柳岸社区党委第一党支部", "joined_on": "2001-07-01", "full_on": "2002-07-01", "valid_from": from});
    user.post("/v1/party-memberships", new).await
}

async fn owner(user: &User, membership: &Value) -> String {
    user.get(&format!("/v1/party-memberships/{}", id(membership))).await.ok(200)["person_id"].as_str().unwrap().to_owned()
}

fn merge(survivor: &Value, duplicate: &Value) -> Value {
    json!({"survivor_id": survivor["id"], "duplicate_id": duplicate["id"], "reason": "同一人"})
}

#[tokio::test]
async fn a_merge_moves_what_refers_to_the_duplicate_and_its_undoing_gives_back_just_that() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let survivor = enter(&admin, "欧阳晓明", None, "421181001001001").await;
    let duplicate = enter(&admin, "欧阳晓明", Some(NUMBER), "421181001001002").await;
    let early = join(&admin, &survivor, "2001-07-01").await.ok(201);
    let ended = admin.post(&format!("/v1/party-memberships/{}/end", id(&early)), ending("2010-01-01", 1)).await.ok(200);
    let late = join(&admin, &duplicate, "2010-01-01").await.ok(201);
    let before = admin.get(&format!("/v1/people/{}", id(&duplicate))).await.ok(200);

    let made = admin.post("/v1/person-merges", merge(&survivor, &duplicate)).await.ok(201);
    // What is handed over is changed, and journalled, like anything else.
    let handed = admin.get(&format!("/v1/party-memberships/{}/history", id(&late))).await.ok(200)["items"][0].clone();
    assert_eq!((handed["action"].as_str(), handed["version"].as_i64(), handed["reason"].as_str()), (Some("party_membership.changed"), Some(2), Some("同一人")));
    assert_eq!(handed["change"], json!({"person_id": {"from": duplicate["id"], "to": survivor["id"]}}));
    assert_eq!((owner(&admin, &early).await, owner(&admin, &late).await), (id(&survivor).to_owned(), id(&survivor).to_owned()));
    // The entry that was merged is the survivor to whoever reads it, and to whoever looks for its number.
    let read = admin.get(&format!("/v1/people/{}", id(&duplicate))).await.ok(200);
    assert_eq!(read["id"], survivor["id"]);
    let found = admin.post("/v1/people/search", json!({"id_number": NUMBER})).await.ok(200);
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["person"]["id"]), (1, &survivor["id"]));
    assert_eq!(found["items"][0]["possible_duplicates"], json!([]));
    assert_eq!(admin.post("/v1/people/search", json!({"phone": PHONE})).await.ok(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(admin.get("/v1/people?include_total=true").await.ok(200)["total"], 1);
    assert_eq!(admin.get("/v1/exports/people.csv").await.text().lines().count(), 2);
    let again = admin.post("/v1/people", json!({"name": "甲", "id_number": NUMBER, "area_code": "421181001001"})).await;
    assert!(again.code() == "person.already" && again.text().contains(id(&survivor)), "{}", again.text());
    let written = admin.patch(&format!("/v1/people/{}", id(&duplicate)), json!({"name": "乙", "version": 2})).await;
    assert!(written.status == 409 && written.code() == "person.merged" && written.text().contains(id(&survivor)), "{}", written.text());
    let row = format!("name,person_id,area_code\n欧阳晓明,{},421181001001002\n", id(&duplicate));
    assert_eq!(admin.import("people", "", row.into()).await.faults(), ["2 person_id person.was_merged"]);
    // A roster with the number finds the survivor, who had none and has it now.
    let row = format!("name,id_number,area_code\n欧阳晓明,{NUMBER},421181001001001\n");
    assert_eq!(admin.import("people", "", row.into()).await.ok(200)["run"]["unchanged"], 1);
    assert_eq!((read["id_number"].as_str(), &made["took_number"], &made["took_phone"]), (Some("421199********0010"), &json!(true), &json!(false)));
    // What comes to the survivor after the merge stays his.
    let new = admin.post(&format!("/v1/party-memberships/{}/end", id(&late)), ending("2020-01-01", 2)).await.ok(200);
    let newest = join(&admin, &duplicate, "2020-01-01").await.ok(201);
    assert_eq!((newest["person_id"].as_str(), new["version"].as_i64()), (survivor["id"].as_str(), Some(3)));

    let path = format!("/v1/person-merges/{}", id(&made));
    assert_eq!(admin.post(&format!("{path}/undo"), json!({"reason": "误并"})).await.code(), "version.missing");
    let undone = admin.post(&format!("{path}/undo"), json!({"reason": "误并", "version": 1})).await.ok(200);
    assert!(undone["undone_at"].is_string() && undone["version"] == 2);
    assert_eq!(admin.post(&format!("{path}/undo"), json!({"reason": "误并", "version": 2})).await.code(), "person_merge.undone");
    assert_eq!((owner(&admin, &early).await, owner(&admin, &late).await), (id(&survivor).to_owned(), id(&duplicate).to_owned()));
    assert_eq!(owner(&admin, &newest).await, id(&survivor));
    let mut after = admin.get(&format!("/v1/people/{}", id(&duplicate))).await.ok(200);
    assert_eq!(after["version"], 3);
    for member in ["version", "updated_at"] {
        after[member] = before[member].clone();
    }
    assert_eq!(after, before, "as it was");
    let alone = admin.get(&format!("/v1/people/{}", id(&survivor))).await.ok(200);
    assert_eq!((&alone["id_number"], &alone["phone"]), (&Value::Null, &survivor["phone"]));
    assert_eq!(admin.get(&format!("/v1/party-memberships/{}", id(&early))).await.ok(200), ended);
    let history = admin.get(&format!("/v1/people/{}/history", id(&duplicate))).await.ok(200);
    let actions: Vec<_> = history["items"].as_array().unwrap().iter().map(|item| item["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["person.unmerged", "person.merged", "person.created"]);
    assert_eq!(admin.get("/v1/person-merges").await.ok(200)["items"], json!([]));
    assert_eq!(admin.get(&format!("/v1/person-merges?ever=true&person_id={}", id(&survivor))).await.ok(200)["items"], json!([undone]));
    admin.post("/v1/person-merges", merge(&duplicate, &survivor)).await.ok(201);
}

#[tokio::test]
async fn what_shows_that_they_are_two_forbids_a_merge() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let first = enter(&admin, "甲", Some(NUMBER), "421181001001001").await;
    let second = enter(&admin, "甲", Some(OTHER_NUMBER), "421181001001002").await;
    let third = enter(&admin, "甲", None, "421181001001002").await;
    let far = enter(&admin, "甲", None, "421181001002001").await;
    assert_eq!(admin.post("/v1/person-merges", merge(&first, &second)).await.code(), "person_merge.two_numbers");
    assert_eq!(admin.post("/v1/person-merges", merge(&first, &first)).await.code(), "person_merge.oneself");
    join(&admin, &first, "2001-07-01").await.ok(201);
    let other = join(&admin, &third, "2005-01-01").await.ok(201);
    let both = admin.post("/v1/person-merges", merge(&first, &third)).await;
    assert_eq!((both.status, both.code()), (409, "person_merge.overlap"));
    assert_eq!(admin.get(&format!("/v1/people/{}", id(&third))).await.ok(200)["id"], third["id"], "all of it was undone");
    let local = app.user(&["person.read", "person.merge"], "421181001001").await;
    assert_eq!(local.post("/v1/person-merges", merge(&first, &far)).await.code(), "person_merge.whom");
    assert_eq!(app.user(&["person.read", "person.write"], "421181").await.post("/v1/person-merges", merge(&first, &far)).await.code(), "access.forbidden");
    // One after the other: the later merge is undone first.
    admin.post(&format!("/v1/party-memberships/{}/end", id(&other)), ending("2006-01-01", 1)).await.ok(200);
    let inner = admin.post("/v1/person-merges", merge(&third, &far)).await.ok(201);
    assert_eq!(admin.post("/v1/person-merges", merge(&first, &far)).await.code(), "person.merged");
    let outer = admin.post("/v1/person-merges", merge(&second, &third)).await.ok(201);
    assert_eq!(admin.get(&format!("/v1/people/{}", id(&far))).await.ok(200)["id"], second["id"], "followed to the end");
    let undo = async |merge: &Value| admin.post(&format!("/v1/person-merges/{}/undo", id(merge)), json!({"reason": "误并", "version": 1})).await;
    assert_eq!(undo(&inner).await.code(), "person_merge.merged_on");
    undo(&outer).await.ok(200);
    undo(&inner).await.ok(200);
    assert_eq!(admin.get("/v1/people?include_total=true").await.ok(200)["total"], 4);
}

#[tokio::test]
async fn nobody_comes_back_to_a_grid_that_has_ended_meanwhile() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grid = admin.post("/v1/grids", json!({"code": "421181001001009", "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    let survivor = enter(&admin, "甲", None, "421181001001001").await;
    let duplicate = enter(&admin, "甲", None, "421181001001009").await;
    let membership = join(&admin, &duplicate, "2001-07-01").await.ok(201);
    let made = admin.post("/v1/person-merges", merge(&survivor, &duplicate)).await.ok(201);
    admin.post(&format!("/v1/grids/{}/end", id(&grid)), ending("2026-01-01", 1)).await.ok(200);
    let path = format!("/v1/person-merges/{}/undo", id(&made));
    let refused = admin.post(&path, json!({"reason": "误并", "version": 1})).await;
    assert_eq!((refused.status, refused.errors()), (409, vec!["/area_code person_merge.home_ended".to_owned()]));
    assert!(refused.text().contains("421181001001009") && refused.text().contains("2026-01-01"), "{}", refused.text());
    let to = |area: &str| json!({"reason": "误并", "area_code": area, "version": 1});
    assert_eq!(admin.post(&path, to("421181001001009")).await.code(), "person.home_not_in_force");
    let local = app.user(&["person.read", "person.merge"], "421181001001").await;
    assert_eq!(local.post(&path, to("421181001002001")).await.code(), "access.out_of_scope");
    local.post(&path, to("421181001001002")).await.ok(200);
    let back = admin.get(&format!("/v1/people/{}", id(&duplicate))).await.ok(200);
    assert_eq!((&back["id"], back["area_code"].as_str()), (&duplicate["id"], Some("421181001001002")));
    assert_eq!(owner(&admin, &membership).await, id(&duplicate));
    let unmerged = admin.get(&format!("/v1/people/{}/history", id(&duplicate))).await.ok(200)["items"][0].clone();
    assert_eq!(
        (unmerged["action"].as_str(), &unmerged["change"]),
        (Some("person.unmerged"), &json!({"area_code": {"from": "421181001001009", "to": "421181001001002"}}))
    );
}

#[tokio::test]
async fn two_merges_of_one_duplicate_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let duplicate = enter(&admin, "甲", None, "421181001001001").await;
    let mut merges = Vec::new();
    for name in ["乙", "丙"] {
        let survivor = enter(&admin, name, None, "421181001001001").await;
        let (admin, body) = (admin.clone(), merge(&survivor, &duplicate));
        merges.push(tokio::spawn(async move { admin.post("/v1/person-merges", body).await }));
    }
    let mut codes = Vec::new();
    for merge in merges {
        let answer = merge.await.unwrap();
        codes.push(if answer.status == 201 { "made".to_owned() } else { answer.code().to_owned() });
    }
    codes.sort();
    assert_eq!(codes, ["made", "person.merged"]);
}

#[tokio::test]
async fn a_merge_waits_for_an_import_of_what_it_hands_over() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let survivor = enter(&admin, "甲", None, "421181001001001").await;
    let duplicate = enter(&admin, "甲", None, "421181001001001").await;
    let client = app.db.connect().await;
    client.batch_execute("begin; lock table party_membership in exclusive mode").await.unwrap();
    let file = format!("person_id,organization,joined_on\n{},第一党支部,2001-07-01\n", id(&duplicate));
    let importer = admin.clone();
    let import = tokio::spawn(async move { importer.import("party-memberships", "", file.into()).await });
    stands_before(&client).await;
    let merger = admin.clone();
    let body = merge(&survivor, &duplicate);
    let merged = tokio::spawn(async move { merger.post("/v1/person-merges", body).await });
    // Both are under way; what the import checked is still so when it stores it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!merged.is_finished());
    release(client).await;
    assert_eq!(import.await.unwrap().ok(200)["run"]["created"], 1);
    merged.await.unwrap().ok(201);
    let memberships = admin.get("/v1/party-memberships").await.ok(200)["items"].clone();
    assert_eq!((memberships.as_array().unwrap().len(), &memberships[0]["person_id"]), (1, &survivor["id"]));
}

#[tokio::test]
async fn wrk_01_a_member_has_one_organizational_relation_at_a_time() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let person = enter(&admin, "甲", Some(NUMBER), "421181001001001").await;
    let new = json!({"person_id": person["id"], "organization": "第一党支部", "joined_on": "2024-07-01"});
    let made = admin.post("/v1/party-memberships", new.clone()).await.ok(201);
    assert_eq!((made["valid_from"].as_str(), made["full_on"].as_str()), (Some("2024-07-01"), None));
    assert_eq!(admin.post("/v1/party-memberships", new.clone()).await.code(), "party_membership.one_at_a_time");
    let path = format!("/v1/party-memberships/{}", id(&made));
    assert_eq!(admin.patch(&path, json!({"full_on": "2024-06-30", "version": 1})).await.code(), "party_membership.full_before_joined");
    assert_eq!(admin.patch(&path, json!({"valid_from": "2024-06-30", "version": 1})).await.code(), "party_membership.from_before_joined");
    admin.patch(&path, json!({"full_on": "2025-07-01", "version": 1})).await.ok(200);
    let count = async |query: &str| admin.get(&format!("/v1/party-memberships?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    assert_eq!((count("stage=probationary&as_of=2025-06-30").await, count("stage=full&as_of=2025-06-30").await), (1, 0));
    assert_eq!((count("stage=probationary&as_of=2025-07-01").await, count("stage=full&as_of=2025-07-01").await), (0, 1));
    assert_eq!((count("as_of=2024-06-30").await, count("ever=true&as_of=2024-06-30").await), (0, 1));
    // A transfer: the end of one relation is the first day of the next.
    admin.post(&format!("{path}/end"), ending("2026-01-01", 2)).await.ok(200);
    let next = json!({"person_id": person["id"], "organization": "第二党支部", "joined_on": "2024-07-01", "full_on": "2025-07-01", "valid_from": "2026-01-01"});
    let next = admin.post("/v1/party-memberships", next).await.ok(201);
    assert_eq!(count("as_of=2026-01-01").await, 1);
    let page = admin.get(&format!("/v1/party-memberships?ever=true&limit=1&person_id={}", id(&person))).await.ok(200);
    let last = admin.get(&format!("/v1/party-memberships?ever=true&limit=1&person_id={}&after={}", id(&person), page["next"].as_str().unwrap())).await.ok(200);
    assert_eq!((last["items"][0]["id"].as_str(), last["has_more"].as_bool()), (next["id"].as_str(), Some(false)));
    // It is as personal as the person: the journal keeps no days and no names.
    let history = admin.get(&format!("{path}/history")).await.ok(200);
    assert_eq!(history["items"][1]["change"], json!({"full_on": {"from": null, "to": "***"}}));
    assert_eq!((&history["items"][2]["change"]["organization"], &history["items"][2]["change"]["joined_on"]), (&json!("***"), &json!("***")));
    let neighbour = app.user(&["*"], "421181001002").await;
    assert_eq!(neighbour.get(&path).await.code(), "party_membership.unknown");
    assert_eq!(neighbour.patch(&path, json!({"organization": "x", "version": 1})).await.code(), "party_membership.unknown");
    assert_eq!(neighbour.get("/v1/party-memberships?ever=true").await.ok(200)["items"], json!([]));
    assert_eq!(neighbour.post("/v1/party-memberships", new).await.code(), "party_membership.whose");
    let worker = app.staff("work.one", kernel::Role::CommunityWorker, "421181001001").await;
    assert_eq!(worker.get("/v1/party-memberships").await.code(), "access.forbidden");
}
