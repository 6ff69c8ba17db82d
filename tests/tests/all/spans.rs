//! Spans of requests reach a collector of traces, in builds that send them: `cargo test -p testkit --features otel`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use reqwest::Method;
use testkit::{Process, TestApp};
use tokio::time::sleep;

type Letters = Arc<Mutex<Vec<Vec<u8>>>>;

/// A collector that keeps what is posted to `/v1/traces`; returns its address.
fn collector(letters: &Letters) -> String {
    let (letters, (sender, address)) = (Arc::clone(letters), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let keep = async |letters: web::Data<Letters>, body: web::Bytes| {
                letters.lock().unwrap().push(body.to_vec());
                HttpResponse::Ok().finish()
            };
            let server = HttpServer::new(move || App::new().app_data(web::Data::new(Arc::clone(&letters))).route("/v1/traces", web::post().to(keep)));
            let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
            sender.send(format!("http://{}", server.addrs()[0])).unwrap();
            server.run().await.unwrap();
        });
    });
    address.recv().unwrap()
}

fn holds(letters: &Letters, part: &[u8]) -> bool {
    letters.lock().unwrap().iter().any(|letter| letter.windows(part.len()).any(|window| window == part))
}

#[tokio::test]
async fn a_span_arrives_in_the_trace_of_its_caller_and_the_last_ones_before_the_end() {
    let app = TestApp::start().await;
    let key = app.key(&["grid.read"], "421181").await.1;
    let letters = Letters::default();
    let endpoint = collector(&letters);
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("DRAIN_SECONDS", "0")];
    let mut process = Process::start(&app.db.url, &settings);
    let user = process.user(Some(&key));
    let ask = async |path: &str, trace: &str, id: &str| {
        let request = user.request(Method::GET, path).header("traceparent", trace).header("x-request-id", id);
        user.send(request).await.headers["traceparent"].clone()
    };
    let recorded = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128;
    let not_recorded = recorded + 1;
    let parent = 0xb7ad_6b71_6920_3331_u64;
    let own = ask("/v1/grids?limit=1", &format!("00-{recorded:032x}-{parent:016x}-01"), "recorded").await;
    ask("/v1/grids?limit=1", &format!("00-{not_recorded:032x}-{parent:016x}-00"), "not-recorded").await;
    ask("/health/live", &format!("00-{recorded:032x}-{parent:016x}-01"), "a-probe").await;
    while !holds(&letters, &recorded.to_be_bytes()) {
        sleep(Duration::from_millis(20)).await;
    }
    let span = u64::from_str_radix(own.split('-').nth(2).unwrap(), 16).unwrap();
    for part in [&parent.to_be_bytes()[..], &span.to_be_bytes(), b"list_grids", b"recorded", b"linli", b"service.version"] {
        assert!(holds(&letters, part), "{part:?}");
    }

    // Of a trace that begins here, the header says that it is recorded; its span comes, although the end comes first.
    let begun = user.get("/v1/compounds").await.headers["traceparent"].clone();
    assert!(begun.ends_with("-01"), "{begun}");
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
    let begun = u128::from_str_radix(begun.split('-').nth(1).unwrap(), 16).unwrap();
    assert!(holds(&letters, &begun.to_be_bytes()) && holds(&letters, b"list_compounds"), "the last ones are sent before the end");
    assert!(!holds(&letters, &not_recorded.to_be_bytes()) && !holds(&letters, b"a-probe"));
}

#[tokio::test]
async fn a_collector_that_is_away_hinders_nobody_and_is_told_of() {
    let app = TestApp::start().await;
    let key = app.key(&["grid.read"], "421181").await.1;
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{nowhere}");
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50"), ("DRAIN_SECONDS", "0")];
    let mut process = Process::start(&app.db.url, &settings);
    for _ in 0..20 {
        assert_eq!(process.user(Some(&key)).get("/v1/grids").await.status, 200);
    }
    while !process.log().contains("opentelemetry") {
        sleep(Duration::from_millis(20)).await;
    }
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
}
