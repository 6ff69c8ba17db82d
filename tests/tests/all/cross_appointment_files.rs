//! Cross appointments as files (ORG-08, ORG-09): who is long in office comes in without his steps, and keeps the rules of the election.

use kernel::Role;
use serde_json::{Value, json};
use testkit::{TestApp, User};

use crate::cross_appointments::{THINGS, manager, new, own, secretary};
use crate::five_basics::{LAKE, STREET, body, id, person, post, seat, town};

const HEADER: &str = "compound_code,direction,person_id,valid_from,assembly,elected_on,eligible,attending,agreeing,area_total,area_participating,\
    area_agreeing,filed_on,filed_with,filing_number,political_awareness,service_ability,approved_by,approved_on\n";

/// The secretary of the lake compound directs its committee from 2024-05-02 on; he owns a dwelling there.
async fn director(user: &User) -> (Value, Value) {
    let li = secretary(user).await;
    let committee = body(user, LAKE, "owners_committee", "2024-04-01").await;
    let directs = seat(user, &committee, &li, "director", "2024-05-02").await;
    (li, directs)
}

/// A secretary's row, with what else it says.
fn elected(person: &Value, from: &str, filing: &str) -> String {
    format!("{LAKE},secretary_to_director,{},{from},纪要1,2024-05-01,300,200,101,30000,20000,10000.01,{filing},,,,\n", id(person))
}

/// A manager's row.
fn appointed(person: &Value, from: &str) -> String {
    format!("{LAKE},manager_to_party,{},{from},,,,,,,,,,,,高,强,街道党工委〔2024〕5号,2024-05-01\n", id(person))
}

const FILING: &str = "2024-05-20,街道,备1";

#[tokio::test]
async fn org_08_org_09_who_is_in_office_comes_as_a_file() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (li, directs) = director(&admin).await;
    let zhao = manager(&admin, true).await;
    let held = post(&admin, "Z1", &zhao, "committee_member", "2024-05-01").await;
    let file = format!("{HEADER}{}{}", elected(&li, "2024-05-02", FILING), appointed(&zhao, "2024-05-01"));
    let send = async |mode: &str, file: &str| admin.import("cross-appointments", mode, file.as_bytes().to_vec()).await;
    assert_eq!(send("mode=dry_run", &file).await.ok(200)["run"]["created"], 2);
    assert_eq!(admin.get(THINGS).await.ok(200)["items"], json!([]), "a dry run keeps nothing");
    assert_eq!(send("", &file).await.ok(200)["run"]["created"], 2);
    assert_eq!(send("", &file).await.ok(200)["run"]["unchanged"], 2, "the same again");
    let of = async |direction: &str| admin.get(&format!("{THINGS}?direction={direction}")).await.ok(200)["items"][0].clone();
    let (directing, managing) = (of("secretary_to_director").await, of("manager_to_party").await);
    assert_eq!((directing["state"].as_str(), &directing["governance_body_member_id"]), (Some("filed"), &directs["id"]));
    assert_eq!((managing["state"].as_str(), &managing["party_post_id"]), (Some("appointed"), &held["id"]));
    assert_eq!((directing["valid_from"].as_str(), directing["agreeing"].as_i64()), (Some("2024-05-02"), Some(101)));
    for form in ["csv", "ndjson", "xlsx"] {
        for headers in ["names", "chinese"] {
            let out = admin.get(&format!("/v1/exports/cross-appointments.{form}?headers={headers}")).await;
            assert_eq!(admin.import("cross-appointments", "", out.bytes).await.ok(200)["run"]["unchanged"], 2, "{form} {headers}");
        }
    }
    assert_eq!(admin.get("/v1/exports/cross-appointments.csv?as_of=2024-05-01").await.text().lines().count(), 2, "the manager alone was in office");
    // The journal tells that the criteria are there, not what they say.
    let history = admin.get(&format!("{THINGS}/{}/history", id(&managing))).await.ok(200)["items"].clone();
    assert_eq!((history[0]["action"].as_str(), history[0]["change"]["service_ability"].as_str()), (Some("cross_appointment.created"), Some("***")));
    // What was entered wrongly is mended by a file; who goes on from there does it by the steps.
    let mended = file.replace("备1", "备2");
    assert_eq!(send("", &mended).await.ok(200)["run"]["changed"], 1);
    let end = json!({"on": "2099-01-01", "reason": "届满", "version": 2});
    admin.post(&format!("{THINGS}/{}/end", id(&directing)), end).await.ok(200);
    // Whoever has his end ahead is exported with it, and comes in again as he is; a file that says otherwise is refused.
    let out = admin.get("/v1/exports/cross-appointments.csv").await;
    assert!(out.text().contains(",ended,") && out.text().contains("2099-01-01"), "{}", out.text());
    assert_eq!(admin.import("cross-appointments", "", out.bytes).await.ok(200)["run"]["unchanged"], 2);
    assert_eq!(send("mode=dry_run", &mended.replace("备2", "备3")).await.faults(), ["2 state cross_appointment.ended_in_steps"]);
}

#[tokio::test]
async fn org_08_who_is_not_filed_yet_is_filed_by_the_step() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (li, _) = director(&admin).await;
    let file = format!("{HEADER}{}", elected(&li, "2024-05-02", ",,"));
    assert_eq!(admin.import("cross-appointments", "", file.into_bytes()).await.ok(200)["run"]["created"], 1);
    let made = admin.get(THINGS).await.ok(200)["items"][0].clone();
    assert_eq!(made["state"], "elected_director");
    let filing = json!({"filed_on": "2024-05-20", "filed_with": "街道", "filing_number": "备1", "version": 1});
    assert_eq!(admin.post(&format!("{THINGS}/{}/file", id(&made)), filing).await.ok(200)["state"], "filed");
}

#[tokio::test]
async fn org_08_rows_of_secretaries_at_fault_are_named() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (li, directs) = director(&admin).await;
    let faults = async |rows: String| admin.import("cross-appointments", "mode=dry_run", format!("{HEADER}{rows}").into_bytes()).await.faults();
    let good = elected(&li, "2024-05-02", FILING);
    assert_eq!(faults(good.clone()).await, Vec::<String>::new());
    for (row, said) in [
        (good.replace(",300,", ",301,"), vec!["agreeing cross_appointment.not_by_owners"]),
        (good.replace(",101,", ",100,"), vec!["agreeing cross_appointment.not_by_owners"]),
        (good.replace(",10000.01,", ",10000,"), vec!["agreeing cross_appointment.not_by_owners"]),
        (good.replace(",101,", ",201,"), vec!["agreeing cross_appointment.numbers"]),
        (good.replace(",10000.01,", ",20000.01,"), vec!["area_agreeing cross_appointment.areas"]),
        (good.replace(",纪要1,", ",,"), vec!["assembly cross_appointment.no_record"]),
        (good.replace(",街道,", ",,"), vec!["filed_on cross_appointment.no_filing"]),
        (good.replace("2024-05-20", "2024-04-30"), vec!["valid_from cross_appointment.days"]),
        (good.replace("2024-05-20", "2199-01-01"), vec!["filed_on cross_appointment.not_yet"]),
        (good.replace(",备1,,,,", ",备1,高,强,,"), vec!["political_awareness cross_appointment.criteria_and_direction"]),
        (good.replace(",备1,,,,", ",备1,,,党工委,2024-05-01"), vec!["direction cross_appointment.columns_and_direction"]),
        (good.replace(",2024-05-02,", ",2024-05-03,"), vec!["valid_from cross_appointment.first_day"]),
        (good.replace(",2024-05-02,", ",,"), vec!["valid_from import.required"]),
        (
            good.replace(LAKE, "421181001001X099"),
            vec![
                "compound_code compound.does_not_exist",
                "governance_body_member_id cross_appointment.not_his_seat",
                "person_id cross_appointment.not_the_secretary",
                "person_id cross_appointment.not_an_owner",
            ],
        ),
        (
            good.replace(LAKE, STREET),
            vec![
                "governance_body_member_id cross_appointment.not_his_seat",
                "person_id cross_appointment.not_the_secretary",
                "person_id cross_appointment.not_an_owner",
            ],
        ),
        (
            good.replace(id(&li), "00000000-0000-7000-8000-000000000000"),
            vec!["person_id cross_appointment.who", "governance_body_member_id cross_appointment.not_his_seat"],
        ),
    ] {
        let said: Vec<String> = said.into_iter().map(|fault| format!("2 {fault}")).collect();
        assert_eq!(faults(row.clone()).await, said, "{row}");
    }
    assert_eq!(faults(good.repeat(2)).await, ["3 person_id cross_appointment.already"]);
    let state = |state: &str| format!("state,{HEADER}{state},{good}");
    for (word, said) in [
        ("appointed", "2 state cross_appointment.state_and_direction"),
        ("elected_director", "2 filed_on cross_appointment.no_filing"),
        ("ended", "2 state cross_appointment.ended_in_steps"),
        ("candidate", "2 state import.not_a_choice"),
    ] {
        assert_eq!(admin.import("cross-appointments", "mode=dry_run", state(word).into_bytes()).await.faults(), [said]);
    }
    // One that is on its way is not overtaken; once it is withdrawn, it stands in nobody's way.
    let made = admin.post(THINGS, new("secretary_to_director", &li)).await.ok(201);
    assert_eq!(faults(good.clone()).await, ["2 person_id cross_appointment.on_its_way"]);
    admin.post(&format!("{THINGS}/{}/withdraw", id(&made)), json!({"reason": "误登记", "version": 1})).await.ok(200);
    assert_eq!(faults(good.clone()).await, Vec::<String>::new());
    // Past the reviews goes only he who may register, and nobody learns anything about compounds that are not his.
    let writer = app.staff("writer", Role::CommunitySecretary, "421181001001").await;
    assert_eq!(writer.import("cross-appointments", "", format!("{HEADER}{good}").into_bytes()).await.code(), "access.forbidden");
    let neighbour = app.user(&["*"], "421181001002").await;
    let away = neighbour.import("cross-appointments", "", format!("{HEADER}{good}").into_bytes()).await;
    assert_eq!(
        away.faults(),
        ["2 compound_code import.out_of_scope", "2 person_id cross_appointment.who", "2 governance_body_member_id cross_appointment.not_his_seat"]
    );
    // A term that is over, and what begins within it.
    admin.import("cross-appointments", "", format!("{HEADER}{good}").into_bytes()).await.ok(200);
    let stands = admin.get(THINGS).await.ok(200)["items"][0].clone();
    admin.post(&format!("{THINGS}/{}/end", id(&stands)), json!({"on": "2025-01-01", "reason": "辞任", "version": 1})).await.ok(200);
    assert_eq!(faults(good.clone()).await, ["2 person_id cross_appointment.already"]);
    // Whoever no longer directs is not in office.
    let ended = json!({"on": "2025-01-01", "reason": "辞任", "version": 1});
    admin.post(&format!("/v1/governance-body-members/{}/end", id(&directs)), ended).await.ok(200);
    let named = format!("governance_body_member_id,{HEADER}{},{good}", id(&directs));
    let said = admin.import("cross-appointments", "mode=dry_run", named.into_bytes()).await.faults();
    assert_eq!(said, ["2 governance_body_member_id cross_appointment.not_his_seat", "2 person_id cross_appointment.already"]);
}

#[tokio::test]
async fn org_09_rows_of_managers_at_fault_are_named() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let zhao = manager(&admin, true).await;
    post(&admin, "Z1", &zhao, "committee_member", "2024-05-01").await;
    let wang = person(&admin, "王强", true).await;
    post(&admin, "Z1", &wang, "observer", "2024-05-01").await;
    let faults = async |rows: String| admin.import("cross-appointments", "mode=dry_run", format!("{HEADER}{rows}").into_bytes()).await.faults();
    let good = appointed(&zhao, "2024-05-01");
    assert_eq!(faults(good.clone()).await, Vec::<String>::new());
    for (row, said) in [
        (good.replace(",高,", ",,"), vec!["political_awareness cross_appointment.no_criteria"]),
        (good.replace("街道党工委〔2024〕5号", ""), vec!["approved_on cross_appointment.no_approval"]),
        (good.replace("5号,2024-05-01", "5号,2024-05-02"), vec!["valid_from cross_appointment.days"]),
        (good.replace(",,,,,,,,,,,,高", ",纪要1,,,,,,,,,,,高"), vec!["direction cross_appointment.columns_and_direction"]),
        // To sit in is no post, and he manages nothing.
        (appointed(&wang, "2024-05-01"), vec!["party_post_id cross_appointment.not_his_post", "person_id cross_appointment.not_the_manager"]),
        // No post of his begins on that day.
        (appointed(&zhao, "2024-06-01"), vec!["party_post_id cross_appointment.not_his_post"]),
    ] {
        let said: Vec<String> = said.into_iter().map(|fault| format!("2 {fault}")).collect();
        assert_eq!(faults(row.clone()).await, said, "{row}");
    }
    // By his number he is found as well, and a merge takes what was imported along.
    admin.import("cross-appointments", "", format!("{HEADER}{good}").into_bytes()).await.ok(200);
    let survivor = person(&admin, "赵敏", false).await;
    admin.post("/v1/person-merges", json!({"survivor_id": survivor["id"], "duplicate_id": zhao["id"], "reason": "同一人"})).await.ok(201);
    assert_eq!(admin.get(THINGS).await.ok(200)["items"][0]["person_id"], survivor["id"]);
}

#[tokio::test]
async fn org_08_a_number_finds_him_and_of_two_files_at_once_one_waits_or_is_told() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let new = json!({"name": "李华", "id_number": "421199199003070010", "area_code": "421181001001001"});
    let li = admin.post("/v1/people", new).await.ok(201);
    let member = json!({"person_id": li["id"], "organization": "第一党支部", "joined_on": "2001-07-01", "full_on": "2002-07-01"});
    admin.post("/v1/party-memberships", member).await.ok(201);
    post(&admin, "Z1", &li, "secretary", "2024-02-01").await;
    own(&admin, &li).await;
    let committee = body(&admin, LAKE, "owners_committee", "2024-04-01").await;
    seat(&admin, &committee, &li, "director", "2024-05-02").await;
    let row = elected(&li, "2024-05-02", FILING).replace(id(&li), "421199199003070010");
    let file = format!("{}{row}", HEADER.replace("person_id", "id_number"));
    let both = [0; 2].map(|_| {
        let (admin, file) = (admin.clone(), file.clone());
        tokio::spawn(async move {
            let answer = admin.import("cross-appointments", "", file.into_bytes()).await;
            (answer.status, answer.body["run"]["created"].as_i64())
        })
    });
    let mut came = Vec::new();
    for one in both {
        came.push(one.await.unwrap());
    }
    assert_eq!(came.iter().filter(|one| **one == (200, Some(1))).count(), 1, "{came:?}");
    assert!(came.iter().all(|one| [(200, Some(1)), (200, Some(0)), (409, None)].contains(one)), "{came:?}");
    assert_eq!(admin.get(THINGS).await.ok(200)["items"].as_array().unwrap().len(), 1);
    // Exports name nobody by his number.
    assert!(!admin.get("/v1/exports/cross-appointments.csv").await.text().contains("421199"));
}
