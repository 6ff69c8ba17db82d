//! The five basics of a compound (ORG-01) and one core, many actors (ORG-02): computed from what is recorded, on any day.

use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

pub(crate) const LAKE: &str = "421181001001X001";
pub(crate) const STREET: &str = "421181001001X002";
const MARKET: &str = "91421199MA0000001U";

/// A core, a group and a hub of one compound, by the codes Z1, G1 and H1, and the core of the other.
const CHAIN: &str = "code,name,tier,form,nature,parent_code,compound_code,household_code,valid_from\n\
    Z1,翠湖党支部,compound,branch,formal,,421181001001X001,,2024-01-01\n\
    G1,一栋党小组,building_group,,,Z1,421181001001X001,,2024-01-01\n\
    H1,中心户甲,hub_household,,,G1,421181001001X001,42118100100100001010101,2024-02-01\n\
    Z2,老街党支部,compound,branch,formal,,421181001001X002,,2024-01-01\n";

/// The small town with its party organizations.
pub(crate) async fn town(app: &TestApp) -> User {
    let admin = app.small_town().await;
    admin.import("party-organizations", "", CHAIN.into()).await.ok(200);
    admin
}

pub(crate) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

/// A person of the first grid, and a full member of the Party where that is said.
pub(crate) async fn person(user: &User, name: &str, in_party: bool) -> Value {
    let person = user.post("/v1/people", json!({"name": name, "area_code": "421181001001001"})).await.ok(201);
    if in_party {
        let new = json!({"person_id": person["id"], "organization": "第一党支部", "joined_on": "2001-07-01", "full_on": "2002-07-01"});
        user.post("/v1/party-memberships", new).await.ok(201);
    }
    person
}

pub(crate) async fn post(user: &User, organization: &str, person: &Value, role: &str, from: &str) -> Value {
    let new = json!({"organization_code": organization, "person_id": person["id"], "role": role, "valid_from": from});
    user.post("/v1/party-posts", new).await.ok(201)
}

pub(crate) async fn body(user: &User, compound: &str, kind: &str, from: &str) -> Value {
    let new = json!({"compound_code": compound, "kind": kind, "name": "业委会", "agreed_to": "2099-01-01", "valid_from": from});
    user.post("/v1/governance-bodies", new).await.ok(201)
}

pub(crate) async fn seat(user: &User, body: &Value, person: &Value, role: &str, from: &str) -> Value {
    let new = json!({"governance_body_id": body["id"], "person_id": person["id"], "role": role, "valid_from": from});
    user.post("/v1/governance-body-members", new).await.ok(201)
}

async fn compound(user: &User, code: &str) -> String {
    id(&user.by_code("compounds", code).await).to_owned()
}

/// The check with this key.
fn check<'a>(profile: &'a Value, key: &str) -> &'a Value {
    profile["organization"]["checks"].as_array().unwrap().iter().find(|check| check["key"] == key).unwrap()
}

/// The keys of the checks that are passed.
fn passed(profile: &Value) -> Vec<&str> {
    let checks = profile["organization"]["checks"].as_array().unwrap();
    checks.iter().filter(|check| check["passed"] == true).map(|check| check["key"].as_str().unwrap()).collect()
}

fn lacking(answer: &Value) -> Vec<&str> {
    answer["missing"].as_array().unwrap().iter().map(|gap| gap["part"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn org_01_the_profile_is_computed_check_by_check_with_its_evidence() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let path = format!("/v1/compounds/{}/five-basics", compound(&admin, LAKE).await);
    let profile = async |query: &str| admin.get(&format!("{path}{query}")).await.ok(200);
    let bare = profile("?as_of=2025-06-01").await;
    assert_eq!((bare["compound_code"].as_str(), bare["as_of"].as_str(), bare["overall"].is_null()), (Some(LAKE), Some("2025-06-01"), true));
    for part in ["workforce", "rules", "activities", "guarantees"] {
        assert_eq!(bare[part], json!({"recorded": false}), "{part}");
    }
    assert_eq!((passed(&bare), bare["organization"]["complete"].as_bool()), (vec![], Some(false)));
    let missing = &check(&bare, "one_core")["missing"][0];
    assert_eq!((missing["check"].as_str(), missing["part"].as_str()), (Some("one_core"), Some("core")));
    assert!(missing["zh"].as_str().unwrap().contains("党组织") && missing["en"].as_str().unwrap().contains("party organization"), "{missing}");

    admin.import("party-organizations", "", CHAIN.into()).await.ok(200);
    let core = admin.by_code("party-organizations", "Z1").await;
    let now = profile("").await;
    assert_eq!(check(&now, "one_core")["evidence"], json!([{"kind": "party_organization", "id": core["id"], "since": "2024-01-01"}]));
    // A hub counts with its leader.
    assert_eq!((lacking(check(&now, "four_tiers")), check(&now, "four_tiers")["evidence"].as_array().unwrap().len()), (vec!["hub_household"], 1));
    let li = person(&admin, "李华", true).await;
    post(&admin, "H1", &li, "leader", "2024-03-01").await;
    assert_eq!(passed(&profile("").await), ["one_core", "four_tiers"]);
    assert_eq!(passed(&profile("?as_of=2024-02-29").await), ["one_core"], "he did not lead it yet");
    let secretary = post(&admin, "Z1", &li, "secretary", "2024-04-01").await;
    assert_eq!(check(&profile("").await, "secretary")["evidence"], json!([{"kind": "party_post", "id": secretary["id"], "since": "2024-04-01"}]));

    // A preparatory group is no body of owners; a committee needs its director.
    let wang = person(&admin, "王强", false).await;
    let group = body(&admin, LAKE, "preparatory_group", "2024-01-01").await;
    seat(&admin, &group, &wang, "director", "2024-01-01").await;
    assert_eq!(lacking(check(&profile("").await, "owners_body")), ["body", "director"]);
    let committee = body(&admin, LAKE, "owners_committee", "2024-05-01").await;
    assert_eq!(lacking(check(&profile("").await, "owners_body")), ["director"]);
    let directed = seat(&admin, &committee, &wang, "director", "2024-05-02").await;
    let kept = check(&profile("").await, "owners_body").clone();
    assert_eq!(
        kept["evidence"],
        json!([
            {"kind": "governance_body", "id": committee["id"], "since": "2024-05-01"},
            {"kind": "governance_body_member", "id": directed["id"], "since": "2024-05-02"}
        ])
    );
    // Somebody of both makes two-way entry; a leader of a hub or one who sits in is not in the committee of the organization.
    post(&admin, "Z1", &wang, "observer", "2024-05-03").await;
    assert_eq!(lacking(check(&profile("").await, "two_way_entry")), ["concurrent"]);
    let sits = seat(&admin, &committee, &li, "member", "2024-06-01").await;
    let both = check(&profile("").await, "two_way_entry").clone();
    assert_eq!(
        both["evidence"],
        json!([
            {"kind": "party_post", "id": secretary["id"], "since": "2024-04-01"},
            {"kind": "governance_body_member", "id": sits["id"], "since": "2024-06-01"}
        ])
    );

    // A part of the service does not count, the whole does.
    admin.import("property-companies", "effective_on=2020-01-01", format!("code,name,kind\n{MARKET},安馨物业,commercial\n").into_bytes()).await.ok(200);
    let part = json!({"compound_code": LAKE, "company_code": MARKET, "kind": "partial_service", "valid_from": "2024-01-01"});
    let part = admin.post("/v1/property-projects", part).await.ok(201);
    assert_eq!(lacking(check(&profile("").await, "property_service")), ["service"]);
    admin.patch(&format!("/v1/property-projects/{}", id(&part)), json!({"kind": "full_service", "version": 1})).await.ok(200);
    let charter = format!(
        "compound_code,document,company_code,clause,adopted_on,eligible,attending,agreeing,area_total,area_participating,area_agreeing,minutes_number,filed_on,filed_with,valid_from\n\
         {LAKE},residents_convention,,领导,2024-01-01,3,3,3,,,,1,2024-02-01,街道,2024-07-01\n\
         {LAKE},committee_rules,,领导,2024-01-01,3,3,3,3,3,3,2,2024-02-01,街道,2024-07-01\n"
    );
    admin.import("charter-inclusions", "", charter.into_bytes()).await.ok(200);
    let almost = profile("").await;
    assert_eq!((lacking(check(&almost, "charter")), almost["organization"]["complete"].as_bool()), (vec!["company_articles"], Some(false)));
    let articles = format!(
        "compound_code,document,company_code,clause,adopted_on,eligible,attending,agreeing,minutes_number,filed_on,filed_with,valid_from\n\
         {LAKE},company_articles,{MARKET},领导,2024-01-01,3,3,3,3,2024-02-01,登记机关,2024-08-01\n"
    );
    admin.import("charter-inclusions", "", articles.into_bytes()).await.ok(200);
    let whole = profile("").await;
    assert_eq!(
        passed(&whole),
        ["one_core", "secretary", "owners_body", "property_service", "four_tiers", "charter", "two_way_entry"],
        "{}",
        whole["organization"]
    );
    assert_eq!((whole["organization"]["complete"].as_bool(), whole["overall"].is_null()), (Some(true), true), "four of five are not recorded");
    // What was then is not moved by what is now.
    assert_eq!(profile("?as_of=2024-07-31").await["organization"]["complete"], false);
    assert_eq!(passed(&profile("?as_of=2023-12-31").await), Vec::<&str>::new());
    admin.post(&format!("/v1/party-posts/{}/end", id(&secretary)), ending("2025-01-01", 1)).await.ok(200);
    assert_eq!(lacking(check(&profile("").await, "secretary")), ["secretary"]);
    assert_eq!(profile("?as_of=2024-12-31").await["organization"]["complete"], true);
}

#[tokio::test]
async fn org_07_articles_count_of_the_company_that_serves_and_need_not_be_there_without_one() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let companies = format!("code,name,kind\n{MARKET},安馨物业,commercial\n91421199MA0000002Y,桥头物业,commercial\n");
    admin.import("property-companies", "effective_on=2020-01-01", companies.into_bytes()).await.ok(200);
    let serve = async |kind: &str, company: Option<&str>, from: &str| {
        let project = json!({"compound_code": LAKE, "company_code": company, "kind": kind, "valid_from": from});
        admin.post("/v1/property-projects", project).await.ok(201)
    };
    let stop = async |project: &Value, on: &str| {
        admin.post(&format!("/v1/property-projects/{}/end", id(project)), ending(on, 1)).await.ok(200);
    };
    // What is told of the articles, by the profile and the charter: passed, lacking, waived; complete, counted, counts, waived.
    let lake = compound(&admin, LAKE).await;
    let told = async |day: &str| {
        let profile = admin.get(&format!("/v1/compounds/{lake}/five-basics?as_of={day}")).await.ok(200);
        let charter = admin.get(&format!("/v1/compounds/{lake}/charter?as_of={day}")).await.ok(200);
        let (check, articles) = (check(&profile, "charter"), &charter["documents"][2]);
        assert!(articles["in_force"]["id"].is_string(), "whether it counts or not, it is shown");
        assert_eq!(check["passed"], charter["complete"], "{day}: both say the same");
        assert_eq!(check["waived"].as_array().unwrap().is_empty(), articles["waived"] == false, "{day}: both say the same");
        let parts = (lacking(check).contains(&"company_articles"), check["waived"].clone());
        (charter["complete"].as_bool().unwrap(), charter["documents_in_force"].as_i64().unwrap(), articles["counts"].as_bool().unwrap(), parts)
    };
    let counts = (true, 3, true, (false, json!([])));
    let misses = (false, 2, false, (true, json!([])));
    let waives = (true, 2, false, (false, json!(["company_articles"])));
    let charter = format!(
        "compound_code,document,company_code,clause,adopted_on,eligible,attending,agreeing,area_total,area_participating,area_agreeing,minutes_number,filed_on,filed_with,valid_from\n\
         {LAKE},residents_convention,,领导,2024-01-01,3,3,3,,,,1,2024-02-01,街道,2024-02-01\n\
         {LAKE},committee_rules,,领导,2024-01-01,3,3,3,3,3,3,2,2024-02-01,街道,2024-02-01\n\
         {LAKE},company_articles,{MARKET},领导,2024-01-01,3,3,3,,,,3,2024-02-01,登记机关,2024-02-01\n"
    );
    admin.import("charter-inclusions", "", charter.into_bytes()).await.ok(200);
    assert_eq!(told("2024-06-01").await, misses, "nobody serves");
    let cleans = serve("partial_service", Some(MARKET), "2024-03-01").await;
    assert_eq!(told("2024-06-01").await, misses, "it does not serve the compound as a whole");
    stop(&cleans, "2024-07-01").await;
    let serves = serve("full_service", Some(MARKET), "2024-07-01").await;
    assert_eq!(told("2024-06-30").await, misses);
    assert_eq!(told("2024-07-01").await, counts);
    stop(&serves, "2025-01-01").await;
    assert_eq!((told("2024-12-31").await, told("2025-01-01").await), (counts.clone(), misses.clone()), "it no longer serves");
    let other = serve("full_service", Some("91421199MA0000002Y"), "2025-01-01").await;
    assert_eq!(told("2025-01-01").await, misses, "those of another company");
    stop(&other, "2025-03-01").await;
    let owners = serve("owner_self", None, "2025-03-01").await;
    assert_eq!((told("2025-02-28").await, told("2025-03-01").await), (misses.clone(), waives.clone()));
    stop(&owners, "2025-06-01").await;
    let unit = serve("unit_self", None, "2025-06-01").await;
    assert_eq!(told("2025-06-01").await, waives);
    stop(&unit, "2025-09-01").await;
    // Self-management that leaves the work to a company has the articles of that company.
    let helped = serve("owner_self", Some(MARKET), "2025-09-01").await;
    assert_eq!(told("2025-09-01").await, counts);
    stop(&helped, "2026-01-01").await;
    assert_eq!(told("2026-01-01").await, misses);
}

#[tokio::test]
async fn org_02_who_fills_which_place_and_which_compounds_lack_one() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let (li, wang) = (person(&admin, "李华", true).await, person(&admin, "王强", false).await);
    let secretary = post(&admin, "Z1", &li, "secretary", "2024-04-01").await;
    let path = format!("/v1/compounds/{}/one-core", compound(&admin, LAKE).await);
    let one_core = async |query: &str| admin.get(&format!("{path}{query}")).await.ok(200);
    let early = one_core("").await;
    assert_eq!((lacking(&early), early["complete"].as_bool()), (vec!["body", "director", "service"], Some(false)));
    assert_eq!((early["bodies"].clone(), early["property_service"].is_null()), (json!([]), true));
    let committee = body(&admin, LAKE, "owners_committee", "2024-05-01").await;
    let council = body(&admin, LAKE, "party_mass_council", "2024-06-01").await;
    let director = seat(&admin, &committee, &wang, "director", "2024-05-02").await;
    admin.import("property-companies", "effective_on=2020-01-01", format!("code,name,kind\n{MARKET},安馨物业,commercial\n").into_bytes()).await.ok(200);
    let project = json!({"compound_code": LAKE, "company_code": MARKET, "kind": "full_service", "manager": "赵经理", "valid_from": "2024-01-01"});
    let project = admin.post("/v1/property-projects", project).await.ok(201);
    let full = one_core("").await;
    let core = admin.by_code("party-organizations", "Z1").await;
    assert_eq!(full["core"], json!({"id": core["id"], "code": "Z1", "name": "翠湖党支部", "since": "2024-01-01"}));
    assert_eq!(full["secretary"], json!({"id": secretary["id"], "person_id": li["id"], "name": "李华", "since": "2024-04-01"}));
    let directed = json!({"id": director["id"], "person_id": wang["id"], "name": "王强", "since": "2024-05-02"});
    assert_eq!(
        full["bodies"],
        json!([
            {"id": committee["id"], "kind": "owners_committee", "name": "业委会", "since": "2024-05-01", "director": directed},
            {"id": council["id"], "kind": "party_mass_council", "name": "业委会", "since": "2024-06-01", "director": null}
        ])
    );
    assert_eq!(
        full["property_service"],
        json!({"id": project["id"], "kind": "full_service", "company_code": MARKET, "company_name": "安馨物业", "manager": "赵经理", "since": "2024-01-01"})
    );
    assert_eq!((full["social_organizations"].clone(), lacking(&full), full["complete"].as_bool()), (json!({"recorded": false}), vec![], Some(true)));
    assert_eq!(lacking(&one_core("?as_of=2024-05-01").await), ["director"]);

    let report = async |query: &str| {
        let page = admin.get(&format!("/v1/reports/one-core?{query}")).await.ok(200);
        let codes = page["items"].as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        (codes, page)
    };
    let (codes, page) = report("include_total=true").await;
    assert_eq!((codes, page["total"].as_i64()), (vec![LAKE.to_owned(), STREET.to_owned()], Some(2)));
    assert_eq!((page["items"][0]["complete"].as_bool(), lacking(&page["items"][0])), (Some(true), vec![]));
    assert_eq!(lacking(&page["items"][1]), ["secretary", "body", "director", "service"], "it has a core");
    let (codes, page) = report("complete=false&include_total=true").await;
    assert_eq!((codes, page["total"].as_i64()), (vec![STREET.to_owned()], Some(1)));
    assert_eq!(report("complete=true").await.0, [LAKE]);
    assert_eq!(report("complete=true&as_of=2024-05-01").await.0, Vec::<String>::new());
    assert_eq!(report("as_of=2022-12-31").await.0, Vec::<String>::new(), "they were not there");
    assert_eq!(report("area_code=421181001001001").await.0, [LAKE], "of a grid, those that lie in it");
    assert_eq!(report("area_code=421181001002").await.0, Vec::<String>::new());
    let first = report("limit=1").await.1;
    assert_eq!(report(&format!("limit=1&after={}", first["next"].as_str().unwrap())).await.0, [STREET]);
}

#[tokio::test]
async fn org_01_the_profile_is_for_those_who_may_see_it() {
    let app = TestApp::start().await;
    let admin = town(&app).await;
    let lake = compound(&admin, LAKE).await;
    let neighbour = app.user(&["*"], "421181001002").await;
    let grid = app.user(&["five_basics.read", "compound.read"], "421181001001001").await;
    let blind = app.user(&["compound.read"], "421181").await;
    for part in ["five-basics", "one-core"] {
        let path = format!("/v1/compounds/{lake}/{part}");
        let answer = neighbour.get(&path).await;
        assert_eq!((answer.status, answer.code()), (404, "compound.unknown"), "{part}");
        assert_eq!(blind.get(&path).await.code(), "access.forbidden", "{part}");
        grid.get(&path).await.ok(200);
        assert_eq!(admin.get(&format!("/v1/compounds/00000000-0000-7000-8000-000000000000/{part}")).await.code(), "compound.unknown");
    }
    for (user, query) in [(&neighbour, ""), (&neighbour, "?area_code=421181001001"), (&admin, "?area_code=421181009"), (&grid, "?area_code=421181001001")] {
        let answer = user.get(&format!("/v1/reports/one-core{query}")).await;
        assert_eq!((answer.status, answer.code()), (404, "report.unknown_area"), "{query}");
    }
    assert_eq!(grid.get("/v1/reports/one-core?area_code=421181001001001").await.ok(200)["items"][0]["code"], LAKE);
    assert_eq!(blind.get("/v1/reports/one-core").await.code(), "access.forbidden");
}
