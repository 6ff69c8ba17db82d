//! What holds for every resource, shown on all of them: make, read, change, end, history, by-ref, methods.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

/// Of each resource with a code: where it is, an object to make, a change of it, and the code of its parent's fault.
fn resources() -> Vec<(&'static str, Value, Value)> {
    vec![
        ("subdistricts", json!({"code": "421181002", "name": "鼓楼街道"}), json!({"name": "鼓楼街道办"})),
        ("communities", json!({"code": "421181001003", "name": "书院社区", "kind": "village_to_community"}), json!({"kind": "urban"})),
        (
            "grids",
            json!({"code": "421181001001009", "name": "医院网格", "kind": "dedicated", "dedicated_kind": "hospital"}),
            json!({"dedicated_kind": null, "kind": "urban"}),
        ),
        (
            "compounds",
            json!({"code": "421181001001X009", "name": "金桂苑", "kind": "commercial", "floor_area": "12000.5", "gated": true, "delivered_on": "2019-06-30", "parking_spaces": 80}),
            json!({"floor_area": "12000.75", "gated": null}),
        ),
        (
            "buildings",
            json!({"code": "42118100100100009", "compound_code": "421181001001X001", "name": "9栋", "floors_above": 18}),
            json!({"floors_above": 17, "built_year": 2008}),
        ),
        (
            "households",
            json!({"code": "42118100100100001010999", "grid_code": "421181001001001", "name": "1单元0999", "residents": 2}),
            json!({"residents": null}),
        ),
        (
            "compound-grids",
            json!({"compound_code": "421181001001X001", "grid_code": "421181001001002", "exception": "large_split", "exception_reason": "一千余户", "approved_by": "街道办"}),
            json!({"exception_reason": "一千二百户"}),
        ),
    ]
}

async fn versions(user: &User, path: &str) -> Vec<(String, i64)> {
    let page = user.get(&format!("{path}/history")).await.ok(200);
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["action"].as_str().unwrap().rsplit('.').next().unwrap().to_owned(), change["version"].as_i64().unwrap()))
        .collect()
}

#[tokio::test]
async fn org_03_every_resource_lives_from_creation_to_end() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    for (resource, mut new, change) in resources() {
        new["valid_from"] = json!("2024-01-01");
        let made = admin.post(&format!("/v1/{resource}"), new.clone()).await;
        assert_eq!(made.status, 201, "{resource}: {}", made.body);
        let path = format!("/v1/{resource}/{}", made.body["id"].as_str().unwrap());
        assert_eq!(made.headers["location"], path);
        assert_eq!(made.headers["etag"], "\"1\"");

        let read = admin.get(&path).await;
        assert_eq!(read.body, made.body, "{resource}");
        let again = admin.send(admin.request(Method::GET, &path).header("If-None-Match", "\"1\"")).await;
        assert_eq!((again.status, again.bytes.len()), (304, 0));
        let head = admin.send(admin.request(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.headers["etag"].as_str(), head.bytes.len()), (200, "\"1\"", 0));

        assert_eq!(admin.patch(&path, change.clone()).await.code(), "version.missing", "{resource}");
        let stale = admin.send(admin.request(Method::PATCH, &path).header("If-Match", "\"7\"").json(&change)).await;
        assert_eq!((stale.status, stale.code()), (412, "version.stale"));
        // A mini-program has no PATCH.
        let changed =
            admin.send(admin.request(Method::POST, &path).header("X-HTTP-Method-Override", "PATCH").header("If-Match", "\"1\"").json(&change)).await.ok(200);
        assert_eq!(changed["version"], 2);
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{resource}.{name}");
        }

        let early = admin.post(&format!("{path}/end"), ending("2023-12-31", 2)).await;
        assert_eq!((early.status, early.code()), (422, "period.ends_before_it_begins"));
        let ended = admin.post(&format!("{path}/end"), ending("2024-07-01", 2)).await.ok(200);
        assert_eq!((ended["valid_to"].as_str(), ended["version"].as_i64()), (Some("2024-07-01"), Some(3)));
        assert_eq!(admin.post(&format!("{path}/end"), ending("2025-01-01", 3)).await.code(), "period.ended");
        let mut late = change.clone();
        late["version"] = json!(3);
        assert_eq!(admin.patch(&path, late).await.code(), "period.ended");
        assert_eq!(versions(&admin, &path).await, [("ended".to_owned(), 3), ("changed".to_owned(), 2), ("created".to_owned(), 1)]);

        if resource != "compound-grids" {
            let code = new["code"].as_str().unwrap();
            let on = async |day: &str| admin.get(&format!("/v1/{resource}?code={code}&as_of={day}")).await.ok(200)["items"].as_array().unwrap().len();
            assert_eq!((on("2023-12-31").await, on("2024-01-01").await, on("2024-06-30").await, on("2024-07-01").await), (0, 1, 1, 0), "{resource}");
            let reused = admin.post(&format!("/v1/{resource}"), new).await;
            assert_eq!((reused.status, reused.code().ends_with(".code_taken")), (409, true), "{resource}");
        }
    }
}

#[tokio::test]
async fn an_object_is_known_by_the_callers_own_key() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    for (resource, new, change) in resources() {
        let path = format!("/v1/{resource}/by-ref/erp/17");
        let made = admin.put(&path, new.clone()).await.ok(200);
        assert_eq!((made["source"].as_str(), made["ref"].as_str(), made["version"].as_i64()), (Some("erp"), Some("17"), Some(1)), "{resource}");
        let mut newer = new.clone();
        for (name, value) in change.as_object().unwrap() {
            newer[name] = value.clone();
        }
        let changed = admin.put(&path, newer).await.ok(200);
        assert_eq!((changed["id"] == made["id"], changed["version"].as_i64()), (true, Some(2)), "{resource}");
        let mut other = new.clone();
        let key = if resource == "compound-grids" { "grid_code" } else { "code" };
        let code = other[key].as_str().unwrap().to_owned();
        other[key] = json!(format!("{}1", &code[..code.len() - 1]));
        assert_eq!(admin.put(&path, other).await.code(), "reference.code_fixed", "{resource}");
    }
    let half = admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八", "source": "erp"})).await;
    assert_eq!((half.code(), half.errors()), ("reference.half", vec!["/ref reference.half".to_owned()]));
    let taken = admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八", "source": "erp", "ref": "17"})).await;
    assert_eq!(taken.code(), "reference.taken");
}

#[tokio::test]
async fn parents_must_be_there_and_children_gone() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    for (resource, new, code) in [
        ("subdistricts", json!({"code": "421182001", "name": "别市街道"}), "subdistrict.other_city"),
        ("communities", json!({"code": "421181009001", "name": "无街道"}), "subdistrict.does_not_exist"),
        ("grids", json!({"code": "421181001009001", "name": "无社区"}), "community.does_not_exist"),
        ("grids", json!({"code": "421181001001009", "name": "不专属", "dedicated_kind": "school"}), "grid.not_dedicated"),
        ("compounds", json!({"code": "421181001009X001", "name": "无社区", "kind": "old"}), "community.does_not_exist"),
        ("buildings", json!({"code": "42118100100100009", "compound_code": "421181001001X099", "name": "无小区"}), "compound.does_not_exist"),
        ("buildings", json!({"code": "42118100100200009", "compound_code": "421181001001X001", "name": "别社区"}), "building.compound_elsewhere"),
        ("households", json!({"code": "42118100100100099010101", "name": "无楼栋"}), "building.does_not_exist"),
        ("households", json!({"code": "42118100100100001010999", "name": "无网格", "grid_code": "421181001001099"}), "grid.does_not_exist"),
        ("households", json!({"code": "42118100100100001010999", "name": "别社区", "grid_code": "421181001002001"}), "household.grid_elsewhere"),
    ] {
        let answer = admin.post(&format!("/v1/{resource}"), new).await;
        assert_eq!((answer.status, answer.code()), (422, code), "{}", answer.body);
    }
    for (resource, code, refusal) in [
        ("subdistricts", "421181001", "subdistrict.has_communities"),
        ("communities", "421181001001", "community.has_parts"),
        ("grids", "421181001001001", "grid.has_households"),
        ("compounds", "421181001001X001", "compound.has_buildings"),
        ("buildings", "42118100100100001", "building.has_households"),
    ] {
        let id = admin.by_code(resource, code).await["id"].as_str().unwrap().to_owned();
        let answer = admin.post(&format!("/v1/{resource}/{id}/end"), ending("2026-01-01", 1)).await;
        assert_eq!((answer.status, answer.code()), (409, refusal));
    }
    // Once its end is set, nothing new may begin in it after that day.
    let bridge = admin.by_code("communities", "421181001002").await;
    let grid = admin.by_code("grids", "421181001002001").await;
    admin.post(&format!("/v1/grids/{}/end", grid["id"].as_str().unwrap()), ending("2026-01-01", 1)).await.ok(200);
    admin.post(&format!("/v1/communities/{}/end", bridge["id"].as_str().unwrap()), ending("2026-01-01", 1)).await.ok(200);
    let late = admin.post("/v1/grids", json!({"code": "421181001002002", "name": "迟到", "valid_from": "2026-01-01"})).await;
    assert_eq!(late.code(), "community.not_in_force");
}

#[tokio::test]
async fn bodies_are_told_all_their_faults_in_both_languages() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let bad = json!({"code": "42", "name": " ", "kind": "x", "dedicated_kind": 1, "valid_from": "2026-02-30", "source": "a b", "colour": "red"});
    let answer = admin.post("/v1/grids", bad.clone()).await;
    assert_eq!((answer.status, answer.code()), (400, "body.malformed"));
    assert_eq!(
        answer.errors(),
        [
            "/code member.wrong_form",
            "/colour member.unknown",
            "/dedicated_kind member.wrong_type",
            "/kind member.not_in_list",
            "/name member.wrong_form",
            "/source member.wrong_form",
            "/valid_from member.wrong_form"
        ]
    );
    let english = admin.send(admin.request(Method::POST, "/v1/grids").header("Accept-Language", "en-GB,en;q=0.9").json(&bad)).await;
    assert_eq!(english.body["detail"], "The body has the wrong shape; see errors.");
    assert_eq!(answer.body["detail"], "请求体的结构不正确,详见 errors。");
    assert_eq!(english.body["request_id"].as_str(), english.headers.get("x-request-id").map(String::as_str));

    let bounds = admin
        .post("/v1/buildings", json!({"code": "42118100100100009", "compound_code": "421181001001X001", "name": "高楼", "floors_above": 2000, "built_year": 1}))
        .await;
    assert_eq!((bounds.status, bounds.errors()), (422, vec!["/built_year member.out_of_bounds".to_owned(), "/floors_above member.out_of_bounds".to_owned()]));
    let null = admin.post("/v1/grids", json!({"code": "421181001001008", "name": "空\u{0}字符"})).await;
    assert_eq!((null.status, null.errors()), (422, vec!["/name member.wrong_form".to_owned()]));
    for (member, day, code) in [
        ("valid_from", "+262142-12-31", "member.wrong_form"),
        ("valid_from", "0044-03-15", "period.out_of_years"),
        ("delivered_on", "9999-12-31", "period.out_of_years"),
    ] {
        let mut body = json!({"code": "421181001001X008", "name": "远", "kind": "old"});
        body[member] = json!(day);
        let far = admin.post("/v1/compounds", body).await;
        assert_eq!((far.status, far.errors()), (422, vec![format!("/{member} {code}")]), "{day}");
    }
    let whole = json!({"code": "42118100100100008", "compound_code": "421181001001X001", "name": "整", "floors_above": 3.0});
    assert_eq!(admin.post("/v1/buildings", whole).await.ok(201)["floors_above"], 3, "to JSON Schema, 3.0 is an integer");
    let raw = |body: &'static str| admin.request(Method::POST, "/v1/grids").header("content-type", "application/json").body(body);
    assert_eq!(admin.send(raw("{\"code\": ")).await.code(), "body.not_json");
    assert_eq!(admin.send(raw("[]")).await.code(), "body.malformed");
    assert_eq!(admin.send(raw("{\"name\":\"a\",\"name\":\"b\",\"code\":\"421181001001008\"}")).await.errors(), [" member.doubled"]);
    let text = admin.send(admin.request(Method::POST, "/v1/grids").body("code=1")).await;
    assert_eq!((text.status, text.code()), (415, "body.media_type"));
    let large = admin.send(raw("{}").body("x".repeat((4 << 20) + 1))).await;
    assert_eq!((large.status, large.code()), (413, "body.too_large"));
}

#[tokio::test]
async fn requests_outside_the_contract_get_problems() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let wrong = admin.send(admin.request(Method::DELETE, "/v1/grids")).await;
    assert_eq!((wrong.status, wrong.headers["allow"].as_str(), wrong.code()), (405, "GET, HEAD, POST, OPTIONS", "method.not_allowed"));
    // It would fit `/v1/people/{id}`, which takes it.
    let nearer = admin.patch("/v1/people/search?limit=1", json!({})).await;
    assert_eq!((nearer.status, nearer.headers["allow"].as_str(), nearer.code()), (405, "POST, OPTIONS", "method.not_allowed"));
    let options = admin.send(admin.request(Method::OPTIONS, "/v1/grids")).await;
    assert_eq!((options.status, options.headers["allow"].as_str()), (200, "GET, HEAD, POST, OPTIONS"));
    assert_eq!(admin.get("/v1/nothing").await.code(), "path.unknown");
    assert_eq!(admin.get("/v1/grids?colour=red&size=1").await.errors(), ["colour query.unknown_parameter", "size query.unknown_parameter"]);
    assert_eq!(admin.get("/v1/grids?limit=0").await.errors(), ["limit query.bad_parameter"]);
    assert_eq!(admin.get("/v1/grids?as_of=soon&limit=x").await.errors(), ["as_of query.bad_parameter", "limit query.bad_parameter"]);
    assert_eq!(admin.get("/v1/grids?area_code=1&kind=round").await.errors(), ["area_code query.bad_parameter", "kind query.bad_parameter"]);
    assert_eq!(admin.get("/v1/grids?as_of=%2B262142-12-31&limit=1000001").await.errors(), ["as_of query.bad_parameter", "limit query.bad_parameter"]);
    let early = admin.get("/v1/grids?as_of=0679-08-27").await;
    assert_eq!((early.status, early.errors()), (422, vec!["as_of period.out_of_years".to_owned()]));
    assert_eq!(admin.get("/v1/reports/grid-division?min_households=-5").await.errors(), ["min_households query.bad_parameter"]);
    assert_eq!(admin.get("/v1/grids?limit=1&limit=2").await.errors(), ["limit query.doubled_parameter"]);
    assert_eq!(admin.get("/v1/grids/not-an-id").await.status, 400);
    assert_eq!(admin.get("/v1/grids/00000000-0000-7000-8000-000000000000").await.code(), "grid.unknown");
    let brew = admin.send(admin.request(Method::POST, "/v1/grids").header("X-HTTP-Method-Override", "BREW")).await;
    assert_eq!((brew.status, brew.code()), (400, "method.bad_override"));
    let tag = admin.send(admin.request(Method::PATCH, "/v1/grids/00000000-0000-7000-8000-000000000000").header("If-Match", "W/\"1\"").json(&json!({}))).await;
    assert_eq!((tag.status, tag.code()), (400, "version.malformed"));
    let bare = admin.send(admin.request(Method::PATCH, "/v1/grids/00000000-0000-7000-8000-000000000000").header("If-Match", "1").json(&json!({}))).await;
    assert_eq!(bare.code(), "grid.unknown", "a bare number can mean nothing but a version");
    let zero = admin.patch("/v1/grids/00000000-0000-7000-8000-000000000000", json!({"version": 0})).await;
    assert_eq!((zero.status, zero.errors()), (422, vec!["/version member.out_of_bounds".to_owned()]));
    let own = admin.send(admin.request(Method::GET, "/v1/nothing").header("X-Request-Id", "mine-1")).await;
    assert_eq!((own.headers["x-request-id"].as_str(), own.body["request_id"].as_str()), ("mine-1", Some("mine-1")));
    let unsafe_id = admin.send(admin.request(Method::GET, "/v1/nothing").header("X-Request-Id", "a b")).await;
    assert_ne!(unsafe_id.headers["x-request-id"], "a b");
}

#[tokio::test]
async fn pages_of_configured_origins_may_call_and_others_not() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let preflight = |origin: &str| {
        let request = admin.request(Method::OPTIONS, "/v1/grids").header("Origin", origin).header("Access-Control-Request-Method", "PATCH");
        request.header("Access-Control-Request-Headers", "authorization,if-match,idempotency-key")
    };
    let ours = reqwest::Client::new().execute(preflight("https://h5.example.cn").build().unwrap()).await.unwrap();
    assert_eq!((ours.status().as_u16(), ours.headers()["access-control-allow-origin"].to_str().unwrap()), (200, "https://h5.example.cn"));
    let theirs = reqwest::Client::new().execute(preflight("https://evil.example").build().unwrap()).await.unwrap();
    assert!(theirs.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_can_read_it() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let answer = admin.send(admin.request(Method::GET, "/openapi.json").header("Accept-Encoding", "gzip")).await;
    assert_eq!(answer.headers.get("content-encoding").map(String::as_str), Some("gzip"));
    assert!(answer.bytes.starts_with(&[0x1f, 0x8b]));
}
