//! Governance bodies and who sits in them (ORG-02, ORG-14): one of a kind at a time, one director, and temporary ones with an end.

use kernel::Role;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

const LAKE: &str = "421181001001X001";
const STREET: &str = "421181001001X002";
const NUMBERS: [&str; 3] = ["421199199003070010", "421199198501120127", "421199196001010010"];

/// The small town with three people, the first of whom is in the Party since 2001.
async fn town(app: &TestApp) -> (User, Vec<String>) {
    let admin = app.small_town().await;
    let mut people = Vec::new();
    for (name, number) in ["欧阳晓明", "李芳", "王伟"].iter().zip(NUMBERS) {
        let person = json!({"name": name, "id_number": number, "area_code": "421181001001001", "valid_from": "2020-01-01"});
        people.push(admin.post("/v1/people", person).await.ok(201)["id"].as_str().unwrap().to_owned());
    }
    let membership = json!({"person_id": people[0], "organization": "柳岸社区党委第一党支部", "joined_on": "2001-07-01", "full_on": "2002-07-01"});
    admin.post("/v1/party-memberships", membership).await.ok(201);
    (admin, people)
}

fn body(compound: &str, kind: &str, from: &str) -> Value {
    json!({"compound_code": compound, "kind": kind, "name": "机构", "valid_from": from})
}

async fn found(user: &User, compound: &str, kind: &str, from: &str) -> String {
    user.post("/v1/governance-bodies", body(compound, kind, from)).await.ok(201)["id"].as_str().unwrap().to_owned()
}

fn member(body: &str, person: &str, role: &str, from: &str) -> Value {
    json!({"governance_body_id": body, "person_id": person, "role": role, "valid_from": from})
}

#[tokio::test]
async fn org_14_a_body_lives_from_its_founding_to_its_end_and_takes_its_members_with_it() {
    let app = TestApp::start().await;
    let (admin, people) = town(&app).await;
    let mut new = body(LAKE, "owners_committee", "2024-01-01");
    for (name, value) in json!({"seats": 5, "agreed_to": "2029-01-01", "filed_on": "2024-01-20", "filing_number": "备2024-1"}).as_object().unwrap() {
        new[name] = value.clone();
    }
    let made = admin.post("/v1/governance-bodies", new.clone()).await.ok(201);
    let (id, path) = (made["id"].as_str().unwrap(), format!("/v1/governance-bodies/{}", made["id"].as_str().unwrap()));
    assert_eq!(admin.get(&path).await.ok(200), made);
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!(made["area_code"], "421181001001");
    assert_eq!(admin.patch(&path, json!({"seats": 100, "version": 1})).await.errors(), ["/seats member.out_of_bounds"]);
    assert_eq!(admin.patch(&path, json!({"agreed_to": "2024-01-01", "version": 1})).await.errors(), ["/agreed_to governance_body.agreed_before_it_begins"]);
    assert_eq!(admin.patch(&path, json!({"seats": 7, "version": 1})).await.ok(200)["seats"], 7);

    let director = admin.post("/v1/governance-body-members", member(id, &people[0], "director", "2024-01-01")).await.ok(201);
    assert_eq!(
        (director["name"].as_str(), director["in_party"].as_bool(), director["compound_code"].as_str(), director["body_kind"].as_str()),
        (Some("欧阳晓明"), Some(true), Some(LAKE), Some("owners_committee"))
    );
    let other = admin.post("/v1/governance-body-members", member(id, &people[1], "member", "2024-03-01")).await.ok(201);
    assert_eq!(other["in_party"], false);
    let refused = async |body: Value| {
        let answer = admin.post("/v1/governance-body-members", body).await;
        (answer.status, answer.code().to_owned())
    };
    assert_eq!(refused(member(id, &people[2], "director", "2025-01-01")).await, (409, "governance_body_member.one_director".to_owned()));
    assert_eq!(refused(member(id, &people[1], "deputy_director", "2025-01-01")).await, (409, "governance_body_member.already".to_owned()));
    assert_eq!(refused(member(id, &people[2], "member", "2023-12-31")).await, (422, "governance_body.not_in_force".to_owned()));
    let nobody = "00000000-0000-7000-8000-000000000000";
    assert_eq!(refused(member(id, nobody, "member", "2024-01-01")).await, (422, "governance_body_member.whose".to_owned()));
    assert_eq!(refused(member(nobody, &people[2], "member", "2024-01-01")).await, (422, "governance_body.no_such".to_owned()));
    // It cannot begin after its members do, nor end before one of them begins.
    assert_eq!(admin.patch(&path, json!({"valid_from": "2024-02-01", "version": 2})).await.code(), "governance_body.members_before");
    assert_eq!(admin.post(&format!("{path}/end"), ending("2024-02-01", 2)).await.code(), "governance_body.members_after");

    let ended = admin.post(&format!("{path}/end"), ending("2026-01-01", 2)).await.ok(200);
    assert_eq!(ended["valid_to"], "2026-01-01");
    let seat = admin.get(&format!("/v1/governance-body-members/{}", director["id"].as_str().unwrap())).await.ok(200);
    assert_eq!((seat["valid_to"].as_str(), seat["version"].as_i64()), (Some("2026-01-01"), Some(2)));
    let history = admin.get(&format!("/v1/governance-body-members/{}/history", director["id"].as_str().unwrap())).await.ok(200)["items"][0].clone();
    assert_eq!((history["action"].as_str(), history["reason"].as_str()), (Some("governance_body_member.ended"), Some("测试")));
    assert!(!history.to_string().contains("欧阳"), "the journal names nobody");
    let on =
        async |day: &str| admin.get(&format!("/v1/governance-body-members?compound_code={LAKE}&as_of={day}")).await.ok(200)["items"].as_array().unwrap().len();
    assert_eq!((on("2023-12-31").await, on("2024-01-01").await, on("2025-12-31").await, on("2026-01-01").await), (0, 1, 2, 0));
    assert_eq!(refused(member(id, &people[2], "member", "2026-02-01")).await, (422, "governance_body.not_in_force".to_owned()));
}

#[tokio::test]
async fn org_02_one_of_a_kind_at_a_time_and_temporary_ones_carry_their_end() {
    let app = TestApp::start().await;
    let (admin, _) = town(&app).await;
    let refused = async |body: Value| {
        let answer = admin.post("/v1/governance-bodies", body).await;
        (answer.status, answer.code().to_owned())
    };
    for kind in ["property_management_committee", "preparatory_group"] {
        assert_eq!(refused(body(LAKE, kind, "2024-01-01")).await, (422, "governance_body.needs_term".to_owned()), "{kind}");
    }
    let mut temporary = body(LAKE, "property_management_committee", "2024-01-01");
    temporary["agreed_to"] = json!("2026-01-01");
    let temporary = admin.post("/v1/governance-bodies", temporary).await.ok(201);
    let forever = json!({"agreed_to": null, "version": 1});
    assert_eq!(admin.patch(&format!("/v1/governance-bodies/{}", temporary["id"].as_str().unwrap()), forever).await.code(), "governance_body.needs_term");
    let council = found(&admin, LAKE, "party_mass_council", "2024-01-01").await;
    assert_eq!(refused(body(LAKE, "party_mass_council", "2025-01-01")).await, (409, "governance_body.already".to_owned()));
    found(&admin, STREET, "party_mass_council", "2025-01-01").await;
    assert_eq!(refused(body("421181001001X099", "party_mass_council", "2025-01-01")).await, (422, "compound.does_not_exist".to_owned()));
    admin.post(&format!("/v1/governance-bodies/{council}/end"), ending("2025-01-01", 1)).await.ok(200);
    found(&admin, LAKE, "party_mass_council", "2025-01-01").await;
    let compound = admin.by_code("compounds", STREET).await["id"].as_str().unwrap().to_owned();
    let leave = admin.post(&format!("/v1/compounds/{compound}/end"), ending("2026-01-01", 1)).await;
    assert!(["compound.has_governance_bodies", "compound.has_buildings"].contains(&leave.code()), "{}", leave.body);
    let bare = json!({"code": "421181001001X008", "name": "新苑", "kind": "old", "valid_from": "2020-01-01"});
    let bare = admin.post("/v1/compounds", bare).await.ok(201)["id"].as_str().unwrap().to_owned();
    found(&admin, "421181001001X008", "party_mass_council", "2024-01-01").await;
    assert_eq!(admin.post(&format!("/v1/compounds/{bare}/end"), ending("2026-01-01", 1)).await.code(), "compound.has_governance_bodies");
}

#[tokio::test]
async fn org_14_two_directors_at_once_are_one() {
    let app = TestApp::start().await;
    let (admin, people) = town(&app).await;
    let id = found(&admin, LAKE, "owners_committee", "2024-01-01").await;
    let both = [0, 1].map(|index: usize| {
        let (admin, new) = (admin.clone(), member(&id, &people[index], "director", "2024-01-01"));
        tokio::spawn(async move { admin.post("/v1/governance-body-members", new).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    // While the body ends, nobody new is left sitting in it.
    for round in 0..8 {
        let id = found(&admin, STREET, "party_mass_council", &format!("2024-0{}-01", round + 1)).await;
        let (one, two) = (admin.clone(), admin.clone());
        let (path, new) = (format!("/v1/governance-bodies/{id}/end"), member(&id, &people[2], "member", &format!("2024-0{}-02", round + 1)));
        let end = tokio::spawn(async move { one.post(&path, ending(&format!("2024-0{}-01", round + 2), 1)).await.ok(200) });
        let entry = tokio::spawn(async move { two.post("/v1/governance-body-members", new).await.status });
        end.await.unwrap();
        entry.await.unwrap();
        let open = admin.get(&format!("/v1/governance-body-members?governance_body_id={id}&as_of=2025-01-01")).await.ok(200);
        assert_eq!(open["items"], json!([]), "round {round}");
    }
}

#[tokio::test]
async fn org_14_who_is_in_the_party_is_told_to_those_who_see_the_roll() {
    let app = TestApp::start().await;
    let (admin, people) = town(&app).await;
    let id = found(&admin, LAKE, "owners_committee", "2024-01-01").await;
    let seat = admin.post("/v1/governance-body-members", member(&id, &people[0], "director", "2024-01-01")).await.ok(201);
    let path = format!("/v1/governance-body-members/{}", seat["id"].as_str().unwrap());
    let manager = app.staff("manager", Role::PropertyManager, "421181001001").await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    let seen = manager.get(&path).await.ok(200);
    assert_eq!((seen["name"].as_str(), &seen["in_party"]), (Some("欧阳晓明"), &Value::Null));
    assert_eq!(secretary.get(&path).await.ok(200)["in_party"], true);
    for path in [path.clone(), format!("{path}/history")] {
        assert_eq!(neighbour.get(&path).await.code(), "governance_body_member.unknown");
    }
    assert_eq!(neighbour.get(&format!("/v1/governance-bodies/{id}")).await.code(), "governance_body.unknown");
    assert_eq!(neighbour.post("/v1/governance-bodies", body(STREET, "party_mass_council", "2024-01-01")).await.code(), "access.out_of_scope");
    assert_eq!(neighbour.post("/v1/governance-body-members", member(&id, &people[1], "member", "2024-01-01")).await.code(), "governance_body.no_such");
    assert_eq!(neighbour.post(&format!("{path}/end"), ending("2026-01-01", 1)).await.code(), "governance_body_member.unknown");
    assert_eq!(manager.post(&format!("{path}/end"), ending("2026-01-01", 1)).await.code(), "access.forbidden");
    assert_eq!(secretary.patch(&path, json!({"chosen_by": "业主大会2024-1", "version": 1})).await.ok(200)["chosen_by"], "业主大会2024-1");
    // Merged people keep one seat; two of a body are a conflict of the merge.
    let twin = admin.post("/v1/people", json!({"name": "欧阳晓明", "area_code": "421181001001002"})).await.ok(201)["id"].as_str().unwrap().to_owned();
    let council = found(&admin, LAKE, "party_mass_council", "2024-01-01").await;
    let other = admin.post("/v1/governance-body-members", member(&council, &twin, "member", "2024-01-01")).await.ok(201);
    admin.post("/v1/person-merges", json!({"survivor_id": people[0], "duplicate_id": twin, "reason": "同一人"})).await.ok(201);
    let moved = admin.get(&format!("/v1/governance-body-members/{}", other["id"].as_str().unwrap())).await.ok(200);
    assert_eq!((moved["person_id"].as_str(), moved["version"].as_i64()), (Some(people[0].as_str()), Some(2)));
}

#[tokio::test]
async fn org_14_bodies_and_members_come_and_go_as_files() {
    let app = TestApp::start().await;
    let (admin, people) = town(&app).await;
    let file = format!(
        "小区编码,机构类型,名称,席位数,任期届满日期,成立日期\n{LAKE},业主委员会,翠湖业委会,5,2029-01-01,2024-01-01\n{STREET},党群议事会,老街议事会,3,,2024-01-01\n\
         {LAKE},业主委员会,又一个,,,2024-01-01\n{STREET},物业管理委员会,物管会,,,2024-01-01\n421181001001X099,党群议事会,无,,2023-01-01,2024-01-01\n"
    );
    let answer = admin.import("governance-bodies", "mode=best_effort", file.into_bytes()).await;
    assert_eq!(
        answer.faults(),
        [
            "4 compound_code import.duplicate",
            "5 agreed_to governance_body.needs_term",
            "6 compound_code compound.does_not_exist",
            "6 agreed_to governance_body.agreed_before_it_begins"
        ]
    );
    let [first, second, third] = NUMBERS;
    let file = format!(
        "小区编码,机构类型,证件号码,人员标识,职务,任职起始日期\n{LAKE},业主委员会,{first},,主任,\n{LAKE},业主委员会,,{},委员,2024-02-01\n{STREET},党群议事会,{first},,委员,\n\
         {LAKE},业主委员会,{third},,主任,\n{LAKE},业主委员会,{first},,委员,\n{LAKE},党群议事会,{third},,委员,2024-01-01\n{STREET},党群议事会,421199197001010031,,委员,\n\
         {STREET},党群议事会,{third},,主任,2023-12-31\n",
        people[1]
    );
    let answer = admin.import("governance-body-members", "mode=best_effort", file.into_bytes()).await;
    assert_eq!(
        answer.faults(),
        [
            "5 role governance_body_member.one_director",
            "6 id_number import.duplicate",
            "7 body_kind governance_body.does_not_exist",
            "8 id_number governance_body_member.who",
            "9 valid_from governance_body_member.before_the_body"
        ]
    );
    assert_eq!(answer.ok(200)["run"]["created"], 3);
    for form in ["csv", "ndjson", "xlsx"] {
        for (resource, count) in [("governance-bodies", 2), ("governance-body-members", 3)] {
            let out = admin.get(&format!("/v1/exports/{resource}.{form}?headers=chinese")).await;
            assert!(form != "csv" || !out.text().contains("421199"), "a person is named by his id, no number leaves: {}", out.text());
            assert_eq!(admin.import(resource, "", out.bytes).await.ok(200)["run"]["unchanged"], count, "{resource}.{form}");
        }
    }
    // Where his row is refused he has not stepped down, and the other one's row is told so.
    let refused = format!(
        "compound_code,body_kind,id_number,role,valid_from\n{LAKE},owners_committee,{first},member,2023-12-31\n{LAKE},owners_committee,{second},director,2024-02-01\n"
    );
    for mode in ["mode=atomic", "mode=best_effort"] {
        assert_eq!(
            admin.import("governance-body-members", mode, refused.clone().into_bytes()).await.faults(),
            ["2 valid_from governance_body_member.before_the_body", "3 role governance_body_member.one_director"],
            "{mode}"
        );
    }
    // In one file a director steps down and another takes his place.
    let change = format!("compound_code,body_kind,id_number,role\n{LAKE},owners_committee,{first},member\n{LAKE},owners_committee,{second},director\n");
    assert_eq!(admin.import("governance-body-members", "", change.into_bytes()).await.ok(200)["run"]["changed"], 2);
    let heads = admin.get("/v1/governance-body-members?role=director").await.ok(200);
    assert_eq!((heads["items"].as_array().unwrap().len(), heads["items"][0]["person_id"].as_str()), (1, Some(people[1].as_str())));
}

#[tokio::test]
async fn org_14_a_file_finds_nobody_whom_its_sender_may_not_name() {
    let app = TestApp::start().await;
    let (admin, people) = town(&app).await;
    let id = found(&admin, LAKE, "owners_committee", "2024-01-01").await;
    // Elsewhere, and in the Party.
    let number = "421199199512120020";
    let far = json!({"name": "赵远", "id_number": number, "area_code": "421181001002", "valid_from": "2020-01-01"});
    let far = admin.post("/v1/people", far).await.ok(201)["id"].as_str().unwrap().to_owned();
    let joined = json!({"person_id": far, "organization": "邻社区支部", "joined_on": "2001-07-01"});
    admin.post("/v1/party-memberships", joined).await.ok(201);
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let nobody = secretary.post("/v1/governance-body-members", member(&id, &far, "member", "2024-01-01")).await;
    assert_eq!(nobody.code(), "governance_body_member.whose");
    let file = format!(
        "compound_code,body_kind,id_number,person_id,role\n{LAKE},owners_committee,{number},,member\n{LAKE},owners_committee,,{far},member\n\
         {LAKE},owners_committee,{},,member\n",
        NUMBERS[1]
    );
    let who = ["2 id_number governance_body_member.who", "3 id_number governance_body_member.who"];
    for mode in ["dry_run", "best_effort"] {
        assert_eq!(secretary.import("governance-body-members", &format!("mode={mode}"), file.clone().into()).await.faults(), who, "{mode}");
    }
    // Whoever may name him seats him; the roll of his own area is not hers, and her file comes in again.
    let seat = admin.post("/v1/governance-body-members", member(&id, &far, "director", "2024-01-01")).await.ok(201);
    assert_eq!(seat["in_party"], true);
    let path = format!("/v1/governance-body-members/{}", seat["id"].as_str().unwrap());
    assert_eq!(secretary.get(&path).await.ok(200)["in_party"], Value::Null);
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    assert_eq!(neighbour.get(&path).await.code(), "governance_body_member.unknown");
    let out = secretary.get("/v1/exports/governance-body-members.csv").await;
    assert!(out.text().contains(&far) && out.text().contains(&people[1]) && !out.text().contains("421199"), "{}", out.text());
    assert_eq!(secretary.import("governance-body-members", "", out.bytes).await.ok(200)["run"]["unchanged"], 2);
}

#[tokio::test]
async fn org_14_a_member_is_known_by_the_callers_own_key_and_in_batches() {
    let app = TestApp::start().await;
    let (admin, people) = town(&app).await;
    let path = "/v1/governance-bodies/by-ref/oa/7";
    let made = admin.put(path, body(LAKE, "owners_committee", "2024-01-01")).await.ok(200);
    assert_eq!(admin.put(path, body(LAKE, "party_mass_council", "2024-01-01")).await.code(), "reference.code_fixed");
    let id = made["id"].as_str().unwrap();
    let seat = "/v1/governance-body-members/by-ref/oa/8";
    let first = admin.put(seat, member(id, &people[0], "member", "2024-01-01")).await.ok(200);
    let again = admin.put(seat, member(id, &people[0], "director", "2024-01-01")).await.ok(200);
    assert_eq!((again["id"] == first["id"], again["role"].as_str(), again["version"].as_i64()), (true, Some("director"), Some(2)));
    assert_eq!(admin.put(seat, member(id, &people[1], "director", "2024-01-01")).await.code(), "reference.code_fixed");
    let change = json!({"items": [
        {"end": {"id": first["id"], "on": "2025-01-01", "reason": "辞职", "version": 2}},
        {"create": member(id, &people[1], "director", "2025-01-01")}
    ]});
    let done = admin.post("/v1/governance-body-members:batch", change).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 2, "succeeded": 2, "failed": 0}), "one director hands over to another in one request");
}
