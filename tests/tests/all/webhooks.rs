//! Webhooks as their receivers meet them: challenged, signed, in order, narrowed to what their owner may see.

use std::time::Duration;

use kernel::Role;
use platform::role_grant::{self, NewRoleGrant};
use reqwest::Method;
use serde_json::{Value, json};
use standardwebhooks::Webhook as Verifier;
use testkit::receiver::Letter;
use testkit::{Receiver, Reply, TestApp, User};
use tokio::time::{Instant, sleep};

/// The app, which may reach receivers on this machine.
pub async fn app() -> TestApp {
    TestApp::start_with(|config| config.webhook_networks = "127.0.0.0/24".to_owned()).await
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A webhook for one kind of object, which has met the challenge; returns its path and its secret.
pub async fn hook(user: &User, receiver: &Receiver, area: &str, kinds: &[&str]) -> (String, String) {
    let new = json!({"name": "测试", "url": receiver.url, "area_code": area, "kinds": kinds});
    let made = user.post("/v1/webhooks", new).await.ok(201);
    let path = format!("/v1/webhooks/{}", text(&made["id"]));
    let active = user.post(&format!("{path}/challenge"), json!({"version": 1})).await.ok(200);
    assert_eq!(active["state"], "active");
    (path, text(&made["secret"]))
}

pub async fn make_grid(user: &User, number: usize) -> Value {
    user.post("/v1/grids", json!({"code": format!("421181001001{number:03}"), "name": "新"})).await.ok(201)
}

pub async fn deliveries(user: &User, path: &str, query: &str) -> Vec<Value> {
    user.get(&format!("{path}/deliveries?{query}")).await.ok(200)["items"].as_array().unwrap().clone()
}

/// Waits until a webhook is as a test wants it.
pub async fn until(what: &str, fits: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !fits().await {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(30)).await;
    }
}

fn signed_by(secret: &str, letter: &Letter) -> bool {
    let mut headers = reqwest::header::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, letter.headers[name].parse().unwrap());
    }
    Verifier::new(secret).unwrap().verify(letter.body.as_bytes(), &headers).is_ok()
}

#[tokio::test]
async fn an_event_arrives_signed_as_the_feed_tells_it() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (path, secret) = hook(&admin, &receiver, "421181", &["grid"]).await;
    let grid = make_grid(&admin, 8).await;
    let letter = receiver.await_letters(1).await.remove(0);
    assert!(signed_by(&secret, &letter) && !signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &letter));
    assert!(receiver.all().iter().all(|letter| signed_by(&secret, letter)), "the challenge too");
    let tampered = Letter { body: letter.body.replace("grid.created", "grid.deleted"), ..letter.clone() };
    assert!(!signed_by(&secret, &tampered));
    let feed = admin.get(&format!("/v1/events?object_id={}", text(&grid["id"]))).await.ok(200);
    assert_eq!(letter.json(), feed["items"][0]);
    assert_eq!(letter.id(), text(&letter.json()["id"]));
    assert!(letter.body.len() < 1_000 && !letter.body.contains('新'), "{}", letter.body);
    assert_eq!(letter.headers["content-type"], "application/cloudevents+json; charset=utf-8");

    until("it is in the books", async || deliveries(&admin, &path, "state=delivered").await.len() == 1).await;
    let delivery = deliveries(&admin, &path, "").await.remove(0);
    assert_eq!((&delivery["event_id"], &delivery["event_type"], &delivery["next_at"]), (&letter.id().into(), &"grid.created".into(), &Value::Null));
    assert_eq!((&delivery["attempts"][0]["status"], &delivery["attempts"][0]["failure"]), (&200.into(), &Value::Null));
}

#[tokio::test]
async fn a_secret_is_shown_once_and_nowhere_else() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (path, secret) = hook(&admin, &receiver, "421181", &[]).await;
    let id = path.rsplit('/').next().unwrap();
    for answer in [admin.get(&path).await, admin.get("/v1/webhooks").await, admin.get(&format!("{path}/history")).await] {
        assert!(answer.status == 200 && !answer.text().contains("whsec_") && !answer.text().contains(&secret[6..]));
    }
    let journal = app.db.connect().await.query_one("select string_agg(journal::text, ' ') from journal where object_id::text = $1", &[&id]).await.unwrap();
    let journal: String = journal.get(0);
    assert!(journal.contains("webhook.verified") && !journal.contains(&secret[6..]) && !journal.contains("s3cret"), "{journal}");
    // Asked twice under one key, it is made twice: what is shown once is never kept.
    let again = json!({"name": "二", "url": receiver.url, "area_code": "421181"});
    let make = async || admin.send(admin.request(Method::POST, "/v1/webhooks").header("Idempotency-Key", "h").json(&again)).await.ok(201);
    assert_ne!(make().await["secret"], make().await["secret"]);
    let kept: i64 = app.db.connect().await.query_one("select count(*) from idempotency", &[]).await.unwrap().get(0);
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn nothing_is_sent_before_the_receiver_echoes_the_token() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let made = admin.post("/v1/webhooks", json!({"name": "测试", "url": receiver.url, "area_code": "421181", "kinds": ["grid"]})).await.ok(201);
    assert_eq!((&made["state"], &made["version"]), (&"unverified".into(), &1.into()));
    let path = format!("/v1/webhooks/{}", text(&made["id"]));
    assert_eq!(admin.patch(&path, json!({"active": true, "version": 1})).await.code(), "webhook.unverified");
    make_grid(&admin, 8).await;
    for (reply, failure) in [
        (Reply::Body("thanks".to_owned()), "no_echo 200"),
        (Reply::Body("{\"token\": \"another\"}".to_owned()), "no_echo 200"),
        (Reply::Redirect(receiver.url.clone()), "redirected 302"),
    ] {
        receiver.answer([reply.clone()]);
        let answer = admin.send(admin.request(Method::POST, &format!("{path}/challenge")).header("Accept-Language", "en").json(&json!({"version": 1}))).await;
        assert_eq!((answer.status, answer.code()), (422, "webhook.challenge_not_met"), "{reply:?}");
        assert!(text(&answer.body["detail"]).contains(failure), "{}", answer.body);
    }
    assert_eq!(admin.get(&path).await.ok(200)["state"], "unverified");
    receiver.answer([]);
    assert_eq!(admin.post(&format!("{path}/challenge"), json!({})).await.code(), "version.missing");
    assert_eq!(admin.post(&format!("{path}/challenge"), json!({"version": 7})).await.code(), "version.stale");
    let challenges = receiver.all().len();
    let active = admin.post(&format!("{path}/challenge"), json!({"version": 1})).await.ok(200);
    assert_eq!((&active["state"], &active["version"], active["verified_at"].is_string()), (&"active".into(), &2.into(), true));
    assert_eq!(receiver.all().len(), challenges + 1, "a stale version challenges nobody");
    make_grid(&admin, 9).await;
    let letters = receiver.await_letters(1).await;
    assert_eq!(letters[0].json()["data"]["area_code"], "421181001001009", "what happened before is not sent");

    let other = Receiver::start().await;
    let moved = admin.patch(&path, json!({"url": other.url, "version": 2})).await.ok(200);
    assert_eq!((&moved["state"], &moved["verified_at"]), (&"unverified".into(), &Value::Null));
    make_grid(&admin, 10).await;
    admin.post(&format!("{path}/challenge"), json!({"version": 3})).await.ok(200);
    let letters = other.await_letters(1).await;
    assert_eq!(letters[0].json()["data"]["area_code"], "421181001001010", "it goes on where it stopped");
    assert_eq!(receiver.letters().len(), 1);
}

#[tokio::test]
async fn two_secrets_sign_while_the_receiver_changes_over() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (path, first) = hook(&admin, &receiver, "421181", &["grid"]).await;
    let rotated = admin.post(&format!("{path}/rotate-secret"), json!({"version": 2})).await.ok(200);
    let second = text(&rotated["secret"]);
    assert_eq!(rotated["version"], 3);
    make_grid(&admin, 8).await;
    let letter = receiver.await_letters(1).await.remove(0);
    assert!(signed_by(&first, &letter) && signed_by(&second, &letter));
    assert_eq!(letter.headers["webhook-signature"].split(' ').count(), 2);

    app.db.connect().await.execute("update webhook_secret set expires_at = now() where expires_at is not null", &[]).await.unwrap();
    make_grid(&admin, 9).await;
    let letter = receiver.await_letters(2).await.remove(1);
    assert!(!signed_by(&first, &letter) && signed_by(&second, &letter), "the old one has expired");

    let third = text(&admin.post(&format!("{path}/rotate-secret"), json!({"version": 3, "overlap_hours": 0})).await.ok(200)["secret"]);
    make_grid(&admin, 10).await;
    let letter = receiver.await_letters(3).await.remove(2);
    assert!(!signed_by(&second, &letter) && signed_by(&third, &letter), "a leaked secret can be dropped at once");
    let bad = admin.post(&format!("{path}/rotate-secret"), json!({"version": 4, "overlap_hours": 169})).await;
    assert_eq!((bad.status, bad.errors()), (422, vec!["/overlap_hours member.out_of_bounds".to_owned()]));
}

#[tokio::test]
async fn events_arrive_in_order_each_once_however_many_servers_send() {
    let app = app().await;
    let admin = app.small_town().await;
    app.replica().await;
    let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    for receiver in &receivers {
        hook(&admin, receiver, "421181", &["grid", "household"]).await;
    }
    for number in 10..40 {
        make_grid(&admin, number).await;
    }
    let household = admin.by_code("households", "42118100100100001010101").await;
    let path = format!("/v1/households/{}", text(&household["id"]));
    for version in 1..20 {
        admin.patch(&path, json!({"residents": version, "version": version})).await.ok(200);
    }
    for receiver in &receivers {
        let letters = receiver.await_letters(49).await;
        let versions: Vec<_> =
            letters.iter().filter(|letter| letter.kind() == "household.changed").map(|letter| letter.json()["data"]["version"].as_i64().unwrap()).collect();
        assert_eq!(versions, (2..=20).collect::<Vec<_>>());
        let grids: Vec<_> = letters.iter().filter(|letter| letter.kind() == "grid.created").map(|letter| text(&letter.json()["data"]["area_code"])).collect();
        assert_eq!(grids, (10..40).map(|number| format!("421181001001{number:03}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_webhook_tells_what_its_owner_may_see_and_no_more() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let all = ["event.read", "webhook.read", "webhook.write"];
    let (id, key) = app.key(&all, "421181001002").await;
    let owner = User::at(&app.base, Some(&key));
    let too_wide = owner.post("/v1/webhooks", json!({"name": "大", "url": receiver.url, "area_code": "421181001"})).await;
    assert_eq!((too_wide.status, too_wide.code()), (403, "access.out_of_scope"));
    let blind = app.user(&["webhook.read", "webhook.write"], "421181").await;
    let answer = blind.post("/v1/webhooks", json!({"name": "盲", "url": receiver.url, "area_code": "421181001002"})).await;
    assert_eq!((answer.status, answer.code()), (403, "access.forbidden"), "who may not see events may not have them sent");

    let (path, _) = hook(&owner, &receiver, "421181001002", &["grid", "household"]).await;
    make_grid(&admin, 8).await;
    admin.post("/v1/grids", json!({"code": "421181001002008", "name": "桥"})).await.ok(201);
    let letters = receiver.await_letters(1).await;
    assert_eq!(letters[0].json()["data"]["area_code"], "421181001002008");
    let neighbour = app.user(&all, "421181001001").await;
    assert_eq!((neighbour.get(&path).await.code(), neighbour.get("/v1/webhooks").await.ok(200)["items"].as_array().unwrap().len()), ("webhook.unknown", 0));
    assert_eq!(neighbour.post(&format!("{path}/replay"), json!({"after": "now", "version": 2})).await.code(), "webhook.unknown");
    // One who may write webhooks there, but not see its events, cannot lead them to himself.
    let own = Receiver::start().await;
    assert_eq!(blind.patch(&path, json!({"url": own.url, "version": 2})).await.code(), "access.forbidden");

    app.revoke(id).await;
    admin.post("/v1/grids", json!({"code": "421181001002009", "name": "桥"})).await.ok(201);
    until("it is disabled", async || admin.get(&path).await.ok(200)["state"] == "disabled").await;
    assert_eq!(admin.get(&path).await.ok(200)["disabled_because"], "owner");
    assert_eq!(receiver.letters().len(), 1);
    let history = admin.get(&format!("{path}/history")).await.ok(200)["items"].clone();
    assert_eq!((&history[0]["action"], &history[0]["reason"]), (&"webhook.disabled".into(), &"owner".into()));
    // Another key of the same place takes it over, and nothing was lost.
    let heir = app.user(&all, "421181001002").await;
    heir.post(&format!("{path}/challenge"), json!({"version": 3})).await.ok(200);
    assert_eq!(receiver.await_letters(2).await[1].json()["data"]["area_code"], "421181001002009");
}

#[tokio::test]
async fn a_persons_webhook_is_silent_once_the_person_has_left() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (id, password) = app.account("guan.li", Role::SystemAdmin, "421181").await;
    let log_in = async || {
        let tokens = app.stranger().post("/v1/sessions", json!({"user_name": "guan.li", "password": password})).await.ok(200);
        app.bearer(&text(&tokens["access_token"]))
    };
    // Who keeps webhooks may pause and end those of others, and lead none of them anywhere.
    let (others, _) = hook(&admin, &receiver, "421181", &["nothing"]).await;
    let keeper = log_in().await;
    keeper.patch(&others, json!({"active": false, "version": 2})).await.ok(200);
    assert_eq!(keeper.patch(&others, json!({"kinds": ["grid"], "version": 3})).await.code(), "access.forbidden");
    let new = json!({"name": "人", "url": receiver.url, "area_code": "421181", "kinds": ["grid"]});
    assert_eq!(keeper.post("/v1/webhooks", new).await.code(), "access.forbidden");

    let call = api::server::operator(&app.config, "test");
    let valid_to = call.today() + chrono::TimeDelta::days(1);
    let sees = NewRoleGrant { account_id: id, role: Role::Auditor, area_code: "421181001001".parse().unwrap(), valid_from: None, valid_to };
    app.store().write(&call, "test", async |tx| role_grant::create(tx, &api::domains::powers(), &sees).await).await.unwrap();
    let keeper = log_in().await;
    let (path, _) = hook(&keeper, &receiver, "421181001001", &["grid"]).await;
    make_grid(&admin, 8).await;
    assert_eq!(receiver.await_letters(1).await[0].json()["data"]["area_code"], "421181001001008");
    admin.post(&format!("/v1/accounts/{id}/disable"), json!({"reason": "离职", "version": 1})).await.ok(200);
    make_grid(&admin, 9).await;
    until("it is disabled", async || admin.get(&path).await.ok(200)["disabled_because"] == "owner").await;
    assert_eq!(receiver.letters().len(), 1);
}

#[tokio::test]
async fn a_webhook_is_narrowed_paused_and_ended() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (path, _) = hook(&admin, &receiver, "421181001001", &["grid"]).await;
    admin.patch(&path, json!({"actions": ["grid.changed"], "name": "改", "version": 2})).await.ok(200);
    let grid = make_grid(&admin, 8).await;
    admin.patch(&format!("/v1/grids/{}", text(&grid["id"])), json!({"name": "改", "version": 1})).await.ok(200);
    assert_eq!(receiver.await_letters(1).await[0].kind(), "grid.changed");

    let paused = admin.patch(&path, json!({"active": false, "version": 3})).await.ok(200);
    assert_eq!((&paused["state"], &paused["version"]), (&"paused".into(), &4.into()));
    admin.patch(&format!("/v1/grids/{}", text(&grid["id"])), json!({"name": "又改", "version": 2})).await.ok(200);
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(receiver.letters().len(), 1);
    admin.patch(&path, json!({"active": true, "version": 4})).await.ok(200);
    assert_eq!(receiver.await_letters(2).await[1].json()["data"]["version"], 3, "it goes on where it stopped");

    assert_eq!(admin.get("/v1/webhooks?state=active&area_code=421181001").await.ok(200)["items"].as_array().unwrap().len(), 1);
    let ended = admin.post(&format!("{path}/end"), json!({"reason": "系统下线", "version": 5})).await.ok(200);
    assert_eq!(ended["state"], "ended");
    for (action, body) in [
        ("challenge", json!({"version": 6})),
        ("rotate-secret", json!({"version": 6})),
        ("replay", json!({"after": "now", "version": 6})),
        ("end", json!({"reason": "x", "version": 6})),
    ] {
        assert_eq!(admin.post(&format!("{path}/{action}"), body).await.code(), "webhook.ended", "{action}");
    }
    let secrets: i64 = app.db.connect().await.query_one("select count(*) from webhook_secret", &[]).await.unwrap().get(0);
    assert_eq!(secrets, 0, "its secrets are forgotten");
    assert_eq!(admin.get("/v1/webhooks?state=active").await.ok(200)["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_client_has_no_more_webhooks_than_anybody_needs() {
    let app = app().await;
    let admin = app.admin().await;
    let new = json!({"name": "多", "url": "https://hooks.example.cn/", "area_code": "421181"});
    for _ in 0..20 {
        admin.post("/v1/webhooks", new.clone()).await.ok(201);
    }
    assert_eq!(admin.post("/v1/webhooks", new.clone()).await.code(), "webhook.too_many");
    assert_eq!(app.admin().await.post("/v1/webhooks", new).await.status, 201, "another client has its own");
    let page = admin.get("/v1/webhooks?limit=15").await.ok(200);
    let rest = admin.get(&format!("/v1/webhooks?limit=15&after={}", text(&page["next"]))).await.ok(200);
    assert_eq!((page["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (15, 6));
    let bad = json!({"name": "坏", "url": "https://a:b@hooks.example.cn/", "area_code": "421181", "kinds": ["a b"], "secret": "x"});
    assert_eq!(admin.post("/v1/webhooks", bad).await.errors(), ["/kinds/0 member.wrong_form", "/secret member.unknown"]);
    let user = json!({"name": "坏", "url": "https://a:b@hooks.example.cn/", "area_code": "421181"});
    assert_eq!(admin.post("/v1/webhooks", user).await.status, 422);
}
