//! Property projects and coverage (ORG-17): who serves which compound when, one as a whole at a time; self-management
//! counts, a part of the service does not.

use kernel::Role;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

const MARKET: &str = "91421199MA0000001U";
const LED: &str = "91421199MA0000002Y";
const LAKE: &str = "421181001001X001";
const STREET: &str = "421181001001X002";

async fn companies(admin: &User) {
    let file = format!("code,name,kind,founder_community_code\n{MARKET},安馨物业,commercial,\n{LED},桥头物业,community_led,421181001002\n");
    admin.import("property-companies", "effective_on=2020-01-01", file.into_bytes()).await.ok(200);
}

fn project(compound: &str, company: Option<&str>, kind: &str, from: &str) -> Value {
    json!({"compound_code": compound, "company_code": company, "kind": kind, "valid_from": from})
}

async fn enter(user: &User, body: Value) -> String {
    user.post("/v1/property-projects", body).await.ok(201)["id"].as_str().unwrap().to_owned()
}

async fn end(user: &User, id: &str, on: &str) -> Value {
    user.post(&format!("/v1/property-projects/{id}/end"), ending(on, 1)).await.ok(200)
}

#[tokio::test]
async fn org_17_a_project_lives_from_entry_to_end() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    companies(&admin).await;
    let mut new = project(LAKE, Some(MARKET), "full_service", "2024-01-01");
    for (name, value) in json!({"stage": "preliminary", "contract_number": "物服2024-1", "agreed_to": "2027-01-01", "filed_on": "2024-01-10", "fee_standard": "高层1.20元", "manager": "甲", "staff": 12})
        .as_object()
        .unwrap()
    {
        new[name] = value.clone();
    }
    let made = admin.post("/v1/property-projects", new.clone()).await.ok(201);
    let path = format!("/v1/property-projects/{}", made["id"].as_str().unwrap());
    assert_eq!(made["area_code"], "421181001001");
    assert_eq!(admin.get(&path).await.ok(200), made);
    for (name, value) in new.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!(admin.patch(&path, json!({"staff": 13})).await.code(), "version.missing");
    let changed = admin.patch(&path, json!({"stage": "regular", "staff": null, "version": 1})).await.ok(200);
    assert_eq!((changed["stage"].as_str(), changed["staff"].is_null()), (Some("regular"), true));
    assert_eq!(admin.patch(&path, json!({"staff": 10001, "version": 2})).await.errors(), ["/staff member.out_of_bounds"]);
    let early = admin.patch(&path, json!({"agreed_to": "2024-01-01", "version": 2})).await;
    assert_eq!((early.status, early.errors()), (422, vec!["/agreed_to property_project.agreed_before_it_begins".to_owned()]));
    let ended = admin.post(&format!("{path}/end"), ending("2025-07-01", 2)).await.ok(200);
    assert_eq!(ended["valid_to"], "2025-07-01");
    assert_eq!(admin.patch(&path, json!({"staff": 1, "version": 3})).await.code(), "period.ended");
    let on = async |query: &str| admin.get(&format!("/v1/property-projects?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    let mut days = Vec::new();
    for day in ["2023-12-31", "2024-01-01", "2025-06-30", "2025-07-01"] {
        days.push(on(&format!("compound_code={LAKE}&as_of={day}")).await);
    }
    assert_eq!(days, [0, 1, 1, 0]);
    for (query, count) in [
        ("area_code=421181001001001", 1),
        ("area_code=421181001001002", 0),
        ("area_code=421181001", 1),
        ("kind=unit_self", 0),
        (&format!("company_code={MARKET}"), 1),
        (&format!("company_code={LED}"), 0),
    ] {
        assert_eq!(on(&format!("{query}&as_of=2024-06-01")).await, count, "{query}");
    }
    assert_eq!(admin.get(&format!("{path}/history")).await.ok(200)["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn org_17_one_serves_a_compound_as_a_whole_at_a_time() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    companies(&admin).await;
    let first = enter(&admin, project(LAKE, Some(MARKET), "full_service", "2024-01-01")).await;
    let refused = async |body: Value| {
        let answer = admin.post("/v1/property-projects", body).await;
        (answer.status, answer.code().to_owned())
    };
    let conflict = |code: &str| (409, code.to_owned());
    assert_eq!(refused(project(LAKE, Some(LED), "full_service", "2024-06-01")).await, conflict("property_project.already_served"));
    assert_eq!(refused(project(LAKE, None, "owner_self", "2023-06-01")).await, conflict("property_project.already_served"), "it would not have ended by then");
    assert_eq!(refused(project(LAKE, Some(MARKET), "partial_service", "2024-06-01")).await, conflict("property_project.already"));
    enter(&admin, project(LAKE, Some(LED), "partial_service", "2024-06-01")).await;
    // What serves a part may not become the whole beside another; once that has ended it may.
    let part = admin.get(&format!("/v1/property-projects?company_code={LED}")).await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let whole = json!({"kind": "full_service", "version": 1});
    assert_eq!(admin.patch(&format!("/v1/property-projects/{part}"), whole.clone()).await.code(), "property_project.already_served");
    end(&admin, &first, "2024-06-01").await;
    admin.patch(&format!("/v1/property-projects/{part}"), whole).await.ok(200);
    // The day of the end is the other's first.
    enter(&admin, project(STREET, None, "unit_self", "2024-01-01")).await;
    for (body, code) in [
        (project(LAKE, None, "full_service", "2026-01-01"), "property_project.needs_company"),
        (project(LAKE, None, "partial_service", "2026-01-01"), "property_project.needs_company"),
        (project("421181001001X099", Some(LED), "full_service", "2026-01-01"), "compound.does_not_exist"),
        (project(LAKE, Some("91421199MA0000009L"), "full_service", "2026-01-01"), "property_company.does_not_exist"),
        (project(LAKE, Some("91421199MA0000009M"), "full_service", "2026-01-01"), "credit_code.wrong"),
    ] {
        assert_eq!(refused(body).await, (422, code.to_owned()));
    }
    // Neither the company nor the compound ends while one serves the other.
    let led = admin.by_code("property-companies", LED).await["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.post(&format!("/v1/property-companies/{led}/end"), ending("2026-01-01", 1)).await.code(), "property_company.has_projects");
    let bare = admin.post("/v1/compounds", json!({"code": "421181001001X008", "name": "新苑", "kind": "old", "valid_from": "2020-01-01"})).await.ok(201);
    let served = enter(&admin, project("421181001001X008", Some(LED), "full_service", "2024-01-01")).await;
    let leave = format!("/v1/compounds/{}/end", bare["id"].as_str().unwrap());
    assert_eq!(admin.post(&leave, ending("2026-01-01", 1)).await.code(), "compound.has_projects");
    end(&admin, &served, "2025-01-01").await;
    admin.post(&leave, ending("2026-01-01", 1)).await.ok(200);
    let market = admin.by_code("property-companies", MARKET).await["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/property-companies/{market}/end"), ending("2026-01-01", 1)).await.ok(200);
    assert_eq!(refused(project(STREET, Some(MARKET), "partial_service", "2026-01-01")).await, (422, "property_company.not_in_force".to_owned()));
}

#[tokio::test]
async fn org_17_two_contracts_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    companies(&admin).await;
    let both = [MARKET, LED].map(|company| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post("/v1/property-projects", project(LAKE, Some(company), "full_service", "2024-01-01")).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn org_17_coverage_is_of_a_day_and_counts_self_management() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    companies(&admin).await;
    let report = async |query: &str| admin.get(&format!("/v1/reports/property-coverage?{query}")).await.ok(200);
    let shares = |report: &Value| {
        (report["grids"]["value"].as_str().map(ToOwned::to_owned), report["grids"]["numerator"].as_i64(), report["compounds"]["numerator"].as_i64())
    };
    assert_eq!(shares(&report("as_of=2024-01-01").await), (Some("0.0".to_owned()), Some(0), Some(0)));
    let mut lake = project(LAKE, Some(LED), "full_service", "2024-01-01");
    lake["agreed_to"] = json!("2025-01-01");
    enter(&admin, lake).await;
    enter(&admin, project(STREET, Some(MARKET), "partial_service", "2024-01-01")).await;
    let one = report("as_of=2024-06-01").await;
    assert_eq!(one["grids"], json!({"value": "33.3", "numerator": 1, "denominator": 3}));
    assert_eq!(one["compounds"], json!({"value": "50.0", "numerator": 1, "denominator": 2}), "a part of the service covers nothing");
    assert_eq!(one["served_by"], json!({"commercial": 0, "community_led": 1, "unit_self": 0, "owner_self": 0}));
    let own = enter(&admin, project(STREET, None, "owner_self", "2024-07-01")).await;
    assert_eq!(shares(&report("as_of=2024-07-01").await), (Some("66.7".to_owned()), Some(2), Some(2)), "the grid without a compound counts");
    assert_eq!(report("as_of=2025-01-01").await["past_agreed_term"], 1, "it goes on until it is ended");
    assert_eq!(report("area_code=421181001001&as_of=2024-07-01").await["grids"], json!({"value": "100.0", "numerator": 2, "denominator": 2}));
    assert_eq!(report("area_code=421181001001002&as_of=2024-07-01").await["served_by"]["owner_self"], 1);
    // A small compound beside a served one in its grid leaves the grid covered in part.
    admin.post("/v1/compounds", json!({"code": "421181001001X003", "name": "小院", "kind": "self_built", "valid_from": "2024-01-01"})).await.ok(201);
    admin.post("/v1/compound-grids", json!({"compound_code": "421181001001X003", "grid_code": "421181001001001", "exception": "small_merge", "exception_reason": "二十户", "approved_by": "街道", "valid_from": "2024-01-01"})).await.ok(201);
    let part = report("as_of=2024-07-01").await;
    assert_eq!(
        (part["grids"]["numerator"].as_i64(), part["partly_covered_grids"].as_i64(), part["compounds"]["denominator"].as_i64()),
        (Some(2), Some(1), Some(3))
    );
    // Its rows, page by page.
    let mut codes = Vec::new();
    let mut path = "/v1/reports/property-coverage/grids?as_of=2024-07-01&limit=2&include_total=true".to_owned();
    loop {
        let page = admin.get(&path).await.ok(200);
        assert_eq!(page["total"], 3);
        codes.extend(page["items"].as_array().unwrap().iter().map(|row| {
            (
                row["code"].as_str().unwrap().to_owned(),
                row["covered"].as_bool().unwrap(),
                row["compounds"].as_i64().unwrap(),
                row["covered_compounds"].as_i64().unwrap(),
            )
        }));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/reports/property-coverage/grids?limit=2&include_total=true&after={next}");
    }
    let row = |code: &str, covered, compounds, served| (code.to_owned(), covered, compounds, served);
    assert_eq!(codes, [row("421181001001001", true, 2, 1), row("421181001001002", true, 1, 1), row("421181001002001", false, 0, 0)]);
    let open = admin.get("/v1/reports/property-coverage/compounds?covered=false&as_of=2024-07-01").await.ok(200);
    assert_eq!((open["items"].as_array().unwrap().len(), open["items"][0]["code"].as_str()), (1, Some("421181001001X003")));
    let led = admin.get("/v1/reports/property-coverage/compounds?covered=true&as_of=2024-07-01").await.ok(200)["items"][0].clone();
    assert_eq!((led["served_by"].as_str(), led["company_code"].as_str()), (Some("community_led"), Some(LED)));
    // What ends today does not move what was.
    end(&admin, &own, "2025-01-01").await;
    assert_eq!(report("as_of=2024-07-01").await, part);
    assert_eq!(report("as_of=2025-01-01").await["grids"]["numerator"], 1);
    assert_eq!(admin.get("/v1/reports/property-coverage?area_code=421181009").await.code(), "property_coverage.unknown_area");
}

#[tokio::test]
async fn org_17_projects_are_seen_and_written_in_their_community() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    companies(&admin).await;
    let id = enter(&admin, project(LAKE, Some(MARKET), "full_service", "2024-01-01")).await;
    let path = format!("/v1/property-projects/{id}");
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let compound = app.staff("compound", Role::CompoundSecretary, "421181001001001").await;
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    // The project links its company to the community, and to the grid.
    let company = admin.by_code("property-companies", MARKET).await;
    for user in [&secretary, &compound] {
        assert_eq!(user.get(&path).await.ok(200)["id"].as_str(), Some(id.as_str()));
        assert_eq!(user.by_code("property-companies", MARKET).await, company);
        assert_eq!(user.get("/v1/exports/property-companies.csv").await.text().lines().count(), 2);
    }
    // What she sees by the project and may not write comes in again as it is, and not otherwise.
    for form in ["csv", "ndjson", "xlsx"] {
        let out = secretary.get(&format!("/v1/exports/property-companies.{form}")).await;
        assert_eq!(secretary.import("property-companies", "", out.bytes).await.ok(200)["run"]["unchanged"], 1, "{form}");
    }
    let other = secretary.get("/v1/exports/property-companies.csv").await.text().replace("安馨物业", "安馨物业(改)");
    assert_eq!(secretary.import("property-companies", "", other.into_bytes()).await.faults(), ["2 code import.out_of_scope"]);
    assert_eq!(compound.patch(&path, json!({"staff": 3, "version": 1})).await.code(), "access.forbidden");
    for operation in ["", "/history"] {
        assert_eq!(neighbour.get(&format!("{path}{operation}")).await.code(), "property_project.unknown");
    }
    assert_eq!(neighbour.patch(&path, json!({"staff": 3, "version": 1})).await.code(), "property_project.unknown");
    assert_eq!(neighbour.post(&format!("{path}/end"), ending("2026-01-01", 1)).await.code(), "property_project.unknown");
    assert_eq!(neighbour.post("/v1/property-projects", project(STREET, None, "owner_self", "2024-01-01")).await.code(), "access.out_of_scope");
    assert_eq!(neighbour.get("/v1/property-companies?code=91421199MA0000001U").await.ok(200)["items"], json!([]));
    assert_eq!(neighbour.get("/v1/exports/property-projects.csv").await.text().lines().count(), 1);
    for report in ["property-coverage", "property-coverage/grids", "property-coverage/compounds"] {
        assert_eq!(neighbour.get(&format!("/v1/reports/{report}?area_code=421181001001")).await.code(), "property_coverage.unknown_area");
    }
    assert_eq!(neighbour.get("/v1/reports/property-coverage?area_code=421181001002").await.ok(200)["grids"]["denominator"], 1);
    assert_eq!(secretary.patch(&path, json!({"staff": 3, "version": 1})).await.ok(200)["staff"], 3);
}

#[tokio::test]
async fn org_17_projects_come_and_go_as_files() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    companies(&admin).await;
    let file = format!(
        "小区编码,物业企业代码,服务方式,合同阶段,约定期满日期,服务起始日期\n{LAKE},{MARKET},全面服务,正式,2027-01-01,2024-01-01\n{STREET},,业主自治,,,2024-01-01\n\
         {LAKE},{LED},全面服务,,,2024-01-01\n{STREET},,单位自管,,,2024-01-01\n{LAKE},,单项服务,,,2024-01-01\n421181001001X099,{LED},单项服务,,2020-01-01,2024-01-01\n\
         {STREET},91421199MA0000009L,单项服务,,,2024-01-01\n"
    );
    let answer = admin.import("property-projects", "mode=best_effort", file.into_bytes()).await;
    assert_eq!(
        answer.faults(),
        [
            "4 compound_code property_project.already_served",
            "5 compound_code import.duplicate",
            "6 company_code property_project.needs_company",
            "7 compound_code compound.does_not_exist",
            "7 agreed_to property_project.agreed_before_it_begins",
            "8 company_code property_company.does_not_exist"
        ]
    );
    assert_eq!(answer.ok(200)["run"]["created"], 2);
    for form in ["csv", "ndjson", "xlsx"] {
        let out = admin.get(&format!("/v1/exports/property-projects.{form}?headers=chinese")).await;
        assert_eq!(admin.import("property-projects", "", out.bytes).await.ok(200)["run"]["unchanged"], 2, "{form}");
    }
    // A row without a company is found again; another company in its place has to wait for its end.
    let change = format!("compound_code,kind,manager\n{STREET},owner_self,乙\n");
    assert_eq!(admin.import("property-projects", "", change.into_bytes()).await.ok(200)["run"]["changed"], 1);
    let other = format!("compound_code,company_code,kind\n{STREET},{LED},full_service\n");
    assert_eq!(admin.import("property-projects", "", other.clone().into_bytes()).await.faults(), ["2 compound_code property_project.already_served"]);
    let own = admin.get(&format!("/v1/property-projects?compound_code={STREET}")).await.ok(200)["items"][0].clone();
    admin.post(&format!("/v1/property-projects/{}/end", own["id"].as_str().unwrap()), ending("2025-01-01", 2)).await.ok(200);
    assert_eq!(admin.import("property-projects", "", other.into_bytes()).await.ok(200)["run"]["created"], 1);
    let again = format!("compound_code,company_code,kind,valid_from\n{STREET},,owner_self,2024-06-01\n");
    assert_eq!(admin.import("property-projects", "", again.into_bytes()).await.faults(), ["2 compound_code property_project.already_served"]);
    // So has one without a company where another without a company has its end ahead.
    let led = admin.get(&format!("/v1/property-projects?compound_code={STREET}&company_code={LED}")).await.ok(200)["items"][0].clone();
    admin.patch(&format!("/v1/property-projects/{}", led["id"].as_str().unwrap()), json!({"kind": "partial_service", "version": 1})).await.ok(200);
    let own = enter(&admin, project(STREET, None, "unit_self", "2025-06-01")).await;
    admin.post(&format!("/v1/property-projects/{own}/end"), ending("2099-01-01", 1)).await.ok(200);
    let next = format!("compound_code,kind,valid_from\n{STREET},owner_self,2026-01-01\n");
    assert_eq!(admin.import("property-projects", "", next.into_bytes()).await.faults(), ["2 compound_code property_project.already_served"]);
}

#[tokio::test]
async fn org_17_a_project_is_known_by_the_callers_own_key_and_in_batches() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    companies(&admin).await;
    let path = "/v1/property-projects/by-ref/erp/17";
    let made = admin.put(path, project(LAKE, Some(MARKET), "full_service", "2024-01-01")).await.ok(200);
    let mut newer = project(LAKE, Some(MARKET), "full_service", "2024-02-01");
    newer["manager"] = json!("丙");
    let changed = admin.put(path, newer).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64(), changed["valid_from"].as_str()), (true, Some(2), Some("2024-02-01")));
    assert_eq!(admin.put(path, project(LAKE, Some(LED), "full_service", "2024-01-01")).await.code(), "reference.code_fixed");
    let change = json!({"items": [
        {"end": {"id": made["id"], "on": "2025-01-01", "reason": "合同解除", "version": 2}},
        {"create": project(LAKE, Some(LED), "full_service", "2025-01-01")}
    ]});
    let done = admin.post("/v1/property-projects:batch", change).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 2, "succeeded": 2, "failed": 0}), "one company hands over to another in one request");
}
