//! Hand-overs (ORG-11): a compound goes step by step from its developer into use, three are in place by then or deferred with a
//! signature, and whether they were in time is computed.

use serde_json::{Value, json};
use testkit::{Answer, TestApp, User};

pub(crate) const LAKE: &str = "421181001001X001";
pub(crate) const STREET: &str = "421181001001X002";
pub(crate) const THINGS: &str = "/v1/handovers";
const MARKET: &str = "91421199MA0000001U";
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// What shows that the three are in place in a compound, each from the first of June 2024.
pub(crate) struct InPlace {
    pub organization: String,
    pub committee: String,
    pub project: String,
}

pub(crate) async fn set_up(admin: &User, compound: &str) -> InPlace {
    admin.import("property-companies", "effective_on=2020-01-01", format!("code,name,kind\n{MARKET},安馨物业,commercial\n").into_bytes()).await.ok(200);
    let id = |made: Value| made["id"].as_str().unwrap().to_owned();
    let organization = json!({"code": format!("Z-{compound}"), "name": "小区党支部", "tier": "compound", "form": "branch", "nature": "functional",
        "compound_code": compound, "valid_from": "2024-06-01"});
    let committee =
        json!({"compound_code": compound, "kind": "property_management_committee", "name": "物管会", "agreed_to": "2027-06-01", "valid_from": "2024-06-01"});
    let project = json!({"compound_code": compound, "company_code": MARKET, "kind": "full_service", "stage": "preliminary", "valid_from": "2024-06-01"});
    InPlace {
        organization: id(admin.post("/v1/party-organizations", organization).await.ok(201)),
        committee: id(admin.post("/v1/governance-bodies", committee).await.ok(201)),
        project: id(admin.post("/v1/property-projects", project).await.ok(201)),
    }
}

pub(crate) async fn register(user: &User) -> Value {
    user.post(THINGS, json!({"compound_code": LAKE, "developer": "翠湖开发公司", "planned_on": "2024-06-30"})).await.ok(201)
}

/// Does an action on what stood so, with the version that it had.
pub(crate) async fn act(user: &User, was: &Value, action: &str, body: Value) -> Answer {
    let mut body = body;
    body["version"] = was["version"].clone();
    user.post(&format!("{THINGS}/{}/{action}", was["id"].as_str().unwrap()), body).await
}

pub(crate) fn body(action: &str) -> Value {
    match action {
        "hand-over" => json!({"handed_over_on": "2024-06-30"}),
        "accept" => json!({"accepted_on": "2024-07-10"}),
        "order-rectification" | "reject" => json!({"reason": "消防设施未通过查验"}),
        _ => json!({}),
    }
}

/// An entry of what is done on a day.
pub(crate) fn done(track: &str, place: &InPlace, on: &str) -> Value {
    match track {
        "party-organization" => json!({"state": "done", "done_on": on, "party_organization_id": place.organization}),
        "owners-body" => json!({"state": "done", "done_on": on, "governance_body_id": place.committee}),
        _ => json!({"state": "done", "done_on": on, "property_project_id": place.project}),
    }
}

pub(crate) fn deferred() -> Value {
    json!({"state": "deferred", "deferred_to": "2199-12-31", "signed_by": "龙池桥街道办事处", "note": "入住率不足"})
}

pub(crate) const TRACKS: [&str; 3] = ["party-organization", "owners-body", "property-company"];
const ROOMS: &str = r#"{"property_room_area": "180.00", "community_room_area": "320.50", "documents_received": true}"#;

pub(crate) async fn enter(user: &User, was: &Value, track: &str, entry: Value) -> Answer {
    act(user, was, &format!("tracks/{track}"), entry).await
}

async fn measure(user: &User, was: &Value) -> Value {
    let mut patch: Value = serde_json::from_str(ROOMS).unwrap();
    patch["version"] = was["version"].clone();
    user.patch(&format!("{THINGS}/{}", was["id"].as_str().unwrap()), patch).await.ok(200)
}

/// Takes a new hand-over through its inspection.
async fn inspected(user: &User) -> Value {
    let mut stands = register(user).await;
    for action in ["inspect", "pass-inspection"] {
        stands = act(user, &stands, action, json!({})).await.ok(200);
    }
    stands
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str()
}

/// The first action that a state takes with this name, as next-actions has it.
pub(crate) async fn next(user: &User, was: &Value, action: &str) -> Value {
    let answer = user.get(&format!("{THINGS}/{}/next-actions", was["id"].as_str().unwrap())).await.ok(200);
    answer["actions"].as_array().unwrap().iter().find(|one| one["action"] == action).cloned().unwrap_or_default()
}

#[tokio::test]
async fn org_11_a_compound_is_handed_over_with_all_three_in_place() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let made = register(&admin).await;
    let path = format!("{THINGS}/{}", text(&made, "id").unwrap());
    assert_eq!((text(&made, "state"), text(&made, "area_code"), made["documents_received"].as_bool()), (Some("registered"), Some("421181001001"), Some(false)));
    assert_eq!((text(&made, "party_organization_state"), made["verdict"].is_null()), (Some("not_started"), true));
    // An inspection finds something, it is mended, and the next one passes.
    let mut stands = made.clone();
    for (action, to) in [("inspect", "inspecting"), ("order-rectification", "rectifying"), ("inspect", "inspecting"), ("pass-inspection", "tracks_in_progress")]
    {
        stands = act(&admin, &stands, action, body(action)).await.ok(200);
        assert_eq!(text(&stands, "state"), Some(to), "{action}");
    }
    for track in TRACKS {
        stands = enter(&admin, &stands, track, done(track, &place, "2024-06-01")).await.ok(200);
    }
    assert_eq!((text(&stands, "owners_body_state"), text(&stands, "governance_body_id")), (Some("done"), Some(place.committee.as_str())));
    stands = measure(&admin, &stands).await;
    assert!(stands["verdict"].is_null(), "nothing is handed over yet");
    for (action, to) in [("hand-over", "tracks_in_progress"), ("mark-ready", "ready"), ("accept", "accepted"), ("archive", "archived")] {
        stands = act(&admin, &stands, action, body(action)).await.ok(200);
        assert_eq!((text(&stands, "state"), text(&stands, "verdict")), (Some(to), Some("synchronous")), "{action}");
    }
    assert_eq!((text(&stands, "handed_over_on"), text(&stands, "accepted_on")), (Some("2024-06-30"), Some("2024-07-10")));
    assert_eq!(admin.get(&path).await.ok(200), stands);
    let over = act(&admin, &stands, "reject", body("reject")).await;
    assert_eq!((over.status, over.code()), (409, "workflow.wrong_state"));
    let history = admin.get(&format!("{path}/history")).await.ok(200)["items"].clone();
    let actions: Vec<_> =
        history.as_array().unwrap().iter().rev().map(|line| line["action"].as_str().unwrap().trim_start_matches("compound_handover.")).collect();
    let steps = ["created", "inspected", "rectification_ordered", "inspected", "inspection_passed", "track_set", "track_set", "track_set", "changed"];
    assert_eq!(actions[..9], steps);
    assert_eq!(actions[9..], ["handed_over", "marked_ready", "accepted", "archived"]);
    assert_eq!(history[10]["reason"], "消防设施未通过查验");
    assert!(history[0]["change"]["verdict"].is_null(), "what is computed is not told as a change");
    let count = async |query: &str| admin.get(&format!("{THINGS}?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    for (query, found) in [
        ("state=archived", 1),
        ("state=ready", 0),
        ("area_code=421181001001001", 1),
        ("area_code=421181001001002", 0),
        ("area_code=421181001", 1),
        ("compound_code=421181001001X001", 1),
        ("compound_code=421181001001X002", 0),
    ] {
        assert_eq!(count(query).await, found, "{query}");
    }
}

#[tokio::test]
async fn org_11_only_what_was_built_for_sale_is_handed_over_and_once() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let refused = async |body: Value| {
        let answer = admin.post(THINGS, body).await;
        (answer.status, answer.errors().first().cloned().unwrap_or_else(|| answer.code().to_owned()))
    };
    let new = |compound: &str| json!({"compound_code": compound, "developer": "开发公司"});
    assert_eq!(refused(new(STREET)).await, (422, "/compound_code compound_handover.not_commercial".to_owned()));
    assert_eq!(refused(new("421181001001X099")).await, (422, "/compound_code compound.does_not_exist".to_owned()));
    let mut flat = new(LAKE);
    flat["property_room_area"] = json!("0");
    assert_eq!(refused(flat).await, (422, "/property_room_area compound_handover.no_floor".to_owned()));
    let made = register(&admin).await;
    assert_eq!(refused(new(LAKE)).await, (409, "/compound_code compound_handover.already".to_owned()));
    let path = format!("{THINGS}/{}", text(&made, "id").unwrap());
    assert_eq!(admin.patch(&path, json!({"planned_on": "9999-01-01", "version": 1})).await.errors(), ["/planned_on period.out_of_years"]);
    assert_eq!(admin.patch(&path, json!({"developer": "甲"})).await.code(), "version.missing");
    assert_eq!(admin.patch(&path, json!({"developer": "甲", "version": 9})).await.code(), "version.stale");
    assert_eq!(act(&admin, &made, "reject", json!({})).await.errors(), ["/reason member.missing"]);
    let rejected = act(&admin, &made, "reject", body("reject")).await.ok(200);
    assert_eq!((text(&rejected, "state"), rejected["rejected_on"].is_null()), (Some("rejected"), false));
    assert_eq!(admin.patch(&path, json!({"developer": "甲", "version": 2})).await.code(), "compound_handover.closed");
    let entry = enter(&admin, &rejected, "owners-body", json!({"state": "in_progress", "note": "名单公示"})).await;
    assert_eq!((entry.status, entry.code()), (409, "compound_handover.over"));
    assert_eq!(register(&admin).await["version"], 1, "it may be registered anew");
}

#[tokio::test]
async fn org_11_the_gate_says_what_is_missing() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let mut stands = inspected(&admin).await;
    let id = text(&stands, "id").unwrap().to_owned();
    for (track, code) in TRACKS.iter().zip(["no_party_organization", "no_owners_body", "no_property_company"]) {
        let answer = act(&admin, &stands, "mark-ready", json!({})).await;
        assert_eq!((answer.status, answer.code()), (409, format!("compound_handover.{code}").as_str()));
        assert_eq!(next(&admin, &stands, "mark_ready").await["forbidden_by"]["code"], format!("compound_handover.{code}"));
        stands = enter(&admin, &stands, track, done(track, &place, "2024-06-15")).await.ok(200);
    }
    for (member, value, code) in [
        ("property_room_area", json!("180.00"), "no_property_room"),
        ("community_room_area", json!("320.50"), "no_community_room"),
        ("documents_received", json!(true), "no_documents"),
    ] {
        assert_eq!(act(&admin, &stands, "mark-ready", json!({})).await.code(), format!("compound_handover.{code}"));
        stands = admin.patch(&format!("{THINGS}/{id}"), json!({member: value, "version": stands["version"]})).await.ok(200);
    }
    assert_eq!(next(&admin, &stands, "mark_ready").await["allowed"], true);
    let ready = act(&admin, &stands, "mark-ready", json!({})).await.ok(200);
    // What has passed the gate stays through it.
    for (change, said) in [
        (json!({"property_room_area": null}), "/property_room_area compound_handover.no_property_room"),
        (json!({"community_room_area": null}), "/community_room_area compound_handover.no_community_room"),
        (json!({"documents_received": false}), "/documents_received compound_handover.no_documents"),
    ] {
        let mut change = change;
        change["version"] = ready["version"].clone();
        let answer = admin.patch(&format!("{THINGS}/{id}"), change).await;
        assert_eq!((answer.status, answer.errors()), (409, vec![said.to_owned()]));
    }
    let undone = enter(&admin, &ready, "owners-body", json!({"state": "not_started"})).await;
    assert_eq!((undone.status, undone.code()), (409, "compound_handover.settled"));
    // It is accepted once it was handed over, not before that day, and not ahead.
    assert_eq!(act(&admin, &ready, "accept", body("accept")).await.code(), "compound_handover.not_handed_over");
    assert_eq!(act(&admin, &ready, "hand-over", json!({"handed_over_on": "2199-01-01"})).await.errors(), ["/handed_over_on compound_handover.not_yet"]);
    let wrong = act(&admin, &ready, "hand-over", json!({"handed_over_on": "2024-06-10"})).await.ok(200);
    assert_eq!((text(&wrong, "state"), text(&wrong, "verdict")), (Some("ready"), Some("late")), "they came five days after it");
    let handed = act(&admin, &wrong, "hand-over", body("hand-over")).await.ok(200);
    assert_eq!(text(&handed, "verdict"), Some("synchronous"), "the day was corrected");
    assert_eq!(act(&admin, &handed, "accept", json!({"accepted_on": "2024-06-29"})).await.errors(), ["/accepted_on compound_handover.days"]);
    assert_eq!(act(&admin, &handed, "accept", json!({"accepted_on": "2199-01-01"})).await.errors(), ["/accepted_on compound_handover.not_yet"]);
    let accepted = act(&admin, &handed, "accept", body("accept")).await.ok(200);
    assert_eq!(admin.patch(&format!("{THINGS}/{id}"), json!({"developer": "甲", "version": accepted["version"]})).await.code(), "compound_handover.closed");
}

#[tokio::test]
async fn org_11_what_is_done_is_shown_by_what_stood_on_the_day() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let other = json!({"code": "Z-OTHER", "name": "老街党支部", "tier": "compound", "form": "branch", "nature": "functional", "compound_code": STREET});
    let other = admin.post("/v1/party-organizations", other).await.ok(201)["id"].clone();
    let council = json!({"compound_code": LAKE, "kind": "party_mass_council", "name": "议事会", "valid_from": "2024-01-01"});
    let council = admin.post("/v1/governance-bodies", council).await.ok(201)["id"].clone();
    // The company serves it as a whole, so a part of the service comes from another.
    let helper = json!({"code": "91421199MA0000002Y", "name": "保洁公司", "kind": "commercial", "valid_from": "2020-01-01"});
    admin.post("/v1/property-companies", helper).await.ok(201);
    let cleaning = json!({"compound_code": LAKE, "company_code": "91421199MA0000002Y", "kind": "partial_service", "valid_from": "2023-06-01"});
    let cleaning = admin.post("/v1/property-projects", cleaning).await.ok(201)["id"].clone();
    let made = register(&admin).await;
    let on = "2024-06-15";
    for (track, entry, status, said) in [
        (
            "party-organization",
            json!({"state": "done", "done_on": on, "party_organization_id": other}),
            422,
            "/party_organization_id compound_handover.wrong_party_organization",
        ),
        (
            "party-organization",
            json!({"state": "done", "done_on": on, "party_organization_id": NOBODY}),
            422,
            "/party_organization_id compound_handover.wrong_party_organization",
        ),
        ("owners-body", json!({"state": "done", "done_on": on, "governance_body_id": council}), 422, "/governance_body_id compound_handover.wrong_body"),
        (
            "property-company",
            json!({"state": "done", "done_on": on, "property_project_id": cleaning}),
            422,
            "/property_project_id compound_handover.wrong_project",
        ),
        ("owners-body", done("owners-body", &place, "2024-05-31"), 422, "/done_on compound_handover.not_in_place"),
        ("property-company", done("property-company", &place, "2024-05-31"), 422, "/done_on compound_handover.not_in_place"),
        ("party-organization", done("party-organization", &place, "2024-05-31"), 422, "/done_on compound_handover.not_in_place"),
        ("owners-body", done("owners-body", &place, "2199-01-01"), 422, "/done_on compound_handover.not_yet"),
        ("owners-body", json!({"state": "done", "done_on": on}), 422, "/governance_body_id compound_handover.track_members"),
        ("owners-body", json!({"state": "in_progress"}), 422, "/note compound_handover.track_members"),
        ("owners-body", json!({"state": "deferred", "deferred_to": "2199-12-31", "note": "入住率不足"}), 422, "/signed_by compound_handover.track_members"),
        (
            "owners-body",
            json!({"state": "deferred", "deferred_to": "2024-01-01", "signed_by": "街道", "note": "迟"}),
            422,
            "/deferred_to compound_handover.deferred_to_the_past",
        ),
    ] {
        let answer = enter(&admin, &made, track, entry).await;
        assert_eq!((answer.status, answer.errors()), (status, vec![said.to_owned()]), "{track}");
    }
    // Before the gate each may go on, and back.
    let mut stands = made;
    for (entry, state) in [
        (json!({"state": "in_progress", "note": "名单公示7日"}), "in_progress"),
        (deferred(), "deferred"),
        (done("owners-body", &place, on), "done"),
        (json!({"state": "not_started"}), "not_started"),
    ] {
        stands = enter(&admin, &stands, "owners-body", entry).await.ok(200);
        assert_eq!(text(&stands, "owners_body_state"), Some(state));
    }
    for member in ["owners_body_done_on", "owners_body_deferred_to", "owners_body_signed_by", "owners_body_note", "governance_body_id"] {
        assert!(stands[member].is_null(), "{member}");
    }
}

#[tokio::test]
async fn org_11_what_is_deferred_is_owed_until_it_is_done_and_the_report_counts_it() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let report = async |query: &str| admin.get(&format!("/v1/reports/synchronous-handovers?from=2024-01-01{query}")).await.ok(200);
    assert_eq!(report("&as_of=2024-12-31").await["synchronous"], json!({"value": null, "numerator": 0, "denominator": 0}));
    let mut stands = measure(&admin, &inspected(&admin).await).await;
    stands = enter(&admin, &stands, "owners-body", deferred()).await.ok(200);
    for track in ["party-organization", "property-company"] {
        stands = enter(&admin, &stands, track, done(track, &place, "2024-06-15")).await.ok(200);
    }
    for action in ["mark-ready", "hand-over", "accept"] {
        stands = act(&admin, &stands, action, body(action)).await.ok(200);
    }
    assert_eq!((text(&stands, "state"), text(&stands, "verdict")), (Some("accepted"), Some("incomplete")));
    assert_eq!(act(&admin, &stands, "archive", json!({})).await.code(), "compound_handover.still_deferred");
    assert_eq!(enter(&admin, &stands, "party-organization", deferred()).await.code(), "compound_handover.settled");
    let counts = |report: &Value| {
        ["handed_over", "late", "incomplete", "deferred_open", "deferred_overdue", "deferred_closed"].map(|name| report[name].as_i64().unwrap())
    };
    let open = report("&as_of=2024-12-31").await;
    assert_eq!((counts(&open), open["median_days_to_close"].is_null()), ([1, 0, 1, 1, 0, 0], true));
    let done = enter(&admin, &stands, "owners-body", done("owners-body", &place, "2024-08-09")).await.ok(200);
    assert_eq!((text(&done, "verdict"), text(&done, "owners_body_signed_by")), (Some("late"), Some("龙池桥街道办事处")));
    let closed = report("&as_of=2024-12-31").await;
    assert_eq!((counts(&closed), closed["median_days_to_close"].as_i64()), ([1, 1, 0, 0, 0, 1], Some(40)));
    assert_eq!(closed["synchronous"], json!({"value": "0.0", "numerator": 0, "denominator": 1}));
    // By the day before it was done, it was not.
    assert_eq!(counts(&report("&as_of=2024-08-08").await), [1, 0, 1, 1, 0, 0]);
    assert_eq!(counts(&report("&as_of=2024-06-29").await)[0], 0, "handed over the day after");
    for (query, found) in [("&area_code=421181001001001", 1), ("&area_code=421181001001002", 0), ("&area_code=421181001", 1)] {
        assert_eq!(counts(&report(&format!("&as_of=2024-12-31{query}")).await)[0], found, "{query}");
    }
    let share = admin.get("/v1/statistics/handovers_synchronous_share?as_of=2024-12-31").await.ok(200);
    assert_eq!((share["numerator"].as_i64(), share["denominator"].as_i64()), (Some(0), Some(1)));
    let rows = admin.get(share["rows_of_whole"].as_str().unwrap()).await.ok(200)["items"].clone();
    assert_eq!((rows[0]["id"].clone(), text(&rows[0], "kind")), (done["id"].clone(), Some("compound_handover")));
    let ahead = admin.get("/v1/reports/synchronous-handovers?from=2025-01-01&as_of=2024-12-31").await;
    assert_eq!((ahead.status, ahead.code()), (422, "statistic.ends_before_it_begins"));
    act(&admin, &done, "archive", json!({})).await.ok(200);
    let neighbour = app.user(&["*"], "421181001002").await;
    assert_eq!(neighbour.get("/v1/reports/synchronous-handovers").await.code(), "synchronous_handover.unknown_area");
    assert_eq!(neighbour.get("/v1/reports/synchronous-handovers?area_code=421181001002").await.ok(200)["handed_over"], 0);
}
