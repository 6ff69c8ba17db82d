//! Households and their dated homes (ORG-04).

use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

const CODE: &str = "42118100100100001010101";

async fn times(user: &User) -> Vec<(String, String, Option<String>)> {
    let page = user.get(&format!("/v1/household-grids?household_code={CODE}&ever=true")).await.ok(200);
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|time| (text(&time["grid_code"]).unwrap(), text(&time["valid_from"]).unwrap(), text(&time["valid_to"])))
        .collect()
}

#[tokio::test]
async fn org_04_a_household_is_in_one_grid_on_any_day() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let household = admin.by_code("households", CODE).await;
    let path = format!("/v1/households/{}/move", household["id"].as_str().unwrap());
    let to = |grid: &str, on: &str, version: i64| json!({"grid_code": grid, "on": on, "reason": "网格调整", "version": version});
    let moved = admin.post(&path, to("421181001001002", "2024-03-01", 1)).await.ok(200);
    assert_eq!(
        (moved["grid_code"].as_str(), moved["area_code"].as_str(), moved["version"].as_i64()),
        (Some("421181001001002"), Some("421181001001002"), Some(2))
    );
    assert_eq!(
        times(&admin).await,
        [("421181001001001".into(), "2023-01-01".into(), Some("2024-03-01".into())), ("421181001001002".into(), "2024-03-01".into(), None)]
    );
    // A list of a day shows the grid of that day.
    let on =
        async |day: &str| admin.get(&format!("/v1/households?code={CODE}&as_of={day}")).await.ok(200)["items"][0]["grid_code"].as_str().map(ToOwned::to_owned);
    assert_eq!((on("2024-02-29").await.as_deref(), on("2024-03-01").await.as_deref()), (Some("421181001001001"), Some("421181001001002")));
    let count =
        async |day: &str| admin.get(&format!("/v1/households?grid_code=421181001001001&as_of={day}&include_total=true")).await.ok(200)["total"].as_i64();
    assert_eq!((count("2024-02-29").await, count("2024-03-01").await), (Some(2), Some(1)));

    assert_eq!(admin.post(&path, to("421181001001001", "2024-02-01", 2)).await.code(), "household.move_before_last");
    assert_eq!(admin.post(&path, to("421181001001001", "2199-01-01", 2)).await.code(), "household.move_in_future");
    assert_eq!(admin.post(&path, to("421181001002001", "2024-04-01", 2)).await.code(), "household.grid_elsewhere");
    assert_eq!(admin.post(&path, to("421181001001001", "2024-04-01", 1)).await.code(), "version.stale");
    // On the day of the move itself, a move is a correction.
    admin.post(&path, to("421181001001001", "2024-03-01", 2)).await.ok(200);
    assert_eq!(times(&admin).await.len(), 2);

    let end = format!("/v1/households/{}/end", household["id"].as_str().unwrap());
    assert_eq!(admin.post(&end, ending("2024-03-01", 3)).await.code(), "household.move_before_last");
    admin.post(&end, ending("2024-09-01", 3)).await.ok(200);
    assert_eq!(times(&admin).await[1].2.as_deref(), Some("2024-09-01"));
    let history = admin.get(&format!("/v1/households/{}/history", household["id"].as_str().unwrap())).await.ok(200);
    let actions: Vec<_> = history["items"].as_array().unwrap().iter().map(|change| change["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["household.ended", "household.moved", "household.moved", "household.created"]);
    assert_eq!(history["items"][1]["change"]["grid_code"], json!({"from": "421181001001002", "to": "421181001001001"}));
    assert_eq!(history["items"][1]["reason"], "网格调整");
}

#[tokio::test]
async fn two_moves_at_once_leave_one_home() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let household = admin.by_code("households", CODE).await;
    let path = format!("/v1/households/{}/move", household["id"].as_str().unwrap());
    let moves = ["421181001001001", "421181001001002"].map(|grid| {
        let (admin, path) = (admin.clone(), path.clone());
        tokio::spawn(async move { admin.post(&path, json!({"grid_code": grid, "on": "2024-03-01", "reason": "同时", "version": 1})).await.status })
    });
    let mut statuses = Vec::new();
    for one in moves {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(times(&admin).await.iter().filter(|(_, _, to)| to.is_none()).count(), 1);
}

#[tokio::test]
async fn the_database_itself_allows_no_second_home() {
    let app = TestApp::start().await;
    app.small_town().await;
    let db = app.db.connect().await;
    let second = "insert into household_grid (id, household_id, household_code, grid_code, valid_from) \
                  select gen_random_uuid(), id, code, '421181001001002', '2024-01-01' from household where code = '42118100100100001010101'";
    let refused = db.batch_execute(second).await.unwrap_err();
    let constraint = refused.as_db_error().unwrap().constraint().unwrap().to_owned();
    assert!(["household_grid_one_at_a_time", "household_grid_household_id_key"].contains(&constraint.as_str()), "{constraint}");
    let journal = db.batch_execute("update journal set reason = 'x'").await.unwrap_err();
    assert!(journal.as_db_error().unwrap().message().contains("append-only"));
}

#[tokio::test]
async fn forty_writers_on_one_object_lose_no_update() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grid = admin.by_code("grids", "421181001001001").await;
    let path = format!("/v1/grids/{}", grid["id"].as_str().unwrap());
    let writers: Vec<_> = (0..40)
        .map(|number| {
            let (admin, path) = (admin.clone(), path.clone());
            tokio::spawn(async move {
                loop {
                    let version = admin.get(&path).await.ok(200)["version"].clone();
                    let answer = admin.patch(&path, json!({"name": format!("第{number}次"), "version": version})).await;
                    match answer.status {
                        200 => break,
                        412 => {}
                        other => panic!("{other}: {}", answer.body),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(admin.get(&path).await.ok(200)["version"], 41);
    let history = admin.get(&format!("{path}/history?limit=100")).await.ok(200);
    assert_eq!(history["items"].as_array().unwrap().len(), 41);
}

#[tokio::test]
async fn beginnings_do_not_pass_what_is_inside() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let household = admin.by_code("households", CODE).await;
    let late = admin.patch(&format!("/v1/households/{}", household["id"].as_str().unwrap()), json!({"valid_from": "2024-01-01", "version": 1})).await;
    assert_eq!((late.status, late.code()), (409, "household.home_before"));
    let grid = admin.by_code("grids", "421181001001001").await;
    let late = admin.patch(&format!("/v1/grids/{}", grid["id"].as_str().unwrap()), json!({"valid_from": "2024-01-01", "version": 1})).await;
    assert_eq!((late.status, late.code()), (409, "grid.in_use_before"));
    assert_eq!(admin.import("grids", "", b"code,name,valid_from\n421181001001001,x,2024-01-01\n".to_vec()).await.faults(), ["2 valid_from grid.in_use_before"]);
    let file = format!("code,name,valid_from\n{CODE},x,2024-01-01\n");
    assert_eq!(admin.import("households", "", file.into()).await.faults(), ["2 valid_from household.was_in_grid_before"]);
    // A household without a grid begins its first time in one on the day of the move, not on its own.
    let new = admin.post("/v1/households", json!({"code": "42118100100100001010999", "name": "无网格", "valid_from": "2023-02-01"})).await.ok(201);
    let path = format!("/v1/households/{}/move", new["id"].as_str().unwrap());
    let to = |on: &str| json!({"grid_code": "421181001001001", "on": on, "reason": "入格", "version": 1});
    assert_eq!(admin.post(&path, to("2023-01-31")).await.code(), "household.move_before_last");
    admin.post(&path, to("2024-05-01")).await.ok(200);
    let times = admin.get("/v1/household-grids?household_code=42118100100100001010999&ever=true").await.ok(200);
    assert_eq!(times["items"][0]["valid_from"], "2024-05-01");
}
