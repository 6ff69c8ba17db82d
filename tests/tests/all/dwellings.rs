//! Dwellings (ORG-08): the parts of buildings that owners own and vote by, each at one door at a time.

use kernel::Role;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

const FLAT: &str = "42118100100100001010302";
const NEXT: &str = "42118100100100001010303";

fn dwelling(code: &str, unit: Option<&str>, room: &str) -> Value {
    json!({"code": code, "building_unit_no": unit, "room_no": room, "exclusive_area": "89.50", "area_basis": "register", "valid_from": "2023-01-01"})
}

async fn enter(user: &User, body: Value) -> String {
    user.post("/v1/dwellings", body).await.ok(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn org_08_a_dwelling_lives_from_entry_to_end() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let mut new = dwelling(FLAT, Some("1"), "302");
    new["floor"] = json!(3);
    let made = admin.post("/v1/dwellings", new.clone()).await.ok(201);
    let path = format!("/v1/dwellings/{}", made["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.ok(200), made);
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!((&made["building_code"], &made["area_code"], &made["use_kind"]), (&json!("42118100100100001"), &json!("421181001001"), &json!("residential")));
    assert_eq!((&made["delivered"], &made["sold"]), (&json!(true), &json!(true)));
    assert_eq!(admin.patch(&path, json!({"floor": 4})).await.code(), "version.missing");
    let changed = admin.patch(&path, json!({"exclusive_area": "89.6", "area_basis": "survey", "floor": null, "sold": false, "version": 1})).await.ok(200);
    assert_eq!((&changed["exclusive_area"], &changed["area_basis"], &changed["floor"]), (&json!("89.60"), &json!("survey"), &Value::Null));
    assert_eq!(admin.patch(&path, json!({"floor": 4, "version": 1})).await.code(), "version.stale");
    for floor in [-11, 201] {
        assert_eq!(admin.patch(&path, json!({"floor": floor, "version": 2})).await.errors(), ["/floor member.out_of_bounds"]);
    }
    assert_eq!(admin.patch(&path, json!({"floor": -10, "version": 2})).await.ok(200)["floor"], -10);
    for area in ["89.501", "-1", "1e3"] {
        assert_eq!(admin.patch(&path, json!({"exclusive_area": area, "version": 3})).await.errors(), ["/exclusive_area member.wrong_form"], "{area}");
    }
    let large = admin.patch(&path, json!({"exclusive_area": "1000000.00", "version": 3})).await;
    assert_eq!((large.status, large.errors()), (422, vec!["/exclusive_area dwelling.area_too_large".to_owned()]));
    assert_eq!(admin.patch(&path, json!({"exclusive_area": "999999.99", "version": 3})).await.ok(200)["exclusive_area"], "999999.99");
    let count = async |query: &str| admin.get(&format!("/v1/dwellings?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    for (query, found) in [
        ("area_code=421181001001", 1),
        ("area_code=421181001002", 0),
        ("area_code=421181001001001", 0),
        ("building_code=42118100100100001", 1),
        ("building_code=42118100100100002", 0),
        ("compound_code=421181001001X001", 1),
        ("compound_code=421181001001X002", 0),
        ("sold=false", 1),
        ("sold=true", 0),
        ("delivered=true", 1),
        ("delivered=false", 0),
        ("as_of=2022-12-31", 0),
    ] {
        assert_eq!(count(query).await, found, "{query}");
    }
    let ended = admin.post(&format!("{path}/end"), ending("2025-07-01", 4)).await.ok(200);
    assert_eq!(ended["valid_to"], "2025-07-01");
    assert_eq!(admin.patch(&path, json!({"floor": 1, "version": 5})).await.code(), "period.ended");
    assert_eq!((count("as_of=2025-06-30").await, count("as_of=2025-07-01").await), (1, 0));
    let history = admin.get(&format!("{path}/history")).await.ok(200);
    assert_eq!(history["items"].as_array().unwrap().len(), 5);
    assert_eq!(history["items"][3]["change"]["exclusive_area"], json!({"from": "89.50", "to": "89.60"}));
}

#[tokio::test]
async fn org_08_a_door_is_one_dwellings_and_stands_in_a_building() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let first = enter(&admin, dwelling(FLAT, Some("1"), "302")).await;
    let refused = async |body: Value| {
        let answer = admin.post("/v1/dwellings", body).await;
        (answer.status, answer.errors())
    };
    let fault = |status: u16, error: &str| (status, vec![error.to_owned()]);
    assert_eq!(refused(dwelling(FLAT, Some("1"), "999")).await, fault(409, "/code dwelling.code_taken"));
    assert_eq!(refused(dwelling(NEXT, Some("1"), "302")).await, fault(409, "/room_no dwelling.door_taken"));
    assert_eq!(refused(dwelling("42118100100100099010101", None, "101")).await, fault(422, "/code building.does_not_exist"));
    // The same room of another entrance, of none, or of another building, is another door.
    let second = enter(&admin, dwelling(NEXT, Some("2"), "302")).await;
    enter(&admin, dwelling("42118100100100001010304", None, "302")).await;
    assert_eq!(refused(dwelling("42118100100100001010305", None, "302")).await, fault(409, "/room_no dwelling.door_taken"));
    enter(&admin, dwelling("42118100100100002010302", Some("1"), "302")).await;
    let moved = admin.patch(&format!("/v1/dwellings/{second}"), json!({"building_unit_no": "1", "version": 1})).await;
    assert_eq!((moved.status, moved.code()), (409, "dwelling.door_taken"));
    // What was entered under a wrong code is ended, and its door is free; the code is not.
    admin.post(&format!("/v1/dwellings/{first}/end"), ending("2024-01-01", 1)).await.ok(200);
    assert_eq!(refused(dwelling(FLAT, Some("9"), "1")).await, fault(409, "/code dwelling.code_taken"));
    // It is free from that day on: before, two would have been behind it.
    let early = admin.patch(&format!("/v1/dwellings/{second}"), json!({"building_unit_no": "1", "version": 1})).await;
    assert_eq!((early.status, early.errors()), (409, vec!["/room_no dwelling.door_taken".to_owned()]));
    let mut heir = dwelling("42118100100100001010306", Some("1"), "302");
    heir["valid_from"] = json!("2023-12-31");
    assert_eq!(refused(heir).await, fault(409, "/room_no dwelling.door_taken"));
    admin.patch(&format!("/v1/dwellings/{second}"), json!({"building_unit_no": "1", "valid_from": "2024-01-01", "version": 1})).await.ok(200);
    // A building does not end before its dwellings.
    let new = json!({"code": "42118100100100003", "compound_code": "421181001001X001", "name": "3栋", "valid_from": "2023-01-01"});
    let building = admin.post("/v1/buildings", new).await.ok(201)["id"].as_str().unwrap().to_owned();
    let inside = enter(&admin, dwelling("42118100100100003010101", None, "101")).await;
    let leave = admin.post(&format!("/v1/buildings/{building}/end"), ending("2025-01-01", 1)).await;
    assert_eq!((leave.status, leave.code()), (409, "building.has_dwellings"));
    admin.post(&format!("/v1/dwellings/{inside}/end"), ending("2025-01-01", 1)).await.ok(200);
    admin.post(&format!("/v1/buildings/{building}/end"), ending("2025-01-01", 1)).await.ok(200);
    let mut late = dwelling("42118100100100003010102", None, "102");
    late["valid_from"] = json!("2025-01-01");
    assert_eq!(refused(late).await, fault(422, "/code building.not_in_force"));
}

#[tokio::test]
async fn org_08_what_has_no_end_is_not_put_into_what_has_one() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let site = json!({"code": "421181001001X009", "name": "将拆小区", "kind": "old", "valid_from": "2020-01-01"});
    let site = admin.post("/v1/compounds", site).await.ok(201)["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/compounds/{site}/end"), ending("2098-01-01", 1)).await.ok(200);
    let house = json!({"code": "42118100100100003", "compound_code": "421181001001X001", "name": "3栋", "valid_from": "2023-01-01"});
    let house = admin.post("/v1/buildings", house).await.ok(201)["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/buildings/{house}/end"), ending("2098-01-01", 1)).await.ok(200);
    let flat = enter(&admin, dwelling(FLAT, Some("1"), "302")).await;
    admin.post(&format!("/v1/dwellings/{flat}/end"), ending("2098-01-01", 1)).await.ok(200);
    let council = json!({"compound_code": "421181001001X009", "kind": "party_mass_council", "name": "议事会", "valid_from": "2024-01-01"});
    let owner = json!({"dwelling_code": FLAT, "organization_name": "示例公司", "valid_from": "2024-01-01"});
    for (resource, body, file, pointer, code) in [
        (
            "dwellings",
            dwelling("42118100100100003010101", None, "101"),
            "code,room_no,exclusive_area,area_basis\n42118100100100003010101,101,90,register\n",
            "code",
            "building.not_in_force",
        ),
        ("ownerships", owner, "dwelling_code,organization_name\n42118100100100001010302,示例公司\n", "dwelling_code", "dwelling.not_in_force"),
        ("governance-bodies", council, "compound_code,kind,name\n421181001001X009,party_mass_council,议事会\n", "compound_code", "compound.not_in_force"),
    ] {
        let answer = admin.post(&format!("/v1/{resource}"), body).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![format!("/{pointer} {code}")]), "{resource}");
        assert_eq!(admin.import(resource, "effective_on=2024-01-01", file.into()).await.faults(), [format!("2 {pointer} {code}")], "{resource}");
    }
    // What says of the flat what is so comes in as before.
    let out = admin.get("/v1/exports/dwellings.csv").await;
    assert_eq!(admin.import("dwellings", "", out.bytes).await.ok(200)["run"]["unchanged"], 1);
}

#[tokio::test]
async fn org_08_two_at_one_door_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let both = [FLAT, NEXT].map(|code| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post("/v1/dwellings", dwelling(code, None, "302")).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn org_08_dwellings_are_seen_and_written_in_their_community() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let id = enter(&admin, dwelling(FLAT, Some("1"), "302")).await;
    let path = format!("/v1/dwellings/{id}");
    let worker = app.staff("worker", Role::CommunityWorker, "421181001001").await;
    let compound = app.staff("compound", Role::CompoundSecretary, "421181001001001").await;
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    for user in [&worker, &compound] {
        assert_eq!(user.get(&path).await.ok(200)["id"].as_str(), Some(id.as_str()));
    }
    assert_eq!(compound.patch(&path, json!({"floor": 3, "version": 1})).await.code(), "access.forbidden");
    for operation in ["", "/history", "/owners"] {
        assert_eq!(neighbour.get(&format!("{path}{operation}")).await.code(), "dwelling.unknown", "{operation}");
    }
    assert_eq!(neighbour.patch(&path, json!({"floor": 3, "version": 1})).await.code(), "dwelling.unknown");
    assert_eq!(neighbour.post(&format!("{path}/end"), ending("2026-01-01", 1)).await.code(), "dwelling.unknown");
    assert_eq!(neighbour.post("/v1/dwellings", dwelling(NEXT, None, "303")).await.code(), "access.out_of_scope");
    assert_eq!(neighbour.get("/v1/dwellings?include_total=true").await.ok(200)["total"], 0);
    assert_eq!(neighbour.get("/v1/exports/dwellings.csv").await.text().lines().count(), 1);
    assert_eq!(worker.patch(&path, json!({"floor": 3, "version": 1})).await.ok(200)["floor"], 3);
}

#[tokio::test]
async fn org_08_dwellings_come_and_go_as_files() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = format!(
        "房屋编码,单元号,房号,所在层,专有部分面积,面积依据,用途,是否售出,启用日期\n{FLAT},1,302,3,89.5,登记,住宅,是,2023-01-01\n{NEXT},1,303,-1,120.00,测绘,车库,否,2023-01-01\n\
         42118100100100001010304,1,302,3,90,登记,,,2023-01-01\n42118100100100099010101,1,101,1,90,登记,,,2023-01-01\n\
         42118100100100001010305,1,305,3,1000000.00,合同,,,2023-01-01\n{FLAT},1,306,3,90,登记,,,2023-01-01\n4211810010010000101030,1,307,3,90,登记,,,2023-01-01\n\
         42118100100100001010308,1,308,3,89.501,登记,,,2023-01-01\n42118100100100001010309,1,309,3,,登记,,,2023-01-01\n42118100100100001010310,1,310,3,90,登记,,,2022-01-01\n"
    );
    let faults = [
        "4 room_no dwelling.door_taken",
        "5 code building.does_not_exist",
        "6 exclusive_area dwelling.area_too_large",
        "7 code import.duplicate",
        "8 code dwelling.bad_code",
        "9 exclusive_area text.not_an_area",
        "10 exclusive_area import.required",
    ];
    assert_eq!(admin.import("dwellings", "mode=dry_run", file.clone().into_bytes()).await.faults(), faults);
    assert_eq!(admin.get("/v1/dwellings").await.ok(200)["items"], json!([]), "a dry run keeps nothing");
    let answer = admin.import("dwellings", "mode=best_effort", file.into_bytes()).await;
    assert_eq!(answer.faults(), faults);
    assert_eq!(answer.ok(200)["run"]["created"], 3);
    for form in ["csv", "ndjson", "xlsx"] {
        let out = admin.get(&format!("/v1/exports/dwellings.{form}?headers=chinese")).await;
        assert_eq!(admin.import("dwellings", "", out.bytes).await.ok(200)["run"]["unchanged"], 3, "{form}");
    }
    let made = admin.by_code("dwellings", NEXT).await;
    assert_eq!((&made["use_kind"], &made["sold"], &made["delivered"], &made["floor"]), (&json!("garage"), &json!(false), &json!(true), &json!(-1)));
    let change = format!("code,room_no,exclusive_area,area_basis\n{FLAT},302,91,register\n");
    assert_eq!(admin.import("dwellings", "", change.clone().into_bytes()).await.ok(200)["run"]["changed"], 1);
    assert_eq!(admin.import("dwellings", "", change.into_bytes()).await.ok(200)["run"]["unchanged"], 1);
    let flat = admin.by_code("dwellings", FLAT).await;
    assert_eq!((&flat["exclusive_area"], &flat["building_unit_no"], &flat["version"]), (&json!("91.00"), &json!("1"), &json!(2)));
    // A door that is another's, and one that has ended.
    let other = "code,building_unit_no,room_no,exclusive_area,area_basis\n42118100100100001010399,1,302,90,register\n";
    assert_eq!(admin.import("dwellings", "", other.into()).await.faults(), ["2 room_no dwelling.door_taken"]);
    admin.post(&format!("/v1/dwellings/{}/end", flat["id"].as_str().unwrap()), ending("2025-01-01", 2)).await.ok(200);
    let early = "code,building_unit_no,room_no,exclusive_area,area_basis,valid_from\n42118100100100001010399,1,302,90,register,2024-12-31\n";
    assert_eq!(admin.import("dwellings", "", early.into()).await.faults(), ["2 room_no dwelling.door_taken"]);
    assert_eq!(admin.import("dwellings", "", other.into()).await.ok(200)["run"]["created"], 1);
    let again = format!("code,room_no,exclusive_area,area_basis\n{FLAT},398,91,register\n");
    assert_eq!(admin.import("dwellings", "", again.into_bytes()).await.faults(), ["2 code import.ended"]);
    // Pages go by the code.
    let mut codes = Vec::new();
    let mut path = "/v1/dwellings?limit=1&include_total=true&as_of=2025-06-01".to_owned();
    loop {
        let page = admin.get(&path).await.ok(200);
        codes.extend(page["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/dwellings?limit=1&include_total=true&after={next}");
    }
    assert_eq!(codes, [NEXT, "42118100100100001010310"], "the flat has ended, and its successor begins later");
}

#[tokio::test]
async fn org_08_a_dwelling_is_known_by_the_callers_own_key_and_in_batches() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let path = "/v1/dwellings/by-ref/register/17";
    let made = admin.put(path, dwelling(FLAT, Some("1"), "302")).await.ok(200);
    let mut newer = dwelling(FLAT, Some("1"), "302");
    newer["area_basis"] = json!("survey");
    let changed = admin.put(path, newer).await.ok(200);
    assert_eq!((changed["id"] == made["id"], &changed["version"], &changed["area_basis"]), (true, &json!(2), &json!("survey")));
    assert_eq!(admin.put(path, dwelling(NEXT, Some("1"), "303")).await.code(), "reference.code_fixed");
    let mut heir = dwelling(NEXT, Some("1"), "302");
    heir["valid_from"] = json!("2025-01-01");
    let change = json!({"items": [
        {"end": {"id": made["id"], "on": "2025-01-01", "reason": "两套合并", "version": 2}},
        {"create": heir},
        {"create": dwelling("42118100100100001010304", Some("1"), "304")}
    ]});
    let done = admin.post("/v1/dwellings:batch", change).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 3, "succeeded": 3, "failed": 0}), "the door passes on in one request");
}
