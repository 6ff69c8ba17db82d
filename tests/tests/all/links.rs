//! Compounds and grids: one to one in principle, more by exception (ORG-05).

use std::time::{Duration, Instant};

use kernel::{Error, import};
use serde_json::json;
use testkit::{TestApp, app::ending};
use tokio::time::sleep;

use crate::jobs::{release, stands_before};

#[tokio::test]
async fn org_05_a_second_link_needs_an_exception() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let second = json!({"compound_code": "421181001001X001", "grid_code": "421181001001002", "valid_from": "2024-01-01"});
    let refused = admin.post("/v1/compound-grids", second.clone()).await;
    assert_eq!((refused.status, refused.code()), (409, "compound_grid.needs_exception"));
    let mut half = second.clone();
    half["exception"] = json!("large_split");
    assert_eq!(admin.post("/v1/compound-grids", half.clone()).await.code(), "compound_grid.half_an_exception");
    half["exception_reason"] = json!("一千余户");
    half["approved_by"] = json!("鼓楼街道办");
    let made = admin.post("/v1/compound-grids", half.clone()).await.ok(201);
    assert_eq!(admin.post("/v1/compound-grids", half).await.code(), "compound_grid.already");
    let elsewhere = json!({"compound_code": "421181001001X001", "grid_code": "421181001002001"});
    assert_eq!(admin.post("/v1/compound-grids", elsewhere).await.code(), "compound_grid.elsewhere");
    let exceptional = admin.get("/v1/compound-grids?exceptional=true").await.ok(200);
    assert_eq!(exceptional["items"][0]["id"], made["id"]);
    // A grid with compounds does not end; when the link has ended, the compound is free for another.
    let grid = admin.by_code("grids", "421181001001002").await;
    let regular = admin.get("/v1/compound-grids?grid_code=421181001001002&exceptional=false").await.ok(200)["items"][0].clone();
    admin.post(&format!("/v1/compound-grids/{}/end", regular["id"].as_str().unwrap()), ending("2025-01-01", 1)).await.ok(200);
    admin.post(&format!("/v1/compound-grids/{}/end", made["id"].as_str().unwrap()), ending("2025-01-01", 1)).await.ok(200);
    assert_eq!(admin.post(&format!("/v1/grids/{}/end", grid["id"].as_str().unwrap()), ending("2025-01-01", 1)).await.code(), "grid.has_households");
    let anew = json!({"compound_code": "421181001001X002", "grid_code": "421181001001002", "valid_from": "2025-01-01"});
    admin.post("/v1/compound-grids", anew).await.ok(201);
}

#[tokio::test]
async fn two_first_links_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    for resource in ["421181001001X008", "421181001001X009"] {
        admin.post("/v1/compounds", json!({"code": resource, "name": "新", "kind": "old"})).await.ok(201);
    }
    admin.post("/v1/grids", json!({"code": "421181001001009", "name": "新"})).await.ok(201);
    let both = ["421181001001X008", "421181001001X009"].map(|compound| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post("/v1/compound-grids", json!({"compound_code": compound, "grid_code": "421181001001009"})).await.status })
    });
    let mut statuses = Vec::new();
    for one in both {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn links_are_imported_with_their_exceptions() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = "小区编码,网格编码,例外类型,例外理由,批准人\n\
                421181001001X001,421181001001002,大型小区拆分,一千余户,街道办\n\
                421181001001X002,421181001001001,,,\n\
                421181001001X002,421181001002001,,,\n\
                421181001001X001,421181001001009,零散楼栋合并,,\n";
    let answer = admin.import("compound-grids", "mode=best_effort", file.as_bytes().to_vec()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.faults(),
        [
            "3 exception compound_grid.needs_exception",
            "4 grid_code compound_grid.elsewhere",
            "4 exception compound_grid.needs_exception",
            "5 grid_code grid.does_not_exist",
            "5 exception compound_grid.half_an_exception"
        ]
    );
    assert_eq!(answer.body["run"]["created"], 1);
}

#[tokio::test]
async fn an_area_that_answers_for_people_does_not_end() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    admin.post("/v1/grids", json!({"code": "421181001001009", "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    admin.post("/v1/communities", json!({"code": "421181001009", "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    for (resource, code, refusal) in [("grids", "421181001001009", "grid.has_people"), ("communities", "421181001009", "community.has_people")] {
        let person = admin.post("/v1/people", json!({"name": "甲", "area_code": code, "valid_from": "2024-01-01"})).await.ok(201);
        let path = format!("/v1/{resource}/{}/end", admin.by_code(resource, code).await["id"].as_str().unwrap());
        let refused = admin.post(&path, ending("2026-01-01", 1)).await;
        assert_eq!((refused.status, refused.code()), (409, refusal));
        assert!(refused.text().contains("1 人"), "{}", refused.text());
        admin.patch(&format!("/v1/people/{}", person["id"].as_str().unwrap()), json!({"area_code": "421181001001001", "version": 1})).await.ok(200);
        admin.post(&path, ending("2026-01-01", 1)).await.ok(200);
    }
}

#[tokio::test]
async fn a_grid_does_not_end_under_an_import_into_it() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grid = admin.post("/v1/grids", json!({"code": "421181001001009", "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    let client = app.db.connect().await;
    client.batch_execute("begin; lock table person in exclusive mode").await.unwrap();
    let importer = admin.clone();
    let import = tokio::spawn(async move { importer.import("people", "", "name,source,ref,area_code\n甲,roster,1,421181001001009\n".into()).await });
    stands_before(&client).await;
    // The import has found the grid in force, and has not stored anybody yet.
    let ender = admin.clone();
    let path = format!("/v1/grids/{}/end", grid["id"].as_str().unwrap());
    let end = tokio::spawn(async move { ender.post(&path, ending("2026-01-01", 1)).await });
    sleep(Duration::from_millis(300)).await;
    assert!(!end.is_finished());
    release(client).await;
    assert_eq!(import.await.unwrap().ok(200)["run"]["created"], 1);
    assert_eq!(end.await.unwrap().code(), "grid.has_people");
}

#[tokio::test]
async fn an_end_that_meets_a_long_import_is_told_so_and_ends_do_not_meet_one_another() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grid = admin.post("/v1/grids", json!({"code": "421181001001009", "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    let path = format!("/v1/grids/{}/end", grid["id"].as_str().unwrap());
    let mut people = Vec::new();
    for name in ["甲", "乙"] {
        people.push(admin.post("/v1/people", json!({"name": name, "area_code": "421181001001001"})).await.ok(201)["id"].clone());
    }
    let merge = json!({"survivor_id": people[0], "duplicate_id": people[1], "reason": "同一人"});
    let call = api::server::operator(&app.config, "test");
    let importing = app.store().write(&call, "hold", async |tx| {
        tx.lock(&import::lock_of("people")).await?;
        for (path, body) in [(path.as_str(), ending("2026-01-01", 1)), ("/v1/person-merges", merge.clone())] {
            let began = Instant::now();
            let refused = admin.post(path, body).await;
            assert_eq!((refused.status, refused.code(), refused.headers["retry-after"].as_str()), (409, "import.in_progress", "5"), "{path}");
            assert!(refused.text().contains("people"), "{}", refused.text());
            assert!(began.elapsed() < Duration::from_secs(9), "{path}");
        }
        Err::<(), _>(Error::Internal("done".to_owned()))
    });
    importing.await.unwrap_err();
    // Two that keep the same import out do not wait for one another; the import is out as long as one of them is there.
    let ending_too = app.store().write(&call, "hold", async |tx| {
        import::hold(tx, &["people"]).await?;
        admin.post(&path, ending("2026-01-01", 1)).await.ok(200);
        let kept_out = admin.import("people", "", "name,source,ref,area_code\n丙,roster,1,421181001001001\n".into()).await;
        assert_eq!((kept_out.status, kept_out.code()), (409, "import.in_progress"));
        Err::<(), _>(Error::Internal("done".to_owned()))
    });
    ending_too.await.unwrap_err();
    admin.post("/v1/person-merges", merge).await.ok(201);
}
