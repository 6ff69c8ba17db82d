//! Two servers side by side on one database: whichever is asked, it is the same Linli.

use std::time::Duration;

use kernel::Error;
use reqwest::Method;
use serde_json::json;
use testkit::{TestApp, User};

/// Two replicas that reach the database by different URLs, as after half a rotation of its password.
async fn pair() -> (TestApp, TestApp) {
    let one = TestApp::start().await;
    let other = one.beside(|config| config.database_url.push_str("&application_name=other")).await;
    (one, other)
}

#[tokio::test]
async fn a_key_that_is_revoked_through_one_is_refused_by_the_other_within_a_second() {
    let (one, other) = pair().await;
    let (id, key) = one.key(&["grid.read"], "421181").await;
    for app in [&one, &other] {
        assert_eq!(User::at(&app.base, Some(&key)).get("/v1/grids").await.status, 200);
    }
    one.revoke(id).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for app in [&one, &other] {
        assert_eq!(User::at(&app.base, Some(&key)).get("/v1/grids").await.code(), "access.bad_key");
    }
}

#[tokio::test]
async fn a_request_repeated_at_the_other_is_answered_as_before() {
    let (one, other) = pair().await;
    let here = one.small_town().await;
    let there = User::at(&other.base, Some(here.key()));
    let create = async |user: &User, key: &str, code: &str| {
        let new = json!({"code": code, "name": "幂等"});
        user.send(user.request(Method::POST, "/v1/grids").header("Idempotency-Key", key).json(&new)).await
    };
    let first = create(&here, "k-1", "421181001001008").await;
    let again = create(&there, "k-1", "421181001001008").await;
    assert_eq!((again.status, &again.body, again.headers["idempotent-replayed"].as_str()), (201, &first.body, "true"));
    assert_eq!(create(&there, "k-1", "421181001001009").await.code(), "idempotency.key_reused");

    // At both at once, many times: done once.
    let requests: Vec<_> = (0..20)
        .map(|number| {
            let user = if number % 2 == 0 { here.clone() } else { there.clone() };
            tokio::spawn(async move {
                loop {
                    let new = json!({"code": "421181001001010", "name": "同时"});
                    let answer = user.send(user.request(Method::POST, "/v1/grids").header("Idempotency-Key", "same").json(&new)).await;
                    match (answer.status, answer.code()) {
                        (201, _) => return answer.body["id"].clone(),
                        (409, "idempotency.in_flight") => {}
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
    let history = there.get(&format!("/v1/grids/{}/history", ids[0].as_str().unwrap())).await.ok(200);
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_begun_at_one_goes_on_at_the_other() {
    let (one, other) = pair().await;
    let here = one.small_town().await;
    let there = User::at(&other.base, Some(here.key()));
    let mut codes = Vec::new();
    let mut path = "/v1/grids?limit=1".to_owned();
    for user in [&here, &there].into_iter().cycle() {
        let page = user.get(&path).await.ok(200);
        codes.push(page["items"][0]["code"].as_str().unwrap().to_owned());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/grids?limit=1&after={next}");
    }
    assert_eq!(codes, ["421181001001001", "421181001001002", "421181001002001"]);
}

#[tokio::test]
async fn one_import_of_a_resource_runs_at_a_time_whoever_runs_it() {
    let (one, other) = pair().await;
    let admin = one.small_town().await;
    let there = User::at(&other.base, Some(admin.key()));
    let call = api::server::operator(&one.config, "test");
    let held = one.store().write(&call, "hold", async |tx| {
        tx.lock("import grids").await?;
        let answer = there.import("grids", "", b"code,name\n421181001001009,x\n".to_vec()).await;
        assert_eq!((answer.status, answer.code()), (409, "import.in_progress"));
        Err::<(), _>(Error::Internal("done".to_owned()))
    });
    held.await.unwrap_err();
    assert_eq!(there.import("grids", "", b"code,name\n421181001001009,x\n".to_vec()).await.status, 200);
}
