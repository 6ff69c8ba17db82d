//! Property companies (ORG-15): known by their credit code, led by a community or not, seen by whoever is linked to them.

use kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestApp, app::ending};

const CODE: &str = "91421199MA0000001U";
const OTHER: &str = "91421199MA0000002Y";

fn company() -> Value {
    json!({"code": CODE, "name": "麻城市安馨物业服务有限公司", "kind": "commercial", "legal_representative": "甲", "registered_address": "柳岸路1号", "valid_from": "2020-01-01"})
}

fn led() -> Value {
    json!({"code": OTHER, "name": "柳岸物业服务有限公司", "kind": "community_led", "founder_community_code": "421181001001", "valid_from": "2020-01-01"})
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

#[tokio::test]
async fn org_15_a_property_company_lives_from_entry_to_end() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = admin.post("/v1/property-companies", company()).await.ok(201);
    assert_eq!((made["area_code"].as_str(), made["founder_community_code"].is_null(), made["version"].as_i64()), (Some("421181"), true, Some(1)));
    let path = format!("/v1/property-companies/{}", id(&made));
    assert_eq!(admin.get(&path).await.ok(200), made);
    assert_eq!(admin.patch(&path, json!({"name": "新名"})).await.code(), "version.missing");
    assert_eq!(admin.patch(&path, json!({"name": "新名", "version": 7})).await.code(), "version.stale");
    let changed = admin.patch(&path, json!({"legal_representative": "乙", "registered_address": null, "version": 1})).await.ok(200);
    assert_eq!((changed["legal_representative"].as_str(), changed["registered_address"].is_null()), (Some("乙"), true));
    let ended = admin.post(&format!("{path}/end"), ending("2024-07-01", 2)).await.ok(200);
    assert_eq!(ended["valid_to"], "2024-07-01");
    assert_eq!(admin.patch(&path, json!({"name": "迟", "version": 3})).await.code(), "period.ended");
    let on = async |day: &str| admin.get(&format!("/v1/property-companies?code={CODE}&as_of={day}")).await.ok(200)["items"].as_array().unwrap().len();
    assert_eq!((on("2019-12-31").await, on("2020-01-01").await, on("2024-06-30").await, on("2024-07-01").await), (0, 1, 1, 0));
    let history = admin.get(&format!("{path}/history")).await.ok(200);
    let actions: Vec<&str> = history["items"].as_array().unwrap().iter().map(|change| change["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["property_company.ended", "property_company.changed", "property_company.created"]);
    // The code is never free again, the name is.
    assert_eq!(admin.post("/v1/property-companies", company()).await.code(), "property_company.code_taken");
    let mut namesake = led();
    namesake["name"] = company()["name"].clone();
    namesake["valid_from"] = json!("2024-07-01");
    admin.post("/v1/property-companies", namesake).await.ok(201);
}

#[tokio::test]
async fn org_15_what_no_company_can_be_is_refused_by_name() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    admin.post("/v1/property-companies", company()).await.ok(201);
    let refused = async |change: Value| {
        let mut body = led();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = admin.post("/v1/property-companies", body).await;
        (answer.status, answer.code().to_owned(), answer.errors())
    };
    let fault = |status, pointer: &str, code: &str| (status, code.to_owned(), vec![format!("{pointer} {code}")]);
    assert_eq!(refused(json!({"founder_community_code": null})).await, fault(422, "/founder_community_code", "property_company.founder_and_kind"));
    assert_eq!(refused(json!({"kind": "owner_self"})).await, fault(422, "/founder_community_code", "property_company.founder_and_kind"));
    assert_eq!(refused(json!({"founder_community_code": "421181001099"})).await, fault(422, "/founder_community_code", "property_company.no_such_founder"));
    assert_eq!(refused(json!({"name": company()["name"]})).await, fault(409, "/name", "property_company.name_taken"));
    assert_eq!(refused(json!({"code": "91421199MA0000002X"})).await.1, "credit_code.wrong", "another check digit");
    assert_eq!(refused(json!({"code": "91421199MA000000IU"})).await.2, ["/code member.wrong_form"]);
    // The database keeps the check digit as well.
    let insert =
        "insert into property_company (id, code, name, kind, area_code, valid_from) values (gen_random_uuid(), $1, 'x', 'commercial', '421181', '2020-01-01')";
    let db = app.db.connect().await;
    for (code, good) in
        [("91350100M000100Y43", true), ("9144030071526726XG", true), ("11320000MB151840XJ", true), ("91350100M000100Y4Z", false), ("91350100M000100Y44", false)]
    {
        assert_eq!(db.execute(&insert.replace("'x'", &format!("'{code}'")), &[&code]).await.is_ok(), good, "{code}");
    }
}

#[tokio::test]
async fn org_15_a_company_is_seen_where_it_is_kept_or_linked_and_written_where_it_is_kept() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let market = admin.post("/v1/property-companies", company()).await.ok(201);
    let own = admin.post("/v1/property-companies", led()).await.ok(201);
    assert_eq!(own["area_code"], "421181001001", "kept by the founder community unless said");
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    let manager = app.staff("manager", Role::PropertyManager, "421181001001").await;
    let seen = async |user: &testkit::User| user.get("/v1/property-companies?include_total=true").await.ok(200)["total"].as_i64().unwrap();
    assert_eq!((seen(&admin).await, seen(&secretary).await, seen(&manager).await, seen(&neighbour).await), (2, 1, 1, 0));
    let of = |company: &Value| format!("/v1/property-companies/{}", id(company));
    assert_eq!(secretary.patch(&of(&own), json!({"legal_representative": "丙", "version": 1})).await.ok(200)["version"], 2);
    assert_eq!(manager.patch(&of(&own), json!({"legal_representative": "丁", "version": 2})).await.code(), "access.forbidden");
    // Kept by the city now: the founder community still sees it, and no longer writes it.
    assert_eq!(secretary.patch(&of(&own), json!({"area_code": "421181", "version": 2})).await.code(), "access.out_of_scope");
    admin.patch(&of(&own), json!({"area_code": "421181", "version": 2})).await.ok(200);
    assert_eq!(secretary.get(&of(&own)).await.ok(200)["area_code"], "421181");
    assert_eq!(secretary.patch(&of(&own), json!({"legal_representative": "戊", "version": 3})).await.code(), "access.out_of_scope");
    assert_eq!(secretary.get("/v1/exports/property-companies.csv").await.text().lines().count(), 2, "exports show what lists show");
    for user in [&secretary, &neighbour] {
        for operation in ["", "/history"] {
            let hidden = user.get(&format!("{}{operation}", of(&market))).await;
            assert_eq!((hidden.status, hidden.code()), (404, "property_company.unknown"));
        }
        assert_eq!(user.post(&format!("{}/end", of(&market)), ending("2026-01-01", 1)).await.code(), "property_company.unknown");
    }
    // What is founded elsewhere, or kept above, is not for her to enter.
    let mut elsewhere = led();
    (elsewhere["code"], elsewhere["name"]) = (json!("91421199MA00000032"), json!("第三物业"));
    assert_eq!(neighbour.post("/v1/property-companies", elsewhere.clone()).await.code(), "access.out_of_scope");
    elsewhere["founder_community_code"] = json!("421181001002");
    neighbour.post("/v1/property-companies", elsewhere).await.ok(201);
}

#[tokio::test]
async fn org_15_nobody_names_a_community_as_founder_for_which_he_does_not_write() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let mut theirs = led();
    theirs["area_code"] = json!("421181001001");
    theirs["founder_community_code"] = json!("421181001002");
    let refused = secretary.post("/v1/property-companies", theirs.clone()).await;
    assert_eq!((refused.status, refused.code()), (403, "access.out_of_scope"));
    let own = secretary.post("/v1/property-companies", led()).await.ok(201);
    let path = format!("/v1/property-companies/{}", id(&own));
    assert_eq!(secretary.patch(&path, json!({"founder_community_code": "421181001002", "version": 1})).await.code(), "access.out_of_scope");
    let file = format!(
        "code,name,kind,founder_community_code,area_code\n{OTHER},柳岸物业服务有限公司,community_led,421181001002,421181001001\n\
                        91421199MA00000032,第三物业,community_led,421181001002,421181001001\n"
    );
    assert_eq!(
        secretary.import("property-companies", "", file.into_bytes()).await.faults(),
        ["2 founder_community_code property_company.founder_elsewhere", "3 founder_community_code property_company.founder_elsewhere"]
    );
    // Who may name it has named it; she goes on looking after the company, and leaves the founder as it is.
    admin.patch(&path, json!({"founder_community_code": "421181001002", "version": 1})).await.ok(200);
    secretary.patch(&path, json!({"founder_community_code": "421181001002", "legal_representative": "丙", "version": 2})).await.ok(200);
    let file = format!("code,name,kind,founder_community_code,area_code\n{OTHER},柳岸物业,community_led,421181001002,421181001001\n");
    assert_eq!(secretary.import("property-companies", "", file.into_bytes()).await.ok(200)["run"]["changed"], 1);
}

#[tokio::test]
async fn org_15_companies_come_and_go_as_files() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = format!(
        "统一社会信用代码,名称,类型,牵头社区编码\n{CODE},安馨物业,商业物业,\n{OTHER},柳岸物业,社区牵头物业,421181001001\n91421199MA0000009X,坏,商业物业,\n\
         91421199MA0000009L,安馨物业,单位自管,421181001001\n91421199MA00000032,新,社区牵头物业,421181001099\n"
    );
    let answer = admin.import("property-companies", "mode=best_effort", file.into_bytes()).await;
    assert_eq!(
        answer.faults(),
        [
            "4 code credit_code.wrong",
            "5 founder_community_code property_company.founder_and_kind",
            "5 name property_company.name_taken",
            "6 founder_community_code property_company.no_such_founder"
        ]
    );
    assert_eq!(answer.ok(200)["run"]["created"], 2);
    assert_eq!(admin.by_code("property-companies", CODE).await["area_code"], "421181");
    assert_eq!(admin.by_code("property-companies", OTHER).await["area_code"], "421181001001");
    for form in ["csv", "ndjson", "xlsx"] {
        let out = admin.get(&format!("/v1/exports/property-companies.{form}?headers=chinese")).await;
        assert_eq!(admin.import("property-companies", "", out.bytes).await.ok(200)["run"]["unchanged"], 2, "{form}");
    }
    // Whoever may write in one community may not enter what the city keeps.
    let worker = app.user(&["property_company.read", "property_company.write"], "421181001001").await;
    let theirs = format!("code,name,kind\n{CODE},改名,commercial\n91421199MA0000009L,新的,commercial\n");
    assert_eq!(worker.import("property-companies", "", theirs.into_bytes()).await.faults(), ["2 code import.out_of_scope", "3 code import.out_of_scope"]);
    let mine = "code,name,kind,area_code\n91421199MA0000009L,新的,commercial,421181001001\n";
    assert_eq!(worker.import("property-companies", "", mine.into()).await.ok(200)["run"]["created"], 1);
}

#[tokio::test]
async fn org_15_a_company_is_known_by_the_callers_own_key_and_in_batches() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let path = "/v1/property-companies/by-ref/erp/17";
    let made = admin.put(path, company()).await.ok(200);
    let mut renamed = company();
    renamed["name"] = json!("安馨物业(改)");
    let changed = admin.put(path, renamed).await.ok(200);
    assert_eq!((changed["id"] == made["id"], changed["version"].as_i64()), (true, Some(2)));
    assert_eq!(admin.put(path, led()).await.code(), "reference.code_fixed");
    let batch = json!({"mode": "best_effort", "items": [{"create": led()}, {"create": company()}, {"end": {"id": id(&made), "on": "2026-01-01", "reason": "注销", "version": 2}}]});
    let done = admin.post("/v1/property-companies:batch", batch).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 3, "succeeded": 2, "failed": 1}));
    assert_eq!(done["items"][1]["problem"]["code"], "property_company.code_taken");
    let head = admin.send(admin.request(Method::HEAD, &format!("/v1/property-companies/{}", id(&made)))).await;
    assert_eq!((head.status, head.headers["etag"].as_str()), (200, "\"3\""));
}
