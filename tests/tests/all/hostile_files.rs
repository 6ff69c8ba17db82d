//! Files that are broken, cut off, too large, or not what they say.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rust_xlsxwriter::Workbook;
use testkit::{TestApp, User};
use zip::write::SimpleFileOptions;

async fn refused(user: &User, file: impl Into<Vec<u8>>) -> (u16, String, Vec<String>) {
    let answer = user.import("grids", "", file.into()).await;
    (answer.status, answer.code().to_owned(), answer.errors())
}

#[tokio::test]
async fn headers_that_do_not_fit_are_told_whole() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let of = |pointers: &[&str]| pointers.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        refused(&admin, "code,colour,网格编码\n1,2,3\n").await,
        (422, "import.header".into(), of(&["colour import.column_unknown", "网格编码 import.column_doubled", "name import.column_missing"]))
    );
    assert_eq!(refused(&admin, "").await.1, "import.empty");
    assert_eq!(refused(&admin, " \n \n").await.1, "import.empty");
    assert_eq!(refused(&admin, vec![b'c', b'o', 0xff, 0xfe, 0x80, b'\n']).await.1, "import.encoding");
    assert_eq!(refused(&admin, "\u{feff}code,name".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).await.1, "import.encoding");
    assert_eq!(admin.import("nothing", "", "code\n".into()).await.code(), "import.no_such_resource");
    assert_eq!(admin.import("grids", "mode=loud", "code\n".into()).await.code(), "query.bad_parameter");
}

#[tokio::test]
async fn rows_at_fault_are_named_each_with_its_line() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let file = "code,community_code,name,kind,valid_from\n\
                421181001001021,421181001001,少一格,urban\n\
                421181001001022,421181001001,多一格,urban,,\n\
                421181001001023,421181001002,\"别\n社区\",urban,\n\
                421181001001024,,=1+1,urban,\n\
                4.21181E+14,,圆,urban,\n\
                421181001001025,,空\u{0}字,urban,\n\
                421181001001026,,重,urban,\n\
                421181001001026,,重,urban,\n\
                421181001001027,,类,圆的,2026-13-01\n";
    let answer = admin.import("grids", "mode=best_effort", file.into()).await;
    assert_eq!(
        answer.faults(),
        [
            "2  import.row_length",
            "3  import.row_length",
            "4 community_code import.not_the_prefix",
            "4 name text.control_character",
            "6 name import.formula",
            "7 code import.rounded_code",
            "8 name text.control_character",
            "10 code import.duplicate",
            "11 kind import.not_a_choice",
            "11 valid_from import.not_a_date"
        ]
    );
    assert_eq!(answer.body["failures"][6]["faults"][0]["message"], "与第 9 行重复:421181001001026。");
    let lines = "{\"code\":\"421181001001028\",\"name\":\"好\"}\n{\"code\":\n[1]\n{\"code\":\"421181001001029\",\"name\":\"x\",\"colour\":1}\n{\"code\":\"421181001001030\",\"name\":{}}\n{\"code\":\"42118100100103";
    let answer = admin.import("grids", "mode=best_effort", lines.into()).await;
    assert_eq!(
        answer.faults(),
        ["2  import.not_an_object", "3  import.not_an_object", "4 colour import.column_unknown", "5 name import.not_an_object", "6  import.not_an_object"]
    );
    let ended = admin.by_code("grids", "421181001001028").await;
    admin.post(&format!("/v1/grids/{}/end", ended["id"].as_str().unwrap()), testkit::app::ending("2199-01-01", 1)).await.ok(200);
    assert_eq!(admin.import("grids", "", b"code,name\n421181001001028,x\n".to_vec()).await.faults(), ["2 code import.ended"]);
}

#[tokio::test]
async fn half_a_file_leaves_no_trace() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let runs = admin.get("/v1/import-runs").await.ok(200)["items"].as_array().unwrap().len();
    // Cut off inside a quoted cell, though the transfer was whole.
    assert_eq!(refused(&admin, "code,name\n421181001001021,一\n421181001001022,\"二\n421181001001023,三\n").await.1, "import.cut_off");
    // A quote that is opened and not closed swallows the file; it is not read to its end for that.
    let endless = format!("code,name\n421181001001021,\"{}", "一\n".repeat(1 << 20));
    assert_eq!(refused(&admin, endless).await.1, "import.row_too_long");
    assert_eq!(refused(&admin, format!("{{\"code\":\"{}\"}}\n", "1".repeat(2 << 20))).await.1, "import.row_too_long");
    // A client that hangs up in the middle.
    let address = app.base.strip_prefix("http://").unwrap().to_owned();
    let head = format!(
        "POST /v1/imports/grids HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 1000\r\n\r\ncode,name\n421181001001021,one\n",
        admin.key()
    );
    tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    })
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(admin.get("/v1/grids?code=421181001001021").await.ok(200)["items"].as_array().unwrap().len(), 0);
    assert_eq!(admin.get("/v1/import-runs").await.ok(200)["items"].as_array().unwrap().len(), runs);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_comes() {
    let app = TestApp::start_with(|config| config.max_import_bytes = 1_000).await;
    let admin = app.admin().await;
    let address = app.base.strip_prefix("http://").unwrap().to_owned();
    let head = format!("POST /v1/imports/grids HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 5368709120\r\n\r\ncode,name\n", admin.key());
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 2_000];
        let read = socket.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    })
    .await
    .unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("body.too_large"), "{answer}");
    // Without an announced length it is counted as it comes.
    let blocks = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 100])));
    let request = admin.request(reqwest::Method::POST, "/v1/imports/grids").body(reqwest::Body::wrap_stream(blocks));
    let answer = admin.send(request).await;
    assert_eq!((answer.status, answer.code()), (413, "body.too_large"));
    let gzip = admin.request(reqwest::Method::POST, "/v1/imports/grids").header("Content-Encoding", "gzip").body("x");
    assert_eq!(admin.send(gzip).await.code(), "file.compressed");
}

fn workbook(change: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip([["code", "name"], ["421181001001021", "一"]]) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    change(sheet);
    book.save_to_buffer().unwrap()
}

#[tokio::test]
async fn workbooks_are_hostile_until_read() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let formula = workbook(|sheet| {
        sheet.write_formula(2, 0, "=A2+1").unwrap();
        sheet.write_string(2, 1, "二").unwrap();
        // 17 digits do not fit a spreadsheet's number.
        sheet.write_number(3, 0, 42_118_100_100_100_001_f64).unwrap();
        sheet.write_string(3, 1, "三").unwrap();
    });
    assert_eq!(admin.import("grids", "mode=best_effort", formula).await.faults(), ["3  import.formula", "4 code import.rounded_code"]);
    let whole = workbook(|_| ());
    assert_eq!(refused(&admin, &whole[..whole.len() / 2]).await.1, "import.workbook");
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 64].fill(0);
    assert_eq!(refused(&admin, torn).await.1, "import.workbook");
    let mut other = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    other.start_file("hello.txt", SimpleFileOptions::default()).unwrap();
    other.write_all(b"hello").unwrap();
    assert_eq!(refused(&admin, other.finish().unwrap().into_inner()).await.1, "import.workbook");
}

#[tokio::test]
async fn a_zip_bomb_is_weighed_before_it_is_opened() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let mut bomb = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let block = vec![b' '; 8 << 20];
    bomb.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default().compression_level(Some(1))).unwrap();
    for _ in 0..65 {
        bomb.write_all(&block).unwrap();
    }
    let bomb = bomb.finish().unwrap().into_inner();
    assert!(bomb.len() < 8 << 20, "a small file: {}", bomb.len());
    assert_eq!(refused(&admin, bomb).await, (413, "import.workbook_too_large".into(), vec![]));
}
