//! The same request twice has one effect.

use reqwest::Method;
use serde_json::json;
use testkit::{TestApp, User};

async fn create(user: &User, key: &str, code: &str) -> testkit::Answer {
    user.send(user.request(Method::POST, "/v1/grids").header("Idempotency-Key", key).json(&json!({"code": code, "name": "幂等"}))).await
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_before() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let first = create(&admin, "k-1", "421181001001008").await;
    let again = create(&admin, "\"k-1\"", "421181001001008").await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(
        (again.headers["idempotent-replayed"].as_str(), &again.headers["location"], &again.headers["etag"]),
        ("true", &first.headers["location"], &first.headers["etag"])
    );
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let other = create(&admin, "k-1", "421181001001009").await;
    assert_eq!((other.status, other.code()), (409, "idempotency.key_reused"));
    // A refusal is not kept: mended, the same key works.
    assert_eq!(create(&admin, "k-2", "421181001001008").await.code(), "grid.code_taken");
    assert_eq!(create(&admin, "k-2", "421181001001009").await.status, 201);
    // Another client's key is another key.
    let neighbour = app.admin().await;
    assert_eq!(create(&neighbour, "k-1", "421181001001010").await.status, 201);
    let long = "x".repeat(65);
    assert_eq!(create(&admin, &long, "421181001001011").await.code(), "idempotency.bad_key");
}

#[tokio::test]
async fn twenty_identical_requests_have_one_effect() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let admin = admin.clone();
            tokio::spawn(async move {
                loop {
                    let answer = create(&admin, "same", "421181001001008").await;
                    match (answer.status, answer.code()) {
                        (201, _) => return answer.body["id"].as_str().unwrap().to_owned(),
                        (409, "idempotency.in_flight") => assert_eq!(answer.headers["retry-after"], "1"),
                        (status, code) => panic!("{status} {code}"),
                    }
                }
            })
        })
        .collect();
    let mut ids = Vec::new();
    for request in requests {
        ids.push(request.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let history = admin.get(&format!("/v1/grids/{}/history", ids[0])).await.ok(200);
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_is_replayed_too() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let send = async || {
        let request = admin.request(Method::POST, "/v1/imports/grids").header("Idempotency-Key", "file-1").body("code,name\n421181001001008,八\n");
        admin.send(request).await
    };
    let (first, again) = (send().await, send().await);
    assert_eq!((first.body["run"]["created"].as_i64(), &again.body), (Some(1), &first.body));
}

#[tokio::test]
async fn a_refused_import_is_refused_again_and_its_key_is_free() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let send = async |file: &'static str| {
        let request = admin.request(Method::POST, "/v1/imports/grids").header("Idempotency-Key", "file-2").body(file);
        admin.send(request).await
    };
    for round in 0..2 {
        let refused = send("code,name\n4211810010,短\n").await;
        assert_eq!((refused.status, refused.code()), (422, "import.refused"), "round {round}: {}", refused.body);
    }
    assert_eq!(send("code,name\n421181001001008,八\n").await.ok(200)["run"]["created"], 1, "the mended file under the same key");
}
