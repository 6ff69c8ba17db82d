//! The change feed: nothing missed, nothing twice, nothing of others.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::process::linli;
use testkit::{Process, TestApp, User};
use tokio::time::{Instant, sleep};

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap().clone()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Follows the feed page by page to its end; returns the events and the cursor.
async fn follow(user: &User, query: &str, after: Option<String>) -> (Vec<Value>, String) {
    let mut events = Vec::new();
    let mut after = after.map(|cursor| format!("&after={cursor}")).unwrap_or_default();
    loop {
        let page = user.get(&format!("/v1/events?{query}{after}")).await.ok(200);
        events.extend(items(&page));
        after = format!("&after={}", text(&page["next"]));
        if page["has_more"] == false {
            return (events, text(&page["next"]));
        }
    }
}

/// Follows until so many events came: transactions of other tests on the same server hold the feed up for a while.
async fn follow_until(user: &User, query: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(90);
    let (mut events, mut next) = follow(user, query, None).await;
    while events.len() < count {
        assert!(Instant::now() < deadline, "{} of {count}", events.len());
        sleep(Duration::from_millis(50)).await;
        let (more, cursor) = follow(user, query, Some(next)).await;
        events.extend(more);
        next = cursor;
    }
    events
}

/// Every event that there is, once nothing holds it up any more.
async fn everything(app: &TestApp, user: &User) -> Vec<Value> {
    let lines: i64 = app.db.connect().await.query_one("select count(*) from journal", &[]).await.unwrap().get(0);
    follow_until(user, "limit=200", usize::try_from(lines).unwrap()).await
}

#[tokio::test]
async fn every_change_is_an_event_of_ids_and_codes() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grid = admin.by_code("grids", "421181001001001").await;
    let path = format!("/v1/grids/{}", text(&grid["id"]));
    admin.patch(&path, json!({"name": "改名", "version": 1})).await.ok(200);
    let household = admin.by_code("households", "42118100100100001010101").await;
    let to = json!({"grid_code": "421181001001002", "reason": "张三的要求", "version": 1});
    admin.post(&format!("/v1/households/{}/move", text(&household["id"])), to).await.ok(200);

    let events = follow_until(&admin, "limit=7&kind=grid", 4).await;
    assert_eq!(events.iter().map(|event| text(&event["type"])).collect::<Vec<_>>(), ["grid.created", "grid.created", "grid.created", "grid.changed"]);
    let changed = &events[3];
    assert_eq!((&changed["specversion"], &changed["source"]), (&"1.0".into(), &"urn:linli:421181".into()));
    assert_eq!(changed["subject"], format!("grid/{}", text(&grid["id"])));
    assert_eq!((&changed["data"]["object_id"], &changed["data"]["area_code"], &changed["data"]["version"]), (&grid["id"], &grid["code"], &2.into()));

    let of_household = format!("object_id={}", text(&household["id"]));
    let moved = follow_until(&admin, &of_household, 2).await.pop().unwrap();
    assert_eq!(
        (&moved["type"], &moved["data"]["area_code"], &moved["data"]["former_area_code"]),
        (&"household.moved".into(), &"421181001001002".into(), &"421181001001001".into())
    );
    // Both the grid that he left and the one that he entered are told, and nobody else.
    for (area, told) in [("421181001001001", true), ("421181001001002", true), ("421181001002", false)] {
        let (filtered, _) = follow(&admin, &format!("action=household.moved&area_code={area}"), None).await;
        let (seen, _) = follow(&app.user(&["event.read"], area).await, "action=household.moved", None).await;
        assert_eq!((filtered.len() == 1, seen.len() == 1), (told, told), "{area}");
    }
    let told = serde_json::to_string(&everything(&app, &admin).await).unwrap();
    for secret in ["改名", "张三", "翠湖花园", "test"] {
        assert!(!told.contains(secret), "{secret} is told");
    }
}

#[tokio::test]
async fn a_neighbour_is_told_nothing() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let neighbour = app.user(&["event.read"], "421181001002").await;
    everything(&app, &admin).await;
    let (seen, _) = follow(&neighbour, "limit=1", None).await;
    let areas: Vec<_> = seen.iter().map(|event| text(&event["data"]["area_code"])).collect();
    assert!(areas.iter().all(|area| area.starts_with("421181001002")) && areas.len() >= 2, "{areas:?}");
    assert_eq!(follow(&neighbour, "area_code=421181001001", None).await.0, Vec::<Value>::new());
    let other = app.user(&["grid.read", "webhook.read"], "421181").await;
    assert_eq!(other.get("/v1/events").await.code(), "access.forbidden");
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_points_whatever_is_asked() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let all = everything(&app, &admin).await;
    // A page that holds nothing of what was asked for still comes further.
    let empty = admin.get("/v1/events?kind=nothing&limit=200").await.ok(200);
    assert_eq!((items(&empty).len(), &empty["has_more"]), (0, &false.into()));
    let next = text(&empty["next"]);
    assert_eq!(follow(&admin, "limit=200", Some(next.clone())).await.0, Vec::<Value>::new());
    let first = admin.get("/v1/events?limit=5").await.ok(200);
    assert_eq!((items(&first), &first["has_more"]), (all[..5].to_vec(), &true.into()));
    // It survives the server, and is good at another.
    let elsewhere = admin.elsewhere(&app.replica().await);
    let (rest, _) = follow(&elsewhere, "limit=200", Some(text(&first["next"]))).await;
    assert_eq!(rest, all[5..]);

    let now = admin.get("/v1/events?after=now").await.ok(200);
    assert_eq!((items(&now).len(), &now["has_more"]), (0, &false.into()));
    admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八"})).await.ok(201);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (news, _) = follow(&admin, "limit=3", Some(text(&now["next"]))).await;
        if news.iter().any(|event| event["type"] == "grid.created" && event["data"]["area_code"] == "421181001001008") {
            break;
        }
        assert!(Instant::now() < deadline, "{news:?}");
        sleep(Duration::from_millis(50)).await;
    }

    let mut forged = next.clone();
    forged.replace_range(20..21, if &next[20..21] == "A" { "B" } else { "A" });
    let page = text(&admin.get("/v1/grids?limit=1").await.ok(200)["next"]);
    for bad in [forged.as_str(), "later", &page, &next[1..]] {
        let answer = admin.get(&format!("/v1/events?after={bad}")).await;
        assert_eq!((answer.status, answer.code(), answer.errors()), (400, "event.bad_cursor", vec!["after event.bad_cursor".to_owned()]), "{bad}");
    }
    assert_eq!(admin.get("/v1/events?limit=0").await.errors(), ["limit query.bad_parameter"]);
    assert_eq!(admin.get("/v1/events?wait=31").await.errors(), ["wait query.bad_parameter"]);
    assert_eq!(admin.get("/v1/events?object_id=7&area_code=x").await.errors(), ["object_id query.bad_parameter", "area_code query.bad_parameter"]);
}

/// What a writer of the test below committed.
async fn write(app: &TestApp, number: u64) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(number);
    let client = app.db.connect().await;
    let mut committed = Vec::new();
    for round in 0..12 {
        let mut mine = Vec::new();
        client.batch_execute("begin").await.unwrap();
        for line in 0..random.random_range(1..4) {
            let id = uuid::Uuid::now_v7();
            let nap = Duration::from_millis(random.random_range(0..12));
            let undone = random.random_ratio(1, 5);
            if undone {
                client.batch_execute("savepoint s").await.unwrap();
            }
            let insert = format!(
                "insert into journal (actor_id, actor_name, request_id, action, object_kind, object_id, area_code, version, change) \
                 values ('{id}', 'w', 'r', 'probe.made', 'probe', '{id}', '421181001', {}, '{{}}')",
                round * 10 + line
            );
            client.batch_execute(&insert).await.unwrap();
            sleep(nap).await;
            if undone {
                client.batch_execute("rollback to s").await.unwrap();
            } else {
                mine.push(id.to_string());
            }
        }
        if random.random_ratio(1, 6) {
            client.batch_execute("rollback").await.unwrap();
        } else {
            client.batch_execute("commit").await.unwrap();
            committed.extend(mine);
        }
    }
    committed
}

#[tokio::test]
async fn no_reader_misses_or_repeats_what_forty_writers_commit_out_of_order() {
    let app = TestApp::start().await;
    let reader = app.user(&["event.read"], "421181").await;
    let start = text(&reader.get("/v1/events?after=now").await.ok(200)["next"]);
    let writers = futures_util::future::join_all((0..40).map(|number| write(&app, number)));
    // Readers of all habits: small pages, large ones, waiting, not waiting, and one of a filter.
    let done = std::cell::Cell::new(None::<usize>);
    let read = |query: &'static str| {
        let (reader, mut after, done) = (reader.clone(), start.clone(), &done);
        async move {
            let mut read = Vec::new();
            let mut deadline = None;
            while done.get().is_none_or(|count| read.len() < count) {
                if done.get().is_some() {
                    // Transactions of other tests hold the feed up: bounded, not timed.
                    let deadline = *deadline.get_or_insert_with(|| Instant::now() + Duration::from_secs(90));
                    assert!(Instant::now() < deadline, "{query}: {} of {:?}", read.len(), done.get());
                }
                let page = reader.get(&format!("/v1/events?{query}&after={after}")).await.ok(200);
                read.extend(items(&page).iter().filter(|event| event["type"] == "probe.made").map(|event| text(&event["data"]["object_id"])));
                after = text(&page["next"]);
            }
            // Once more, for what should not come.
            let page = reader.get(&format!("/v1/events?{query}&after={after}")).await.ok(200);
            assert!(items(&page).iter().all(|event| event["type"] != "probe.made"), "{query}: {page}");
            read
        }
    };
    let write_all = async {
        let committed: Vec<String> = writers.await.concat();
        done.set(Some(committed.len()));
        committed
    };
    let (committed, a, b, c, d) =
        tokio::join!(write_all, read("limit=1"), read("limit=200"), read("limit=7&wait=1"), read("limit=50&wait=1&kind=probe&area_code=421181001"));
    assert!(committed.len() > 500, "{}", committed.len());
    let rows = app.db.connect().await.query("select object_id::text from journal where action = 'probe.made' order by xid, seq", &[]).await.unwrap();
    let in_order: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(in_order.iter().collect::<BTreeSet<_>>(), committed.iter().collect::<BTreeSet<_>>());
    let by_seq = app.db.connect().await.query("select object_id::text from journal where action = 'probe.made' order by seq", &[]).await.unwrap();
    assert_ne!(in_order, by_seq.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), "they did commit out of order");
    for (habit, read) in [("one by one", a), ("large pages", b), ("waiting", c), ("filtered", d)] {
        assert!(read == in_order, "{habit}: {} read, {} committed", read.len(), in_order.len());
    }
}

#[tokio::test]
async fn those_who_wait_are_told_at_once_and_hold_nothing() {
    let app = TestApp::start_with(|config| config.database_pool = 3).await;
    let admin = app.small_town().await;
    everything(&app, &admin).await;
    let start = text(&admin.get("/v1/events?after=now").await.ok(200)["next"]);
    let reader = app.user(&["event.read"], "421181001001").await;
    let wait = |query: String| {
        let reader = reader.clone();
        tokio::spawn(async move { reader.get(&format!("/v1/events?wait=30&{query}")).await.ok(200) })
    };
    // Far more than there are connections.
    let waiting: Vec<_> = (0..60).map(|_| wait(format!("kind=grid&after={start}"))).collect();
    let others: Vec<_> = (0..20).map(|_| wait(format!("kind=building&after={start}"))).collect();
    sleep(Duration::from_millis(300)).await;
    let open = "select count(*) from pg_stat_activity where application_name = 'linli' and state like 'idle in transaction%' and state_change < now() - interval '200 ms'";
    let held: i64 = app.db.connect().await.query_one(open, &[]).await.unwrap().get(0);
    assert_eq!(held, 0);
    admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八"})).await.ok(201);
    for waiter in waiting {
        let page = waiter.await.unwrap();
        assert_eq!(items(&page).iter().map(|event| text(&event["type"])).collect::<Vec<_>>(), ["grid.created"]);
    }
    assert!(others.iter().all(|other| !other.is_finished()), "what is not for them does not wake them");
    admin.post("/v1/buildings", json!({"code": "42118100100100009", "compound_code": "421181001001X001", "name": "9栋"})).await.ok(201);
    for other in others {
        assert_eq!(items(&other.await.unwrap())[0]["type"], "building.created");
    }
    let page = reader.get(&format!("/v1/events?wait=1&kind=nothing&after={start}")).await.ok(200);
    assert_eq!((items(&page).len(), &page["has_more"]), (0, &false.into()));
}

#[tokio::test]
async fn whoever_loses_his_key_while_he_waits_is_told_nothing() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    everything(&app, &admin).await;
    let (id, key) = app.key(&["event.read"], "421181").await;
    let reader = User::at(&app.base, Some(&key));
    let start = text(&reader.get("/v1/events?after=now").await.ok(200)["next"]);
    let waiter = tokio::spawn({
        let reader = reader.clone();
        async move { reader.get(&format!("/v1/events?wait=30&kind=grid&after={start}")).await }
    });
    sleep(Duration::from_millis(200)).await;
    app.revoke(id).await;
    sleep(Duration::from_millis(1_100)).await;
    admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八"})).await.ok(201);
    assert_eq!(waiter.await.unwrap().status, 401);
}

#[tokio::test]
async fn a_server_that_ends_lets_those_go_who_wait() {
    let app = TestApp::start().await;
    let mut server = Process::start(&app.db.url, &[("DRAIN_SECONDS", "0")]);
    let reader = app.user(&["event.read"], "421181").await.elsewhere(&server.base);
    let start = text(&reader.get("/v1/events?after=now").await.ok(200)["next"]);
    let waiter = tokio::spawn(async move { reader.get(&format!("/v1/events?wait=30&kind=nothing&after={start}")).await.ok(200) });
    sleep(Duration::from_millis(500)).await;
    let asked = Instant::now();
    server.signal("TERM");
    assert!(server.wait().success());
    let page = waiter.await.unwrap();
    assert_eq!(items(&page).len(), 0);
    // Not a measure of speed: a waiter that is not let go would take all of its thirty seconds.
    assert!(asked.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn after_a_restore_old_cursors_are_refused_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let before = everything(&app, &admin).await;
    let old = text(&admin.get("/v1/events?after=now").await.ok(200)["next"]);
    // What a logical restore leaves behind: lines with the transaction ids of another cluster, far ahead of this one's.
    let client = app.db.connect().await;
    client
        .batch_execute("begin; set local session_replication_role = replica; update journal set xid = (1000000000000 + xid::text::bigint)::text::xid8; commit")
        .await
        .unwrap();
    let restored = async || {
        let mut command = linli();
        command.args(["restored"]).env("DATABASE_URL", &app.db.url);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    // While somebody writes, nobody can say which of his lines are old.
    client.batch_execute("begin; lock table journal in row exclusive mode").await.unwrap();
    let refused = restored().await;
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("end every linli serve"), "{refused:?}");
    client.batch_execute("rollback").await.unwrap();
    let done = restored().await;
    assert!(done.status.success(), "{done:?}");

    let refused = admin.get(&format!("/v1/events?after={old}")).await;
    assert_eq!((refused.status, refused.code()), (409, "event.cursor_outlived"));
    let english = admin.send(admin.request(Method::GET, &format!("/v1/events?after={old}")).header("Accept-Language", "en")).await;
    assert!(text(&english.body["detail"]).contains("/v1/exports") && text(&english.body["detail"]).contains("after=now"), "it says how to go on");

    admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八"})).await.ok(201);
    let all = follow_until(&admin, "limit=4", before.len() + 2).await;
    let seen = |events: &[Value]| events.iter().map(|event| text(&event["id"])).collect::<Vec<_>>();
    assert_eq!(seen(&all[..before.len()]), seen(&before), "in their order, under their ids");
    assert_eq!(all[before.len()]["type"], "event_epoch.began");
    let last = all.last().unwrap();
    assert_eq!((&last["type"], text(&last["id"]).starts_with("evt_1_")), (&"grid.created".into(), true));
}

#[tokio::test]
async fn a_restore_that_nobody_told_of_is_noticed() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let secret: Vec<u8> = app.db.connect().await.query_one("select value from secret where name = 'cursor'", &[]).await.unwrap().get(0);
    let ahead = platform::event::cursor::Position { era: 0, xid: kernel::xid::Xid(1 << 50), seq: 3 };
    let cursor = platform::event::cursor::seal(ahead, 0, &secret).unwrap();
    assert_eq!(admin.get(&format!("/v1/events?after={cursor}")).await.code(), "event.cursor_outlived");
}
