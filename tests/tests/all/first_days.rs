//! First days: nothing in a grid or compound begins before it does, whichever of the two is moved (ORG-05, ORG-17).

use serde_json::{Value, json};
use testkit::TestApp;

use crate::jobs::{release, stands_before};

const NEW: &str = "421181001001X009";
const GRID: &str = "421181001001009";

fn link(from: &str) -> Value {
    json!({"compound_code": NEW, "grid_code": GRID, "valid_from": from})
}

fn project(from: &str) -> Value {
    json!({"compound_code": NEW, "kind": "owner_self", "valid_from": from})
}

/// A compound and a grid in which nothing is: the compound is the younger.
async fn site(app: &TestApp) -> testkit::User {
    let admin = app.small_town().await;
    admin.post("/v1/grids", json!({"code": GRID, "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    let compound = json!({"code": NEW, "name": "新苑", "kind": "old", "valid_from": "2024-06-01"});
    admin.put("/v1/compounds/by-ref/erp/9", compound).await.ok(200);
    admin
}

#[tokio::test]
async fn org_17_what_is_in_a_compound_does_not_begin_before_it() {
    let app = TestApp::start().await;
    let admin = site(&app).await;
    for (resource, body, code) in [
        ("compound-grids", link as fn(&str) -> Value, "compound_grid.begins_before_compound"),
        ("property-projects", project as fn(&str) -> Value, "property_project.begins_before_compound"),
    ] {
        let early = admin.post(&format!("/v1/{resource}"), body("2024-05-31")).await;
        assert_eq!((early.status, early.errors()), (422, vec![format!("/valid_from {code}")]), "{resource}");
        assert!(early.text().contains(NEW));
        let key = format!("/v1/{resource}/by-ref/erp/1");
        assert_eq!(admin.put(&key, body("2024-05-31")).await.code(), code);
        let made = admin.put(&key, body("2024-06-01")).await.ok(200);
        assert_eq!(admin.put(&key, body("2024-05-31")).await.code(), code);
        let path = format!("/v1/{resource}/{}", made["id"].as_str().unwrap());
        assert_eq!(admin.patch(&path, json!({"valid_from": "2024-05-31", "version": 1})).await.code(), code);
        admin.patch(&path, json!({"valid_from": "2024-07-01", "version": 1})).await.ok(200);
    }
    for (resource, row, code) in [
        ("compound-grids", format!("compound_code,grid_code,valid_from\n{NEW},{GRID},2024-05-31\n"), "compound_grid.begins_before_compound"),
        ("property-projects", format!("compound_code,kind,valid_from\n{NEW},owner_self,2024-05-31\n"), "property_project.begins_before_compound"),
    ] {
        assert_eq!(admin.import(resource, "", row.clone().into_bytes()).await.faults(), [format!("2 valid_from {code}")]);
        let row = row.replace("2024-05-31", "2024-06-15");
        assert_eq!(admin.import(resource, "", row.into_bytes()).await.ok(200)["run"]["changed"], 1);
    }
    // A link that began before its grid was refused before.
    assert_eq!(
        admin.post("/v1/compound-grids", json!({"compound_code": "421181001001X001", "grid_code": GRID, "valid_from": "2023-12-31"})).await.code(),
        "grid.not_in_force"
    );
}

#[tokio::test]
async fn org_17_a_compound_is_not_moved_past_what_is_in_it() {
    let app = TestApp::start().await;
    let admin = site(&app).await;
    let path = format!("/v1/compounds/{}", admin.by_code("compounds", NEW).await["id"].as_str().unwrap());
    let mut version = 1;
    for (resource, body) in [("compound-grids", link("2024-07-01")), ("property-projects", project("2024-07-01"))] {
        let inside = admin.post(&format!("/v1/{resource}"), body).await.ok(201);
        let late = admin.patch(&path, json!({"valid_from": "2024-07-02", "version": version})).await;
        assert_eq!((late.status, late.errors()), (409, vec!["/valid_from compound.in_use_before".to_owned()]), "{resource}");
        let put = json!({"code": NEW, "name": "新苑", "kind": "old", "valid_from": "2024-07-02"});
        assert_eq!(admin.put("/v1/compounds/by-ref/erp/9", put).await.code(), "compound.in_use_before");
        let file = format!("code,name,kind,valid_from\n{NEW},新苑,old,2024-07-02\n");
        assert_eq!(admin.import("compounds", "", file.into_bytes()).await.faults(), ["2 valid_from compound.in_use_before"]);
        // Up to the day on which it is in use, it may be moved.
        admin.patch(&path, json!({"valid_from": "2024-07-01", "version": version})).await.ok(200);
        let file = format!("code,name,kind,valid_from\n{NEW},新苑,old,2024-06-01\n");
        admin.import("compounds", "", file.into_bytes()).await.ok(200);
        version += 2;
        // The other one is looked at by itself: this one has begun late enough.
        admin.patch(&format!("/v1/{resource}/{}", inside["id"].as_str().unwrap()), json!({"valid_from": "2025-01-01", "version": 1})).await.ok(200);
    }
}

#[tokio::test]
async fn org_05_an_import_does_not_move_a_first_day_under_an_import_of_what_comes_in() {
    let app = TestApp::start().await;
    let admin = site(&app).await;
    let household = format!("code,grid_code,name,valid_from\n42118100100100001010999,{GRID},新户,2024-02-01\n");
    let own = format!("compound_code,kind,valid_from\n{NEW},owner_self,2024-06-15\n");
    for (inner, table, file, outer, moved, refusal) in [
        ("households", "household", household, "grids", format!("code,name,valid_from\n{GRID},新,2025-01-01\n"), "grid.in_use_before"),
        (
            "property-projects",
            "property_project",
            own,
            "compounds",
            format!("code,name,kind,valid_from\n{NEW},新苑,old,2025-01-01\n"),
            "compound.in_use_before",
        ),
    ] {
        let client = app.db.connect().await;
        client.batch_execute(&format!("begin; lock table {table} in share row exclusive mode")).await.unwrap();
        let importer = admin.clone();
        let under_way = tokio::spawn(async move { importer.import(inner, "effective_on=2024-02-01", file.into_bytes()).await });
        stands_before(&client).await;
        // It has found that all begins late enough, and has not stored anything yet.
        let meanwhile = admin.import(outer, "", moved.clone().into_bytes()).await;
        assert_eq!((meanwhile.status, meanwhile.code()), (409, "import.in_progress"), "{outer}: {}", meanwhile.text());
        // What moves no first day minds nobody.
        let renamed = moved.replace(",valid_from", "").replace(",2025-01-01", "").replace(",新", ",改");
        assert_eq!(admin.import(outer, "", renamed.into_bytes()).await.ok(200)["run"]["changed"], 1, "{outer}");
        release(client).await;
        assert_eq!(under_way.await.unwrap().ok(200)["run"]["created"], 1, "{inner}");
        assert_eq!(admin.import(outer, "", moved.into_bytes()).await.faults(), [format!("2 valid_from {refusal}")]);
    }
}
