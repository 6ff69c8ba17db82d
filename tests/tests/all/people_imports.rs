//! People in files: sealed before they reach the database, masked when they leave it, and a mask changes nothing.

use std::time::Instant;

use serde_json::json;
use testkit::TestApp;

const HEADER: &str = "姓名,证件号码,电话,所属区域编码\n";
const TWO: &str = "欧阳晓明,421199199003070010,12012345678,421181001001001\n张三,421199198501120127,,421181001001\n";

#[tokio::test]
async fn the_same_file_twice_and_what_was_exported_change_nothing() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = format!("{HEADER}{TWO}");
    let run = admin.import("people", "", file.clone().into()).await.ok(200)["run"].clone();
    assert_eq!((run["created"].as_i64(), run["refused"].as_i64()), (Some(2), Some(0)));
    let journal = async || app.db.connect().await.query_one("select count(*) from journal where object_kind = 'person'", &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(journal().await, 2);
    assert_eq!(admin.import("people", "", file.into()).await.ok(200)["run"]["unchanged"], 2);
    for form in ["csv", "ndjson", "xlsx"] {
        let exported = admin.get(&format!("/v1/exports/people.{form}?headers=chinese")).await;
        if form != "xlsx" {
            let text = exported.text();
            assert!(text.contains("421199********0010") && text.contains("120****5678") && !text.contains("19900307"), "{text}");
        }
        let run = admin.import("people", "", exported.bytes).await.ok(200)["run"].clone();
        assert_eq!((run["unchanged"].as_i64(), run["rows_read"].as_i64()), (Some(2), Some(2)), "{form}: {run}");
    }
    assert_eq!(journal().await, 2, "nothing changed");
    // A file in which a clerk changed one cell changes that alone: the masks beside it stay masks.
    let exported = admin.get("/v1/exports/people.csv").await.text().replace("欧阳晓明", "欧阳小明").replace("120****5678", "12012340000");
    assert_eq!(admin.import("people", "", exported.into()).await.ok(200)["run"]["changed"], 1);
    let found = admin.post("/v1/people/search", json!({"id_number": "421199199003070010", "phone": "12012340000"})).await.ok(200);
    assert_eq!((found["items"][0]["person"]["name"].as_str(), found["items"][0]["person"]["version"].as_i64()), (Some("欧阳小明"), Some(2)));
    let history = admin.get(&format!("/v1/people/{}/history", found["items"][0]["person"]["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(history["items"][0]["change"], json!({"name": {"from": "***", "to": "***"}, "phone": {"from": "***", "to": "***"}}));
    assert_eq!(history["items"][1]["change"]["id_number"], "***");
    // A roster of another office finds people by their numbers.
    let roster = "name,id_number,area_code\n张珊,421199198501120127,421181001001\n";
    assert_eq!(admin.import("people", "", roster.into()).await.ok(200)["run"]["changed"], 1);
}

#[tokio::test]
async fn rows_at_fault_are_told_without_what_is_personal() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    admin.import("people", "", format!("{HEADER}{TWO}").into()).await.ok(200);
    let merged_away = admin.post("/v1/people", json!({"name": "终", "id_number": "421199196601010348", "area_code": "421181001001"})).await.ok(201);
    let end = format!("/v1/people/{}/end", merged_away["id"].as_str().unwrap());
    admin.post(&end, json!({"on": "2199-01-01", "reason": "迁出", "version": 1})).await.ok(200);
    let taken = admin.post("/v1/people/search", json!({"name": "张三"})).await.ok(200)["items"][0]["person"]["id"].as_str().unwrap().to_owned();
    let rows = [
        "421199199003070011,12012345678,421181001001001,乙,,",
        "421199195505050054,120123,421181001001001,丙,,",
        ",12012345678,421181001001001,丁,,",
        "421199********0099,,421181001001001,戊,,",
        "421199197706300231,,421181001001009,己,,",
        "421199197706300231,,421181001001001,421199197706300231,,",
        "4.21199E+17,,421181001001001,庚,,",
        "421199196601010348,,421181001001001,终,,",
        "=1+1,,421181001001001,辛,,",
        "421199199003070010,,421181001001001,壬,,{taken}",
        ",,421181001001001,癸,,0b5ad3a6-0000-4000-8000-000000000000",
    ];
    let file = format!("id_number,phone,area_code,name,source,person_id\n{}\n", rows.join("\n").replace("{taken}", &taken));
    let answer = admin.import("people", "mode=best_effort", file.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.faults(),
        [
            "2 id_number person.bad_check_digit",
            "3 phone person.not_a_phone",
            "4 id_number person.who_is_it",
            "5 id_number import.mask_of_nothing",
            "6 area_code person.home_does_not_exist",
            "7 id_number import.duplicate",
            "8 id_number import.rounded_code",
            "9 person_id person.has_ended",
            "10 id_number import.formula",
            "11 id_number person.number_taken",
            "12 person_id person.does_not_exist",
        ]
    );
    let failed = admin.get(answer.body["failed_csv"].as_str().unwrap()).await.text();
    let stored = app.db.connect().await.query_one("select string_agg(record || faults::text, ' ') from import_failure", &[]).await.unwrap();
    let told = format!("{failed} {} {}", answer.text(), stored.get::<_, &str>(0));
    for secret in
        ["421199199003070011", "421199195505050054", "421199197706300231", "421199196601010348", "421199199003070010", "12012345678", "120123", "4.21199E"]
    {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    assert!(failed.contains("421199********0231") && failed.contains("己"), "{failed}");
}

#[tokio::test]
async fn a_city_of_people_is_sealed_in_seconds() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let folder = tempfile::tempdir().unwrap();
    demo::write(folder.path(), 1, 1).unwrap();
    for name in ["01-subdistricts", "02-communities", "03-grids", "08-people"] {
        let started = Instant::now();
        let file = std::fs::read(folder.path().join(format!("{name}.csv"))).unwrap();
        let run = admin.import(name.split_once('-').unwrap().1, "effective_on=2022-11-25", file.clone()).await.ok(200)["run"].clone();
        if name == "08-people" {
            assert_eq!((run["created"].as_i64(), run["refused"].as_i64()), (Some(25_000), Some(0)));
            println!("25,000 people in {:.1} s", started.elapsed().as_secs_f64());
            let again = admin.import("people", "effective_on=2022-11-25", file).await.ok(200)["run"].clone();
            assert_eq!(again["unchanged"], 25_000);
        }
    }
    let exported = admin.get("/v1/exports/people.csv").await;
    assert_eq!(exported.text().lines().count(), 25_001);
    assert_eq!(admin.import("people", "", exported.bytes).await.ok(200)["run"]["unchanged"], 25_000);
    // As in the work of a city, some were entered twice; whoever finds one is shown the other.
    let twice = "select p.name from person p join person q on q.name = p.name and q.phone_hash = p.phone_hash and q.id <> p.id limit 1";
    let name: String = app.db.connect().await.query_one(twice, &[]).await.unwrap().get(0);
    let found = admin.post("/v1/people/search?limit=200", json!({"name": name})).await.ok(200);
    let alike = found["items"].as_array().unwrap().iter().filter(|item| item["possible_duplicates"][0]["likeness"] == "name_and_phone").count();
    assert!(alike >= 2, "{found}");
}

#[tokio::test]
async fn memberships_find_their_people_by_number_or_by_id() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    admin.import("people", "", format!("{HEADER}{TWO}").into()).await.ok(200);
    let file = "证件号码,组织关系所在党组织,入党日期,转正日期\n\
                421199199003070010,柳岸社区第一党支部,2001-07-01,2002-07-01\n\
                421199198501120127,柳岸社区第一党支部,2024/07/01,\n";
    let run = admin.import("party-memberships", "", file.into()).await.ok(200)["run"].clone();
    assert_eq!((run["created"].as_i64(), run["refused"].as_i64()), (Some(2), Some(0)));
    assert_eq!(admin.import("party-memberships", "", file.into()).await.ok(200)["run"]["unchanged"], 2);
    let exported = admin.get("/v1/exports/party-memberships.csv").await;
    assert!(exported.text().contains("421199********0010") && !exported.text().contains("19900307"), "{}", exported.text());
    assert_eq!(admin.import("party-memberships", "", exported.bytes.clone()).await.ok(200)["run"]["unchanged"], 2);
    let full = exported.text().replace(",2024-07-01,,2024-07-01,", ",2024-07-01,2025-07-01,2024-07-01,");
    assert_eq!(admin.import("party-memberships", "", full.into()).await.ok(200)["run"]["changed"], 1);
    let bad = "id_number,organization,joined_on,full_on,valid_from\n\
               421199199003070010,二支部,2001-07-01,2000-07-01,2000-01-01\n\
               421199196601010348,二支部,2001-07-01,,\n\
               ,二支部,2001-07-01,,\n";
    let answer = admin.import("party-memberships", "mode=dry_run", bad.into()).await;
    assert_eq!(
        answer.faults(),
        [
            "2 full_on party_membership.full_before_joined",
            "2 valid_from party_membership.from_before_joined",
            "3 person_id import.out_of_scope",
            "4 person_id import.out_of_scope"
        ]
    );
    assert!(!answer.text().contains("421199196601010348"));
    let journal =
        app.db.connect().await.query_one("select string_agg(change::text, ' ') from journal where object_kind = 'party_membership'", &[]).await.unwrap();
    assert!(!journal.get::<_, &str>(0).contains("支部") && !journal.get::<_, &str>(0).contains("2001-07-01"));
}

#[tokio::test]
async fn a_file_of_people_is_never_kept_for_a_job() {
    let app = TestApp::start_with(|config| config.import_inline_bytes = 1_000).await;
    let admin = app.admin().await;
    let file = format!("{HEADER}{TWO}");
    for (query, file) in [("async=true", file.clone()), ("", file.repeat(20))] {
        let answer = admin.import("people", query, file.into()).await;
        assert_eq!((answer.status, answer.code()), (422, "import.at_once"), "{query}");
    }
    let blobs = app.db.connect().await.query_one("select (select count(*) from blob) + (select count(*) from job)", &[]).await.unwrap();
    assert_eq!(blobs.get::<_, i64>(0), 0);
    let run = admin.import("people", "mode=dry_run", file.into()).await.ok(200)["run"].clone();
    assert_eq!(run["refused"], 2, "at once, and refused for its areas, which nobody has entered");
}
