//! Log-in, renewal, second factor, lock-out, and the end of sessions.

use std::collections::BTreeSet;

use kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, TestApp, User};
use totp_rs::{Builder, Secret};

async fn log_in(app: &TestApp, user_name: &str, password: &str, code: Option<&str>) -> Answer {
    app.stranger().post("/v1/sessions", json!({"user_name": user_name, "password": password, "code": code})).await
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

/// The code that an authenticator app would show, `steps` of thirty seconds from now.
fn code(secret: &str, steps: i64) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).with_account_name("-").build().unwrap();
    let now = u64::try_from(kernel::clock::now().timestamp() + 30 * steps).unwrap();
    totp.generate(now).to_string()
}

#[tokio::test]
async fn a_person_logs_in_and_may_do_what_his_role_permits_where_it_does() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let worker = app.staff("wang.fang", Role::CommunityWorker, "421181001001").await;
    let me = worker.get("/v1/me").await.ok(200);
    assert_eq!((me["account"]["user_name"].as_str(), me["duties"].as_array().unwrap().len()), (Some("wang.fang"), 0));
    let grants = worker.get("/v1/me/permissions").await.ok(200)["grants"].clone();
    assert_eq!((grants[0]["role"].as_str(), grants[0]["area_codes"][0].as_str()), (Some("community_worker"), Some("421181001001")));
    let household = worker.by_code("households", "42118100100100001010101").await;
    let path = format!("/v1/households/{}", text(&household, "id"));
    let changed = worker.patch(&path, json!({"residents": 4, "version": 1})).await.ok(200);
    assert_eq!(changed["residents"], 4);
    let history = admin.get(&format!("{path}/history")).await.ok(200);
    assert_eq!((history["items"][0]["actor_id"].clone(), history["items"][0]["actor_name"].as_str()), (me["id"].clone(), Some("测试员")));
    assert_eq!(worker.post("/v1/grids", json!({"code": "421181001001009", "name": "九"})).await.code(), "access.forbidden");
    assert_eq!(worker.get("/v1/accounts").await.code(), "access.forbidden");
    assert_eq!(worker.get("/v1/grids?code=421181001002001").await.ok(200)["items"], json!([]), "a neighbour's grid");
}

#[tokio::test]
async fn a_wrong_log_in_tells_nothing_and_five_of_them_lock() {
    let app = TestApp::start().await;
    let (id, password) = app.account("li.hua", Role::Auditor, "421181").await;
    let nobody = log_in(&app, "nobody", &password, None).await;
    for attempt in 0..5 {
        let wrong = log_in(&app, "li.hua", "not this one", None).await;
        assert_eq!((wrong.status, wrong.code(), &wrong.body["detail"]), (401, "session.refused", &nobody.body["detail"]), "{attempt}");
    }
    assert_eq!(log_in(&app, "li.hua", &password, None).await.code(), "session.refused", "locked");
    let admin = app.admin().await;
    let path = format!("/v1/accounts/{}", id.0);
    let account = admin.get(&path).await.ok(200);
    assert!(account["locked_until"].is_string(), "{account}");
    let actions: Vec<_> = admin.get(&format!("{path}/history")).await.ok(200)["items"].as_array().unwrap().iter().map(|line| text(line, "action")).collect();
    assert_eq!(actions.iter().filter(|action| *action == "account.log_in_failed").count(), 4);
    assert_eq!(actions[0], "account.locked");
    admin.post(&format!("{path}/unlock"), json!({"reason": "本人到场", "version": account["version"]})).await.ok(200);
    assert_eq!(log_in(&app, "li.hua", &password, None).await.status, 200);
    assert_eq!(log_in(&app, "LI HUA", &password, None).await.errors(), ["/user_name member.wrong_form"]);
}

#[tokio::test]
async fn guesses_at_the_same_moment_count_each() {
    let app = TestApp::start().await;
    let (id, _) = app.account("li.hua", Role::Auditor, "421181").await;
    let guesses = (0..6).map(|_| log_in(&app, "li.hua", "a guess", None));
    let refused = futures_util::future::join_all(guesses).await.iter().filter(|answer| answer.code() == "session.refused").count();
    assert_eq!(refused, 6);
    let row = app.db.connect().await.query_one("select locked_until is not null, failures from account where id = $1", &[&id.0]).await.unwrap();
    assert!(row.get::<_, bool>(0) && row.get::<_, i32>(1) <= 1, "the fifth locked it");
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_stolen_one_ends_the_session() {
    let app = TestApp::start().await;
    let (_, password) = app.account("li.hua", Role::Auditor, "421181").await;
    let first = log_in(&app, "li.hua", &password, None).await.ok(200);
    let renew = async |token: &Value| app.stranger().post("/v1/sessions/renew", json!({"refresh_token": token})).await;
    let second = renew(&first["refresh_token"]).await.ok(200);
    assert_eq!(second["session_id"], first["session_id"]);
    let person = app.bearer(&text(&second, "access_token"));
    assert_eq!(person.get("/v1/me").await.status, 200);
    assert_eq!(renew(&first["refresh_token"]).await.code(), "session.refresh_reused");
    assert_eq!(renew(&second["refresh_token"]).await.code(), "session.over", "the thief's token is worthless as well");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(person.get("/v1/me").await.code(), "access.bad_token");
    assert_eq!(renew(&json!("lr_unknown")).await.code(), "session.over");
    // Two at once with one token: one of them is a thief as far as anybody can tell.
    let third = log_in(&app, "li.hua", &password, None).await.ok(200);
    let both = futures_util::future::join(renew(&third["refresh_token"]), renew(&third["refresh_token"])).await;
    let codes = BTreeSet::from([both.0.status, both.1.status]);
    assert_eq!(codes, BTreeSet::from([200, 401]));
}

#[tokio::test]
async fn sessions_end_idle_old_or_by_hand() {
    let app = TestApp::start().await;
    let (_, password) = app.account("li.hua", Role::Auditor, "421181").await;
    let db = app.db.connect().await;
    for change in ["used_at = now() - interval '31 minutes'", "expires_at = now()"] {
        let tokens = log_in(&app, "li.hua", &password, None).await.ok(200);
        db.execute(&format!("update session set {change} where id = '{}'", text(&tokens, "session_id")), &[]).await.unwrap();
        assert_eq!(app.bearer(&text(&tokens, "access_token")).get("/v1/me").await.code(), "access.bad_token", "{change}");
        let renewed = app.stranger().post("/v1/sessions/renew", json!({"refresh_token": tokens["refresh_token"]})).await;
        assert_eq!(renewed.code(), "session.over", "{change}");
    }
    let (one, two) = (log_in(&app, "li.hua", &password, None).await.ok(200), log_in(&app, "li.hua", &password, None).await.ok(200));
    let (first, second) = (app.bearer(&text(&one, "access_token")), app.bearer(&text(&two, "access_token")));
    assert_eq!(first.get("/v1/me/sessions").await.ok(200)["items"].as_array().unwrap().len(), 2);
    first.send(first.request(Method::POST, &format!("/v1/me/sessions/{}/end", text(&two, "session_id")))).await.ok(200);
    let other = app.staff("zhao.min", Role::Auditor, "421181").await;
    let theirs = other.send(other.request(Method::POST, &format!("/v1/me/sessions/{}/end", text(&one, "session_id")))).await;
    assert_eq!(theirs.code(), "session.unknown", "somebody else's");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(second.get("/v1/me").await.status, 401);
    first.send(first.request(Method::POST, "/v1/me/log-out")).await.ok(200);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(first.get("/v1/me").await.status, 401);
}

#[tokio::test]
async fn a_new_account_sets_its_password_and_second_factor_before_anything_else() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let new = json!({"user_name": "chen.jie", "name": "陈洁", "area_code": "421181"});
    let made = admin.post("/v1/accounts", new).await.ok(201);
    let grant = json!({"account_id": made["id"], "role": "auditor", "area_code": "421181", "valid_to": "2199-01-01"});
    admin.post("/v1/role-grants", grant).await.ok(201);
    let temporary = text(&made, "temporary_password");
    let tokens = log_in(&app, "chen.jie", &temporary, None).await.ok(200);
    assert_eq!(tokens["duties"], json!(["change_password", "set_second_factor"]));
    let person = app.bearer(&text(&tokens, "access_token"));
    assert_eq!(person.get("/v1/grids").await.code(), "session.unfinished");
    let weak = person.post("/v1/me/password", json!({"password": temporary, "new_password": "chen.jie"})).await;
    assert_eq!(weak.errors(), ["/new_password password.too_plain", "/new_password password.guessable"]);
    assert_eq!(person.post("/v1/me/password", json!({"password": temporary, "new_password": temporary})).await.errors(), ["/new_password password.same"]);
    assert_eq!(person.post("/v1/me/password", json!({"password": "wrong", "new_password": "Tq8#mZx2!kw"})).await.errors(), ["/password password.wrong"]);
    person.post("/v1/me/password", json!({"password": temporary, "new_password": "Tq8#mZx2!kw"})).await.ok(200);
    assert_eq!(person.post("/v1/me/second-factor/confirm", json!({"code": "123456"})).await.code(), "second_factor.not_begun");
    let secret = text(&person.post("/v1/me/second-factor", json!({"password": "Tq8#mZx2!kw"})).await.ok(200), "secret");
    assert_eq!(person.post("/v1/me/second-factor/confirm", json!({"code": "12345"})).await.errors(), ["/code member.wrong_form"]);
    assert_eq!(person.post("/v1/me/second-factor/confirm", json!({"code": code(&secret, -20)})).await.errors(), ["/code second_factor.wrong_code"]);
    let first = code(&secret, 0);
    person.post("/v1/me/second-factor/confirm", json!({"code": first})).await.ok(200);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(person.get("/v1/grids").await.status, 200, "all duties are done");
    assert_eq!(log_in(&app, "chen.jie", "Tq8#mZx2!kw", None).await.code(), "session.code_needed");
    assert_eq!(log_in(&app, "chen.jie", "Tq8#mZx2!kw", Some(&first)).await.code(), "session.refused", "a code is taken once");
    let again = log_in(&app, "chen.jie", "Tq8#mZx2!kw", Some(&code(&secret, 1))).await.ok(200);
    assert_eq!(again["duties"], json!([]));
    assert_eq!(log_in(&app, "chen.jie", &temporary, Some(&code(&secret, 2))).await.code(), "session.refused");
    let (db, secret) = (app.db.connect().await, format!("%{secret}%"));
    let told = db.query_one("select count(*) from journal where change::text like $1 or change::text like '%argon2%'", &[&secret]).await.unwrap();
    assert_eq!(told.get::<_, i64>(0), 0, "no secret is journalled");
}

#[tokio::test]
async fn the_end_of_a_role_or_an_account_is_the_end_of_what_it_opened() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let person: User = app.staff("li.hua", Role::CommunityWorker, "421181001001").await;
    assert_eq!(person.get("/v1/households").await.status, 200);
    let held = admin.get("/v1/role-grants?role=community_worker").await.ok(200)["items"][0].clone();
    let path = format!("/v1/role-grants/{}/end", text(&held, "id"));
    let today = kernel::clock::day(kernel::clock::now()).to_string();
    let ended = admin.post(&path, json!({"on": today, "reason": "调离", "version": 1})).await.ok(200);
    assert!(ended["revoked_at"].is_string());
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(person.get("/v1/households").await.code(), "access.forbidden");
    assert_eq!(person.get("/v1/me").await.status, 200, "the session goes on");
    assert_eq!(admin.post(&path, json!({"on": today, "reason": "再次", "version": 2})).await.code(), "period.ended");
    let account = admin.get("/v1/accounts?user_name=li.hua").await.ok(200)["items"][0].clone();
    admin.post(&format!("/v1/accounts/{}/disable", text(&account, "id")), json!({"reason": "离职", "version": account["version"]})).await.ok(200);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(person.get("/v1/me").await.code(), "access.bad_token");
}

#[tokio::test]
async fn a_role_before_or_after_its_term_gives_nothing() {
    let app = TestApp::start().await;
    app.small_town().await;
    let person = app.staff("li.hua", Role::CommunityWorker, "421181001001").await;
    let db = app.db.connect().await;
    for (term, status) in [("'2020-01-01', '2020-01-02'", 403), ("'2190-01-01', '2190-01-02'", 403), ("'2020-01-01', '2190-01-02'", 200)] {
        db.execute(&format!("update role_grant set (valid_from, valid_to) = (select {})", term.replace(", '", "::date, '").replace("-02'", "-02'::date")), &[])
            .await
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        assert_eq!(person.get("/v1/households").await.status, status, "{term}");
    }
}
