//! Party organizations (ORG-02, ORG-06, ORG-16): a chain of typed parents in one compound, the buildings of groups, and the
//! branches of the property industry.

use kernel::Role;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

const LAKE: &str = "421181001001X001";
const STREET: &str = "421181001001X002";
const HOME: &str = "42118100100100001010101";
const NEXT_DOOR: &str = "42118100100100001010102";
const ACROSS: &str = "42118100100100002010101";
const FIRST: &str = "42118100100100001";

fn core(code: &str, compound: &str) -> Value {
    json!({"code": code, "name": "小区党支部", "tier": "compound", "form": "branch", "nature": "formal", "compound_code": compound, "valid_from": "2024-01-01"})
}

fn group(code: &str, parent: &str, compound: &str) -> Value {
    json!({"code": code, "name": "楼栋党小组", "tier": "building_group", "parent_code": parent, "compound_code": compound, "valid_from": "2024-01-01"})
}

fn hub(code: &str, parent: &str, household: &str) -> Value {
    json!({"code": code, "name": "党员中心户", "tier": "hub_household", "parent_code": parent, "compound_code": LAKE, "household_code": household, "valid_from": "2024-01-01"})
}

fn industry(code: &str, parent: Option<&str>) -> Value {
    let (tier, form) = if parent.is_some() { ("industry_branch", "branch") } else { ("industry_committee", "party_committee") };
    json!({"code": code, "name": "物业行业党组织", "tier": tier, "form": form, "nature": "formal", "parent_code": parent, "valid_from": "2024-01-01"})
}

/// The same body with other members.
fn with(mut body: Value, change: Value) -> Value {
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn path(organization: &Value) -> String {
    format!("/v1/party-organizations/{}", organization["id"].as_str().unwrap())
}

async fn enter(user: &User, body: Value) -> Value {
    user.post("/v1/party-organizations", body).await.ok(201)
}

/// A core, a group under it and a hub under that, in one compound.
async fn chain(user: &User) -> [Value; 3] {
    [enter(user, core("Z1", LAKE)).await, enter(user, group("G1", "Z1", LAKE)).await, enter(user, hub("H1", "G1", HOME)).await]
}

#[tokio::test]
async fn org_06_a_party_organization_lives_from_entry_to_end() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let new = with(
        core("Z1", LAKE),
        json!({"composite": true, "founding_mode": "joint", "approval_number": "街党〔2024〕1号", "approved_on": "2023-12-20", "agreed_to": "2029-01-01"}),
    );
    let made = enter(&admin, new.clone()).await;
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!((made["area_code"].as_str(), &made["building_codes"], made["version"].as_i64()), (Some("421181001001"), &json!([]), Some(1)));
    let path = path(&made);
    assert_eq!(admin.get(&path).await.ok(200), made);
    assert_eq!(admin.patch(&path, json!({"name": "新名"})).await.code(), "version.missing");
    assert_eq!(admin.patch(&path, json!({"name": "新名", "version": 7})).await.code(), "version.stale");
    let changed = admin.patch(&path, json!({"name": "翠湖花园党总支", "form": "general_branch", "agreed_to": null, "version": 1})).await.ok(200);
    assert_eq!((changed["form"].as_str(), changed["agreed_to"].is_null()), (Some("general_branch"), true));
    let shapeless = admin.patch(&path, json!({"form": null, "version": 2})).await;
    assert_eq!((shapeless.status, shapeless.errors()), (422, vec!["/form party_organization.form_and_tier".to_owned()]));
    let ended = admin.post(&format!("{path}/end"), ending("2025-07-01", 2)).await.ok(200);
    assert_eq!(ended["valid_to"], "2025-07-01");
    assert_eq!(admin.patch(&path, json!({"name": "迟", "version": 3})).await.code(), "period.ended");
    let history = admin.get(&format!("{path}/history")).await.ok(200);
    let actions: Vec<&str> = history["items"].as_array().unwrap().iter().map(|change| change["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["party_organization.ended", "party_organization.changed", "party_organization.created"]);
    // The compound is free for another core on that day, the code never again.
    assert_eq!(admin.post("/v1/party-organizations", core("Z1", STREET)).await.code(), "party_organization.code_taken");
    enter(&admin, with(core("Z2", LAKE), json!({"valid_from": "2025-07-01", "nature": "functional"}))).await;
    enter(&admin, industry("I1", None)).await;
    let count = async |query: &str| admin.get(&format!("/v1/party-organizations?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    for (query, expected) in [
        ("as_of=2023-12-31", 0),
        ("compound_code=421181001001X001&as_of=2025-06-30", 1),
        ("compound_code=421181001001X001&as_of=2025-07-01", 1),
        ("code=Z1&as_of=2025-06-30", 1),
        ("code=Z1&as_of=2025-07-01", 0),
        ("area_code=421181001001001", 1),
        ("area_code=421181001001002", 0),
        ("area_code=421181001001", 1),
        ("area_code=421181", 2),
        ("tier=industry_committee", 1),
        ("nature=functional", 1),
        ("name=行业", 1),
        ("parent_code=I1", 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn org_06_what_cannot_stand_in_the_chain_is_refused_by_name() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    chain(&admin).await;
    enter(&admin, core("Z2", STREET)).await;
    enter(&admin, industry("I1", None)).await;
    let over = enter(&admin, group("G9", "Z1", LAKE)).await;
    admin.post(&format!("{}/end", path(&over)), ending("2025-01-01", 1)).await.ok(200);
    admin.post("/v1/households", json!({"code": "42118100100100001010103", "name": "空", "valid_from": "2023-01-01"})).await.ok(201);
    let gone = admin.by_code("households", "42118100100100001010103").await["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/households/{gone}/end"), ending("2023-07-01", 1)).await.ok(200);
    let free = "421181001001X009";
    admin.post("/v1/compounds", json!({"code": free, "name": "新苑", "kind": "old", "valid_from": "2020-01-01"})).await.ok(201);
    for (body, status, fault) in [
        (core("Z1", free), 409, "/code party_organization.code_taken"),
        (core("Z9", LAKE), 409, "/compound_code party_organization.one_core"),
        (core("Z9", "421181001001X099"), 422, "/compound_code compound.does_not_exist"),
        (with(core("Z9", free), json!({"form": null})), 422, "/form party_organization.form_and_tier"),
        (with(core("Z9", free), json!({"nature": null})), 422, "/nature party_organization.form_and_tier"),
        (with(core("Z9", free), json!({"compound_code": null})), 422, "/compound_code party_organization.compound_and_tier"),
        (with(core("Z9", free), json!({"parent_code": "I1"})), 422, "/parent_code party_organization.parent_and_tier"),
        (with(core("Z9", free), json!({"area_code": "421181"})), 422, "/area_code party_organization.area_of_compound"),
        (with(core("Z9", free), json!({"agreed_to": "2024-01-01"})), 422, "/agreed_to party_organization.agreed_before_it_begins"),
        (with(group("G2", "Z1", LAKE), json!({"form": "branch"})), 422, "/form party_organization.form_and_tier"),
        (with(group("G2", "Z1", LAKE), json!({"composite": true})), 422, "/composite party_organization.composite_and_tier"),
        (with(group("G2", "Z1", LAKE), json!({"household_code": NEXT_DOOR})), 422, "/household_code party_organization.household_and_tier"),
        (with(group("G2", "Z1", LAKE), json!({"parent_code": null})), 422, "/parent_code party_organization.parent_and_tier"),
        (group("G2", "Z7", LAKE), 422, "/parent_code party_organization.parent_unknown"),
        (group("G2", "G1", LAKE), 422, "/parent_code party_organization.parent_tier"),
        (group("G2", "Z1", STREET), 422, "/parent_code party_organization.parent_compound"),
        (with(hub("H2", "G9", NEXT_DOOR), json!({"valid_from": "2025-01-01"})), 422, "/parent_code party_organization.parent_ended"),
        (hub("H2", "Z1", NEXT_DOOR), 422, "/parent_code party_organization.parent_tier"),
        (with(hub("H2", "G1", HOME), json!({"household_code": null})), 422, "/household_code party_organization.household_and_tier"),
        (hub("H2", "G1", HOME), 409, "/household_code party_organization.one_hub"),
        (hub("H2", "G1", ACROSS), 422, "/household_code party_organization.household_elsewhere"),
        (hub("H2", "G1", "42118100100100001019999"), 422, "/household_code party_organization.household_unknown"),
        (hub("H2", "G1", "42118100100100001010103"), 422, "/household_code party_organization.household_ended"),
        (with(industry("I2", Some("I1")), json!({"compound_code": LAKE})), 422, "/parent_code party_organization.parent_compound"),
        (industry("I2", Some("Z1")), 422, "/parent_code party_organization.parent_tier"),
    ] {
        let answer = admin.post("/v1/party-organizations", body.clone()).await;
        assert_eq!((answer.status, answer.errors()), (status, vec![fault.to_owned()]), "{body}");
    }
    // The keys hold the chain whoever writes it.
    let db = app.db.connect().await;
    for change in [
        "parent_code = 'G1' where code = 'G1'",
        "parent_code = 'Z2' where code = 'G1'",
        "parent_code = 'H1' where code = 'G1'",
        "tier = 'compound' where code = 'G1'",
    ] {
        assert!(db.execute(&format!("update party_organization set {change}"), &[]).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn org_02_two_cores_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let both = ["Z1", "Z2"].map(|code| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post("/v1/party-organizations", core(code, LAKE)).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn org_06_one_group_at_a_time_answers_for_a_building() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [z1, g1, _] = chain(&admin).await;
    let g2 = enter(&admin, group("G2", "Z1", LAKE)).await;
    let third = "42118100100100003";
    admin.post("/v1/buildings", json!({"code": third, "compound_code": LAKE, "name": "3栋", "valid_from": "2023-01-01"})).await.ok(201);
    let set = async |organization: &Value, body: Value| admin.put(&format!("{}/buildings", path(organization)), body).await;
    let first = set(&g1, json!({"building_codes": [third, FIRST], "on": "2025-01-01", "version": 1})).await.ok(200);
    assert_eq!((&first["building_codes"], first["version"].as_i64()), (&json!([FIRST, third]), Some(2)));
    let told = admin.get(&format!("{}/history", path(&g1))).await.ok(200)["items"][0].clone();
    assert_eq!(
        (told["action"].as_str(), &told["change"]),
        (Some("party_organization.changed"), &json!({"building_codes": {"from": [], "to": [FIRST, third]}}))
    );
    for (organization, body, status, fault) in [
        (&g1, json!({"building_codes": []}), 428, ""),
        (&g1, json!({"building_codes": [], "version": 1}), 412, ""),
        (&z1, json!({"building_codes": [FIRST], "version": 1}), 409, ""),
        (&g2, json!({"building_codes": [FIRST], "version": 1}), 409, "/building_codes party_organization.building_taken"),
        (&g2, json!({"building_codes": ["42118100100100002"], "version": 1}), 422, "/building_codes/0 party_organization.building_elsewhere"),
        (&g2, json!({"building_codes": ["42118100100100099"], "version": 1}), 422, "/building_codes/0 building.does_not_exist"),
    ] {
        let answer = set(organization, body.clone()).await;
        assert_eq!((answer.status, answer.errors().concat()), (status, fault.to_owned()), "{body}");
    }
    assert_eq!(set(&z1, json!({"building_codes": [], "version": 1})).await.code(), "party_organization.not_a_group");
    // A building does not end while a group answers for it; what was before stays.
    let building = admin.by_code("buildings", third).await["id"].as_str().unwrap().to_owned();
    let leave = format!("/v1/buildings/{building}/end");
    assert_eq!(admin.post(&leave, ending("2025-06-01", 1)).await.code(), "building.has_party_group");
    assert_eq!(set(&g1, json!({"building_codes": [FIRST], "on": "2025-06-01", "version": 2})).await.ok(200)["building_codes"], json!([FIRST]));
    admin.post(&leave, ending("2025-06-01", 1)).await.ok(200);
    let late = set(&g2, json!({"building_codes": [third], "on": "2025-07-01", "version": 1})).await;
    assert_eq!(late.errors(), ["/building_codes/0 building.not_in_force"]);
    let on = async |day: &str| admin.get(&format!("/v1/party-organizations?code=G1&as_of={day}")).await.ok(200)["items"][0]["building_codes"].clone();
    assert_eq!((on("2024-12-31").await, on("2025-05-31").await, on("2025-06-01").await), (json!([]), json!([FIRST, third]), json!([FIRST])));
    // Handed over: one gives it up, the other takes it, on the same day.
    set(&g1, json!({"building_codes": [], "on": "2026-01-01", "version": 3})).await.ok(200);
    set(&g2, json!({"building_codes": [FIRST], "on": "2026-01-01", "version": 1})).await.ok(200);
    assert_eq!(on("2025-12-31").await, json!([FIRST]));
    // With the group ends what it answers for.
    let g3 = enter(&admin, group("G3", "Z1", LAKE)).await;
    admin.post(&format!("{}/end", path(&g2)), ending("2026-02-01", 2)).await.ok(200);
    set(&g3, json!({"building_codes": [FIRST], "on": "2026-02-01", "version": 1})).await.ok(200);
}

#[tokio::test]
async fn org_06_two_groups_that_take_a_building_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [_, g1, _] = chain(&admin).await;
    let g2 = enter(&admin, group("G2", "Z1", LAKE)).await;
    let both = [g1, g2].map(|organization| {
        let (admin, path) = (admin.clone(), format!("{}/buildings", path(&organization)));
        tokio::spawn(async move { admin.put(&path, json!({"building_codes": [FIRST], "version": 1})).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn org_06_nothing_ends_under_what_goes_on() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [z1, g1, h1] = chain(&admin).await;
    let end = async |organization: &Value, on: &str| admin.post(&format!("{}/end", path(organization)), ending(on, 1)).await;
    assert_eq!(end(&z1, "2026-01-01").await.code(), "party_organization.has_children");
    assert_eq!(end(&g1, "2026-01-01").await.code(), "party_organization.has_children");
    let household = admin.by_code("households", HOME).await["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.post(&format!("/v1/households/{household}/end"), ending("2026-01-01", 1)).await.code(), "household.has_party_hub");
    for organization in [&h1, &g1, &z1] {
        end(organization, "2026-01-01").await.ok(200);
    }
    admin.post(&format!("/v1/households/{household}/end"), ending("2026-01-01", 1)).await.ok(200);
    let bare = admin.post("/v1/compounds", json!({"code": "421181001001X008", "name": "新苑", "kind": "old", "valid_from": "2020-01-01"})).await.ok(201);
    let z8 = enter(&admin, core("Z8", "421181001001X008")).await;
    let leave = format!("/v1/compounds/{}/end", bare["id"].as_str().unwrap());
    assert_eq!(admin.post(&leave, ending("2026-01-01", 1)).await.code(), "compound.has_party_organizations");
    end(&z8, "2026-01-01").await.ok(200);
    admin.post(&leave, ending("2026-01-01", 1)).await.ok(200);
}

#[tokio::test]
async fn org_16_companies_name_a_branch_of_the_industry() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    enter(&admin, core("Z1", LAKE)).await;
    let committee = enter(&admin, industry("I1", None)).await;
    assert_eq!(committee["area_code"], "421181");
    let branch = enter(&admin, industry("I2", Some("I1"))).await;
    let company = |code: &str, name: &str, branch: Value| json!({"code": code, "name": name, "kind": "commercial", "party_branch_code": branch, "valid_from": "2020-01-01"});
    for wrong in ["I9", "I1", "Z1"] {
        let answer = admin.post("/v1/property-companies", company("91421199MA0000001U", "安馨物业", json!(wrong))).await;
        assert_eq!((answer.status, answer.errors()), (422, vec!["/party_branch_code property_company.branch_unknown".to_owned()]), "{wrong}");
    }
    let one = admin.post("/v1/property-companies", company("91421199MA0000001U", "安馨物业", json!("I2"))).await.ok(201);
    assert_eq!(one["party_branch_code"], "I2");
    // A second one makes it a joint branch.
    let file = "code,name,kind,party_branch_code\n91421199MA0000002Y,桥头物业,commercial,I2\n91421199MA0000009L,坏,commercial,Z1\n";
    let answer = admin.import("property-companies", "mode=best_effort", file.into()).await;
    assert_eq!(answer.faults(), ["3 party_branch_code property_company.branch_unknown"]);
    let named = async || admin.get("/v1/property-companies?party_branch_code=I2").await.ok(200)["items"].as_array().unwrap().len();
    assert_eq!(named().await, 2);
    let end = format!("{}/end", path(&branch));
    assert_eq!(admin.post(&end, ending("2026-01-01", 1)).await.code(), "party_organization.has_companies");
    let of = |company: &Value| format!("/v1/property-companies/{}", company["id"].as_str().unwrap());
    let two = admin.by_code("property-companies", "91421199MA0000002Y").await;
    for company in [&one, &two] {
        admin.patch(&of(company), json!({"party_branch_code": null, "version": 1})).await.ok(200);
    }
    assert_eq!(named().await, 0);
    admin.post(&end, ending("2026-01-01", 1)).await.ok(200);
    assert_eq!(admin.patch(&of(&one), json!({"party_branch_code": "I2", "version": 2})).await.code(), "property_company.branch_ended");
}

#[tokio::test]
async fn org_06_party_organizations_are_seen_and_written_in_their_community() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [_, g1, _] = chain(&admin).await;
    let committee = enter(&admin, industry("I1", None)).await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let compound = app.staff("compound", Role::CompoundSecretary, "421181001001001").await;
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    for user in [&secretary, &compound] {
        assert_eq!(user.get(&path(&g1)).await.ok(200), g1);
        assert_eq!(user.get(&path(&committee)).await.ok(200), committee, "what stands above is seen");
    }
    assert_eq!(compound.patch(&path(&g1), json!({"name": "x", "version": 1})).await.code(), "access.forbidden");
    assert_eq!(secretary.patch(&path(&committee), json!({"name": "x", "version": 1})).await.code(), "access.out_of_scope");
    for operation in ["", "/history", "/checks"] {
        let hidden = neighbour.get(&format!("{}{operation}", path(&g1))).await;
        assert_eq!((hidden.status, hidden.code()), (404, "party_organization.unknown"), "{operation}");
    }
    assert_eq!(neighbour.patch(&path(&g1), json!({"name": "x", "version": 1})).await.code(), "party_organization.unknown");
    assert_eq!(neighbour.put(&format!("{}/buildings", path(&g1)), json!({"building_codes": [], "version": 1})).await.code(), "party_organization.unknown");
    assert_eq!(neighbour.post(&format!("{}/end", path(&g1)), ending("2026-01-01", 1)).await.code(), "party_organization.unknown");
    assert_eq!(neighbour.post("/v1/party-organizations", core("Z9", STREET)).await.code(), "access.out_of_scope");
    assert_eq!(neighbour.get("/v1/party-organizations?tier=building_group").await.ok(200)["items"], json!([]));
    assert_eq!(neighbour.get("/v1/exports/party-organizations.csv").await.text().lines().count(), 1);
    let unknown = admin.get("/v1/party-organizations/00000000-0000-7000-8000-000000000000").await;
    assert_eq!((unknown.status, unknown.code()), (404, "party_organization.unknown"));
    assert_eq!(secretary.patch(&path(&g1), json!({"name": "一栋党小组", "version": 1})).await.ok(200)["name"], "一栋党小组");
}

#[tokio::test]
async fn org_06_party_organizations_come_and_go_as_files() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = format!(
        "党组织代码,名称,层级,组织形式,性质,上级党组织代码,小区编码,户编码\n\
         Z1,翠湖党支部,小区(网格)党组织,党支部,功能型,,{LAKE},\n\
         G1,一栋党小组,楼栋党小组,,,Z1,{LAKE},\n\
         H1,中心户,党员中心户,,,G1,{LAKE},{HOME}\n\
         I1,行业党委,物业服务行业党委,党委,正式,,,\n\
         I2,第一党支部,行业党委所属党支部,党支部,正式,I1,,\n\
         Z2,又一个,小区(网格)党组织,党支部,正式,,{LAKE},\n\
         G2,坏,楼栋党小组,,,G9,{LAKE},\n\
         G3,坏,楼栋党小组,,,Z1,{STREET},\n\
         H2,坏,党员中心户,,,Z1,{LAKE},{NEXT_DOOR}\n\
         H3,坏,党员中心户,,,G1,{LAKE},{HOME}\n\
         H4,坏,党员中心户,,,G1,{LAKE},{ACROSS}\n\
         G4,坏,楼栋党小组,党支部,,Z1,{LAKE},\n\
         G5,连带,楼栋党小组,,,Z2,{LAKE},\n"
    );
    let faults = [
        "7 compound_code party_organization.one_core",
        "8 parent_code party_organization.parent_unknown",
        "9 parent_code party_organization.parent_compound",
        "10 parent_code party_organization.parent_tier",
        "11 household_code party_organization.one_hub",
        "12 household_code party_organization.household_elsewhere",
        "13 form party_organization.form_and_tier",
        "14 parent_code import.refers_to_fault",
    ];
    assert_eq!(admin.import("party-organizations", "mode=dry_run", file.clone().into_bytes()).await.faults(), faults);
    assert_eq!(admin.get("/v1/party-organizations").await.ok(200)["items"], json!([]), "a dry run leaves nothing");
    let answer = admin.import("party-organizations", "mode=best_effort", file.clone().into_bytes()).await;
    assert_eq!(answer.faults(), faults);
    assert_eq!(answer.ok(200)["run"]["created"], 5);
    assert_eq!(admin.import("party-organizations", "mode=best_effort", file.into_bytes()).await.ok(200)["run"]["unchanged"], 5);
    assert_eq!(admin.by_code("party-organizations", "H1").await["area_code"], "421181001001");
    assert_eq!(admin.by_code("party-organizations", "I2").await["area_code"], "421181");
    for form in ["csv", "ndjson", "xlsx"] {
        let out = admin.get(&format!("/v1/exports/party-organizations.{form}?headers=chinese")).await;
        assert_eq!(admin.import("party-organizations", "", out.bytes).await.ok(200)["run"]["unchanged"], 5, "{form}");
    }
    // A group is found by its code, and put under nothing that does not fit; what is fixed stays.
    let renamed = format!("code,name,tier,parent_code,compound_code\nG1,一栋、二栋党小组,building_group,Z1,{LAKE}\n");
    assert_eq!(admin.import("party-organizations", "", renamed.into_bytes()).await.ok(200)["run"]["changed"], 1);
    let moved = format!("code,name,tier,form,nature,compound_code\nZ1,翠湖党支部,compound,branch,functional,{STREET}\n");
    assert_eq!(admin.import("party-organizations", "", moved.into_bytes()).await.faults(), ["2 tier party_organization.fixed"]);
    let worker = app.user(&["party_organization.write"], "421181001002").await;
    let theirs =
        format!("code,name,tier,form,nature,compound_code\nZ8,越界,compound,branch,formal,{STREET}\nI8,越界,industry_committee,party_committee,formal,\n");
    assert_eq!(worker.import("party-organizations", "", theirs.into_bytes()).await.faults(), ["2 code import.out_of_scope", "3 code import.out_of_scope"]);
}

#[tokio::test]
async fn org_06_a_party_organization_is_known_by_the_callers_own_key_and_in_batches() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let by_ref = "/v1/party-organizations/by-ref/erp/17";
    let made = admin.put(by_ref, core("Z1", LAKE)).await.ok(200);
    let changed = admin.put(by_ref, with(core("Z1", LAKE), json!({"name": "翠湖党支部"}))).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64()), (true, Some(2)));
    assert_eq!(admin.put(by_ref, core("Z2", LAKE)).await.code(), "reference.code_fixed");
    assert_eq!(admin.put(by_ref, core("Z1", STREET)).await.errors(), ["/compound_code party_organization.fixed"]);
    let batch = json!({"mode": "best_effort", "items": [
        {"create": group("G1", "Z1", LAKE)},
        {"create": group("G1", "Z1", LAKE)},
        {"update": {"id": made["id"], "change": {"founding_mode": "seconded", "version": 2}}},
        {"end": {"id": made["id"], "on": "2026-01-01", "reason": "合并", "version": 3}}
    ]});
    let done = admin.post("/v1/party-organizations:batch", batch).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 4, "succeeded": 2, "failed": 2}));
    assert_eq!(done["items"][1]["problem"]["code"], "party_organization.code_taken");
    assert_eq!(done["items"][3]["problem"]["code"], "party_organization.has_children");
}
