//! Two-way entry (ORG-08, ORG-09): a secretary on the way to be director, a manager on the way into the party organization.

use chrono::TimeDelta;
use kernel::Role;
use serde_json::{Value, json};
use testkit::{Answer, TestApp, User};

use crate::five_basics::{LAKE, STREET, body, id, person, post, seat, town};
use crate::grid_redivisions::today;

/// Where they are.
pub(crate) const THINGS: &str = "/v1/cross-appointments";
const FLAT: &str = "42118100100100001010302";

pub(crate) fn new(direction: &str, person: &Value) -> Value {
    json!({"compound_code": LAKE, "direction": direction, "person_id": person["id"]})
}

/// Does an action on what stood so, with the version that it had.
async fn act(user: &User, was: &Value, action: &str, body: Value) -> Answer {
    let mut body = body;
    body["version"] = was["version"].clone();
    user.post(&format!("{THINGS}/{}/{action}", id(was)), body).await
}

/// Today as a day: the reviews are of today, and nobody is elected before them.
fn now() -> String {
    today().to_string()
}

fn yesterday() -> String {
    (today() - TimeDelta::days(1)).to_string()
}

fn tomorrow() -> String {
    (today() + TimeDelta::days(1)).to_string()
}

fn election() -> Value {
    json!({
        "assembly": "业主大会纪要2024-3", "elected_on": now(), "eligible": 300, "attending": 200, "agreeing": 101,
        "area_total": "30000.00", "area_participating": "20000.00", "area_agreeing": "10000.01"
    })
}

fn filing() -> Value {
    json!({"filed_on": now(), "filed_with": "龙池桥街道办事处", "filing_number": "备2024-12"})
}

/// The person owns a dwelling of the lake compound from 2020 on.
pub(crate) async fn own(user: &User, person: &Value) {
    let file = format!("房屋编码,单元号,房号,专有部分面积,面积依据,启用日期\n{FLAT},1,302,89.50,登记,2020-01-01\n");
    user.import("dwellings", "", file.into_bytes()).await.ok(200);
    let share = json!({"dwelling_code": FLAT, "person_id": person["id"], "valid_from": "2020-01-01"});
    user.post("/v1/ownerships", share).await.ok(201);
}

/// The secretary of the lake compound, who owns a dwelling there.
pub(crate) async fn secretary(user: &User) -> Value {
    let li = person(user, "李华", true).await;
    post(user, "Z1", &li, "secretary", "2024-02-01").await;
    own(user, &li).await;
    li
}

/// The manager of the lake compound's property project, who is in the Party where that is said.
pub(crate) async fn manager(user: &User, in_party: bool) -> Value {
    let zhao = person(user, "赵敏", in_party).await;
    let project = json!({"compound_code": LAKE, "kind": "owner_self", "manager": "赵敏", "valid_from": "2024-01-01"});
    user.post("/v1/property-projects", project).await.ok(201);
    zhao
}

const TO_CANDIDATE: [&str; 3] = ["submit-for-party-review", "pass-party-review", "pass-eligibility-review"];

async fn advance(user: &User, was: &Value, actions: &[&str]) -> Value {
    let mut stands = was.clone();
    for action in actions {
        let body = match *action {
            "elect" => election(),
            "file" => filing(),
            "approve" => json!({"approved_by": "街道党工委〔2024〕5号", "approved_on": "2024-05-01"}),
            _ => json!({}),
        };
        stands = act(user, &stands, action, body).await.ok(200);
    }
    stands
}

fn state(appointment: &Value) -> (&str, Option<&str>) {
    (appointment["state"].as_str().unwrap(), appointment["previous_state"].as_str())
}

#[tokio::test]
async fn org_08_a_secretary_is_nominated_reviewed_elected_chosen_and_filed() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = secretary(&admin).await;
    let made = admin.post(THINGS, new("secretary_to_director", &li)).await.ok(201);
    assert_eq!((state(&made), made["area_code"].as_str(), made["version"].as_i64()), (("nominated", None), Some("421181001001"), Some(1)));
    assert_eq!(admin.get(&format!("{THINGS}/{}", id(&made))).await.ok(200), made);
    let candidate = advance(&admin, &made, &TO_CANDIDATE).await;
    assert_eq!(state(&candidate), ("candidate", Some("committee_eligibility_review")));
    // Less than the law asks elects nobody.
    for (member, value, pointer, code) in [
        ("attending", json!(199), "/agreeing", "cross_appointment.not_by_owners"),
        ("agreeing", json!(100), "/agreeing", "cross_appointment.not_by_owners"),
        ("area_agreeing", json!("10000.00"), "/agreeing", "cross_appointment.not_by_owners"),
        ("agreeing", json!(201), "/agreeing", "cross_appointment.numbers"),
        ("area_agreeing", json!("20000.01"), "/area_agreeing", "cross_appointment.areas"),
        ("elected_on", json!("2199-01-01"), "/elected_on", "cross_appointment.not_yet"),
        ("elected_on", json!(yesterday()), "/elected_on", "cross_appointment.before_candidacy"),
    ] {
        let mut record = election();
        record[member] = value;
        let answer = act(&admin, &candidate, "elect", record).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![format!("{pointer} {code}")]), "{member}");
    }
    assert!(act(&admin, &candidate, "elect", json!({})).await.errors().contains(&"/assembly member.missing".to_owned()), "the record is needed");
    let elected = act(&admin, &candidate, "elect", election()).await.ok(200);
    for (name, value) in election().as_object().unwrap() {
        assert_eq!(&elected[name], value, "{name}");
    }
    // The seat is entered where it belongs; what is not his as director is no such seat.
    let committee = body(&admin, LAKE, "owners_committee", "2024-04-01").await;
    let council = body(&admin, LAKE, "party_mass_council", "2024-04-01").await;
    let other = person(&admin, "王强", false).await;
    let sits = seat(&admin, &committee, &other, "member", "2024-05-01").await;
    let directs_council = seat(&admin, &council, &li, "director", "2024-05-01").await;
    let unknown = json!({"id": "00000000-0000-7000-8000-000000000000"});
    for wrong in [&sits, &directs_council, &unknown] {
        let answer = act(&admin, &elected, "choose-director", json!({"governance_body_member_id": wrong["id"]})).await;
        assert_eq!((answer.status, answer.errors()), (422, vec!["/governance_body_member_id cross_appointment.not_his_seat".to_owned()]));
    }
    let directs = seat(&admin, &committee, &li, "director", &yesterday()).await;
    let link = json!({"governance_body_member_id": directs["id"]});
    let early = act(&admin, &elected, "choose-director", link.clone()).await;
    assert_eq!(early.errors(), ["/governance_body_member_id cross_appointment.days"], "he sat before he was elected");
    admin.patch(&format!("/v1/governance-body-members/{}", id(&directs)), json!({"valid_from": now(), "version": 1})).await.ok(200);
    let chosen = act(&admin, &elected, "choose-director", link).await.ok(200);
    assert_eq!((state(&chosen).0, chosen["valid_from"].as_str()), ("elected_director", Some(now().as_str())));
    assert_eq!(chosen["governance_body_member_id"], directs["id"]);
    let mut before = filing();
    before["filed_on"] = json!(yesterday());
    assert_eq!(act(&admin, &chosen, "file", before).await.errors(), ["/filed_on cross_appointment.days"]);
    let filed = act(&admin, &chosen, "file", filing()).await.ok(200);
    assert_eq!((state(&filed), filed["filing_number"].as_str()), (("filed", Some("elected_director")), Some("备2024-12")));
    assert_eq!(act(&admin, &filed, "withdraw", json!({"reason": "晚"})).await.code(), "workflow.wrong_state");
    let early = act(&admin, &filed, "end", json!({"on": now(), "reason": "早"})).await;
    assert_eq!((early.status, early.code()), (422, "period.ends_before_it_begins"));
    let over = act(&admin, &filed, "end", json!({"on": tomorrow(), "cause": "resigned", "reason": "本人辞任"})).await.ok(200);
    assert_eq!((state(&over).0, over["end_cause"].as_str(), over["valid_to"].as_str()), ("ended", Some("resigned"), Some(tomorrow().as_str())));
    // The seat is ended where it is kept, and the next one may begin.
    assert!(admin.get(&format!("/v1/governance-body-members/{}", id(&directs))).await.ok(200)["valid_to"].is_null());
    admin.post(THINGS, new("secretary_to_director", &li)).await.ok(201);
    let history = admin.get(&format!("{THINGS}/{}/history", id(&made))).await.ok(200)["items"].clone();
    let told: Vec<_> = history.as_array().unwrap().iter().rev().map(|line| line["action"].as_str().unwrap().trim_start_matches("cross_appointment.")).collect();
    assert_eq!(told, ["created", "submitted", "party_review_passed", "eligibility_review_passed", "elected", "chosen_director", "filed", "ended"]);
    assert_eq!(history[0]["reason"], "本人辞任");
    let count = async |query: &str| admin.get(&format!("{THINGS}?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    for (query, found) in [
        ("state=ended", 1),
        (&format!("as_of={}&state=ended", tomorrow()), 0),
        ("ever=true&state=ended", 1),
        ("ever=true&direction=manager_to_party", 0),
        ("area_code=421181001001001", 2),
        ("area_code=421181001001002", 0),
        ("compound_code=421181001001X002", 0),
        (&format!("person_id={}", id(&li)), 2),
    ] {
        assert_eq!(count(query).await, found, "{query}");
    }
}

#[tokio::test]
async fn org_08_who_is_no_owner_or_no_secretary_is_told_so_and_found_ineligible() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = person(&admin, "李华", true).await;
    let made = admin.post(THINGS, new("secretary_to_director", &li)).await.ok(201);
    let next = async |was: &Value| admin.get(&format!("{THINGS}/{}/next-actions", id(was))).await.ok(200)["actions"].clone();
    let answer = act(&admin, &made, "submit-for-party-review", json!({})).await;
    assert_eq!((answer.status, answer.code()), (409, "cross_appointment.not_the_secretary"));
    post(&admin, "Z1", &li, "secretary", "2024-02-01").await;
    assert_eq!(act(&admin, &made, "submit-for-party-review", json!({})).await.code(), "cross_appointment.not_an_owner");
    let first = next(&made).await[0].clone();
    assert_eq!((first["action"].as_str(), first["allowed"].as_bool()), (Some("submit_for_party_review"), Some(false)));
    assert_eq!(first["forbidden_by"]["code"], "cross_appointment.not_an_owner");
    let found = act(&admin, &made, "find-ineligible", json!({"reason": "不是该小区业主"})).await.ok(200);
    assert_eq!((state(&found), found["valid_to"].is_null(), next(&found).await), (("ineligible", Some("nominated")), false, json!([])));
    // He buys one, and is nominated anew; a secretary no more, he gets no further.
    own(&admin, &li).await;
    let again = admin.post(THINGS, new("secretary_to_director", &li)).await.ok(201);
    let reviewed = advance(&admin, &again, &TO_CANDIDATE[..2]).await;
    let posts = admin.get(&format!("/v1/party-posts?person_id={}", id(&li))).await.ok(200)["items"][0].clone();
    admin.post(&format!("/v1/party-posts/{}/end", id(&posts)), json!({"on": "2024-06-01", "reason": "免职", "version": 1})).await.ok(200);
    assert_eq!(act(&admin, &reviewed, "pass-eligibility-review", json!({})).await.code(), "cross_appointment.not_the_secretary");
    let withdrawn = act(&admin, &reviewed, "withdraw", json!({"reason": "已免职"})).await.ok(200);
    assert_eq!(state(&withdrawn), ("withdrawn", Some("committee_eligibility_review")));
    // A secretary of the other compound is none of this one.
    post(&admin, "Z2", &li, "secretary", "2024-07-01").await;
    let third = admin.post(THINGS, new("secretary_to_director", &li)).await.ok(201);
    assert_eq!(act(&admin, &third, "submit-for-party-review", json!({})).await.code(), "cross_appointment.not_the_secretary");
}

#[tokio::test]
async fn org_08_a_defeat_is_an_outcome() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = secretary(&admin).await;
    for elected in [false, true] {
        let made = admin.post(THINGS, new("secretary_to_director", &li)).await.ok(201);
        let candidate = advance(&admin, &made, &TO_CANDIDATE).await;
        let was = if elected { advance(&admin, &candidate, &["elect"]).await } else { candidate };
        assert_eq!(act(&admin, &was, "record-defeat", json!({})).await.errors(), ["/reason member.missing"]);
        let lost = act(&admin, &was, "record-defeat", json!({"reason": "未过半数"})).await.ok(200);
        assert_eq!((state(&lost).0, &lost["previous_state"]), ("not_elected", &was["state"]));
    }
}

#[tokio::test]
async fn org_09_a_manager_is_recommended_checked_approved_and_appointed() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let zhao = manager(&admin, true).await;
    let made = admin.post(THINGS, new("manager_to_party", &zhao)).await.ok(201);
    let path = format!("{THINGS}/{}", id(&made));
    assert_eq!(state(&made), ("recommended", None));
    assert_eq!(act(&admin, &made, "check", json!({})).await.code(), "cross_appointment.no_criteria");
    let half = admin.patch(&path, json!({"political_awareness": "政治觉悟高:带头参加学习。", "version": 1})).await.ok(200);
    assert_eq!(act(&admin, &half, "check", json!({})).await.code(), "cross_appointment.no_criteria");
    let ready = admin.patch(&path, json!({"service_ability": "服务能力强:满意度第一。", "version": 2})).await.ok(200);
    // The journal tells that it was written, not what.
    let history = admin.get(&format!("{path}/history")).await.ok(200)["items"].clone();
    assert_eq!(history[0]["change"], json!({"service_ability": {"from": null, "to": "***"}}));
    // A step of the other way is none of this one.
    for (action, body) in [("submit-for-party-review", json!({})), ("elect", election()), ("withdraw", json!({"reason": "错"}))] {
        let answer = act(&admin, &ready, action, body).await;
        assert_eq!((answer.status, answer.code()), (409, "cross_appointment.other_direction"), "{action}");
    }
    let checked = act(&admin, &ready, "check", json!({"note": "组织关系已核"})).await.ok(200);
    assert_eq!(admin.patch(&path, json!({"service_ability": "迟", "version": checked["version"]})).await.code(), "cross_appointment.under_way");
    let approval = |day: &str| json!({"approved_by": "街道党工委〔2024〕5号", "approved_on": day});
    assert_eq!(act(&admin, &checked, "approve", approval("2199-01-01")).await.errors(), ["/approved_on cross_appointment.not_yet"]);
    let approved = act(&admin, &checked, "approve", approval("2024-05-01")).await.ok(200);
    // A post is entered with the organization: to sit in is none, nor is one in another organization or before the approval.
    let sits_in = post(&admin, "Z1", &zhao, "observer", "2024-05-01").await;
    let elsewhere = post(&admin, "Z2", &zhao, "committee_member", "2024-05-01").await;
    for wrong in [&sits_in, &elsewhere, &json!({"id": "00000000-0000-7000-8000-000000000000"})] {
        let answer = act(&admin, &approved, "appoint", json!({"party_post_id": wrong["id"]})).await;
        assert_eq!((answer.status, answer.errors()), (422, vec!["/party_post_id cross_appointment.not_his_post".to_owned()]));
    }
    let early = post(&admin, "Z1", &zhao, "committee_member", "2024-04-30").await;
    let link = json!({"party_post_id": early["id"]});
    assert_eq!(act(&admin, &approved, "appoint", link.clone()).await.errors(), ["/party_post_id cross_appointment.days"]);
    admin.patch(&format!("/v1/party-posts/{}", id(&early)), json!({"valid_from": "2024-05-01", "version": 1})).await.ok(200);
    let appointed = act(&admin, &approved, "appoint", link).await.ok(200);
    assert_eq!((state(&appointed), appointed["valid_from"].as_str()), (("appointed", Some("approved_by_upper_party_org")), Some("2024-05-01")));
    assert_eq!(appointed["party_post_id"], early["id"]);
    assert_eq!(act(&admin, &appointed, "decline", json!({"reason": "晚"})).await.code(), "workflow.wrong_state");
    let over = act(&admin, &appointed, "end", json!({"on": "2025-01-01", "cause": "disqualified", "reason": "项目易人"})).await.ok(200);
    assert_eq!((state(&over), over["end_cause"].as_str()), (("ended", Some("appointed")), Some("disqualified")));
}

#[tokio::test]
async fn org_09_whoever_is_not_in_the_party_or_no_manager_is_not_checked() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let zhao = manager(&admin, false).await;
    let mut wanted = new("manager_to_party", &zhao);
    (wanted["political_awareness"], wanted["service_ability"]) = (json!("高"), json!("强"));
    let made = admin.post(THINGS, wanted.clone()).await.ok(201);
    let answer = act(&admin, &made, "check", json!({})).await;
    assert_eq!((answer.status, answer.code()), (409, "cross_appointment.not_in_party"));
    assert!(answer.body["detail"].as_str().unwrap().contains("列席"), "{}", answer.body);
    let declined = act(&admin, &made, "decline", json!({"reason": "不是党员"})).await.ok(200);
    assert_eq!((state(&declined), declined["valid_to"].is_null()), (("declined", Some("recommended")), false));
    let wang = person(&admin, "王强", true).await;
    wanted["person_id"] = wang["id"].clone();
    let other = admin.post(THINGS, wanted.clone()).await.ok(201);
    assert_eq!(act(&admin, &other, "check", json!({})).await.code(), "cross_appointment.not_the_manager");
    // What is written of managers is written of nobody else; there is one at a time, of somebody who is there.
    wanted["direction"] = json!("secretary_to_director");
    assert_eq!(admin.post(THINGS, wanted.clone()).await.errors(), ["/political_awareness cross_appointment.criteria_and_direction"]);
    let twice = admin.post(THINGS, new("manager_to_party", &wang)).await;
    assert_eq!((twice.status, twice.errors()), (409, vec!["/person_id cross_appointment.already".to_owned()]));
    let nobody = admin.post(THINGS, new("manager_to_party", &json!({"id": "00000000-0000-7000-8000-000000000000"}))).await;
    assert_eq!((nobody.status, nobody.errors()), (422, vec!["/person_id cross_appointment.whose".to_owned()]));
    let nowhere = json!({"compound_code": "421181001001X099", "direction": "manager_to_party", "person_id": wang["id"]});
    assert_eq!(admin.post(THINGS, nowhere).await.errors(), ["/compound_code compound.does_not_exist"]);
}

#[tokio::test]
async fn org_08_of_two_at_once_one_is_done() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = secretary(&admin).await;
    let both = [0; 2].map(|_| {
        let (admin, new) = (admin.clone(), new("secretary_to_director", &li));
        tokio::spawn(async move { admin.post(THINGS, new).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let made = admin.get(THINGS).await.ok(200)["items"][0].clone();
    let both = ["submit-for-party-review", "withdraw"].map(|action| {
        let (admin, made) = (admin.clone(), made.clone());
        let body = if action == "withdraw" { json!({"reason": "撤回"}) } else { json!({}) };
        tokio::spawn(async move { act(&admin, &made, action, body).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "whoever came second had not seen what the first did");
}

#[tokio::test]
async fn org_08_each_does_his_part_and_strangers_see_nothing() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let li = secretary(&admin).await;
    let writer = app.staff("writer", Role::CompoundSecretary, "421181001001001").await;
    let party = app.staff("party", Role::CommunitySecretary, "421181001001").await;
    let committee = app.staff("committee", Role::CommunityWorker, "421181001001").await;
    let other = app.staff("other", Role::CompoundSecretary, "421181001001002").await;
    let neighbour = app.user(&["*"], "421181001002").await;
    let made = writer.post(THINGS, new("secretary_to_director", &li)).await.ok(201);
    let path = format!("{THINGS}/{}", id(&made));
    // Neither another community nor another compound of the same one.
    for user in [&neighbour, &other] {
        for part in ["", "/history", "/next-actions"] {
            let answer = user.get(&format!("{path}{part}")).await;
            assert_eq!((answer.status, answer.code()), (404, "cross_appointment.unknown"), "{part}");
        }
        assert_eq!(act(user, &made, "withdraw", json!({"reason": "我"})).await.code(), "cross_appointment.unknown");
        assert_eq!(user.get(THINGS).await.ok(200)["items"], json!([]));
    }
    assert_eq!(neighbour.post(THINGS, new("secretary_to_director", &li)).await.code(), "access.out_of_scope");
    let in_party = act(&writer, &made, "submit-for-party-review", json!({})).await.ok(200);
    assert_eq!(act(&writer, &in_party, "pass-party-review", json!({})).await.code(), "access.forbidden");
    assert_eq!(act(&committee, &in_party, "pass-party-review", json!({})).await.code(), "access.forbidden");
    let in_committee = act(&party, &in_party, "pass-party-review", json!({})).await.ok(200);
    assert_eq!(act(&party, &in_committee, "pass-eligibility-review", json!({})).await.code(), "access.forbidden");
    let candidate = act(&committee, &in_committee, "pass-eligibility-review", json!({})).await.ok(200);
    assert_eq!(act(&committee, &candidate, "elect", election()).await.code(), "access.forbidden");
    act(&writer, &candidate, "elect", election()).await.ok(200);
    assert_eq!(admin.get(&path).await.ok(200)["state"], "elected_member");
}

#[tokio::test]
async fn org_09_it_is_known_by_the_callers_own_key_comes_in_batches_and_goes_with_a_merged_person() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let zhao = manager(&admin, true).await;
    let path = format!("{THINGS}/by-ref/erp/17");
    let mut wanted = new("manager_to_party", &zhao);
    let made = admin.put(&path, wanted.clone()).await.ok(200);
    (wanted["political_awareness"], wanted["service_ability"]) = (json!("高"), json!("强"));
    let changed = admin.put(&path, wanted.clone()).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64(), changed["service_ability"].as_str()), (true, Some(2), Some("强")));
    let mut elsewhere = wanted.clone();
    elsewhere["compound_code"] = json!(STREET);
    assert_eq!(admin.put(&path, elsewhere.clone()).await.code(), "reference.code_fixed");
    let approved = advance(&admin, &changed, &["check", "approve"]).await;
    assert_eq!(admin.put(&path, wanted).await.code(), "cross_appointment.under_way");
    let held = post(&admin, "Z1", &zhao, "committee_member", "2024-05-01").await;
    let appointed = act(&admin, &approved, "appoint", json!({"party_post_id": held["id"]})).await.ok(200);
    let batch = json!({"items": [
        {"end": {"id": made["id"], "on": "2099-01-01", "reason": "届满", "version": appointed["version"]}},
        {"create": elsewhere}
    ]});
    let done = admin.post(&format!("{THINGS}:batch"), batch).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 2, "succeeded": 2, "failed": 0}));
    let ended = admin.get(&format!("{THINGS}/{}", id(&made))).await.ok(200);
    assert_eq!((ended["state"].as_str(), ended["valid_to"].as_str(), ended["end_cause"].is_null()), (Some("ended"), Some("2099-01-01"), true));
    let survivor = person(&admin, "赵敏", false).await;
    let merge = json!({"survivor_id": survivor["id"], "duplicate_id": zhao["id"], "reason": "同一人"});
    admin.post("/v1/person-merges", merge).await.ok(201);
    assert_eq!(admin.get(&format!("{THINGS}/{}", id(&made))).await.ok(200)["person_id"], survivor["id"]);
}
