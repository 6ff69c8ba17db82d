//! Exports, which imports take unchanged, and templates.

use calamine::{Data, Reader, Xlsx};
use serde_json::json;
use testkit::TestApp;

const RESOURCES: [&str; 7] = ["subdistricts", "communities", "grids", "compounds", "compound-grids", "buildings", "households"];

#[tokio::test]
async fn what_exports_give_imports_take_unchanged() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let odd = json!({
        "code": "421181001002X009", "name": "=1+1苑", "alias": "-号院", "kind": "self_built", "address": "a, \"b\" 路", "developer": "@某公司",
        "floor_area": "1200.50", "parking_spaces": 3, "gated": false, "delivered_on": "2001-02-03", "source": "erp", "ref": "9"
    });
    admin.post("/v1/compounds", odd).await.ok(201);
    admin.post("/v1/compound-grids", json!({"compound_code": "421181001001X001", "grid_code": "421181001001002", "exception": "large_split", "exception_reason": "大", "approved_by": "街道"})).await.ok(201);
    for resource in RESOURCES {
        for form in ["csv", "ndjson", "xlsx"] {
            for query in ["", "?headers=chinese&bom=true"] {
                let file = admin.get(&format!("/v1/exports/{resource}.{form}{query}")).await;
                assert_eq!(file.status, 200, "{}", file.text());
                assert!(file.headers["content-disposition"].starts_with("attachment; filename*=UTF-8''"));
                let run = admin.import(resource, "", file.bytes).await.ok(200)["run"].clone();
                assert_eq!(
                    (run["created"].as_i64(), run["changed"].as_i64(), run["refused"].as_i64()),
                    (Some(0), Some(0), Some(0)),
                    "{resource}.{form}: {run}"
                );
                assert!(run["unchanged"].as_i64().unwrap() > 0);
            }
        }
    }
    let csv = admin.get("/v1/exports/compounds.csv").await.text();
    assert!(csv.contains(",'=1+1苑,'-号院,self_built,\"a, \"\"b\"\" 路\","), "no cell is a formula: {csv}");
    let ndjson = admin.get("/v1/exports/compounds.ndjson").await.text();
    assert!(ndjson.contains(r#""parking_spaces":3"#) && ndjson.contains(r#""gated":false"#) && ndjson.contains(r#""floor_area":"1200.50""#), "{ndjson}");
}

#[tokio::test]
async fn an_export_is_of_a_day() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let id = admin.by_code("households", "42118100100100001010101").await["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/households/{id}/move"), json!({"grid_code": "421181001001002", "on": "2024-03-01", "reason": "调整", "version": 1})).await.ok(200);
    let lines = async |day: &str| admin.get(&format!("/v1/exports/households.csv?as_of={day}")).await.text();
    assert!(lines("2024-02-29").await.contains("42118100100100001010101,42118100100100001,421181001001001,"));
    assert!(lines("2024-03-01").await.contains("42118100100100001010101,42118100100100001,421181001001002,"));
    assert_eq!(lines("2022-12-31").await.lines().count(), 1);
    assert_eq!(admin.get("/v1/exports/grids.pdf").await.code(), "import.no_such_resource");
    assert_eq!(admin.get("/v1/exports/nothing.csv").await.code(), "import.no_such_resource");
    let head = admin.send(admin.request(reqwest::Method::HEAD, "/v1/exports/grids.csv")).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
}

#[tokio::test]
async fn templates_are_empty_files_that_explain_themselves() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for resource in RESOURCES {
        let csv = admin.get(&format!("/v1/imports/{resource}/template.csv")).await;
        assert!(csv.bytes.starts_with("\u{feff}".as_bytes()), "a mark, so that spreadsheets read it as UTF-8");
        let book = admin.get(&format!("/v1/imports/{resource}/template.xlsx")).await;
        let mut read: Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(book.bytes.clone())).unwrap();
        let range = read.worksheet_range_at(0).unwrap().unwrap();
        let header: Vec<String> =
            range.rows().next().unwrap().iter().map(|cell| if let Data::String(text) = cell { text.clone() } else { panic!("{cell}") }).collect();
        assert_eq!(csv.text().trim_start_matches('\u{feff}').trim_end(), header.join(","));
        // Both are files that an import takes; it finds no row in them.
        for file in [csv.bytes, book.bytes] {
            assert_eq!(admin.import(resource, "", file).await.ok(200)["run"]["rows_read"], 0);
        }
    }
    assert_eq!(admin.get("/v1/imports/grids/template.pdf").await.status, 404);
}
