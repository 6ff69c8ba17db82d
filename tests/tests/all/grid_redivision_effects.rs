//! The effect of re-divisions of grids (ORG-12): all of it or nothing, what was before stands, and old codes lead on.

use chrono::{NaiveDate, TimeDelta};
use kernel::Role;
use serde_json::{Value, json};
use testkit::{TestApp, User};

use crate::grid_redivisions::{AREA, act, advance, building, draft, grid, notice, path, plan, shared, steady, today};
use crate::jobs::{release, stands_before};

/// A published re-division of the community whose day is today.
pub(crate) async fn published(admin: &User, entries: Value) -> Value {
    notice(admin).await;
    let made = draft(admin, "柳岸社区网格调整", AREA, today()).await;
    let planned = plan(admin, &made, entries).await.ok(200);
    advance(admin, &planned, 5).await
}

/// Both grids become one.
fn merge() -> Value {
    let mut one = grid(21);
    one["exception"] = json!("small_merge");
    one["exception_reason"] = json!("两个小区相邻");
    one["approved_by"] = json!("市委组织部");
    one["reason"] = json!("户数偏少");
    json!({"grids": [one], "buildings": [building(1, 21), building(2, 21)]})
}

/// The lines of descent of today: kind, own digits of the old and of the new code, households.
async fn lineage(admin: &User) -> Vec<(String, String, String, i64)> {
    let items = admin.get(&format!("/v1/grid-lineages?effective_on={}", today())).await.ok(200)["items"].clone();
    let own = |code: &Value| code.as_str().map_or_else(String::new, |code| code[12..].to_owned());
    let line =
        |item: &Value| (item["kind"].as_str().unwrap().to_owned(), own(&item["old_code"]), own(&item["new_code"]), item["households_moved"].as_i64().unwrap());
    let mut lines: Vec<_> = items.as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

fn lines(expected: &[(&str, &str, &str, i64)]) -> Vec<(String, String, String, i64)> {
    expected.iter().map(|(kind, old, new, moved)| ((*kind).to_owned(), (*old).to_owned(), (*new).to_owned(), *moved)).collect()
}

/// What goes out comes in again and changes nothing.
async fn stands_as_exported(admin: &User) {
    for resource in ["grids", "grid-lineages", "compound-grids", "households", "people"] {
        let file = admin.get(&format!("/v1/exports/{resource}.csv")).await;
        let run = admin.import(resource, "", file.bytes).await.ok(200)["run"].clone();
        assert_eq!(run["unchanged"], run["rows_read"], "{resource}: {run}");
    }
}

#[tokio::test]
async fn org_12_two_grids_become_one_with_counts_lineage_and_history() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let person = json!({"name": "甲", "area_code": "421181001001001", "valid_from": "2023-02-01"});
    let person = admin.post("/v1/people", person).await.ok(201)["id"].as_str().unwrap().to_owned();
    app.staff("keeper", Role::CompoundSecretary, "421181001001001").await;
    let stands = published(&admin, merge()).await;
    let simulation = admin.get(&format!("{}/simulation", path(&stands))).await.ok(200);
    let side = |name: &str| {
        let side = &simulation[name];
        (side["grids"].as_i64(), side["households"].as_i64(), side["load"]["min"].as_i64(), side["load"]["median"].as_i64(), side["load"]["max"].as_i64())
    };
    assert_eq!(side("before"), (Some(2), Some(3), Some(1), Some(1), Some(2)));
    assert_eq!(side("after"), (Some(1), Some(3), Some(3), Some(3), Some(3)));
    let fates: Vec<_> = simulation["grids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grid| {
            (
                grid["code"].as_str().unwrap().split_at(12).1,
                grid["fate"].as_str().unwrap(),
                grid["households_before"].as_i64(),
                grid["households_after"].as_i64(),
            )
        })
        .collect();
    assert_eq!(fates, [("001", "closed", Some(2), Some(0)), ("002", "closed", Some(1), Some(0)), ("021", "created", Some(0), Some(3))]);
    assert_eq!(
        (simulation["households_moved"].as_i64(), simulation["compound_links_ended"].as_i64(), simulation["compound_links_begun"].as_i64()),
        (Some(3), Some(2), Some(2))
    );
    let home = |table: &str| {
        let home = simulation["homes"].as_array().unwrap().iter().find(|home| home["table"] == table).unwrap();
        let count = |member: &str| home[member].as_i64().unwrap();
        (count("count"), count("to_community"), home["follows"].as_bool().unwrap(), home["why_not"].is_string())
    };
    assert_eq!((home("person"), home("role_grant"), home("webhook")), ((1, 0, true, false), (1, 0, false, true), (0, 0, false, true)));
    assert_eq!(simulation["compounds"]["compounds"], 2);

    let done = act(&admin, &stands, "take-effect", json!({"note": "按期生效"})).await.ok(200);
    assert_eq!((done["state"].as_str(), done["previous_state"].as_str()), (Some("effective"), Some("published")));
    for (member, count) in [
        ("grids_before", 2),
        ("grids_after", 1),
        ("households_before", 3),
        ("households_after", 3),
        ("households_moved", 3),
        ("compound_links_changed", 4),
        ("objects_moved", 1),
    ] {
        assert_eq!(done[member], count, "{member}");
    }
    assert_eq!(lineage(&admin).await, lines(&[("merged", "001", "021", 2), ("merged", "002", "021", 1)]));
    let (now, before) = (today(), today() - TimeDelta::days(1));
    let value = async |day: NaiveDate| admin.get(&format!("/v1/statistics/grids?as_of={day}&area_code={AREA}")).await.ok(200)["value"].clone();
    assert_eq!((value(before).await, value(now).await), (json!("2"), json!("1")));
    let successors = async |day: NaiveDate| admin.get(&format!("/v1/reports/grid-descent/421181001001001?as_of={day}")).await.ok(200)["successors"].clone();
    assert_eq!((successors(before).await, successors(now).await), (json!(["421181001001001"]), json!(["421181001001021"])));
    let old = admin.get(&format!("/v1/grids?code=421181001001001&as_of={before}")).await.ok(200)["items"][0].clone();
    assert_eq!((old["valid_to"].as_str(), old["version"].as_i64()), (Some(now.to_string().as_str()), Some(2)));
    let new = admin.by_code("grids", "421181001001021").await;
    assert_eq!((new["valid_from"].as_str(), new["kind"].as_str()), (Some(now.to_string().as_str()), Some("urban")));
    // The history of a household stays: its time in the old grid ended, the one in the new began.
    let times = admin.get("/v1/household-grids?household_code=42118100100100001010101&ever=true").await.ok(200)["items"].clone();
    let times: Vec<_> =
        times.as_array().unwrap().iter().map(|time| (time["grid_code"].clone(), time["valid_from"].clone(), time["valid_to"].clone())).collect();
    assert_eq!(times, [(json!("421181001001001"), json!("2023-01-01"), json!(now)), (json!("421181001001021"), json!(now), Value::Null)]);
    let household = admin.by_code("households", "42118100100100001010101").await;
    let told = admin.get(&format!("/v1/households/{}/history", household["id"].as_str().unwrap())).await.ok(200)["items"][0].clone();
    assert_eq!((told["action"].as_str(), told["version"].as_i64(), told["reason"].as_str()), (Some("household.moved"), Some(2), Some("柳岸社区网格调整")));
    assert_eq!(told["change"]["grid_code"], json!({"from": "421181001001001", "to": "421181001001021"}));
    let links = admin.get(&format!("/v1/compound-grids?as_of={now}&area_code={AREA}")).await.ok(200)["items"].clone();
    let links: Vec<_> =
        links.as_array().unwrap().iter().map(|link| (link["compound_code"].clone(), link["grid_code"].clone(), link["exception"].clone())).collect();
    let of = |compound: &str| (json!(compound), json!("421181001001021"), json!("small_merge"));
    assert_eq!(links, [of("421181001001X001"), of("421181001001X002")]);
    // People go with their grid, as all of it goes to one; who holds which role in it is for others to say.
    let moved = admin.get(&format!("/v1/people/{person}")).await.ok(200);
    assert_eq!((moved["area_code"].as_str(), moved["version"].as_i64()), (Some("421181001001021"), Some(2)));
    let told = admin.get(&format!("/v1/people/{person}/history")).await.ok(200)["items"][0].clone();
    assert_eq!((told["action"].as_str(), told["change"]["area_code"]["from"].as_str()), (Some("person.changed"), Some("421181001001001")));
    let told = admin.get(&format!("{}/history", path(&done))).await.ok(200)["items"][0].clone();
    assert_eq!((told["action"].as_str(), told["reason"].as_str()), (Some("grid_redivision.took_effect"), Some("按期生效")));
    let report = admin.get(&format!("/v1/reports/grid-division?area_code={AREA}")).await.ok(200);
    assert_eq!((report["seamless"].as_bool(), report["counts"]["grids"].as_i64()), (Some(true), Some(1)));
    assert_eq!(act(&admin, &done, "take-effect", json!({})).await.code(), "workflow.wrong_state");
    stands_as_exported(&admin).await;
}

#[tokio::test]
async fn org_12_a_grid_is_split_and_a_household_parts_from_its_building() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let mut two = grid(2);
    two["name"] = json!("第二网格(扩)");
    two["exception"] = json!("small_merge");
    two["exception_reason"] = json!("老街仅一栋");
    two["approved_by"] = json!("龙池桥街道");
    let split = json!({
        "grids": [grid(11), two],
        "buildings": [building(1, 11), building(2, 2)],
        "households": [{"household_code": "42118100100100001010102", "grid_code": "421181001001002"}]
    });
    let done = act(&admin, &published(&admin, split).await, "take-effect", json!({})).await.ok(200);
    assert_eq!((done["grids_before"].as_i64(), done["grids_after"].as_i64(), done["households_moved"].as_i64()), (Some(2), Some(2), Some(2)));
    // One part went to a new grid, the other into one that was there and goes on.
    assert_eq!(lineage(&admin).await, lines(&[("merged", "001", "002", 1), ("split", "001", "011", 1)]));
    let home = async |code: &str| admin.by_code("households", code).await["grid_code"].clone();
    assert_eq!(
        (home("42118100100100001010101").await, home("42118100100100001010102").await, home("42118100100100002010101").await),
        (json!("421181001001011"), json!("421181001001002"), json!("421181001001002"))
    );
    // The compound whose buildings part has two grids, the further one by exception; the other's link was not touched.
    let links = admin.get(&format!("/v1/compound-grids?area_code={AREA}")).await.ok(200)["items"].clone();
    let mut links: Vec<_> = links
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["compound_code"].as_str().unwrap(), link["grid_code"].as_str().unwrap(), link["exception"].as_str(), link["version"].as_i64()))
        .collect();
    links.sort_unstable();
    assert_eq!(
        links,
        [
            ("421181001001X001", "421181001001002", Some("small_merge"), Some(1)),
            ("421181001001X001", "421181001001011", None, Some(1)),
            ("421181001001X002", "421181001001002", None, Some(1))
        ]
    );
    let renamed = admin.by_code("grids", "421181001001002").await;
    assert_eq!((renamed["name"].as_str(), renamed["version"].as_i64(), renamed["valid_from"].as_str()), (Some("第二网格(扩)"), Some(2), Some("2023-01-01")));
    stands_as_exported(&admin).await;
}

#[tokio::test]
async fn org_12_people_of_a_grid_that_splits_are_the_communitys() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let enter = async |name: &str, grid: &str| -> String {
        let person = json!({"name": name, "area_code": grid, "valid_from": "2023-02-01"});
        admin.post("/v1/people", person).await.ok(201)["id"].as_str().unwrap().to_owned()
    };
    let home = json!({"code": "42118100100100001010103", "grid_code": "421181001001001", "name": "1单元0103", "valid_from": "2023-02-01"});
    admin.post("/v1/households", home).await.ok(201);
    let (split, whole) = (enter("丙", "421181001001001").await, enter("丁", "421181001001002").await);
    // Two households of the first grid go to one, one to another; the second grid goes on under another code.
    let entries = json!({
        "grids": [grid(11), shared(12)],
        "buildings": [building(1, 11), building(2, 12)],
        "households": [{"household_code": "42118100100100001010102", "grid_code": "421181001001012"}]
    });
    let stands = published(&admin, entries).await;
    let simulation = admin.get(&format!("{}/simulation", path(&stands))).await.ok(200);
    let people = simulation["homes"].as_array().unwrap().iter().find(|home| home["table"] == "person").unwrap().clone();
    assert_eq!((people["count"].as_i64(), people["to_community"].as_i64()), (Some(2), Some(1)));
    let done = act(&admin, &stands, "take-effect", json!({})).await.ok(200);
    assert_eq!(done["objects_moved"], 2);
    let now = async |person: &str| admin.get(&format!("/v1/people/{person}")).await.ok(200)["area_code"].clone();
    assert_eq!((now(&split).await, now(&whole).await), (json!(AREA), json!("421181001001012")), "most of its households are no reason");
    let told = admin.get(&format!("/v1/people/{split}/history")).await.ok(200)["items"][0].clone();
    assert_eq!(told["change"]["area_code"], json!({"from": "421181001001001", "to": AREA}));
    stands_as_exported(&admin).await;
}

#[tokio::test]
async fn org_12_a_part_is_handed_over_one_grid_begins_and_one_ends() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    admin.post("/v1/grids", json!({"code": "421181001001003", "name": "空网格", "valid_from": "2023-02-01"})).await.ok(201);
    let person = json!({"name": "乙", "area_code": "421181001001003", "valid_from": "2023-02-01"});
    let person = admin.post("/v1/people", person).await.ok(201)["id"].as_str().unwrap().to_owned();
    let mut entries = steady();
    entries["grids"].as_array_mut().unwrap().push(grid(31));
    let done = act(&admin, &published(&admin, entries).await, "take-effect", json!({})).await.ok(200);
    assert_eq!((done["grids_before"].as_i64(), done["grids_after"].as_i64(), done["compound_links_changed"].as_i64()), (Some(3), Some(3), Some(2)));
    assert_eq!(lineage(&admin).await, lines(&[("abolished", "003", "", 0), ("adjusted", "002", "001", 1), ("created", "", "031", 0)]));
    let descent = admin.get("/v1/reports/grid-descent/421181001001002").await.ok(200);
    assert_eq!(descent["successors"], json!(["421181001001001", "421181001001002"]), "it goes on, and a part of it went");
    // Nobody went from the grid that closes, so its people are the community's.
    assert_eq!(admin.get(&format!("/v1/people/{person}")).await.ok(200)["area_code"], AREA);
    stands_as_exported(&admin).await;
    // A grid that stays as it is is told too.
    let next = draft(&admin, "再调整", AREA, today() + TimeDelta::days(1)).await;
    let mut same = steady();
    same["grids"].as_array_mut().unwrap().push(grid(31));
    let next = plan(&admin, &next, same).await.ok(200);
    assert_eq!(admin.get(&format!("{}/simulation", path(&next))).await.ok(200)["households_moved"], 0);
}

#[tokio::test]
async fn org_12_of_two_at_once_one_takes_effect() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let stands = published(&admin, merge()).await;
    let both = [(); 2].map(|()| {
        let (admin, stands) = (admin.clone(), stands.clone());
        tokio::spawn(async move { act(&admin, &stands, "take-effect", json!({})).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(lineage(&admin).await.len(), 2);
}

#[tokio::test]
async fn org_12_killed_in_the_middle_it_leaves_no_trace() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let stands = published(&admin, merge()).await;
    let traces = async || {
        let query = "select (select count(*) from journal where object_kind like '%grid%' or object_kind = 'household'), (select count(*) from grid), (select count(*) from household_grid), (select count(*) from compound_grid)";
        let row = app.db.connect().await.query_one(query, &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2), row.get::<_, i64>(3))
    };
    let before = traces().await;
    // It has moved everything, and stands before the lineage.
    let wall = app.db.connect().await;
    wall.batch_execute("begin; lock table grid_lineage in exclusive mode").await.unwrap();
    let (user, was) = (admin.clone(), stands.clone());
    let effect = tokio::spawn(async move { act(&user, &was, "take-effect", json!({})).await });
    let backend = stands_before(&wall).await;
    wall.execute("select pg_terminate_backend($1)", &[&backend]).await.unwrap();
    let answer = effect.await.unwrap();
    assert_eq!((answer.status, answer.code()), (503, "database.away"));
    release(wall).await;
    assert_eq!((traces().await, admin.get(&path(&stands)).await.ok(200)), (before, stands.clone()));
    assert_eq!(act(&admin, &stands, "take-effect", json!({})).await.ok(200)["households_moved"], 3);
}

#[tokio::test]
async fn org_12_a_move_into_a_grid_that_closes_meets_its_end() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let stands = published(&admin, merge()).await;
    let household = admin.by_code("households", "42118100100100002010101").await["id"].as_str().unwrap().to_owned();
    // Held up before its lineage, it holds the grids: who moves a household now waits, and then sees that the grid is no more.
    let wall = app.db.connect().await;
    wall.batch_execute("begin; lock table grid_lineage in exclusive mode").await.unwrap();
    let (user, was) = (admin.clone(), stands.clone());
    let effect = tokio::spawn(async move { act(&user, &was, "take-effect", json!({})).await });
    stands_before(&wall).await;
    let mover = admin.clone();
    let body = json!({"grid_code": "421181001001001", "reason": "迁移", "version": 1});
    let moving = tokio::spawn(async move { mover.post(&format!("/v1/households/{household}/move"), body).await });
    let kept_out = admin.import("households", "", "code,grid_code,name\n42118100100100002010102,421181001001002,1单元0102\n".into()).await;
    assert_eq!((kept_out.status, kept_out.code()), (409, "import.in_progress"));
    release(wall).await;
    assert_eq!(effect.await.unwrap().ok(200)["households_moved"], 3);
    let moved = moving.await.unwrap();
    assert!(["version.stale", "grid.not_in_force"].contains(&moved.code()), "{}", moved.body);
}
