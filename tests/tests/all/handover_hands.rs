//! The hands through which a hand-over goes (ORG-11): two at once, each role its part, strangers, the caller's own key, files.

use kernel::Role;
use serde_json::json;
use testkit::TestApp;

use crate::handovers::{LAKE, STREET, THINGS, TRACKS, act, body, deferred, done, enter, next, register, set_up, text};

#[tokio::test]
async fn org_11_of_two_at_once_one_is_done() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let two = [LAKE; 2].map(|compound| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post(THINGS, json!({"compound_code": compound, "developer": "开发公司"})).await.status })
    });
    let mut statuses = Vec::new();
    for one in two {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let stands = admin.get(THINGS).await.ok(200)["items"][0].clone();
    let both = ["party-organization", "owners-body"].map(|track| {
        let (admin, stands, entry) = (admin.clone(), stands.clone(), done(track, &place, "2024-06-15"));
        tokio::spawn(async move { enter(&admin, &stands, track, entry).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "whoever came second had not seen what the first did");
    let after = admin.get(&format!("{THINGS}/{}", text(&stands, "id").unwrap())).await.ok(200);
    assert_eq!(after["version"], 2);
}

#[tokio::test]
async fn org_11_each_does_his_part_and_strangers_see_nothing() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let housing = app.staff("housing", Role::Housing, "421181").await;
    let officer = app.staff("officer", Role::SubdistrictOfficer, "421181001").await;
    let neighbour = app.user(&["*"], "421181001002").await;
    let foreign = neighbour.post(THINGS, json!({"compound_code": LAKE, "developer": "开发公司"})).await;
    assert_eq!((foreign.status, foreign.code()), (403, "access.out_of_scope"));
    let made = register(&secretary).await;
    let path = format!("{THINGS}/{}", text(&made, "id").unwrap());
    for part in ["", "/history", "/next-actions"] {
        assert_eq!(neighbour.get(&format!("{path}{part}")).await.code(), "compound_handover.unknown", "{part}");
    }
    assert_eq!(neighbour.patch(&path, json!({"developer": "我", "version": 1})).await.code(), "compound_handover.unknown");
    for action in ["inspect", "order-rectification", "pass-inspection", "hand-over", "mark-ready", "accept", "archive", "reject"] {
        let answer = act(&neighbour, &made, action, body(action)).await;
        assert_eq!((answer.status, answer.code()), (404, "compound_handover.unknown"), "{action}");
    }
    for track in TRACKS {
        assert_eq!(enter(&neighbour, &made, track, deferred()).await.code(), "compound_handover.unknown", "{track}");
    }
    assert_eq!(neighbour.get(THINGS).await.ok(200)["items"], json!([]));
    // Housing inspects, the subdistrict defers, the community enters the rest.
    assert_eq!(act(&secretary, &made, "inspect", json!({})).await.code(), "access.forbidden");
    let refused = next(&secretary, &made, "inspect").await;
    assert_eq!((refused["allowed"].as_bool(), text(&refused["forbidden_by"], "code")), (Some(false), Some("access.forbidden")));
    let inspecting = act(&housing, &made, "inspect", json!({"note": "三方到场"})).await.ok(200);
    let stands = act(&housing, &inspecting, "pass-inspection", json!({})).await.ok(200);
    for user in [&secretary, &housing] {
        assert_eq!(enter(user, &stands, "owners-body", deferred()).await.code(), "access.forbidden");
    }
    let put_off = enter(&officer, &stands, "owners-body", deferred()).await.ok(200);
    let stands = enter(&secretary, &put_off, "party-organization", done("party-organization", &place, "2024-06-15")).await.ok(200);
    let history = admin.get(&format!("{path}/history")).await.ok(200)["items"].clone();
    let roles: Vec<_> = history.as_array().unwrap().iter().take(3).map(|line| line["acting_role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["community_secretary", "subdistrict_officer", "housing"]);
    assert_eq!((text(&history[1], "reason"), text(&history[3], "reason")), (Some("入住率不足"), Some("三方到场")));
    let auditor = app.staff("auditor", Role::Auditor, "421181").await;
    assert_eq!(auditor.get(&path).await.ok(200), stands);
    assert_eq!(enter(&auditor, &stands, "property-company", json!({"state": "in_progress", "note": "招标"})).await.code(), "access.forbidden");
}

#[tokio::test]
async fn org_11_it_is_known_by_the_callers_own_key_comes_in_batches_and_holds_its_documents() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let path = format!("{THINGS}/by-ref/erp/17");
    let new = json!({"compound_code": LAKE, "developer": "开发公司"});
    let made = admin.put(&path, new.clone()).await.ok(200);
    let mut newer = new.clone();
    newer["planned_on"] = json!("2026-12-31");
    let changed = admin.put(&path, newer).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64(), text(&changed, "planned_on")), (true, Some(2), Some("2026-12-31")));
    let other = json!({"compound_code": STREET, "developer": "开发公司"});
    assert_eq!(admin.put(&path, other).await.code(), "reference.code_fixed");
    let ahead = json!({"items": [{"end": {"id": made["id"], "on": "2199-01-01", "reason": "误登记", "version": 2}}]});
    assert_eq!(admin.post(&format!("{THINGS}:batch"), ahead).await.errors(), ["/items/0/on compound_handover.not_yet"]);
    let batch = json!({"items": [
        {"update": {"id": made["id"], "change": {"developer": "新开发公司", "version": 2}}},
        {"end": {"id": made["id"], "on": "2024-06-01", "reason": "误登记", "version": 3}},
        {"create": new}
    ]});
    let done = admin.post(&format!("{THINGS}:batch"), batch).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 3, "succeeded": 3, "failed": 0}));
    let rejected = admin.get(&format!("{THINGS}/{}", text(&made, "id").unwrap())).await.ok(200);
    assert_eq!((text(&rejected, "state"), text(&rejected, "rejected_on")), (Some("rejected"), Some("2024-06-01")));
    // The list of what was handed over is a file of it.
    let bytes = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n";
    let sent = admin.send(admin.request(reqwest::Method::POST, "/v1/files?name=list.pdf").body(bytes.to_vec())).await.ok(201);
    let to = json!({"object_kind": "compound_handover", "object_id": done["items"][2]["id"], "version": 1});
    admin.post(&format!("/v1/files/{}/attach", text(&sent, "id").unwrap()), to).await.ok(200);
    let reader = app.staff("reader", Role::CommunitySecretary, "421181001001").await;
    assert_eq!(reader.get(&format!("/v1/files/{}/content", text(&sent, "id").unwrap())).await.bytes, bytes);
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    assert_eq!(neighbour.get(&format!("/v1/files/{}", text(&sent, "id").unwrap())).await.code(), "file.unknown");
}
