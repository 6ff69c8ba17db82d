//! Webhooks when things go wrong: receivers that fail, leave, stall or lead elsewhere, addresses that lie, servers that die.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use platform::webhook::courier::{Courier, Failure, Letter};
use platform::webhook::egress::{Egress, Lookup};
use serde_json::{Value, json};
use testkit::{Process, Receiver, Reply, TestApp, TestDb, User};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::webhooks::{app, deliveries, hook, make_grid, text, until};

/// Lets the time pass that a webhook would wait for: what is due later is due now.
async fn pass_time(db: &TestDb) {
    let shift = "update webhook_delivery set next_at = now() where state = 'pending'; update webhook_progress set ready_at = least(ready_at, now())";
    db.connect().await.batch_execute(shift).await.unwrap();
}

#[tokio::test]
async fn what_fails_is_tried_ten_times_and_then_a_dead_letter() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (path, _) = hook(&admin, &receiver, "421181", &["grid"]).await;
    receiver.answer([Reply::Status(500)]);
    make_grid(&admin, 8).await;
    for tries in 1..=10 {
        receiver.await_letters(tries).await;
        until("the attempt is noted", async || {
            deliveries(&admin, &path, "").await.first().is_some_and(|one| one["attempts"].as_array().unwrap().len() == tries)
        })
        .await;
        let delivery = deliveries(&admin, &path, "").await.remove(0);
        let attempt = &delivery["attempts"][tries - 1];
        assert_eq!((&attempt["status"], &attempt["failure"]), (&500.into(), &"status".into()));
        assert_eq!(delivery["state"], if tries < 10 { "pending" } else { "dead" });
        assert_eq!(delivery["next_at"].is_string(), tries < 10, "{delivery}");
        pass_time(&app.db).await;
    }
    sleep(Duration::from_millis(1_500)).await;
    let letters = receiver.letters();
    assert_eq!(letters.len(), 10, "a dead letter is left alone");
    assert!(letters.iter().all(|letter| letter.id() == letters[0].id() && letter.body == letters[0].body));

    // Sent again by hand, under the same id.
    receiver.answer([]);
    let dead = deliveries(&admin, &path, "state=dead").await.remove(0);
    admin.post(&format!("{path}/replay"), json!({"delivery_id": dead["id"], "version": 2})).await.ok(200);
    assert_eq!(receiver.await_letters(11).await[10].id(), letters[0].id());
    until("it is delivered", async || deliveries(&admin, &path, "state=delivered").await.len() == 1).await;
    let unknown = json!({"delivery_id": "00000000-0000-7000-8000-000000000000", "version": 2});
    assert_eq!(admin.post(&format!("{path}/replay"), unknown).await.code(), "webhook_delivery.does_not_exist");
}

#[tokio::test]
async fn everything_can_be_sent_again_from_a_cursor_or_a_time() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (path, _) = hook(&admin, &receiver, "421181", &["grid"]).await;
    let start = text(&admin.get("/v1/events?after=now").await.ok(200)["next"]);
    let since = kernel::clock::now();
    for number in 10..15 {
        make_grid(&admin, number).await;
    }
    let ids = |letters: &[testkit::receiver::Letter]| letters.iter().map(|letter| letter.id().to_owned()).collect::<Vec<_>>();
    let first = ids(&receiver.await_letters(5).await);
    until("they are delivered", async || deliveries(&admin, &path, "state=delivered").await.len() == 5).await;
    for (round, what) in [json!({"after": start}), json!({"from": since})].into_iter().enumerate() {
        let mut what = what;
        what["version"] = 2.into();
        admin.post(&format!("{path}/replay"), what).await.ok(200);
        let again = receiver.await_letters(5 * (round + 2)).await;
        assert_eq!(ids(&again[5 * (round + 1)..]), first, "the same ids, in the same order");
    }
    until("each is one delivery", async || {
        let all = deliveries(&admin, &path, "").await;
        all.len() == 5 && all.iter().all(|one| one["attempts"].as_array().unwrap().len() == 3)
    })
    .await;
    for (what, code) in [
        (json!({"version": 2}), "webhook.replay_of_what"),
        (json!({"after": start, "from": since, "version": 2}), "webhook.replay_of_what"),
        (json!({"after": "never", "version": 2}), "event.bad_cursor"),
        (json!({"after": start}), "version.missing"),
        (json!({"after": start, "version": 9}), "version.stale"),
    ] {
        assert_eq!(admin.post(&format!("{path}/replay"), what.clone()).await.code(), code, "{what}");
    }
    // From the beginning of time: what there was before the webhook, too.
    admin.post(&format!("{path}/replay"), json!({"from": "2000-01-01T00:00:00+08:00", "version": 2})).await.ok(200);
    receiver.await_letters(15 + 8).await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_sent_nothing_until_it_is_challenged_again() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (path, _) = hook(&admin, &receiver, "421181", &["grid"]).await;
    receiver.answer([Reply::Status(410)]);
    make_grid(&admin, 8).await;
    until("it is disabled", async || admin.get(&path).await.ok(200)["state"] == "disabled").await;
    assert_eq!(admin.get(&path).await.ok(200)["disabled_because"], "gone");
    make_grid(&admin, 9).await;
    pass_time(&app.db).await;
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(receiver.letters().len(), 1);
    receiver.answer([]);
    admin.post(&format!("{path}/challenge"), json!({"version": 3})).await.ok(200);
    pass_time(&app.db).await;
    let letters = receiver.await_letters(3).await;
    let mut areas: Vec<_> = letters[1..].iter().map(|letter| text(&letter.json()["data"]["area_code"])).collect();
    areas.sort();
    assert_eq!(areas, ["421181001001008", "421181001001009"], "nothing was lost");
}

#[tokio::test]
async fn too_many_failures_in_a_row_disable_with_a_reason() {
    let app = app().await;
    let admin = app.small_town().await;
    let receiver = Receiver::start().await;
    let (path, _) = hook(&admin, &receiver, "421181", &["grid"]).await;
    let failures = async || app.db.connect().await.query_one("select failures from webhook_progress", &[]).await.unwrap().get::<_, i32>(0);
    receiver.answer([Reply::Status(503), Reply::Status(200)]);
    make_grid(&admin, 8).await;
    until("it failed", async || failures().await == 1).await;
    pass_time(&app.db).await;
    until("a success counts anew", async || failures().await == 0).await;
    app.db.connect().await.execute("update webhook_progress set failures = 148", &[]).await.unwrap();
    receiver.answer([Reply::Status(503)]);
    make_grid(&admin, 9).await;
    until("it failed once more", async || failures().await == 149).await;
    assert_eq!(admin.get(&path).await.ok(200)["state"], "active");
    pass_time(&app.db).await;
    until("it is disabled", async || admin.get(&path).await.ok(200)["state"] == "disabled").await;
    let history = admin.get(&format!("{path}/history")).await.ok(200)["items"][0].clone();
    assert_eq!((&history["action"], &history["reason"], &history["actor_name"]), (&"webhook.disabled".into(), &"failing".into(), &"linli".into()));
}

#[tokio::test]
async fn a_redirection_is_a_failure_and_is_not_followed() {
    let app = app().await;
    let admin = app.small_town().await;
    let (receiver, trap) = (Receiver::start().await, Receiver::start().await);
    let (path, _) = hook(&admin, &receiver, "421181", &["grid"]).await;
    receiver.answer([Reply::Redirect(trap.url.clone())]);
    make_grid(&admin, 8).await;
    receiver.await_letters(1).await;
    until("it is noted", async || !deliveries(&admin, &path, "state=pending").await.is_empty()).await;
    let attempt = deliveries(&admin, &path, "").await[0]["attempts"][0].clone();
    assert_eq!((&attempt["status"], &attempt["failure"]), (&302.into(), &"redirected".into()));
    assert_eq!(trap.all().len(), 0);
}

#[tokio::test]
async fn one_receiver_that_stalls_holds_up_nobody_else() {
    let app = app().await;
    let admin = app.small_town().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    let (path, _) = hook(&admin, &slow, "421181", &["grid"]).await;
    hook(&admin, &quick, "421181", &["grid"]).await;
    slow.answer([Reply::Silence]);
    make_grid(&admin, 8).await;
    slow.await_letters(1).await;
    for number in 9..14 {
        make_grid(&admin, number).await;
    }
    quick.await_letters(6).await;
    let timed_out = async || deliveries(&admin, &path, "").await.first().is_some_and(|one| one["attempts"][0]["failure"] == "timed_out");
    assert!(!timed_out().await && slow.letters().len() == 1, "the others were served meanwhile");
    until("it has timed out", timed_out).await;
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_when_given_and_when_met() {
    // As it is by default: the public internet alone.
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let receiver = Receiver::start().await;
    let port = receiver.url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let create = async |url: String| admin.post("/v1/webhooks", json!({"name": "测试", "url": url, "area_code": "421181"})).await;
    for url in [
        receiver.url.clone(),
        "https://127.0.0.1/".to_owned(),
        "https://2130706433/".to_owned(),
        "https://[::ffff:10.0.0.1]/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://100.100.100.200/".to_owned(),
        "http://hooks.example.cn/".to_owned(),
        format!("https://hooks.example.cn:{port}/"),
    ] {
        let answer = create(url.clone()).await;
        assert_eq!((answer.status, answer.errors()), (422, vec!["/url webhook.not_reachable".to_owned()]), "{url}");
    }
    // A name is what it resolves to, each time.
    let made = create("https://localhost/".to_owned()).await.ok(201);
    let answer = admin.post(&format!("/v1/webhooks/{}/challenge", text(&made["id"])), json!({"version": 1})).await;
    assert_eq!(answer.code(), "webhook.challenge_not_met");
    assert!(text(&answer.body["detail"]).contains("forbidden_address"), "{}", answer.body);
    assert_eq!(receiver.all().len(), 0);
}

/// A resolver that answers each time with the next of its answers.
struct Fickle {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Fickle {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().rev().map(|answer| answer.iter().map(|address| address.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Fickle {
    fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().pop().unwrap();
        Box::pin(async move { Ok(answer) })
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    // The receiver stands at an address that is allowed, the trap at the same port of one that is not.
    let receiver = Receiver::on("127.0.0.1:0").await;
    let port = receiver.url.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let trap = Receiver::on(&format!("127.0.0.2:{port}")).await;
    let egress = Arc::new(Egress::parse("127.0.0.1/32", "443").unwrap());
    let letter =
        Letter { url: format!("http://hooks.example.cn:{port}/hook"), id: "evt_0_1".to_owned(), body: "{\"type\": \"x\"}".to_owned(), keys: vec![vec![7; 32]] };
    let post = async |answers: &[&[&str]]| {
        let fickle = Fickle::new(answers);
        let courier = Courier::with(Arc::clone(&egress), fickle.clone()).unwrap();
        let mut failures = Vec::new();
        for _ in answers {
            failures.push(courier.post(&letter).await.unwrap().failure);
            // The connection that was kept is not used again for the next.
            sleep(Duration::from_millis(10)).await;
        }
        (failures, fickle.asked.load(Ordering::SeqCst))
    };
    assert_eq!(post(&[&["127.0.0.1"]]).await, (vec![None], 1), "asked once, and that answer is what is connected to");
    assert_eq!(post(&[&["127.0.0.2"]]).await, (vec![Some(Failure::Forbidden)], 1));
    assert_eq!(post(&[&["127.0.0.1", "127.0.0.2"]]).await, (vec![Some(Failure::Forbidden)], 1), "one bad address spoils them all");
    assert_eq!(post(&[&["::ffff:127.0.0.2"]]).await.0, [Some(Failure::Forbidden)]);
    // First good, then bad: either it is still talking to the good one, or it does not talk at all.
    let (failures, _) = post(&[&["127.0.0.1"], &["127.0.0.2"], &["127.0.0.2"]]).await;
    assert!(failures[0].is_none() && failures.iter().all(|failure| failure.is_none_or(|failure| failure == Failure::Forbidden)), "{failures:?}");
    assert!(trap.all().is_empty() && !receiver.all().is_empty());
    // The same over TLS, and at an address in place of a name: nothing is asked, and nothing connected to.
    let courier = Courier::with(Arc::clone(&egress), Fickle::new(&[])).unwrap();
    for url in [format!("https://127.0.0.2:{port}/"), format!("http://127.0.0.2:{port}/"), format!("http://[::ffff:127.0.0.2]:{port}/")] {
        assert_eq!(courier.post(&Letter { url: url.clone(), ..letter.clone() }).await.unwrap().failure, Some(Failure::Forbidden), "{url}");
    }
    assert!(trap.all().is_empty());
}

#[tokio::test]
async fn what_a_receiver_answers_is_not_swallowed_whole() {
    let receiver = Receiver::start().await;
    receiver.answer([Reply::Body("x".repeat(1 << 20))]);
    let courier = Courier::new(Arc::new(Egress::parse("127.0.0.0/8", "443").unwrap())).unwrap();
    let letter = Letter { url: receiver.url.clone(), id: "evt_0_1".to_owned(), body: "{\"type\": \"x\"}".to_owned(), keys: vec![vec![7; 32]] };
    let answer = courier.post(&letter).await.unwrap();
    assert_eq!((answer.status, answer.failure, answer.body.len()), (Some(200), None, 8 << 10));
    let nobody = Letter { url: "http://127.0.0.1:1/".to_owned(), ..letter.clone() };
    assert_eq!(courier.post(&nobody).await.unwrap().failure, Some(Failure::NotConnected));
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let without_tls = Letter { url: format!("https://{}/", plain.local_addr().unwrap()), ..letter };
    let answer_plainly = async {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    };
    let (answer, ()) = tokio::join!(courier.post(&without_tls), answer_plainly);
    assert_eq!(answer.unwrap().failure, Some(Failure::NotConnected), "https means TLS");
}

#[tokio::test]
async fn a_sender_killed_between_sending_and_noting_loses_nothing() {
    let db = TestDb::lease().await;
    let config = api::config::Config { mode: api::config::Mode::Demo, ..api::config::Config::of(&db.url).unwrap() };
    let store = db.store();
    let networks = [("WEBHOOK_NETWORKS", "127.0.0.0/24")];
    let server = Process::start(&db.url, &networks);
    let (_, key) = testkit::app::key(&store, &config, &["*"], "421181").await;
    let admin = User::at(&server.base, Some(&key));
    for (resource, file) in testkit::app::SMALL_TOWN.iter().take(2) {
        admin.import(resource, "effective_on=2023-01-01", file.as_bytes().to_vec()).await.ok(200);
    }
    let receiver = Receiver::start().await;
    let (path, _) = hook(&admin, &receiver, "421181", &["grid"]).await;
    make_grid(&admin, 10).await;
    receiver.await_letters(1).await;
    until("it is noted", async || deliveries(&admin, &path, "state=delivered").await.len() == 1).await;
    // The receiver has it, and the sender dies before it hears so.
    receiver.answer([Reply::Silence]);
    for number in 11..16 {
        make_grid(&admin, number).await;
    }
    receiver.await_letters(2).await;
    server.kill();
    receiver.answer([]);

    let server = Process::start(&db.url, &networks);
    let admin = admin.elsewhere(&server.base);
    assert_eq!(deliveries(&admin, &path, "").await.len(), 1, "the second was not noted");
    let leased: bool = db.connect().await.query_one("select ready_at > now() from webhook_progress", &[]).await.unwrap().get(0);
    assert!(leased, "the dead sender's lease still holds");
    pass_time(&db).await;
    let letters = receiver.await_letters(7).await;
    assert_eq!((letters[2].id(), &letters[2].body), (letters[1].id(), &letters[1].body), "again, under the same id");
    let areas: Vec<_> = letters.iter().map(|letter| text(&letter.json()["data"]["area_code"])).collect();
    assert_eq!(areas, [10, 11, 11, 12, 13, 14, 15].map(|number| format!("421181001001{number:03}")), "nothing is lost, and the order is kept");
    until("all is noted", async || deliveries(&admin, &path, "state=delivered").await.len() == 6).await;
    let attempts: Vec<Value> = deliveries(&admin, &path, "").await.iter().map(|one| one["attempts"].clone()).collect();
    assert!(attempts.iter().all(|attempts| attempts.as_array().unwrap().len() == 1));
}
