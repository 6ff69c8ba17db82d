//! What shows that something is done in a hand-over stays there on that day, and its compound stays until it is over (ORG-11).

use serde_json::{Value, json};
use testkit::{TestApp, app::ending};

use crate::handovers::{LAKE, THINGS, TRACKS, act, body, done, enter, register, set_up};
use crate::jobs::{release, stands_before};

const MARKET: &str = "91421199MA0000001U";
const BARE: &str = "421181001001X009";

#[tokio::test]
async fn org_11_what_shows_that_something_is_done_stays_there_on_that_day() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let mut stands = register(&admin).await;
    for track in TRACKS {
        stands = enter(&admin, &stands, track, done(track, &place, "2024-06-15")).await.ok(200);
    }
    let shown = [
        ("party-organizations", &place.organization, "party_organization.proves_handover"),
        ("governance-bodies", &place.committee, "governance_body.proves_handover"),
        ("property-projects", &place.project, "property_project.proves_handover"),
    ];
    for (resource, id, code) in shown {
        let path = format!("/v1/{resource}/{id}");
        let late = admin.patch(&path, json!({"valid_from": "2024-06-16", "version": 1})).await;
        assert_eq!((late.status, late.errors()), (409, vec![format!("/valid_from {code}")]), "{resource}");
        let gone = admin.post(&format!("{path}/end"), ending("2024-06-15", 1)).await;
        assert_eq!((gone.status, gone.errors()), (409, vec![format!("/on {code}")]), "{resource}");
        admin.patch(&path, json!({"valid_from": "2024-06-15", "version": 1})).await.ok(200);
    }
    let project = format!("/v1/property-projects/{}", place.project);
    let part = admin.patch(&project, json!({"kind": "partial_service", "version": 2})).await;
    assert_eq!((part.status, part.errors()), (409, vec!["/kind property_project.proves_handover".to_owned()]));
    for (resource, header, row, fault) in [
        (
            "party-organizations",
            "code,name,tier,form,nature,compound_code,valid_from",
            format!("Z-{LAKE},小区党支部,compound,branch,functional,{LAKE},2024-06-16"),
            "2 valid_from party_organization.proves_handover",
        ),
        (
            "governance-bodies",
            "compound_code,kind,name,agreed_to,valid_from",
            format!("{LAKE},property_management_committee,物管会,2027-06-01,2024-06-16"),
            "2 valid_from governance_body.proves_handover",
        ),
        (
            "property-projects",
            "compound_code,company_code,kind,stage,valid_from",
            format!("{LAKE},{MARKET},full_service,preliminary,2024-06-16"),
            "2 valid_from property_project.proves_handover",
        ),
        (
            "property-projects",
            "compound_code,company_code,kind,stage,valid_from",
            format!("{LAKE},{MARKET},partial_service,preliminary,2024-06-15"),
            "2 kind property_project.proves_handover",
        ),
    ] {
        assert_eq!(admin.import(resource, "", format!("{header}\n{row}\n").into_bytes()).await.faults(), [fault], "{resource}");
    }
    // What was rejected shows nothing any more.
    act(&admin, &stands, "reject", body("reject")).await.ok(200);
    for (resource, id, _) in shown {
        admin.patch(&format!("/v1/{resource}/{id}"), json!({"valid_from": "2024-07-01", "version": 2})).await.ok(200);
    }
}

#[tokio::test]
async fn org_11_a_first_day_does_not_move_under_an_import_of_hand_overs() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let file = format!(
        "compound_code,developer,handed_over_on,accepted_on,party_organization_done_on,owners_body_done_on,property_company_done_on,property_room_area,\
         community_room_area,documents_received\n{LAKE},甲,2024-06-30,2024-07-10,2024-06-15,2024-06-15,2024-06-15,180,320,true\n"
    );
    let client = app.db.connect().await;
    client.batch_execute("begin; lock table compound_handover in share row exclusive mode").await.unwrap();
    let importer = admin.clone();
    let under_way = tokio::spawn(async move { importer.import("handovers", "", file.into_bytes()).await });
    stands_before(&client).await;
    // It has found that all three were there on the day, and has not stored anything yet.
    let path = format!("/v1/property-projects/{}", place.project);
    let meanwhile = admin.patch(&path, json!({"valid_from": "2024-06-16", "version": 1})).await;
    assert_eq!((meanwhile.status, meanwhile.code()), (409, "import.in_progress"));
    let moved = format!("compound_code,company_code,kind,stage,valid_from\n{LAKE},{MARKET},full_service,preliminary,2024-06-16\n");
    let meanwhile = admin.import("property-projects", "", moved.into_bytes()).await;
    assert_eq!((meanwhile.status, meanwhile.code()), (409, "import.in_progress"));
    release(client).await;
    assert_eq!(under_way.await.unwrap().ok(200)["run"]["created"], 1);
    let refused = admin.patch(&path, json!({"valid_from": "2024-06-16", "version": 1})).await;
    assert_eq!((refused.status, refused.code()), (409, "property_project.proves_handover"));
}

#[tokio::test]
async fn org_11_a_compound_stays_while_its_hand_over_or_a_cross_appointment_is_on_its_way() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let new = json!({"code": BARE, "name": "新苑", "kind": "commercial", "valid_from": "2020-01-01"});
    let compound = admin.post("/v1/compounds", new).await.ok(201);
    let end = format!("/v1/compounds/{}/end", compound["id"].as_str().unwrap());
    let refused = async || {
        let answer = admin.post(&end, ending("2026-01-01", 1)).await;
        (answer.status, answer.code().to_owned())
    };
    let handover = admin.post(THINGS, json!({"compound_code": BARE, "developer": "新苑开发公司"})).await.ok(201);
    assert_eq!(refused().await, (409, "compound.has_open_handover".to_owned()));
    act(&admin, &handover, "reject", body("reject")).await.ok(200);
    let person = admin.post("/v1/people", json!({"name": "李华", "area_code": "421181001001"})).await.ok(201);
    let nominated = json!({"compound_code": BARE, "direction": "secretary_to_director", "person_id": person["id"]});
    let nominated: Value = admin.post("/v1/cross-appointments", nominated).await.ok(201);
    assert_eq!(refused().await, (409, "compound.has_cross_appointments".to_owned()));
    let withdraw = format!("/v1/cross-appointments/{}/withdraw", nominated["id"].as_str().unwrap());
    admin.post(&withdraw, json!({"reason": "本人放弃", "version": 1})).await.ok(200);
    // An end that lies ahead keeps new ones out: they would outlive the compound.
    admin.post(&end, ending("2100-01-01", 1)).await.ok(200);
    let late = admin.post(THINGS, json!({"compound_code": BARE, "developer": "新苑开发公司"})).await;
    assert_eq!((late.status, late.errors()), (422, vec!["/compound_code compound.not_in_force".to_owned()]));
    let late = json!({"compound_code": BARE, "direction": "secretary_to_director", "person_id": person["id"]});
    assert_eq!(admin.post("/v1/cross-appointments", late).await.errors(), ["/compound_code compound.not_in_force"]);
}
