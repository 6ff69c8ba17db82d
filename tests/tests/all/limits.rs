//! Rate limits: each client has his own, and nobody gets another's.

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, TestApp, User};

/// An app where a client may read four times, write thrice and import twice in a moment, and waits a minute for more.
async fn app(proxies: &str) -> TestApp {
    TestApp::start_with(|config| {
        config.rate_limit_reads = 4;
        config.rate_limit_writes = 3;
        config.rate_limit_imports = 2;
        config.rate_limit_burst = 60;
        config.trusted_proxies = proxies.to_owned();
    })
    .await
}

fn limits(answer: &Answer) -> (&str, &str) {
    (&answer.headers["ratelimit-policy"], &answer.headers["ratelimit"])
}

async fn as_from(user: &User, origin: &str, path: &str) -> Answer {
    user.send(user.request(Method::GET, path).header("X-Forwarded-For", origin)).await
}

#[tokio::test]
async fn a_client_is_told_what_is_left_and_when_to_come_back() {
    let app = app("").await;
    let (one, other) = (app.admin().await, app.admin().await);
    for left in ["\"reads\";r=3;t=15", "\"reads\";r=2;t=30", "\"reads\";r=1;t=45", "\"reads\";r=0;t=60"] {
        let answer = one.get("/v1/grids").await;
        assert_eq!((answer.status, limits(&answer)), (200, ("\"reads\";q=4;w=60", left)));
    }
    let refused = one.get("/v1/grids").await;
    assert_eq!((refused.status, refused.code(), limits(&refused).0), (429, "rate_limit.exceeded", "\"reads\";q=4;w=60"));
    let seconds: u64 = refused.headers["retry-after"].parse().unwrap();
    assert!((1..=15).contains(&seconds));
    assert_eq!((refused.body["retry_after"].as_u64(), refused.headers["ratelimit"].as_str()), (Some(seconds), format!("\"reads\";r=0;t={seconds}").as_str()));
    assert!(refused.body["detail"].as_str().unwrap().contains(&seconds.to_string()));

    assert_eq!(other.get("/v1/grids").await.status, 200, "another client");
    assert_eq!(one.import("subdistricts", "", b"code,name\n421181001,x\n".to_vec()).await.status, 200, "imports are counted apart");
    // The override is a write like any other, and is resolved before it is counted.
    let made = one.post("/v1/subdistricts", json!({"code": "421181002", "name": "二"})).await;
    let path = made.headers["location"].clone();
    assert_eq!(limits(&made), ("\"writes\";q=3;w=60", "\"writes\";r=2;t=20"));
    one.patch(&path, json!({"name": "三", "version": 1})).await.ok(200);
    let overridden = one.request(Method::POST, &path).header("X-HTTP-Method-Override", "PATCH").json(&json!({"name": "四", "version": 2}));
    assert_eq!(limits(&one.send(overridden).await).1, "\"writes\";r=0;t=60");
    assert_eq!(one.post("/v1/subdistricts", json!({"code": "421181003", "name": "五"})).await.code(), "rate_limit.exceeded");
    assert_eq!(other.get("/v1/subdistricts?code=421181003").await.ok(200)["items"], json!([]), "nothing was done");
}

#[tokio::test]
async fn strangers_share_the_allowance_of_their_address_and_touch_nobody_elses() {
    let app = app("").await;
    let (stranger, known) = (app.stranger(), app.admin().await);
    let forged = User::at(&app.base, Some("lk_live_0000000000000000000000000000000000000000000"));
    assert_eq!(stranger.get("/v1/grids").await.status, 401);
    assert_eq!(forged.get("/v1/grids").await.status, 401);
    assert_eq!(stranger.get("/v1/nowhere").await.status, 404);
    assert_eq!(stranger.get("/openapi.json").await.status, 200);
    for user in [&stranger, &forged] {
        let refused = as_from(user, "198.51.100.9", "/v1/grids").await;
        assert_eq!((refused.status, refused.code()), (429, "rate_limit.exceeded"), "whoever wants to be believed must be our proxy");
    }
    assert_eq!(known.get("/v1/grids").await.status, 200, "a key that is good is good from anywhere");
    for _ in 0..6 {
        let probe = stranger.get("/health/ready").await;
        assert_eq!((probe.status, probe.headers.contains_key("ratelimit")), (200, false), "probes are not counted");
    }
}

#[tokio::test]
async fn behind_a_proxy_of_ours_each_origin_has_its_own() {
    let app = app("127.0.0.0/8, 10.0.0.0/8").await;
    let stranger = app.stranger();
    for _ in 0..4 {
        assert_eq!(as_from(&stranger, "198.51.100.1, 10.1.1.1", "/v1/nowhere").await.status, 404);
    }
    assert_eq!(as_from(&stranger, "203.0.113.7, 198.51.100.1, 10.1.1.1", "/v1/nowhere").await.status, 429, "what he says of himself counts for nothing");
    assert_eq!(as_from(&stranger, "198.51.100.2", "/v1/nowhere").await.status, 404);
    for host in 1..=4 {
        assert_eq!(as_from(&stranger, &format!("2001:db8::{host}"), "/v1/nowhere").await.status, 404);
    }
    assert_eq!(as_from(&stranger, "2001:db8::99", "/v1/nowhere").await.status, 429, "a network of IPv6 is one holder");
}

#[tokio::test]
async fn without_limits_nothing_is_counted() {
    let app = TestApp::start_with(|config| config.rate_limit_reads = 0).await;
    let answer = app.admin().await.get("/v1/grids").await;
    assert_eq!((answer.status, answer.headers.contains_key("ratelimit")), (200, false));
}
