//! Where property companies and party organizations are kept: in the city, or in an area that is in force (ORG-06, ORG-15).

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};
use tokio::time::sleep;

use crate::jobs::{release, stands_before};

const GRID: &str = "421181001001009";

fn company(code: &str, area: &str) -> Value {
    json!({"code": code, "name": format!("物业{code}"), "kind": "commercial", "area_code": area, "valid_from": "2025-01-01"})
}

fn committee(code: &str, area: &str) -> Value {
    json!({"code": code, "name": "行业党委", "tier": "industry_committee", "form": "party_committee", "nature": "formal", "area_code": area, "valid_from": "2025-01-01"})
}

/// The small town and a grid since 2024.
async fn town(app: &TestApp) -> (User, Value) {
    let admin = app.small_town().await;
    let grid = admin.post("/v1/grids", json!({"code": GRID, "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    (admin, grid)
}

fn path(resource: &str, object: &Value) -> String {
    format!("/v1/{resource}/{}", object["id"].as_str().unwrap())
}

#[tokio::test]
async fn org_06_org_15_nothing_is_kept_where_there_is_no_area_any_more() {
    let app = TestApp::start().await;
    let (admin, grid) = town(&app).await;
    // It held on the first day of what is entered, and holds no longer.
    admin.post(&format!("{}/end", path("grids", &grid)), ending("2026-01-01", 1)).await.ok(200);
    let firm = admin.post("/v1/property-companies", company("91421199MA0000009L", "421181")).await.ok(201);
    let body = admin.post("/v1/party-organizations", committee("I9", "421181001001")).await.ok(201);
    for (area, code) in [
        ("421181001001099", "kept_area.does_not_exist"),
        ("421181001099", "kept_area.does_not_exist"),
        ("421181099", "kept_area.does_not_exist"),
        (GRID, "kept_area.not_in_force"),
    ] {
        let refusal = vec![format!("/area_code {code}")];
        assert_eq!(admin.post("/v1/property-companies", company("91421199MA0000001U", area)).await.errors(), refusal, "{area}");
        assert_eq!(admin.post("/v1/party-organizations", committee("I1", area)).await.errors(), refusal, "{area}");
        let patch = json!({"area_code": area, "version": 1});
        assert_eq!(admin.patch(&path("property-companies", &firm), patch.clone()).await.errors(), refusal, "{area}");
        assert_eq!(admin.patch(&path("party-organizations", &body), patch).await.errors(), refusal, "{area}");
        let fault = |line: u8| format!("{line} area_code {code}");
        let file = format!(
            "code,name,kind,area_code,valid_from\n91421199MA0000001U,新,commercial,{area},2025-01-01\n91421199MA0000009L,旧,commercial,{area},2025-01-01\n"
        );
        assert_eq!(admin.import("property-companies", "", file.into()).await.faults(), [fault(2), fault(3)]);
        let file = format!(
            "code,name,tier,form,nature,area_code,valid_from\nI1,新,industry_committee,party_committee,formal,{area},2025-01-01\n\
             I9,旧,industry_committee,party_committee,formal,{area},2025-01-01\n"
        );
        assert_eq!(admin.import("party-organizations", "", file.into()).await.faults(), [fault(2), fault(3)]);
    }
    // The city, a subdistrict, a community and a grid that holds are good.
    for (version, area) in (1..).zip(["421181001001001", "421181001002", "421181001", "421181"]) {
        let patch = json!({"area_code": area, "version": version});
        assert_eq!(admin.patch(&path("property-companies", &firm), patch.clone()).await.ok(200)["area_code"], area);
        assert_eq!(admin.patch(&path("party-organizations", &body), patch).await.ok(200)["area_code"], area);
    }
}

#[tokio::test]
async fn org_06_org_15_an_area_does_not_end_while_anything_is_kept_in_it() {
    let app = TestApp::start().await;
    let (admin, _) = town(&app).await;
    admin.post("/v1/communities", json!({"code": "421181001009", "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    admin.post("/v1/subdistricts", json!({"code": "421181009", "name": "新", "valid_from": "2024-01-01"})).await.ok(201);
    for (resource, area, kind, code) in [
        ("grids", GRID, "grid", "91421199MA0000001U"),
        ("communities", "421181001009", "community", "91421199MA0000002Y"),
        ("subdistricts", "421181009", "subdistrict", "91421199MA0000009L"),
    ] {
        let end = format!("{}/end", path(resource, &admin.by_code(resource, area).await));
        let firm = admin.post("/v1/property-companies", company(code, area)).await.ok(201);
        let body = admin.post("/v1/party-organizations", committee(&format!("I-{kind}"), area)).await.ok(201);
        let refused = admin.post(&end, ending("2026-01-01", 1)).await;
        assert_eq!((refused.status, refused.code()), (409, format!("{kind}.has_party_organizations").as_str()));
        admin.post(&format!("{}/end", path("party-organizations", &body)), ending("2026-01-01", 1)).await.ok(200);
        let refused = admin.post(&end, ending("2026-01-01", 1)).await;
        assert_eq!((refused.status, refused.code()), (409, format!("{kind}.has_property_companies").as_str()));
        assert!(refused.text().contains("1 家"), "{}", refused.text());
        admin.patch(&path("property-companies", &firm), json!({"area_code": "421181", "version": 1})).await.ok(200);
        admin.post(&end, ending("2026-01-01", 1)).await.ok(200);
    }
}

#[tokio::test]
async fn org_15_a_grid_does_not_end_under_an_import_of_what_is_kept_in_it() {
    let app = TestApp::start().await;
    let (admin, grid) = town(&app).await;
    let client = app.db.connect().await;
    client.batch_execute("begin; lock table property_company in exclusive mode").await.unwrap();
    let importer = admin.clone();
    let file = format!("code,name,kind,area_code\n91421199MA0000001U,安馨物业,commercial,{GRID}\n");
    let import = tokio::spawn(async move { importer.import("property-companies", "", file.into()).await });
    stands_before(&client).await;
    // The import has found the grid in force, and has not stored the company yet.
    let end = format!("{}/end", path("grids", &grid));
    let ender = admin.clone();
    let end = tokio::spawn(async move { ender.post(&end, ending("2026-01-01", 1)).await });
    sleep(Duration::from_millis(300)).await;
    assert!(!end.is_finished());
    release(client).await;
    assert_eq!(import.await.unwrap().ok(200)["run"]["created"], 1);
    assert_eq!(end.await.unwrap().code(), "grid.has_property_companies");
}
