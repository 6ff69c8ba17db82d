//! The audit log: searched by each filter, within the caller's area, with the role that granted each act.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use api::server;
use kernel::actor::Grant;
use kernel::{Actor, Call, Role, Scope};
use organization::grid::{self, NewGrid};
use platform::import_run::{self, ImportMode};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestApp, User};

use crate::audit_seals::seal_all;

/// All lines of a search, page by page.
async fn walk(user: &User, query: &str, limit: usize) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut path = format!("/v1/audit?{query}&limit={limit}");
    loop {
        let page = user.get(&path).await.ok(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() == limit || page["next"].is_null(), "a page that is not full is the last");
        lines.extend(items.iter().cloned());
        let Some(next) = page["next"].as_str() else { return lines };
        path = format!("/v1/audit?{query}&limit={limit}&after={next}");
    }
}

fn seqs(lines: &[Value]) -> Vec<i64> {
    lines.iter().map(|line| line["seq"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn each_filter_finds_its_lines_and_no_others() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let other = app.user(&["grid.write", "grid.read"], "421181").await;
    let grid = admin.by_code("grids", "421181001001001").await;
    let path = format!("/v1/grids/{}", grid["id"].as_str().unwrap());
    other.send(other.request(Method::PATCH, &path).header("X-Request-Id", "mine-1").json(&json!({"name": "改名", "version": 1}))).await.ok(200);
    other.post("/v1/grids", json!({"code": "421181001002009", "name": "桥头二"})).await.ok(201);
    let all = walk(&admin, "", 200).await;
    assert!(all.len() > 15, "{}", all.len());
    let changed = all.iter().find(|line| line["action"] == "grid.changed").unwrap();
    assert_eq!((&changed["object_id"], &changed["request_id"], &changed["version"]), (&grid["id"], &json!("mine-1"), &json!(2)));
    assert_eq!(changed["change"], json!({"name": {"from": "第一网格", "to": "改名"}}));
    assert_eq!((&changed["acting_role"], &changed["block"], &changed["reason"]), (&Value::Null, &Value::Null, &Value::Null), "a key has no role");

    for member in ["actor_id", "action", "object_kind", "object_id", "request_id"] {
        let value = changed[member].as_str().unwrap();
        let expected: Vec<Value> = all.iter().filter(|line| line[member] == value).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{member} tells lines apart");
        assert_eq!(walk(&admin, &format!("{member}={value}"), 2).await, expected, "{member}");
    }
    let bridge = walk(&admin, "area_code=421181001002", 200).await;
    let expected = all.iter().filter(|line| line["area_code"].as_str().unwrap().starts_with("421181001002")).count();
    assert_eq!((bridge.len(), expected > 2), (expected, true));
    assert!(walk(&admin, "object_kind=grid&action=building.created", 200).await.is_empty(), "filters are all meant");
    assert_eq!(walk(&admin, "object_kind=grid&action=grid.created&area_code=421181001002", 200).await.len(), 2);

    let at = |line: &Value| line["at"].as_str().unwrap().replace('+', "%2B");
    let (middle, newest) = (at(&all[all.len() / 2]), at(&all[0]));
    // What is shown ends at the millisecond, so a bound may cut through those that share one.
    let later = walk(&admin, &format!("from={middle}"), 7).await;
    let earlier = walk(&admin, &format!("to={middle}"), 7).await;
    assert!(!earlier.is_empty() && later.len() > all.len() / 3 && later.len() < all.len());
    assert_eq!([later.clone(), earlier].concat(), all, "from is meant, to is not");
    assert_eq!(walk(&admin, &format!("from={middle}&to={newest}"), 7).await.len(), later.iter().filter(|line| line["at"] != all[0]["at"]).count());
    assert_eq!(walk(&admin, &format!("from={newest}&to={middle}"), 7).await, Vec::<Value>::new());
    let total = admin.get("/v1/audit?object_kind=household&include_total=true&limit=1").await.ok(200);
    assert_eq!((total["total"].as_i64(), total["items"].as_array().unwrap().len()), (Some(3), 1));
}

#[tokio::test]
async fn pages_go_back_through_the_months_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    // Five years, some months without a line, some with many of one instant, one far ahead.
    let insert = "insert into journal (at, actor_id, actor_name, request_id, action, object_kind, object_id, area_code, version, change) \
                  select month + interval '3 hours' * (n / 5), gen_random_uuid(), '旧', 'old', 'thing.created', 'thing', gen_random_uuid(), '421181', 1, '{}' \
                  from generate_series(timestamptz '2021-11-30 16:00Z', '2026-06-30 16:00Z', '7 months') as month, generate_series(1, 23) as n";
    let db = app.db.connect().await;
    db.batch_execute(insert).await.unwrap();
    db.batch_execute(&insert.replace("'2021-11-30 16:00Z', '2026-06-30 16:00Z'", "'2093-05-01', '2093-05-02'").replace("'old'", "'ahead'")).await.unwrap();
    let stored: Vec<i64> = db.query("select seq from journal order by at desc, seq desc", &[]).await.unwrap().iter().map(|row| row.get::<_, i64>(0)).collect();
    assert!(stored.len() > 8 * 23);
    for limit in [1, 20, 200] {
        assert_eq!(seqs(&walk(&admin, "", limit).await), stored, "{limit} a page");
    }
    assert_eq!(walk(&admin, "request_id=old", 10).await.len(), 8 * 23);
    assert_eq!(walk(&admin, "request_id=ahead", 10).await.len(), 23);
    assert_eq!(walk(&admin, "request_id=old&from=2022-06-30T16:00:00Z&to=2023-01-30T16:00:00Z", 4).await.len(), 23, "one month of seven");
    assert!(walk(&admin, "request_id=nobody", 10).await.is_empty());
    let page = admin.get("/v1/audit?request_id=old&limit=5").await.ok(200);
    let next = page["next"].as_str().unwrap();
    assert_eq!(admin.get(&format!("/v1/audit?request_id=ahead&after={next}")).await.code(), "page.bad_cursor", "a cursor belongs to its search");
    // Somebody who can write to the database cannot hide the log behind a line that no calendar has.
    db.batch_execute(&insert.replace("month + interval '3 hours' * (n / 5)", "'infinity'").replace("'old'", "'never'")).await.unwrap();
    assert_eq!(seqs(&walk(&admin, "", 200).await), stored);
}

#[tokio::test]
async fn lines_are_seen_where_the_object_is_and_where_it_was() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let household = admin.by_code("households", "42118100100100001010101").await["id"].as_str().unwrap().to_owned();
    let to = json!({"grid_code": "421181001001002", "reason": "网格调整", "version": 1});
    admin.post(&format!("/v1/households/{household}/move"), to).await.ok(200);
    let reader = async |area: &str| app.user(&["audit.read"], area).await;
    let moved = async |user: &User| -> Vec<(String, String)> {
        let lines = walk(user, &format!("object_id={household}"), 200).await;
        lines.iter().map(|line| (line["action"].as_str().unwrap().to_owned(), line["area_code"].as_str().unwrap().to_owned())).collect()
    };
    let left = ("household.moved".to_owned(), "421181001001002".to_owned());
    let made = ("household.created".to_owned(), "421181001001001".to_owned());
    assert_eq!(moved(&reader("421181001001").await).await, [left.clone(), made.clone()]);
    assert_eq!(moved(&reader("421181001001001").await).await, [left.clone(), made], "the grid that it left");
    assert_eq!(moved(&reader("421181001001002").await).await, [left], "the grid that it came to");
    let neighbour = reader("421181001002").await;
    assert!(moved(&neighbour).await.is_empty());
    let theirs = walk(&neighbour, "", 200).await;
    assert!(!theirs.is_empty() && theirs.iter().all(|line| line["area_code"].as_str().unwrap().starts_with("421181001002")));
    assert!(walk(&neighbour, "area_code=421181001001", 200).await.is_empty(), "a filter opens no door");
    assert_eq!(neighbour.get("/v1/audit?area_code=421181001001&include_total=true").await.ok(200)["total"], 0);
    let former = walk(&admin, "area_code=421181001001001&action=household.moved", 200).await;
    assert_eq!((former.len(), &former[0]["former_area_code"]), (1, &json!("421181001001001")));
    let blind = app.user(&["grid.read", "audit.verify"], "421181").await.get("/v1/audit").await;
    assert_eq!((blind.status, blind.code()), (403, "access.forbidden"));
}

#[tokio::test]
async fn a_line_names_its_block_once_it_is_sealed() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let before = walk(&admin, "", 200).await;
    assert!(before.iter().all(|line| line["block"].is_null()));
    seal_all(&app.db).await;
    admin.post("/v1/grids", json!({"code": "421181001002009", "name": "桥头二"})).await.ok(201);
    let after = walk(&admin, "", 200).await;
    assert!(after[0]["block"].is_null() && after[1..].iter().all(|line| line["block"].is_i64()));
    let blocks: BTreeSet<i64> = after[1..].iter().map(|line| line["block"].as_i64().unwrap()).collect();
    assert_eq!(blocks.first(), Some(&1));
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (query, at) in [
        ("from=yesterday", "from"),
        ("to=2026-11-24", "to"),
        ("from=2026-11-24T00:00:00+08:00", "from"),
        ("from=%2B262142-12-31T23:59:59Z", "from"),
        ("to=-0044-03-15T00:00:00Z", "to"),
        ("actor_id=1", "actor_id"),
        ("action=grid%20created", "action"),
        ("area_code=42", "area_code"),
        ("request_id=%00", "request_id"),
    ] {
        let answer = admin.get(&format!("/v1/audit?{query}")).await;
        assert_eq!((answer.status, answer.errors()), (400, vec![format!("{at} query.bad_parameter")]), "{query}");
    }
    assert_eq!(admin.get("/v1/audit?from=1800-01-01T00:00:00Z&to=2200-12-31T00:00:00%2B08:00").await.status, 200);
    assert_eq!(admin.get("/v1/audit?sort=at").await.errors(), ["sort query.unknown_parameter"]);
}

/// A call of somebody who holds these roles, each in an area.
fn call_of(app: &TestApp, roles: &[(Role, &str)]) -> Call {
    let grant = |(role, area): &(Role, &str)| Grant {
        role: Some(*role),
        permissions: ["grid.read", "grid.write"].map(Cow::Borrowed).to_vec(),
        scope: Scope::of(vec![area.parse().unwrap()]),
    };
    let actor = Actor::new(uuid::Uuid::now_v7(), "张三".to_owned(), roles.iter().map(grant).collect());
    Call { actor: Arc::new(actor), ..server::operator(&app.config, "role-test") }
}

#[tokio::test]
async fn the_role_that_granted_an_act_is_kept() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let call = call_of(&app, &[(Role::CommunitySecretary, "421181001001"), (Role::SubdistrictOfficer, "421181001")]);
    let new = |code: &str| serde_json::from_value::<NewGrid>(json!({"code": code, "name": "新"})).unwrap();
    for code in ["421181001001008", "421181001002008"] {
        app.store().write(&call, "test", async |tx| grid::create(tx, &new(code)).await).await.unwrap();
    }
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, b"code,name\n421181001002009,a\n421181001001009,b\n421181001002008,c\n").unwrap();
    let sheet = api::domains::sheet("grids").unwrap();
    let (run, _) = app
        .store()
        .write(&call, "test", async |tx| import_run::import(tx, sheet, &file, ImportMode::Atomic, tx.as_of, &kernel::pulse::Pulse::default()).await)
        .await
        .unwrap();
    assert_eq!((run.created, run.changed), (2, 1));
    let lines = walk(&admin, &format!("actor_id={}", call.actor.id), 200).await;
    let mut roles: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {} {}", line["action"].as_str().unwrap(), line["area_code"].as_str().unwrap(), line["acting_role"].as_str().unwrap()))
        .collect();
    roles.sort();
    assert_eq!(
        roles,
        [
            "grid.changed 421181001002008 subdistrict_officer",
            "grid.created 421181001001008 community_secretary",
            "grid.created 421181001001009 community_secretary",
            "grid.created 421181001002008 subdistrict_officer",
            "grid.created 421181001002009 subdistrict_officer",
            "import_run.finished 421181001 subdistrict_officer",
        ]
    );
    let grid = admin.by_code("grids", "421181001002008").await["id"].as_str().unwrap().to_owned();
    admin.patch(&format!("/v1/grids/{grid}"), json!({"name": "改", "version": 2})).await.ok(200);
    let history = admin.get(&format!("/v1/grids/{grid}/history")).await.ok(200);
    let told: Vec<&Value> = history["items"].as_array().unwrap().iter().map(|change| &change["acting_role"]).collect();
    assert_eq!(told, [&Value::Null, &json!("subdistrict_officer"), &json!("subdistrict_officer")], "a key has none");
}
