//! Who may do what, where: the walk over every operation, and the edges of a key's area.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::contract};

/// Operations that need no key: it is here that one gets one, or that one checks what others show, or that load balancers,
/// which have none, learn whether to send requests. The list may only shrink.
const PUBLIC: [&str; 6] = ["get_client_token", "get_jwks", "get_liveness", "get_readiness", "log_in", "renew_session"];
/// Operations that need a key and no permission: they show the caller's own, or nothing.
const OWN: [&str; 10] = [
    "get_failed_rows",
    "get_import_run",
    "get_import_template",
    "get_me",
    "get_my_permissions",
    "list_files",
    "list_import_failures",
    "list_import_runs",
    "list_jobs",
    "list_roles",
];
/// Operations of people who have logged in, about their own accounts: a key is refused, whatever it permits.
const PERSONAL: [&str; 6] = ["begin_second_factor", "change_my_password", "confirm_second_factor", "end_my_session", "list_my_sessions", "log_out"];

fn operations() -> Vec<(String, Method, String, bool)> {
    let text = contract().operations_text();
    text.lines()
        .map(|line| {
            let mut words = line.split(' ').map(ToOwned::to_owned);
            let (id, method, path) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let many = path.contains("{id}");
            (id, method.parse().unwrap(), path, many)
        })
        .collect()
}

/// A body that passes the checks of form, so that the question of right is reached.
fn body(id: &str) -> Option<Value> {
    let new = |resource: &str| match resource {
        "subdistrict" => json!({"code": "421181001", "name": "街道"}),
        "community" => json!({"code": "421181001001", "name": "社区"}),
        "grid" => json!({"code": "421181001001001", "name": "网格"}),
        "compound" => json!({"code": "421181001001X001", "name": "小区", "kind": "old"}),
        "building" => json!({"code": "42118100100100001", "compound_code": "421181001001X001", "name": "楼"}),
        "household" => json!({"code": "42118100100100001010101", "name": "户"}),
        "dwelling" => json!({"code": "42118100100100001010101", "room_no": "101", "exclusive_area": "89.50", "area_basis": "register"}),
        "ownership" => json!({"dwelling_code": "42118100100100001010101", "organization_name": "单位"}),
        "account" => json!({"user_name": "li.hua", "name": "李华", "area_code": "421181"}),
        "role_grant" => json!({"account_id": "00000000-0000-7000-8000-000000000000", "role": "auditor", "area_code": "421181", "valid_to": "2199-01-01"}),
        "api_key" => json!({"name": "甲", "permissions": ["grid.read"], "area_code": "421181", "days": 1}),
        "compound_grid" => json!({"compound_code": "421181001001X001", "grid_code": "421181001001001"}),
        "person" => json!({"name": "甲", "area_code": "421181001001001"}),
        "person_merge" => {
            json!({"survivor_id": "00000000-0000-7000-8000-000000000000", "duplicate_id": "00000000-0000-7000-8000-000000000001", "reason": "测试"})
        }
        "party_membership" => json!({"person_id": "00000000-0000-7000-8000-000000000000", "organization": "支部", "joined_on": "2001-07-01"}),
        "party_organization" => {
            json!({"code": "DZZ-1", "name": "党支部", "tier": "compound", "form": "branch", "nature": "formal", "compound_code": "421181001001X001"})
        }
        "party_post" => json!({"organization_code": "DZZ-1", "person_id": "00000000-0000-7000-8000-000000000000", "role": "observer"}),
        "property_company" => json!({"code": "91421199MA0000001U", "name": "物业", "kind": "commercial"}),
        "property_project" => json!({"compound_code": "421181001001X001", "kind": "owner_self"}),
        "governance_body" => json!({"compound_code": "421181001001X001", "kind": "owners_committee", "name": "业委会"}),
        "governance_body_member" => {
            json!({"governance_body_id": "00000000-0000-7000-8000-000000000000", "person_id": "00000000-0000-7000-8000-000000000000", "role": "member"})
        }
        "policy_document" => json!({"number": "示例〔2022〕1号", "title": "通知", "issuer": "市", "issued_on": "2022-11-20"}),
        "charter_inclusion" => json!({"compound_code": "421181001001X001", "document": "residents_convention"}),
        "handover" => json!({"compound_code": "421181001001X001", "developer": "开发公司"}),
        "cross_appointment" => {
            json!({"compound_code": "421181001001X001", "direction": "secretary_to_director", "person_id": "00000000-0000-7000-8000-000000000000"})
        }
        "grid_redivision" => json!({"title": "重新划分", "area_code": "421181001001", "effective_on": "2027-01-01"}),
        "webhook" => json!({"name": "推送", "url": "https://hooks.example.cn/", "area_code": "421181"}),
        other => panic!("no body for {other}"),
    };
    if ["disable_account", "enable_account", "unlock_account", "end_account_sessions", "reset_second_factor", "reset_account_password", "revoke_api_key"]
        .contains(&id)
    {
        return Some(json!({"reason": "测试", "version": 1}));
    }
    match id {
        "log_in" => return Some(json!({"user_name": "li.hua", "password": "x"})),
        "renew_session" => return Some(json!({"refresh_token": "lr_x"})),
        "begin_second_factor" => return Some(json!({"password": "x"})),
        "confirm_second_factor" => return Some(json!({"code": "123456"})),
        "change_my_password" => return Some(json!({"password": "x", "new_password": "y"})),
        "end_webhook" => return Some(json!({"reason": "测试", "version": 1})),
        "replay_webhook" => return Some(json!({"after": "now", "version": 1})),
        "adopt_charter_inclusion" => {
            return Some(json!({"adopted_on": "2024-01-01", "eligible": 3, "attending": 3, "agreeing": 3, "minutes_number": "1", "version": 1}));
        }
        "file_charter_inclusion" => return Some(json!({"filed_on": "2024-01-01", "filed_with": "街道", "filing_number": "1", "version": 1})),
        "publish_charter_inclusion" => return Some(json!({"published_on": "2024-01-01", "version": 1})),
        "return_charter_inclusion" | "veto_charter_inclusion" => return Some(json!({"reason": "测试", "version": 1})),
        "revoke_charter_inclusion" => return Some(json!({"on": "2026-01-01", "reason": "测试", "version": 1})),
        "submit_charter_inclusion" | "pass_party_review" | "pass_legality_review" => return Some(json!({"version": 1})),
        "hand_over_compound" => return Some(json!({"handed_over_on": "2024-06-30", "version": 1})),
        "accept_handover" => return Some(json!({"accepted_on": "2024-07-10", "version": 1})),
        "order_handover_rectification" | "reject_handover" => return Some(json!({"reason": "测试", "version": 1})),
        "inspect_handover" | "pass_handover_inspection" | "mark_handover_ready" | "archive_handover" => return Some(json!({"version": 1})),
        "set_handover_party_organization" | "set_handover_owners_body" | "set_handover_property_company" => {
            return Some(json!({"state": "in_progress", "note": "推进中", "version": 1}));
        }
        "submit_cross_appointment" | "pass_cross_appointment_party_review" | "pass_cross_appointment_eligibility_review" | "check_cross_appointment" => {
            return Some(json!({"version": 1}));
        }
        "find_cross_appointment_ineligible" | "record_cross_appointment_defeat" | "withdraw_cross_appointment" | "decline_cross_appointment" => {
            return Some(json!({"reason": "测试", "version": 1}));
        }
        "elect_cross_appointment" => {
            return Some(json!({
                "assembly": "1", "elected_on": "2024-01-01", "eligible": 3, "attending": 3, "agreeing": 3,
                "area_total": "3", "area_participating": "3", "area_agreeing": "3", "version": 1
            }));
        }
        "choose_cross_appointment_director" => {
            return Some(json!({"governance_body_member_id": "00000000-0000-7000-8000-000000000000", "version": 1}));
        }
        "file_cross_appointment" => return Some(json!({"filed_on": "2024-01-01", "filed_with": "街道", "filing_number": "1", "version": 1})),
        "approve_cross_appointment" => return Some(json!({"approved_by": "党工委", "approved_on": "2024-01-01", "version": 1})),
        "appoint_cross_appointment" => return Some(json!({"party_post_id": "00000000-0000-7000-8000-000000000000", "version": 1})),
        "replace_grid_redivision_plan" => return Some(json!({"grids": [], "buildings": [], "version": 1})),
        "submit_grid_redivision"
        | "accept_grid_redivision"
        | "pass_grid_redivision"
        | "approve_grid_redivision"
        | "publish_grid_redivision"
        | "take_effect_grid_redivision" => return Some(json!({"version": 1})),
        "return_grid_redivision" | "withdraw_grid_redivision" | "revoke_grid_redivision" => return Some(json!({"reason": "测试", "version": 1})),
        "set_grid_boundary" | "set_community_boundary" => {
            let square = json!([[115.03, 31.18], [115.031, 31.18], [115.031, 31.181], [115.03, 31.181], [115.03, 31.18]]);
            return Some(json!({"boundary": {"type": "Polygon", "coordinates": [square]}, "version": 1}));
        }
        "challenge_webhook" | "rotate_webhook_secret" => return Some(json!({"version": 1})),
        _ => (),
    }
    let (verb, resource) = id.split_once('_')?;
    match verb {
        "create" | "put" => Some(new(resource)),
        "update" => Some(json!({"version": 1})),
        "set" => Some(json!({"building_codes": [], "version": 1})),
        "verify" => Some(json!({})),
        "search" => Some(json!({"name": "甲"})),
        "reopen" | "undo" => Some(json!({"reason": "测试", "version": 1})),
        "unmask" => Some(json!({"fields": ["phone"], "reason": "测试"})),
        "end" => Some(json!({"on": "2026-01-01", "reason": "测试", "version": 1})),
        "attach" => Some(json!({"object_kind": "compound", "object_id": "00000000-0000-7000-8000-000000000000", "version": 1})),
        "move" => Some(json!({"grid_code": "421181001001001", "reason": "测试", "version": 1})),
        "batch" => {
            let one = match resource.strip_suffix("ies") {
                _ if resource == "people" => "person".to_owned(),
                Some(stem) => format!("{stem}y"),
                None => resource.trim_end_matches('s').to_owned(),
            };
            Some(json!({"mode": "best_effort", "items": [{"create": new(&one)}]}))
        }
        _ => None,
    }
}

async fn call(user: &User, id: &str, method: &Method, path: &str, object: &str) -> testkit::Answer {
    let path = path
        .replace("{id}", object)
        .replace("{source}", "a")
        .replace("{ref}", "b")
        .replace("{resource}", "grids")
        .replace("{template}", "template.csv")
        .replace("{file}", "grids.csv")
        .replace("{key}", "grids")
        .replace("{code}", "421181001001001");
    let request = user.request(method.clone(), &path);
    let request = match body(id) {
        Some(body) => request.json(&body),
        None if *method == Method::POST => request.body("code,name\n421181001001001,网格\n"),
        None if *method == Method::DELETE => request.header("If-Match", "*"),
        None => request,
    };
    user.send(request).await
}

#[tokio::test]
async fn every_operation_refuses_strangers_and_the_powerless() {
    let app = TestApp::start().await;
    app.small_town().await;
    let (stranger, powerless) = (app.stranger(), app.user(&[], "421181").await);
    let unknown = "00000000-0000-7000-8000-000000000000";
    for (id, method, path, _) in operations() {
        let answer = call(&stranger, &id, &method, &path, unknown).await;
        if PUBLIC.contains(&id.as_str()) {
            assert!([200, 400, 401].contains(&answer.status) && answer.code() != "access.key_missing", "{id}: {}", answer.body);
            continue;
        }
        assert_eq!((answer.status, answer.code()), (401, "access.key_missing"), "{id} without a key");
        let answer = call(&powerless, &id, &method, &path, unknown).await;
        if PERSONAL.contains(&id.as_str()) {
            assert_eq!((answer.status, answer.code()), (403, "access.not_a_person"), "{id}");
        } else if id.starts_with("batch_") {
            assert_eq!(answer.body["items"][0]["problem"]["code"], "access.forbidden", "{id}: {}", answer.body);
        } else if !OWN.contains(&id.as_str()) && !path.contains("{id}") {
            assert_eq!((answer.status, answer.code()), (403, "access.forbidden"), "{id} without a permission: {}", answer.body);
        } else if path.contains("{id}") {
            assert!([403, 404].contains(&answer.status), "{id} without a permission: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_neighbours_objects_are_not_there() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    // The bridge community has a key that may do everything, in its own area.
    let neighbour = app.user(&["*"], "421181001002").await;
    for (resource, singular, code) in [
        ("grids", "grid", "421181001001001"),
        ("compounds", "compound", "421181001001X001"),
        ("buildings", "building", "42118100100100001"),
        ("households", "household", "42118100100100001010101"),
        ("communities", "community", "421181001001"),
    ] {
        let object = admin.by_code(resource, code).await;
        let id = object["id"].as_str().unwrap();
        for (operation, method, path, _) in operations().into_iter().filter(|(_, _, path, many)| *many && path.starts_with(&format!("/v1/{resource}/"))) {
            let answer = call(&neighbour, &operation, &method, &path, id).await;
            assert_eq!((answer.status, answer.code()), (404, format!("{singular}.unknown").as_str()), "{operation}");
        }
        let list = neighbour.get(&format!("/v1/{resource}?code={code}&include_total=true")).await.ok(200);
        assert_eq!((list["items"].as_array().unwrap().len(), list["total"].as_i64()), (0, Some(0)), "{resource}");
        assert_eq!(admin.get(&format!("/v1/{resource}/{id}")).await.body, object, "{resource} was touched");
    }
    let link = admin.get("/v1/compound-grids").await.ok(200)["items"][0].clone();
    assert_eq!(neighbour.get(&format!("/v1/compound-grids/{}", link["id"].as_str().unwrap())).await.code(), "compound_grid.unknown");
    let time = admin.get("/v1/household-grids").await.ok(200)["items"][0].clone();
    assert_eq!(neighbour.get(&format!("/v1/household-grids/{}", time["id"].as_str().unwrap())).await.code(), "household_grid.unknown");
    assert_eq!(neighbour.get("/v1/exports/households.csv").await.text().lines().count(), 1, "only the header");
    assert_eq!(neighbour.get("/v1/reports/grid-division?area_code=421181001001").await.code(), "grid_division.unknown_area");
    let create = neighbour.post("/v1/grids", json!({"code": "421181001001008", "name": "越界"})).await;
    assert_eq!((create.status, create.code()), (403, "access.out_of_scope"));
    let file = neighbour.import("grids", "", b"code,name\n421181001001008,over\n421181001001001,over\n".to_vec()).await;
    assert_eq!(file.faults(), ["2 code import.out_of_scope", "3 code import.out_of_scope"]);
}

#[tokio::test]
async fn whoever_sees_a_grid_sees_what_it_is_in_and_may_not_write_it() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let secretary = app.user(&["*"], "421181001001001").await;
    let codes = async |path: &str| -> Vec<String> {
        secretary.get(path).await.ok(200)["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes("/v1/subdistricts").await, ["421181001"]);
    assert_eq!(codes("/v1/communities").await, ["421181001001"]);
    assert_eq!(codes("/v1/grids").await, ["421181001001001"]);
    assert_eq!(codes("/v1/compounds").await.len(), 2, "those of the community");
    assert_eq!(codes("/v1/households").await, ["42118100100100001010101", "42118100100100001010102"]);
    let community = admin.by_code("communities", "421181001001").await["id"].as_str().unwrap().to_owned();
    let answer = secretary.patch(&format!("/v1/communities/{community}"), json!({"name": "我的", "version": 1})).await;
    assert_eq!((answer.status, answer.code()), (403, "access.out_of_scope"));
    let household = admin.by_code("households", "42118100100100001010101").await["id"].as_str().unwrap().to_owned();
    let away = secretary.post(&format!("/v1/households/{household}/move"), json!({"grid_code": "421181001001002", "reason": "推出去", "version": 1})).await;
    assert_eq!(away.code(), "access.out_of_scope");
}

#[tokio::test]
async fn keys_end() {
    let app = TestApp::start().await;
    let (id, key) = app.key(&["grid.read"], "421181").await;
    let client = reqwest::Client::new();
    let status = async |key: &str| client.get(format!("{}/v1/grids", app.base)).bearer_auth(key).send().await.unwrap().status().as_u16();
    assert_eq!(status(&key).await, 200);
    app.revoke(id).await;
    // A key that was good a moment ago is trusted for a second at the most.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(status(&key).await, 401);
    let (id, brief) = app.key(&["grid.read"], "421181").await;
    app.db.connect().await.execute("update api_key set created_at = now() - interval '2 days', expires_at = now() where id = $1", &[&id.0]).await.unwrap();
    assert_eq!(status(&brief).await, 401);
    let (_, other) = app.key(&["household.read"], "421181").await;
    assert_eq!((status(&other).await, status("lk_live_x").await, status("").await), (403, 401, 401));
}
