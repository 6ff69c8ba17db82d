//! Things that go wrong outside the database: a full disk, callers that hang up, callers that do not read.

use std::fmt::Write as _;
use std::time::Duration;

use testkit::{Process, TestApp, User};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// A file of households of the small town.
fn households(count: u32, name: &str) -> String {
    (0..count).fold("code,grid_code,name\n".to_owned(), |mut file, number| {
        let _ = writeln!(file, "42118100100100001{:06},421181001001001,{name}{number}", 100_000 + number);
        file
    })
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap()
}

fn head(method: &str, path: &str, user: &User, length: usize) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: linli\r\nAuthorization: Bearer {}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n", user.key())
}

#[tokio::test]
async fn a_full_disk_is_a_problem_and_the_server_lives_on() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let rows = households(2_000, "满");
    assert_eq!(admin.import("households", "", rows.clone().into_bytes()).await.status, 200);
    let key = app.key(&["*"], "421181").await.1;
    // No file may grow beyond 64 KiB at the most. Ignored, the signal for that becomes a failure of the write.
    let process = Process::start_by("trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"", &app.db.url, &[]);
    let user = process.user(Some(&key));
    let import = user.import("households", "", rows.into_bytes()).await;
    assert_eq!((import.status, import.code(), import.headers["retry-after"].as_str()), (503, "storage.full", "2"));
    for form in ["csv", "ndjson"] {
        let export = user.get(&format!("/v1/exports/households.{form}")).await;
        assert_eq!((export.status, export.code()), (503, "storage.full"), "{form}");
    }
    // The writer of workbooks knows no other way than to panic; the caller gets his answer all the same.
    let workbook = user.get("/v1/exports/households.xlsx").await;
    assert!([500, 503].contains(&workbook.status) && workbook.headers["content-type"] == "application/problem+json", "{workbook:?}");
    assert!(workbook.body["request_id"] == workbook.headers["x-request-id"].as_str());
    let failed = process.logged("request", |line| line["operation"] == "export_rows" && line["status"] == workbook.status).await;
    assert_eq!(failed["request_id"], workbook.body["request_id"]);

    assert_eq!(user.get("/v1/exports/grids.csv").await.status, 200, "what fits is served");
    assert_eq!(user.import("grids", "", b"code,name\n421181001001008,x\n".to_vec()).await.status, 200);
    assert_eq!(user.get("/health/ready").await.status, 200);
}

#[tokio::test]
async fn whoever_does_not_read_holds_nobody_up() {
    let app = TestApp::start_with(|config| {
        config.database_pool = 1;
        config.metrics_address = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    let admin = app.small_town().await;
    let name = "很长的户名".repeat(9);
    admin.import("households", "", households(20_000, &name).into_bytes()).await.ok(200);
    let mut lazy = connect(&app).await;
    lazy.write_all(head("GET", "/v1/exports/households.csv", &admin, 0).as_bytes()).await.unwrap();
    let mut start = [0; 15];
    lazy.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    // One worker, one connection of the pool: neither is his.
    // What works in the background takes it for a moment, now and then.
    let free = "linli_pool_connections{pool=\"primary\",state=\"in_use\"} 0\n";
    let mut metrics = app.metrics().await;
    for _ in 0..500 {
        if metrics.contains(free) {
            break;
        }
        sleep(Duration::from_millis(20)).await;
        metrics = app.metrics().await;
    }
    assert!(metrics.contains(free), "{metrics}");
    assert!(metrics.contains("linli_http_requests_in_flight 1\n"), "his answer waits for him");
    assert_eq!(admin.get("/v1/grids").await.status, 200);
    assert_eq!(admin.import("grids", "", b"code,name\n421181001001008,x\n".to_vec()).await.status, 200);
    assert_eq!(admin.get("/v1/exports/grids.csv").await.text().lines().count(), 5);
    let mut rest = Vec::new();
    lazy.read_to_end(&mut rest).await.unwrap();
    assert!(String::from_utf8_lossy(&rest).contains("42118100100100001119999"), "he gets all of it in his own time");
}

#[tokio::test]
async fn whoever_hangs_up_leaves_nothing_behind() {
    let app = TestApp::start_with(|config| {
        config.database_pool = 1;
        config.metrics_address = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    let admin = app.small_town().await;
    let rows = households(5_000, "挂");
    for part in [0, 10, rows.len() / 2, rows.len() - 1, rows.len()] {
        let mut caller = connect(&app).await;
        caller.write_all(head("POST", "/v1/imports/households", &admin, rows.len()).as_bytes()).await.unwrap();
        caller.write_all(&rows.as_bytes()[..part]).await.unwrap();
    }
    for path in ["/v1/exports/households.csv", "/v1/households?include_total=true"] {
        let mut caller = connect(&app).await;
        caller.write_all(head("GET", path, &admin, 0).as_bytes()).await.unwrap();
    }
    while !app.metrics().await.contains("linli_http_requests_in_flight 0\n") {
        sleep(Duration::from_millis(20)).await;
    }
    // Neither a lock nor the only connection stayed with any of them.
    let run = loop {
        let answer = admin.import("households", "", rows.clone().into_bytes()).await;
        match answer.code() {
            "import.in_progress" | "database.away" => sleep(Duration::from_millis(20)).await,
            _ => break answer.ok(200)["run"].clone(),
        }
    };
    assert_eq!(run["refused"], 0);
    assert_eq!(admin.get("/v1/households?include_total=true&limit=1").await.ok(200)["total"], 5_003);
}
