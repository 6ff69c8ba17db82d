//! Policy documents (ORG-13): each one version of its text, with its file and hash; local rules name their document.

use kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{TestApp, User, app::ending};

fn notice() -> Value {
    json!({"number": "示例〔2022〕3号", "title": "优化社区网格设置工作的通知", "issuer": "麻城市(示例)", "issued_on": "2022-11-20", "valid_from": "2022-11-25"})
}

fn revised() -> Value {
    json!({"number": "示例〔2024〕1号", "title": "优化社区网格设置工作的通知(修订)", "issuer": "麻城市(示例)", "issued_on": "2024-03-01", "replaces_number": "示例〔2022〕3号"})
}

async fn enter(user: &User, body: Value) -> Value {
    user.post("/v1/policy-documents", body).await.ok(201)
}

fn path(document: &Value) -> String {
    format!("/v1/policy-documents/{}", document["id"].as_str().unwrap())
}

#[tokio::test]
async fn org_13_a_document_is_in_force_from_a_day_to_a_day_and_its_revision_is_another() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let made = enter(&admin, notice()).await;
    assert_eq!((made["area_code"].as_str(), made["version"].as_i64(), made["files"].as_array().map(Vec::len)), (Some("421181"), Some(1), Some(0)));
    assert_eq!(admin.get(&path(&made)).await.ok(200), made);
    let newer = enter(&admin, revised()).await;
    assert_eq!(
        (newer["valid_from"].as_str(), newer["replaces_number"].as_str()),
        (Some("2024-03-01"), Some("示例〔2022〕3号")),
        "in force from its issue unless said"
    );
    assert_eq!(admin.patch(&path(&made), json!({"title": "通知"})).await.code(), "version.missing");
    let changed = admin.patch(&path(&made), json!({"title": "关于优化社区网格设置工作的通知", "version": 1})).await.ok(200);
    assert_eq!(changed["title"], "关于优化社区网格设置工作的通知");
    let ended = admin.post(&format!("{}/end", path(&made)), ending("2024-03-01", 2)).await.ok(200);
    assert_eq!(ended["valid_to"], "2024-03-01");
    assert_eq!(admin.patch(&path(&made), json!({"title": "迟", "version": 3})).await.code(), "period.ended");
    let numbers = async |query: &str| -> Vec<String> {
        let page = admin.get(&format!("/v1/policy-documents?{query}")).await.ok(200);
        page["items"].as_array().unwrap().iter().map(|item| item["number"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(numbers("as_of=2022-11-24").await, Vec::<String>::new());
    assert_eq!(numbers("as_of=2022-11-25").await, ["示例〔2022〕3号"]);
    assert_eq!(numbers("as_of=2024-03-01").await, ["示例〔2024〕1号"]);
    assert_eq!(numbers("replaces_number=示例〔2022〕3号&issuer=麻城&title=修订").await, ["示例〔2024〕1号"]);
    assert_eq!(numbers("number=示例〔2022〕3号").await, Vec::<String>::new(), "it is in force no longer");
    assert_eq!(admin.get(&format!("{}/history", path(&made))).await.ok(200)["items"].as_array().unwrap().len(), 3);
    // The latest issued first, page by page.
    for number in 2..7 {
        enter(&admin, json!({"number": format!("示例〔2023〕{number}号"), "title": "通知", "issuer": "市", "issued_on": format!("2023-0{}-01", number / 2)}))
            .await;
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/v1/policy-documents?limit=2&include_total=true{next}")).await.ok(200);
        assert_eq!(page["total"], 6);
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| (item["issued_on"].as_str().unwrap().to_owned(), item["id"].as_str().unwrap().to_owned())),
        );
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&after={cursor}");
    }
    assert!(seen.len() == 6 && seen.is_sorted_by(|a, b| a > b), "{seen:?}");
}

#[tokio::test]
async fn org_13_what_cannot_be_is_refused_by_name() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let first = enter(&admin, notice()).await;
    let refused = async |body: Value| {
        let answer = admin.post("/v1/policy-documents", body).await;
        (answer.status, answer.errors())
    };
    let with = |base: Value, name: &str, value: Value| {
        let mut body = base;
        body[name] = value;
        body
    };
    let fault = |status, pointer: &str, code: &str| (status, vec![format!("{pointer} {code}")]);
    assert_eq!(refused(notice()).await, fault(409, "/number", "policy_document.number_taken"));
    assert_eq!(
        refused(with(revised(), "replaces_number", json!("示例〔2021〕9号"))).await,
        fault(422, "/replaces_number", "policy_document.nothing_to_replace")
    );
    assert_eq!(refused(with(revised(), "issued_on", json!("2022-11-19"))).await, fault(422, "/replaces_number", "policy_document.replaces_later"));
    assert_eq!(refused(with(revised(), "issued_on", json!("9999-01-01"))).await, fault(422, "/issued_on", "period.out_of_years"));
    let itself = admin.patch(&path(&first), json!({"replaces_number": "示例〔2022〕3号", "version": 1})).await;
    assert_eq!((itself.status, itself.errors()), fault(422, "/replaces_number", "policy_document.ring"));
    let second = enter(&admin, revised()).await;
    let earlier = admin.patch(&path(&second), json!({"issued_on": "2020-01-01", "version": 1})).await;
    assert_eq!(earlier.code(), "policy_document.replaces_later", "also when the day is moved");
}

#[tokio::test]
async fn org_13_the_text_is_a_file_and_its_hash_is_shown() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let document = enter(&admin, notice()).await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let text = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n";
    let sent = admin.send(admin.request(Method::POST, "/v1/files?name=notice.pdf").body(text.to_vec())).await.ok(201);
    let attach = |user: &User, version: i64| {
        let request = user.request(Method::POST, &format!("/v1/files/{}/attach", sent["id"].as_str().unwrap()));
        request.json(&json!({"object_kind": "policy_document", "object_id": document["id"], "version": version}))
    };
    admin.send(attach(&admin, 1)).await.ok(200);
    let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    let filed = json!([{"id": sent["id"], "name": "notice.pdf", "media_type": "application/pdf", "size": text.len(), "sha256": hash}]);
    // Whoever sees the document reads the file; a document of the city is seen from all under it.
    for user in [&admin, &secretary] {
        assert_eq!(user.get(&path(&document)).await.ok(200)["files"], filed);
        assert_eq!(user.get("/v1/policy-documents").await.ok(200)["items"][0]["files"], filed);
        assert_eq!(user.get(&format!("/v1/files/{}/content", sent["id"].as_str().unwrap())).await.bytes, text);
    }
    assert_eq!(admin.patch(&path(&document), json!({"title": "改", "version": 1})).await.ok(200)["files"], filed);
    assert_eq!(
        admin.post(&format!("{}/end", path(&document)), ending("2025-01-01", 2)).await.ok(200)["files"],
        filed,
        "what is in force no longer keeps its text"
    );
    // Nobody files what he may not write.
    let own = secretary.send(secretary.request(Method::POST, "/v1/files?name=a.pdf").body(text.to_vec())).await.ok(201);
    let theirs = secretary
        .post(
            &format!("/v1/files/{}/attach", own["id"].as_str().unwrap()),
            json!({"object_kind": "policy_document", "object_id": document["id"], "version": 1}),
        )
        .await;
    assert_eq!(theirs.code(), "access.forbidden");
}

#[tokio::test]
async fn org_13_documents_are_seen_from_below_and_written_where_they_were_issued_for() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let city = enter(&admin, notice()).await;
    let officer = app.staff("officer", Role::SubdistrictOfficer, "421181001").await;
    let other = app.staff("other", Role::SubdistrictOfficer, "421181002").await;
    let worker = app.staff("worker", Role::CommunityWorker, "421181001001").await;
    assert_eq!(officer.post("/v1/policy-documents", revised()).await.code(), "access.out_of_scope", "the city unless said");
    let mut own = revised();
    own["area_code"] = json!("421181001");
    let own = enter(&officer, own).await;
    let seen = async |user: &User| user.get("/v1/policy-documents").await.ok(200)["items"].as_array().unwrap().len();
    assert_eq!((seen(&admin).await, seen(&officer).await, seen(&worker).await, seen(&other).await), (2, 2, 2, 1));
    for operation in ["", "/history"] {
        assert_eq!(other.get(&format!("{}{operation}", path(&own))).await.code(), "policy_document.unknown");
    }
    assert_eq!(other.post(&format!("{}/end", path(&own)), ending("2026-01-01", 1)).await.code(), "policy_document.unknown");
    assert_eq!(officer.patch(&path(&city), json!({"title": "改", "version": 1})).await.code(), "access.out_of_scope");
    assert_eq!(officer.patch(&path(&own), json!({"area_code": "421181002", "version": 1})).await.code(), "access.out_of_scope");
    assert_eq!(worker.patch(&path(&own), json!({"title": "改", "version": 1})).await.code(), "access.forbidden");
    assert_eq!(officer.patch(&path(&own), json!({"title": "改", "version": 1})).await.ok(200)["version"], 2);
}

#[tokio::test]
async fn org_13_documents_come_and_go_as_files_and_by_the_callers_own_key() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = "文号,标题,印发单位,印发日期,替代文号\n示例〔2024〕1号,修订,市,2024-03-01,示例〔2022〕3号\n示例〔2022〕3号,通知,市,2022年11月20日,\n\
                示例〔2024〕2号,无前,市,2024-03-02,示例〔1999〕1号\n示例〔2020〕1号,倒置,市,2020-01-01,示例〔2022〕3号\n示例〔2024〕3号,自身,市,2024-03-03,示例〔2024〕3号\n示例〔2025〕1号,后,市,2025-01-01,示例〔2024〕2号\n示例〔2025〕2号,再后,市,2025-01-02,示例〔2025〕1号\n,无号,市,2024-03-04,\n";
    let answer = admin.import("policy-documents", "mode=best_effort", file.into()).await;
    assert_eq!(
        answer.faults(),
        [
            "4 replaces_number policy_document.nothing_to_replace",
            "5 replaces_number policy_document.replaces_later",
            "6 replaces_number policy_document.ring",
            "7 replaces_number import.refers_to_fault",
            "8 replaces_number import.refers_to_fault",
            "9 number import.required"
        ]
    );
    assert_eq!(answer.ok(200)["run"]["created"], 2, "a document may stand before the one that it replaces");
    for form in ["csv", "ndjson", "xlsx"] {
        let out = admin.get(&format!("/v1/exports/policy-documents.{form}?headers=chinese")).await;
        assert_eq!(admin.import("policy-documents", "", out.bytes).await.ok(200)["run"]["unchanged"], 2, "{form}");
    }
    let later = "number,title,issuer,issued_on,replaces_number\n示例〔2023〕1号,倒置,市,2023-01-01,示例〔2024〕1号\n";
    assert_eq!(admin.import("policy-documents", "", later.into()).await.faults(), ["2 replaces_number policy_document.replaces_later"]);
    let by_key = "/v1/policy-documents/by-ref/oa/17";
    let mut own = notice();
    own["number"] = json!("示例〔2022〕9号");
    let made = admin.put(by_key, own.clone()).await.ok(200);
    own["title"] = json!("改");
    assert_eq!(admin.put(by_key, own.clone()).await.ok(200)["version"], 2);
    own["number"] = json!("示例〔2022〕10号");
    assert_eq!(admin.put(by_key, own).await.code(), "reference.code_fixed");
    let batch = json!({"items": [{"update": {"id": made["id"], "change": {"title": "再改", "version": 2}}}, {"end": {"id": made["id"], "on": "2025-01-01", "reason": "废止", "version": 3}}]});
    assert_eq!(admin.post("/v1/policy-documents:batch", batch).await.ok(200)["summary"]["succeeded"], 2);
}

#[tokio::test]
async fn org_13_a_local_rule_names_the_document_that_it_comes_from() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    enter(&admin, notice()).await;
    let mut db = app.db.connect().await;
    assert!(admin.get("/v1/reports/grid-division").await.ok(200)["size_band"]["document_number"].is_null(), "the default is practice, not a document");
    // Rules outlive tests, so this one is undone whatever happens in between.
    let rule = "insert into grid_size_band (id, valid_from, valid_to, min_households, max_households, basis, document_number) \
                values ('00000000-0000-7000-8000-000000000002', '1990-01-01', '1991-01-01', 200, 400, '通知', $1)";
    let work = db.transaction().await.unwrap();
    assert!(work.execute(rule, &[&"示例〔1999〕1号"]).await.unwrap_err().to_string().contains("db error"), "no rule comes from a document that is not there");
    work.rollback().await.unwrap();
    db.execute(rule, &[&"示例〔2022〕3号"]).await.unwrap();
    let report = admin.get("/v1/reports/grid-division?as_of=1990-06-01").await;
    db.execute("delete from grid_size_band where id = '00000000-0000-7000-8000-000000000002'", &[]).await.unwrap();
    assert_eq!(
        report.ok(200)["size_band"],
        json!({"rule_id": "00000000-0000-7000-8000-000000000002", "min_households": 200, "max_households": 400, "basis": "通知", "document_number": "示例〔2022〕3号"})
    );
}
