//! Imports as clerks and scripts send them.

use encoding_rs::GB18030;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::json;
use testkit::{TestApp, User};

const CLERK: &str = "网格编码,名称,类型,专属类型,启用日期\n421181001001011,柳岸一,城市网格,,2023/1/5\n421181001001012,县医院,专属网格,医院,2023年1月6日\n";

async fn two_grids_are_there(user: &User) {
    let one = user.by_code("grids", "421181001001011").await;
    assert_eq!((one["name"].as_str(), one["valid_from"].as_str()), (Some("柳岸一"), Some("2023-01-05")));
    let two = user.by_code("grids", "421181001001012").await;
    assert_eq!((two["dedicated_kind"].as_str(), two["valid_from"].as_str()), (Some("hospital"), Some("2023-01-06")));
}

#[tokio::test]
async fn a_clerks_file_is_read_in_every_form() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, title) in (0..).zip(["网格编码", "名称", "类型", "专属类型", "启用日期"]) {
        sheet.write_string(0, column, title).unwrap();
    }
    let day = Format::new().set_num_format("yyyy-mm-dd");
    // The code as a number, as spreadsheets like to keep it.
    sheet.write_number(1, 0, 421_181_001_001_011_f64).unwrap();
    sheet.write_string(1, 1, "柳岸一").unwrap();
    sheet.write_string(1, 2, "城市网格").unwrap();
    sheet.write_datetime_with_format(1, 4, ExcelDateTime::parse_from_str("2023-01-05").unwrap(), &day).unwrap();
    for (column, cell) in (0..).zip(["421181001001012", "县医院", "专属网格", "医院", "2023-01-06"]) {
        sheet.write_string(3, column, cell).unwrap();
    }
    let ndjson = "{\"code\":\"421181001001011\",\"name\":\"柳岸一\",\"valid_from\":\"2023-01-05\"}\n\n\
                  {\"网格编码\":\"421181001001012\",\"名称\":\"县医院\",\"kind\":\"dedicated\",\"dedicated_kind\":\"hospital\",\"valid_from\":\"2023-01-06\"}";
    let forms: [(&str, Vec<u8>); 7] = [
        ("UTF-8", CLERK.into()),
        ("UTF-8 with a mark", format!("\u{feff}{CLERK}").into()),
        ("GB18030", GB18030.encode(CLERK).0.into_owned()),
        ("tabs and CRLF", CLERK.replace(',', "\t").replace('\n', "\r\n").into()),
        ("quoted, with empty lines", CLERK.replace("柳岸一", "\"柳岸一\"").replace("\n4", "\n\n,,,,\n4").into()),
        ("NDJSON", ndjson.into()),
        ("XLSX", book.save_to_buffer().unwrap()),
    ];
    for (form, file) in forms {
        let app = TestApp::start().await;
        let admin = app.small_town().await;
        let report = admin.import("grids", "", file.clone()).await.ok(200);
        assert_eq!((report["run"]["created"].as_i64(), report["run"]["refused"].as_i64()), (Some(2), Some(0)), "{form}: {report}");
        two_grids_are_there(&admin).await;
        let again = admin.import("grids", "", file).await.ok(200);
        assert_eq!((again["run"]["unchanged"].as_i64(), again["run"]["changed"].as_i64()), (Some(2), Some(0)), "{form} again: {again}");
        let history = admin.get(&format!("/v1/grids/{}/history", admin.by_code("grids", "421181001001011").await["id"].as_str().unwrap())).await.ok(200);
        assert_eq!(history["items"].as_array().unwrap().len(), 1, "{form}: the same file twice changes nothing");
    }
}

#[tokio::test]
async fn a_file_may_come_in_a_form() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let form = Form::new().text("note", "x").part("file", Part::bytes(CLERK.as_bytes().to_vec()).file_name("网格.csv"));
    let report = admin.send(admin.request(Method::POST, "/v1/imports/grids").multipart(form)).await.ok(200);
    assert_eq!(report["run"]["created"], 2);
    let empty = Form::new().text("note", "x");
    assert_eq!(admin.send(admin.request(Method::POST, "/v1/imports/grids").multipart(empty)).await.code(), "import.no_file");
}

#[tokio::test]
async fn a_change_changes_what_the_file_has_and_nothing_else() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    admin.import("grids", "", CLERK.into()).await.ok(200);
    // No column for the kinds: they stay. An empty cell of a column that is there empties.
    let report = admin.import("grids", "", b"code,name\n421181001001012,new\n".to_vec()).await.ok(200);
    assert_eq!(report["run"]["changed"], 1);
    let grid = admin.by_code("grids", "421181001001012").await;
    assert_eq!((grid["kind"].as_str(), grid["dedicated_kind"].as_str(), grid["version"].as_i64()), (Some("dedicated"), Some("hospital"), Some(2)));
    admin.import("grids", "", b"code,name,dedicated_kind\n421181001001012,new,\n".to_vec()).await.ok(200);
    let grid = admin.by_code("grids", "421181001001012").await;
    assert_eq!((grid["kind"].as_str(), grid["dedicated_kind"].is_null()), (Some("dedicated"), true));
    // Objects of NDJSON have the members that they have.
    let lines = "{\"code\":\"421181001001011\",\"name\":\"一\"}\n{\"code\":\"421181001001012\",\"name\":\"二\",\"kind\":\"rural\"}\n";
    let report = admin.import("grids", "", lines.into()).await.ok(200);
    assert_eq!(report["run"]["changed"], 2);
    assert_eq!(admin.by_code("grids", "421181001001011").await["kind"], "urban");
    let id = grid["id"].as_str().unwrap();
    let history = admin.get(&format!("/v1/grids/{id}/history")).await.ok(200);
    assert_eq!(history["items"][0]["change"], json!({"kind": {"from": "dedicated", "to": "rural"}, "name": {"from": "new", "to": "二"}}));
    assert_eq!(history["items"][0]["action"], "grid.changed");
}

#[tokio::test]
async fn an_import_and_a_request_journal_alike() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let change = async |code: &str| {
        let id = admin.by_code("compounds", code).await["id"].as_str().unwrap().to_owned();
        let mut change = admin.get(&format!("/v1/compounds/{id}/history")).await.ok(200)["items"][0]["change"].clone();
        change["code"].take();
        change
    };
    let new = json!({"code": "421181001002X001", "name": "甲", "kind": "old", "floor_area": "100.50", "gated": true, "delivered_on": "2019-06-30", "valid_from": "2023-01-01"});
    admin.post("/v1/compounds", new).await.ok(201);
    let file = "code,name,kind,floor_area,gated,delivered_on,valid_from\n421181001002X002,甲,old,100.5,是,2019-06-30,2023-01-01\n";
    admin.import("compounds", "", file.into()).await.ok(200);
    assert_eq!(change("421181001002X001").await, change("421181001002X002").await);
}

#[tokio::test]
async fn modes_keep_what_they_say() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = "code,name\n421181001001011,good\n421181001001,short\n421181001001012,\n421181001009001,nowhere\n";
    let there = async || admin.get("/v1/grids?code=421181001001011").await.ok(200)["items"].as_array().unwrap().len();
    let faults = ["3 code grid.bad_code", "4 name import.required", "5 code community.does_not_exist"];

    let dry = admin.import("grids", "mode=dry_run", file.into()).await;
    assert_eq!((dry.status, dry.faults()), (200, faults.map(ToOwned::to_owned).to_vec()));
    assert_eq!((dry.body["run"]["created"].as_i64(), dry.body["run"]["committed"].as_bool(), there().await), (Some(1), Some(false), 0));

    let atomic = admin.import("grids", "", file.into()).await;
    assert_eq!((atomic.status, atomic.code(), atomic.faults()), (422, "import.refused", faults.map(ToOwned::to_owned).to_vec()));
    assert_eq!(there().await, 0);

    let best = admin.import("grids", "mode=best_effort", file.into()).await;
    assert_eq!((best.status, best.faults(), there().await), (200, faults.map(ToOwned::to_owned).to_vec(), 1));

    // The file of failed rows, mended, goes in again.
    let csv = admin.get(best.body["failed_csv"].as_str().unwrap()).await;
    assert_eq!(csv.text(), "\u{feff}code,name\n421181001001,short\n421181001001012,\n421181001009001,nowhere\n");
    let mended = csv.text().replace("421181001001,short", "421181001001013,short").replace("12,\n", "12,named\n").replace("421181001009001", "421181001002009");
    assert_eq!(admin.import("grids", "", mended.into()).await.ok(200)["run"]["created"], 3);

    let runs = admin.get("/v1/import-runs").await.ok(200);
    let id = best.body["run"]["id"].as_str().unwrap();
    assert!(runs["items"].as_array().unwrap().iter().any(|run| run["id"] == id));
    assert_eq!(admin.get(&format!("/v1/import-runs/{id}")).await.ok(200)["refused"], 3);
    let failures = admin.get(&format!("/v1/import-runs/{id}/failures?limit=2")).await.ok(200);
    assert_eq!((failures["items"].as_array().unwrap().len(), failures["has_more"].as_bool()), (2, Some(true)));
    let rest = admin.get(&format!("/v1/import-runs/{id}/failures?limit=2&after={}", failures["next"].as_str().unwrap())).await.ok(200);
    assert_eq!(rest["items"][0]["line"], 5);
    let other = app.admin().await;
    assert_eq!(other.get(&format!("/v1/import-runs/{id}/failed.csv")).await.code(), "import_run.unknown");
}

#[tokio::test]
async fn households_move_by_import() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let move_to = |grid: &str| format!("code,grid_code,name\n42118100100100001010101,{grid},1单元0101\n").into_bytes();
    admin.import("households", "effective_on=2024-03-01", move_to("421181001001002")).await.ok(200);
    let times = admin.get("/v1/household-grids?household_code=42118100100100001010101&ever=true").await.ok(200);
    let spans: Vec<_> = times["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|time| (time["grid_code"].as_str().unwrap(), time["valid_from"].as_str().unwrap(), time["valid_to"].as_str()))
        .collect();
    assert_eq!(spans, [("421181001001001", "2023-01-01", Some("2024-03-01")), ("421181001001002", "2024-03-01", None)]);
    let refused = async |query: &str, grid: &str| admin.import("households", query, move_to(grid)).await.faults();
    assert_eq!(refused("effective_on=2024-02-01", "421181001001001").await, ["2 grid_code household.moved_later"]);
    assert_eq!(refused("effective_on=2199-02-01", "421181001001001").await, ["2 grid_code household.move_ahead"]);
    assert_eq!(refused("", "421181001002001").await, ["2 grid_code household.grid_elsewhere"]);
    assert_eq!(refused("", "421181001001099").await, ["2 grid_code grid.does_not_exist"]);
    // Without a grid the household stays where it is.
    let keep = admin.import("households", "", b"code,grid_code,name\n42118100100100001010101,,new\n".to_vec()).await.ok(200);
    assert_eq!(keep["run"]["changed"], 1);
    assert_eq!(admin.by_code("households", "42118100100100001010101").await["grid_code"], "421181001001002");
}

#[tokio::test]
async fn two_imports_of_one_resource_do_not_meet() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let rows: String = (100..900).map(|number| format!("421181001001{number},网格{number}\n")).collect();
    let file = format!("code,name\n{rows}").into_bytes();
    let both: Vec<_> = (0..4)
        .map(|_| {
            let (admin, file) = (admin.clone(), file.clone());
            tokio::spawn(async move { admin.import("grids", "", file).await })
        })
        .collect();
    let mut created = 0;
    for one in both {
        let answer = one.await.unwrap();
        match answer.status {
            200 => created += answer.body["run"]["created"].as_i64().unwrap(),
            status => assert_eq!((status, answer.code(), answer.headers["retry-after"].as_str()), (409, "import.in_progress", "5")),
        }
    }
    assert_eq!(created, 800);
}

#[tokio::test]
async fn the_callers_keys_come_with_the_file() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = "code,name,source,ref\n421181001001011,一,erp,1\n421181001001012,二,erp,1\n421181001001013,三,erp,\n421181001001014,四,,\n";
    let answer = admin.import("grids", "mode=best_effort", file.into()).await;
    assert_eq!(answer.faults(), ["3 ref import.duplicate", "4 ref import.half_a_reference"]);
    let taken = admin.import("grids", "", b"code,name,source,ref\n421181001001015,x,erp,1\n".to_vec()).await;
    assert_eq!(taken.faults(), ["2 ref import.reference_taken"]);
    assert_eq!(admin.by_code("grids", "421181001001011").await["ref"], "1");
}
