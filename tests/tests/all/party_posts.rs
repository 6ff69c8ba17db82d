//! Posts in party organizations and the members of hub households (ORG-06), and what an organization lacks (ORG-02, W5).

use kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

const LAKE: &str = "421181001001X001";
const NUMBERS: [&str; 3] = ["421199199003070010", "421199198501120127", "421199196601010348"];

/// A core, a group and two hubs of one compound, by the codes Z1, G1, H1 and H2.
const CHAIN: &str = "code,name,tier,form,nature,parent_code,compound_code,household_code,valid_from\n\
    Z1,翠湖党支部,compound,branch,formal,,421181001001X001,,2024-01-01\n\
    G1,一栋党小组,building_group,,,Z1,421181001001X001,,2024-01-01\n\
    H1,中心户甲,hub_household,,,G1,421181001001X001,42118100100100001010101,2024-01-01\n\
    H2,中心户乙,hub_household,,,G1,421181001001X001,42118100100100001010102,2024-01-01\n";

async fn town(app: &TestApp) -> User {
    let admin = app.small_town().await;
    admin.import("party-organizations", "", CHAIN.into()).await.ok(200);
    admin
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

async fn person(user: &User, name: &str, number: Option<&str>) -> Value {
    user.post("/v1/people", json!({"name": name, "id_number": number, "area_code": "421181001001001"})).await.ok(201)
}

/// A full member of the Party.
async fn member(user: &User, name: &str, number: Option<&str>) -> Value {
    let person = person(user, name, number).await;
    let new = json!({"person_id": person["id"], "organization": "第一党支部", "joined_on": "2001-07-01", "full_on": "2002-07-01"});
    user.post("/v1/party-memberships", new).await.ok(201);
    person
}

fn post(organization: &str, person: &Value, role: &str) -> Value {
    json!({"organization_code": organization, "person_id": person["id"], "role": role, "valid_from": "2024-06-01"})
}

async fn enter(user: &User, body: Value) -> Value {
    user.post("/v1/party-posts", body).await.ok(201)
}

fn path(post: &Value) -> String {
    format!("/v1/party-posts/{}", id(post))
}

#[tokio::test]
async fn org_06_a_post_lives_from_entry_to_end() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = member(&admin, "李华", None).await;
    let mut new = post("Z1", &li, "secretary");
    (new["agreed_to"], new["appointed_by"]) = (json!("2029-06-01"), json!("街道党工委〔2024〕3号"));
    let made = enter(&admin, new.clone()).await;
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    let path = path(&made);
    assert_eq!(admin.get(&path).await.ok(200), made);
    assert_eq!(admin.patch(&path, json!({"agreed_to": null})).await.code(), "version.missing");
    assert_eq!(admin.patch(&path, json!({"agreed_to": "2024-06-01", "version": 1})).await.errors(), ["/agreed_to party_post.agreed_before_it_begins"]);
    let changed = admin.patch(&path, json!({"agreed_to": null, "version": 1})).await.ok(200);
    assert!(changed["agreed_to"].is_null() && changed["version"] == 2);
    assert_eq!(admin.patch(&path, json!({"valid_from": "2023-12-31", "version": 2})).await.errors(), ["/valid_from party_post.begins_before_organization"]);
    let ended = admin.post(&format!("{path}/end"), ending("2025-07-01", 2)).await.ok(200);
    assert_eq!(ended["valid_to"], "2025-07-01");
    assert_eq!(admin.patch(&path, json!({"agreed_to": null, "version": 3})).await.code(), "period.ended");
    let count = async |query: &str| admin.get(&format!("/v1/party-posts?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    for (query, expected) in [
        ("as_of=2024-05-31", 0),
        ("as_of=2024-06-01", 1),
        ("as_of=2025-07-01", 0),
        ("ever=true", 1),
        ("ever=true&role=leader", 0),
        ("ever=true&organization_code=Z1", 1),
        ("ever=true&compound_code=421181001001X002", 0),
        ("ever=true&area_code=421181001001001", 1),
        ("ever=true&area_code=421181001001002", 0),
        (&format!("ever=true&person_id={}", id(&li)), 1),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    // The journal tells that somebody has a post, not which.
    let history = admin.get(&format!("{path}/history")).await.ok(200);
    let created = &history["items"][2]["change"];
    assert_eq!(
        (&created["person_id"], &created["role"], &created["organization_code"], &created["valid_from"]),
        (&li["id"], &json!("***"), &json!("***"), &json!("***"))
    );
    assert_eq!(history["items"][1]["change"], json!({"agreed_to": {"from": "***", "to": null}}));
}

#[tokio::test]
async fn org_06_what_nobody_can_be_is_refused_by_name() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (li, wang, guest) = (member(&admin, "李华", None).await, member(&admin, "王强", None).await, person(&admin, "客", None).await);
    enter(&admin, post("Z1", &li, "secretary")).await;
    enter(&admin, post("G1", &li, "leader")).await;
    enter(&admin, post("H1", &li, "member")).await;
    enter(&admin, post("Z1", &guest, "observer")).await;
    admin.import("party-organizations", "", "code,name,tier,form,nature\nI1,行业党委,industry_committee,party_committee,formal\n".into()).await.ok(200);
    let committee = admin.by_code("party-organizations", "I1").await;
    admin.patch(&format!("/v1/party-organizations/{}", id(&committee)), json!({"valid_from": "2020-01-01", "version": 1})).await.ok(200);
    admin.post(&format!("/v1/party-organizations/{}/end", id(&committee)), ending("2024-06-01", 2)).await.ok(200);
    let nobody = json!({"id": "00000000-0000-7000-8000-000000000000"});
    for (body, status, fault) in [
        (post("Z1", &wang, "secretary"), 409, "/role party_post.one_head"),
        (post("G1", &wang, "leader"), 409, "/role party_post.one_head"),
        (post("Z1", &guest, "observer"), 409, "/role party_post.already"),
        (post("H2", &li, "member"), 409, "/person_id party_post.one_hub"),
        (post("Z1", &guest, "deputy_secretary"), 422, "/person_id party_post.not_a_member"),
        (post("H2", &guest, "member"), 422, "/person_id party_post.not_a_member"),
        (post("Z1", &wang, "leader"), 422, "/role party_post.role_and_tier"),
        (post("Z1", &wang, "member"), 422, "/role party_post.role_and_tier"),
        (post("G1", &wang, "member"), 422, "/role party_post.role_and_tier"),
        (post("G1", &wang, "committee_member"), 422, "/role party_post.role_and_tier"),
        (post("H1", &wang, "secretary"), 422, "/role party_post.role_and_tier"),
        (post("Z9", &wang, "secretary"), 422, "/organization_code party_post.organization_unknown"),
        (post("I1", &wang, "secretary"), 422, "/organization_code party_post.organization_ended"),
        (post("Z1", &nobody, "observer"), 422, "/person_id party_post.whose"),
    ] {
        let answer = admin.post("/v1/party-posts", body.clone()).await;
        assert_eq!((answer.status, answer.errors()), (status, vec![fault.to_owned()]), "{body}");
    }
    // An organization does not end under a post; the hub of a member is his until it is ended.
    let hub = admin.by_code("party-organizations", "H1").await;
    assert_eq!(admin.post(&format!("/v1/party-organizations/{}/end", id(&hub)), ending("2026-01-01", 1)).await.code(), "party_organization.has_posts");
    let link = admin.get("/v1/party-posts?organization_code=H1").await.ok(200)["items"][0].clone();
    admin.post(&format!("{}/end", path(&link)), ending("2025-01-01", 1)).await.ok(200);
    let mut next = post("H2", &li, "member");
    next["valid_from"] = json!("2025-01-01");
    enter(&admin, next).await;
    admin.post(&format!("/v1/party-organizations/{}/end", id(&hub)), ending("2026-01-01", 1)).await.ok(200);
}

#[tokio::test]
async fn org_06_two_secretaries_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let people = [member(&admin, "李华", None).await, member(&admin, "王强", None).await];
    let both = people.map(|person| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post("/v1/party-posts", post("Z1", &person, "secretary")).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn org_06_posts_are_seen_by_those_who_work_with_the_roll_there() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = member(&admin, "李华", None).await;
    let made = enter(&admin, post("H1", &li, "member")).await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let compound = app.staff("compound", Role::CompoundSecretary, "421181001001001").await;
    let beside = app.staff("beside", Role::CompoundSecretary, "421181001001002").await;
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    let manager = app.staff("manager", Role::PropertyManager, "421181001001").await;
    for user in [&secretary, &compound] {
        assert_eq!(user.get(&path(&made)).await.ok(200), made);
        assert_eq!(user.get("/v1/exports/party-posts.csv").await.text().lines().count(), 2, "exports show what lists show");
    }
    assert_eq!(manager.get("/v1/party-posts").await.code(), "access.forbidden");
    assert_eq!(compound.post(&format!("{}/end", path(&made)), ending("2026-01-01", 1)).await.code(), "access.forbidden");
    for user in [&beside, &neighbour] {
        for operation in ["", "/history"] {
            let hidden = user.get(&format!("{}{operation}", path(&made))).await;
            assert_eq!((hidden.status, hidden.code()), (404, "party_post.unknown"));
        }
        assert_eq!(user.get("/v1/party-posts?include_total=true").await.ok(200)["total"], 0);
        assert_eq!(user.get("/v1/exports/party-posts.csv").await.text().lines().count(), 1);
    }
    assert_eq!(neighbour.patch(&path(&made), json!({"agreed_to": null, "version": 1})).await.code(), "party_post.unknown");
    assert_eq!(neighbour.post("/v1/party-posts", post("Z1", &li, "secretary")).await.code(), "party_post.organization_unknown");
    let unknown = admin.get("/v1/party-posts/00000000-0000-7000-8000-000000000000").await;
    assert_eq!((unknown.status, unknown.code()), (404, "party_post.unknown"));
    // A guess that is right is refused in the same words as any other, whether it would change what is held or not.
    for day in ["2024-06-01", "2024-07-01"] {
        let held = format!("organization_code,person_id,role,valid_from\nH1,{0},member,{day}\nH1,{0},leader,{day}\n", id(&li));
        assert_eq!(
            neighbour.import("party-posts", "mode=dry_run", held.into()).await.faults(),
            [
                "2 organization_code party_post.organization_unknown",
                "2 person_id party_post.whose_here",
                "3 organization_code party_post.organization_unknown",
                "3 person_id party_post.whose_here"
            ],
            "{day}"
        );
    }
    // A file tells her nothing of who is a member elsewhere, nor what is held, nor whose a number is.
    let file = format!("organization_code,person_id,role\nH2,{0},member\nZ1,{0},secretary\n", id(&li));
    assert_eq!(
        neighbour.import("party-posts", "mode=dry_run", file.into()).await.faults(),
        [
            "2 organization_code party_post.organization_unknown",
            "2 person_id party_post.whose_here",
            "3 organization_code party_post.organization_unknown",
            "3 person_id party_post.whose_here"
        ]
    );
    let hong = member(&admin, "洪涛", Some(NUMBERS[0])).await;
    let committee = "code,name,tier,form,nature,area_code\nI1,行业党委,industry_committee,party_committee,formal,421181001002\n";
    admin.import("party-organizations", "", committee.into()).await.ok(200);
    let file = format!("organization_code,id_number,person_id,role\nI1,{},,observer\nI1,,{},observer\n", NUMBERS[0], id(&hong));
    let whose = ["2 person_id party_post.whose_here", "3 person_id party_post.whose_here"];
    assert_eq!(neighbour.import("party-posts", "mode=dry_run", file.into()).await.faults(), whose, "nor that both rows name one person");
}

#[tokio::test]
async fn org_06_posts_come_and_go_as_files() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let [first, second, third] = NUMBERS;
    let li = member(&admin, "李华", Some(first)).await;
    member(&admin, "王强", Some(second)).await;
    person(&admin, "客", Some(third)).await;
    let file = format!(
        "党组织代码,证件号码,职务,任职起始日期\n\
         Z1,{first},书记,2024-06-01\n\
         H1,{first},党员,2024-06-01\n\
         Z1,{third},列席人员,2024-06-01\n\
         Z1,{second},书记,2024-06-01\n\
         H2,{first},党员,2024-06-01\n\
         H1,{first},党员,2024-06-01\n\
         Z1,{third},委员,2024-06-01\n\
         G1,{second},党员,2024-06-01\n\
         Z9,{second},书记,2024-06-01\n\
         Z1,421199197706300231,列席人员,2024-06-01\n"
    );
    let faults = [
        "5 role party_post.one_head",
        "6 person_id party_post.one_hub",
        "7 role party_post.already",
        "8 person_id party_post.not_a_member",
        "9 role party_post.role_and_tier",
        "10 organization_code party_post.organization_unknown",
        "11 person_id party_post.whose_here",
    ];
    let dry = admin.import("party-posts", "mode=dry_run", file.clone().into()).await;
    assert_eq!(dry.faults(), faults);
    assert!(!dry.text().contains("19770630"), "{}", dry.text());
    assert_eq!(admin.get("/v1/party-posts").await.ok(200)["items"], json!([]), "a dry run leaves nothing");
    let answer = admin.import("party-posts", "mode=best_effort", file.clone().into()).await;
    assert_eq!(answer.faults(), faults);
    assert_eq!(answer.ok(200)["run"]["created"], 3);
    assert_eq!(admin.import("party-posts", "mode=best_effort", file.into()).await.ok(200)["run"]["unchanged"], 3);
    for form in ["csv", "ndjson", "xlsx"] {
        let out = admin.get(&format!("/v1/exports/party-posts.{form}?headers=chinese")).await;
        if form == "csv" {
            assert!(out.text().contains(id(&li)) && !out.text().contains("421199"), "{}", out.text());
        }
        assert_eq!(admin.import("party-posts", "", out.bytes).await.ok(200)["run"]["unchanged"], 3, "{form}");
    }
    let change = format!("organization_code,person_id,role,appointed_by\nZ1,{},secretary,街道党工委〔2024〕3号\n", id(&li));
    assert_eq!(admin.import("party-posts", "", change.into()).await.ok(200)["run"]["changed"], 1);
    let journal = app.db.connect().await.query_one("select string_agg(change::text, ' ') from journal where object_kind = 'party_post'", &[]).await.unwrap();
    let told: &str = journal.get(0);
    assert!(!told.contains("secretary") && !told.contains("Z1") && !told.contains("2024-06"), "{told}");
}

#[tokio::test]
async fn org_06_a_post_is_known_by_the_callers_own_key_and_in_batches() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (li, wang) = (member(&admin, "李华", None).await, member(&admin, "王强", None).await);
    let by_ref = "/v1/party-posts/by-ref/erp/17";
    let made = admin.put(by_ref, post("Z1", &li, "secretary")).await.ok(200);
    let mut newer = post("Z1", &li, "secretary");
    newer["appointed_by"] = json!("选举");
    let changed = admin.put(by_ref, newer).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64()), (true, Some(2)));
    for other in [post("Z1", &wang, "secretary"), post("Z1", &li, "deputy_secretary"), post("H1", &li, "member")] {
        assert_eq!(admin.put(by_ref, other).await.code(), "reference.code_fixed");
    }
    let mut next = post("Z1", &wang, "secretary");
    next["valid_from"] = json!("2026-01-01");
    let batch = json!({"items": [{"end": {"id": made["id"], "on": "2026-01-01", "reason": "换届", "version": 2}}, {"create": next}]});
    let done = admin.post("/v1/party-posts:batch", batch).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 2, "succeeded": 2, "failed": 0}), "one secretary follows the other in one request");
}

#[tokio::test]
async fn org_14_a_merge_hands_posts_over() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (survivor, duplicate) = (member(&admin, "李华", None).await, person(&admin, "李华", Some(NUMBERS[0])).await);
    let own = enter(&admin, post("Z1", &survivor, "observer")).await;
    let same = enter(&admin, post("Z1", &duplicate, "observer")).await;
    let merge = json!({"survivor_id": survivor["id"], "duplicate_id": duplicate["id"], "reason": "同一人"});
    let both = admin.post("/v1/person-merges", merge.clone()).await;
    assert_eq!((both.status, both.code()), (409, "person_merge.overlap"), "he would sit in twice");
    admin.post(&format!("{}/end", path(&own)), ending("2024-06-02", 1)).await.ok(200);
    let mut later = post("Z1", &duplicate, "observer");
    later["valid_from"] = json!("2025-01-01");
    admin.post(&format!("{}/end", path(&same)), ending("2024-12-31", 1)).await.ok(200);
    let late = enter(&admin, later).await;
    assert_eq!(admin.post("/v1/person-merges", merge.clone()).await.code(), "person_merge.overlap", "the first days still meet");
    admin.patch(&path(&late), json!({"appointed_by": "会议", "version": 1})).await.ok(200);
    let third = person(&admin, "李华", None).await;
    let other = json!({"survivor_id": third["id"], "duplicate_id": duplicate["id"], "reason": "同一人"});
    let made = admin.post("/v1/person-merges", other).await.ok(201);
    let held = admin.get(&path(&late)).await.ok(200);
    assert_eq!((&held["person_id"], held["version"].as_i64()), (&third["id"], Some(3)));
    admin.post(&format!("/v1/person-merges/{}/undo", id(&made)), json!({"reason": "误并", "version": 1})).await.ok(200);
    assert_eq!(admin.get(&path(&late)).await.ok(200)["person_id"], duplicate["id"]);
}

#[tokio::test]
async fn org_02_checks_warn_of_what_an_organization_lacks_and_forbid_nothing() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let of = async |code: &str| format!("/v1/party-organizations/{}", id(&admin.by_code("party-organizations", code).await));
    let (core, group) = (of("Z1").await, of("G1").await);
    let checks = async |path: &str, day: &str| -> (Vec<String>, i64, i64) {
        let told = admin.get(&format!("{path}/checks?as_of={day}")).await.ok(200);
        let codes = told["checks"].as_array().unwrap().iter().map(|check| check["code"].as_str().unwrap().to_owned()).collect();
        (codes, told["members"].as_i64().unwrap(), told["full_members"].as_i64().unwrap())
    };
    let words = |codes: &[&str]| codes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(checks(&core, "2025-01-01").await, (words(&["few_full_members", "no_head"]), 0, 0));
    assert_eq!(checks(&group, "2025-01-01").await, (words(&["no_building", "no_head"]), 0, 0));
    let mut people = Vec::new();
    for number in 0..7 {
        let one = member(&admin, &format!("党员{number}"), None).await;
        enter(&admin, post(if number < 4 { "H1" } else { "H2" }, &one, "member")).await;
        people.push(one);
    }
    enter(&admin, post("Z1", &people[0], "secretary")).await;
    enter(&admin, post("G1", &people[1], "leader")).await;
    admin.put(&format!("{group}/buildings"), json!({"building_codes": ["42118100100100001"], "on": "2024-06-01", "version": 1})).await.ok(200);
    assert_eq!(checks(&core, "2024-05-31").await, (words(&["few_full_members", "no_head"]), 0, 0), "as it was");
    assert_eq!(checks(&core, "2025-01-01").await, (words(&["no_committee"]), 7, 7));
    assert_eq!(checks(&group, "2025-01-01").await, (Vec::new(), 7, 7));
    let wang = &people[2];
    enter(&admin, post("Z1", wang, "organization_officer")).await;
    assert_eq!(checks(&core, "2025-01-01").await, (Vec::new(), 7, 7));
    // Who is on probation is a member, and not a full one; who has left the Party, and his hub before, is none.
    let membership = admin.get(&format!("/v1/party-memberships?person_id={}", id(&people[6]))).await.ok(200)["items"][0].clone();
    let of_him = format!("/v1/party-memberships/{}", id(&membership));
    admin.patch(&of_him, json!({"full_on": null, "version": 1})).await.ok(200);
    assert_eq!(checks(&core, "2025-01-01").await, (Vec::new(), 7, 6));
    let hub = admin.get(&format!("/v1/party-posts?person_id={}", id(&people[6]))).await.ok(200)["items"][0].clone();
    admin.post(&format!("{}/end", path(&hub)), ending("2024-12-01", 1)).await.ok(200);
    admin.post(&format!("{of_him}/end"), ending("2024-12-01", 2)).await.ok(200);
    assert_eq!(checks(&core, "2025-01-01").await, (Vec::new(), 6, 6));
    // A term that is over warns in the language that was asked for.
    admin.patch(&core, json!({"agreed_to": "2024-12-31", "version": 1})).await.ok(200);
    let request = admin.request(Method::GET, &format!("{core}/checks?as_of=2025-01-01"));
    let told = admin.send(request.header("Accept-Language", "en")).await.ok(200);
    let message = "The agreed term of office ended 1 days ago; elect anew, or correct it.";
    assert_eq!(told["checks"], json!([{"code": "term_past", "level": "warning", "message": message, "value": 1, "limit": 0}]));
    let chinese = admin.get(&format!("{core}/checks?as_of=2025-01-01")).await.ok(200);
    assert!(chinese["checks"][0]["message"].as_str().unwrap().contains("任期"), "{chinese}");
    // A functional organization is bound by none of the numbers of members.
    admin.patch(&core, json!({"nature": "functional", "agreed_to": null, "version": 2})).await.ok(200);
    assert_eq!(checks(&core, "2024-01-01").await.0, words(&["no_head"]));
    assert_eq!(admin.get(&format!("/v1/party-organizations?compound_code={LAKE}&tier=compound")).await.ok(200)["items"].as_array().unwrap().len(), 1);
}
