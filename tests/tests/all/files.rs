//! Files: what is taken, who reads it, parts of it, and that content is kept once and never lost.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::TimeDelta;
use futures_util::TryStreamExt;
use kernel::Expected;
use platform::blob::Spooled;
use platform::file::{self, FileName, NewFile};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::{Answer, TestApp, User};

/// The smallest picture: one pixel.
const PIXEL: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

async fn send(user: &User, query: &str, content: impl Into<Vec<u8>>) -> Answer {
    user.send(user.request(Method::POST, &format!("/v1/files?{query}")).body(content.into())).await
}

async fn sent(user: &User, content: impl Into<Vec<u8>>) -> String {
    send(user, "", content).await.ok(201)["id"].as_str().unwrap().to_owned()
}

async fn content(user: &User, id: &str, headers: &[(&str, &str)]) -> Answer {
    let request = user.request(Method::GET, &format!("/v1/files/{id}/content"));
    user.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

async fn delete(user: &User, id: &str, version: &str) -> Answer {
    user.send(user.request(Method::DELETE, &format!("/v1/files/{id}")).header("If-Match", version)).await
}

async fn attach(user: &User, id: &str, object: &str) -> Answer {
    user.post(&format!("/v1/files/{id}/attach"), json!({"object_kind": "compound", "object_id": object, "version": 1})).await
}

async fn count(app: &TestApp, query: &str) -> i64 {
    app.db.connect().await.query_one(query, &[]).await.unwrap().get(0)
}

async fn compound(admin: &User) -> String {
    admin.by_code("compounds", "421181001001X001").await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_sent() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let answer = send(&admin, "name=楼道%2F照片.exe&area_code=421181001", PIXEL).await;
    assert_eq!(answer.headers["location"], format!("/v1/files/{}", answer.body["id"].as_str().unwrap()));
    let file = answer.ok(201);
    assert_eq!((file["name"].as_str(), file["media_type"].as_str(), file["size"].as_u64()), (Some("照片.exe"), Some("image/png"), Some(PIXEL.len() as u64)));
    assert_eq!((file["area_code"].as_str(), file["object_id"].is_null(), file["expires_at"].is_null()), (Some("421181001"), true, true));
    let id = file["id"].as_str().unwrap();
    assert_eq!(admin.get(&format!("/v1/files/{id}")).await.ok(200), file);
    // No compression: length and tag are of the content as it is.
    let whole = content(&admin, id, &[("Accept-Encoding", "gzip")]).await;
    assert_eq!((whole.status, whole.bytes.as_slice()), (200, PIXEL));
    let tag = format!("\"{}\"", file["sha256"].as_str().unwrap());
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-length", &PIXEL.len().to_string()),
        ("content-disposition", "attachment; filename*=UTF-8''%E7%85%A7%E7%89%87.exe"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-store"),
        ("accept-ranges", "bytes"),
        ("etag", &tag),
    ] {
        assert_eq!(whole.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!whole.headers.contains_key("content-encoding"));
    assert_eq!(content(&admin, id, &[("If-None-Match", &tag)]).await.status, 304);
    assert_eq!(content(&admin, id, &[("If-None-Match", "\"x\"")]).await.status, 200);
    let head = admin.send(admin.request(Method::HEAD, &format!("/v1/files/{id}/content"))).await;
    assert_eq!((head.status, head.bytes.len(), head.headers["content-length"].as_str()), (200, 0, PIXEL.len().to_string().as_str()));
}

#[tokio::test]
async fn a_part_is_sent_where_a_range_asks_for_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let text: String = (0..40_000).map(|number| format!("{number:05}\n")).collect();
    let id = sent(&admin, text.clone()).await;
    let part = async |range: &str| {
        let answer = content(&admin, &id, &[("Range", range), ("Accept-Encoding", "gzip")]).await;
        (answer.status, answer.headers.get("content-range").cloned().unwrap_or_default(), answer.text())
    };
    let of = |range: &str| format!("bytes {range}/240000");
    assert_eq!(part("bytes=0-4").await, (206, of("0-4"), "00000".to_owned()));
    assert_eq!(part("bytes=239994-").await, (206, of("239994-239999"), "39999\n".to_owned()));
    assert_eq!(part("bytes=-6").await, (206, of("239994-239999"), "39999\n".to_owned()));
    assert_eq!(part("bytes=6-200000").await, (206, of("6-200000"), text[6..=200_000].to_owned()));
    assert_eq!(part("bytes=0-1,4-5").await, (200, String::new(), text.clone()), "several ranges are answered with the whole");
    let outside = content(&admin, &id, &[("Range", "bytes=240000-")]).await;
    assert_eq!((outside.status, outside.code(), outside.headers["content-range"].as_str()), (416, "file.out_of_range", "bytes */240000"));
    let tag = content(&admin, &id, &[]).await.headers["etag"].clone();
    assert_eq!(content(&admin, &id, &[("Range", "bytes=0-4"), ("If-Range", &tag)]).await.status, 206);
    assert_eq!(content(&admin, &id, &[("Range", "bytes=0-4"), ("If-Range", "\"other\"")]).await.status, 200);
    // Put together again, the parts are the whole.
    let mut whole = Vec::new();
    while whole.len() < text.len() {
        whole.extend(content(&admin, &id, &[("Range", &format!("bytes={}-{}", whole.len(), whole.len() + 70_000))]).await.bytes);
    }
    assert!(whole == text.as_bytes());
}

#[tokio::test]
async fn what_a_file_is_and_how_large_it_may_be_is_found_from_its_content() {
    let app = TestApp::start_with(|config| {
        (config.max_image_bytes, config.max_document_bytes, config.max_text_bytes, config.max_archive_bytes) = (PIXEL.len() as u64, 400, 300, 0);
    })
    .await;
    let admin = app.admin().await;
    let refused = async |name: &str, content: &[u8]| {
        let answer = send(&admin, &format!("name={name}"), content).await;
        (answer.status, answer.code().to_owned())
    };
    let taken = async |name: &str, content: &[u8]| send(&admin, &format!("name={name}"), content).await.ok(201)["media_type"].as_str().unwrap().to_owned();
    assert_eq!(taken("a.pdf", PIXEL).await, "image/png");
    assert_eq!(taken("a.png", b"%PDF-1.7\n").await, "application/pdf");
    assert_eq!(taken("minutes", "会议记录".as_bytes()).await, "text/plain");
    assert_eq!(taken("a.csv", "编码,名称\n".as_bytes()).await, "text/csv");
    assert_eq!(refused("a.png", b"MZ\x90\0\x03\0\0\0\x04\0\0\0").await, (415, "file.not_taken".into()));
    assert_eq!(refused("a.txt", b"<!DOCTYPE html><script>alert(1)</script>").await, (415, "file.not_taken".into()));
    assert_eq!(refused("a.zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").await, (415, "file.not_taken".into()), "the limit of archives is 0");
    assert_eq!(refused("a.txt", b"").await, (422, "file.empty".into()));
    assert_eq!(refused("a.png", &[PIXEL, b" "].concat()).await, (413, "file.too_large".into()));
    assert_eq!(refused("a.txt", &[b'a'; 301]).await, (413, "file.too_large".into()));
    assert_eq!(refused("a.txt", &[b'a'; 401]).await, (413, "body.too_large".into()), "larger than files of any kind");
    // A workbook, whatever it is called; one whose directory points nowhere is no more than an archive.
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write_string(0, 0, "a").unwrap();
    let book = book.save_to_buffer().unwrap();
    assert_eq!(refused("a.txt", &book).await, (413, "body.too_large".into()));
    let roomy = TestApp::start().await;
    let clerk = roomy.admin().await;
    let media = send(&clerk, "name=a.txt", book).await.ok(201)["media_type"].clone();
    assert_eq!(media, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    let hostile =
        [b"PK\x03\x04".as_slice(), b"PK\x06\x06", &[0xff; 60], b"PK\x06\x07\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0", b"PK\x05\x06", &[0xff; 18]]
            .concat();
    assert_eq!(send(&clerk, "", hostile).await.code(), "file.not_taken");
    let gzip = admin.request(Method::POST, "/v1/files").header("Content-Encoding", "gzip").body("x");
    assert_eq!(admin.send(gzip).await.code(), "file.compressed");
}

#[tokio::test]
async fn a_mini_program_sends_a_form() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let form = Form::new().text("formData", "x").part("file", Part::bytes(PIXEL).file_name("楼道.png"));
    let file = admin.send(admin.request(Method::POST, "/v1/files").multipart(form)).await.ok(201);
    assert_eq!((file["name"].as_str(), file["media_type"].as_str()), (Some("楼道.png"), Some("image/png")));
    let again = async || {
        let request = admin.request(Method::POST, "/v1/files?name=a").header("Idempotency-Key", "photo-1").body(PIXEL);
        admin.send(request).await
    };
    let (first, second) = (again().await, again().await);
    assert_eq!((first.status, &first.body, second.headers["idempotent-replayed"].as_str()), (201, &second.body, "true"));
}

#[tokio::test]
async fn a_loose_file_is_its_senders_alone() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let (worker, other) = (app.user(&["file.write"], "421181001001").await, app.user(&["*"], "421181").await);
    let id = sent(&worker, PIXEL).await;
    assert_eq!(worker.get(&format!("/v1/files/{id}")).await.ok(200)["area_code"], "421181001001");
    for user in [&other, &admin] {
        for answer in [
            user.get(&format!("/v1/files/{id}")).await,
            content(user, &id, &[]).await,
            delete(user, &id, "*").await,
            attach(user, &id, &compound(&admin).await).await,
        ] {
            assert_eq!((answer.status, answer.code()), (404, "file.unknown"));
        }
    }
    let ids = |page: Value| page["items"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(other.get("/v1/files").await.ok(200)), Vec::<String>::new());
    let second = sent(&worker, "second").await;
    let page = worker.get("/v1/files?limit=1").await.ok(200);
    assert_eq!((ids(page.clone()), page["has_more"].as_bool()), (vec![second.clone()], Some(true)));
    assert_eq!(ids(worker.get(&format!("/v1/files?limit=1&after={}", page["next"].as_str().unwrap())).await.ok(200)), std::slice::from_ref(&id));
    let elsewhere = send(&worker, "area_code=421181001002", PIXEL).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (403, "access.out_of_scope"));
    assert_eq!(worker.send(worker.request(Method::DELETE, &format!("/v1/files/{id}"))).await.status, 428);
    assert_eq!(delete(&worker, &id, "\"2\"").await.status, 412);
    assert_eq!(delete(&worker, &id, "\"1\"").await.ok(200)["id"], id.as_str());
    assert_eq!(worker.get(&format!("/v1/files/{id}")).await.code(), "file.unknown");
    assert_eq!(content(&worker, &second, &[]).await.text(), "second");
}

#[tokio::test]
async fn an_attached_file_is_read_by_whoever_sees_its_object() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let compound = compound(&admin).await;
    let worker = app.user(&["file.write", "compound.read", "compound.write"], "421181001001").await;
    let (reader, blind, neighbour) =
        (app.user(&["compound.read"], "421181001").await, app.user(&["grid.read"], "421181").await, app.user(&["*"], "421181001002").await);
    let id = sent(&worker, PIXEL).await;
    assert_eq!(reader.get(&format!("/v1/files/{id}")).await.status, 404);
    let file = attach(&worker, &id, &compound).await.ok(200);
    assert_eq!(
        (file["object_kind"].as_str(), file["object_id"].as_str(), file["version"].as_i64(), file["area_code"].as_str()),
        (Some("compound"), Some(compound.as_str()), Some(2), Some("421181001001"))
    );
    assert_eq!(content(&reader, &id, &[]).await.bytes, PIXEL);
    let of = format!("/v1/files?object_kind=compound&object_id={compound}");
    assert_eq!(reader.get(&of).await.ok(200)["items"], json!([file]));
    assert_eq!(worker.get("/v1/files").await.ok(200)["items"], json!([]), "it is no longer loose");
    for user in [&blind, &neighbour] {
        assert_eq!(user.get(&format!("/v1/files/{id}")).await.code(), "file.unknown");
        assert_eq!(content(user, &id, &[]).await.code(), "file.unknown");
        assert_eq!(user.get(&of).await.code(), "file.unknown");
    }
    assert_eq!(reader.get("/v1/files?object_kind=compound").await.code(), "file.half_an_object");
    assert_eq!(reader.get(&format!("/v1/files?object_kind=secret&object_id={compound}")).await.code(), "file.unknown");
    // It stays with its object.
    assert_eq!((delete(&worker, &id, "*").await.code(), attach(&worker, &id, &compound).await.code()), ("file.attached", "file.attached"));
    // Only to what one may change, and to what can hold files.
    let reading = app.user(&["file.write", "compound.read"], "421181001").await;
    let mine = sent(&reading, PIXEL).await;
    assert_eq!(attach(&reading, &mine, &compound).await.code(), "access.forbidden");
    let theirs = sent(&neighbour, PIXEL).await;
    assert_eq!(attach(&neighbour, &theirs, &compound).await.code(), "compound.unknown");
    let any = sent(&worker, "x").await;
    let nothing = worker.post(&format!("/v1/files/{any}/attach"), json!({"object_kind": "secret", "object_id": compound, "version": 1})).await;
    assert_eq!((nothing.status, nothing.code(), nothing.errors()), (422, "file.no_holder", vec!["/object_kind file.no_holder".to_owned()]));
    // The journal tells it, without its name.
    let query = "select action, change::text from journal where object_kind = 'file' and object_id = $1::text::uuid order by seq";
    let told: Vec<(String, String)> = app.db.connect().await.query(query, &[&id]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(told.iter().map(|(action, _)| action.as_str()).collect::<Vec<_>>(), ["file.created", "file.attached"]);
    assert!(told.iter().all(|(_, change)| !change.contains("name")), "{told:?}");
}

#[tokio::test]
async fn the_same_content_is_kept_once_and_goes_with_its_last_file() {
    let app = TestApp::start().await;
    let (one, two) = (app.admin().await, app.admin().await);
    let blobs = app.config.blobs().unwrap();
    let swept = async |patience: TimeDelta| blobs.sweep(app.store(), &api::server::operator(&app.config, "test"), patience).await.unwrap().0;
    let sweep = async || swept(TimeDelta::zero()).await;
    let (first, second) = (sent(&one, PIXEL).await, sent(&two, PIXEL).await);
    assert_eq!((count(&app, "select count(*) from blob").await, count(&app, "select count(*) from file").await), (1, 2));
    delete(&one, &first, "*").await.ok(200);
    assert_eq!(sweep().await, 0, "the other file still has it");
    assert_eq!(content(&two, &second, &[]).await.bytes, PIXEL);
    delete(&two, &second, "*").await.ok(200);
    assert_eq!((swept(TimeDelta::hours(1)).await, sweep().await, count(&app, "select count(*) from blob").await), (0, 1, 0));
    let left = std::fs::read_dir(&app.config.file_store).unwrap().flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap()).count();
    assert_eq!(left, 0, "nothing is left in the store");
    let third = sent(&one, PIXEL).await;
    assert_eq!(content(&one, &third, &[]).await.bytes, PIXEL);
}

#[tokio::test]
async fn content_that_comes_again_while_it_is_cleared_away_is_not_lost() {
    let app = TestApp::start().await;
    let (store, blobs) = (app.store(), app.config.blobs().unwrap());
    let (over, swept, late) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let call = || api::server::operator(&app.config, "test");
    // Files of one content come and go, while it is swept without patience, whatever the clocks say.
    let sender = async || {
        for _ in 0..100 {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"again").unwrap();
            let content = Spooled { file, digest: Sha256::digest(b"again").to_vec(), size: 5 };
            let kept = blobs.keep(store, &call(), &content).await.unwrap();
            let new = NewFile { name: FileName::parse("again").unwrap(), media_type: "text/plain", area_code: None };
            let made = match store.write(&call(), "test", async |tx| file::create(tx, &kept, &new, u64::MAX).await).await {
                Err(error) => {
                    assert_eq!(error.code(), Some("file.too_late"), "{error}");
                    late.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Ok(made) => made,
            };
            let blocks: Vec<_> = blobs.read(made.blob_id, &made.digest, 0..5).await.unwrap().try_collect().await.unwrap();
            assert_eq!(blocks.concat(), b"again", "the content is there for as long as the file");
            store.write(&call(), "test", async |tx| file::delete(tx, made.id, Expected::Any).await).await.unwrap();
        }
    };
    let sweeper = async || {
        while !over.load(Ordering::Relaxed) {
            swept.fetch_add(blobs.sweep(store, &call(), TimeDelta::hours(-1)).await.unwrap().0, Ordering::Relaxed);
        }
    };
    let senders = async {
        tokio::join!(sender(), sender(), sender());
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(senders, sweeper(), sweeper());
    assert!(late.load(Ordering::Relaxed) < 300 && swept.load(Ordering::Relaxed) > 0, "{late:?} late, {swept:?} swept");
    assert_eq!(count(&app, "select count(*) from file").await, 0);
}

#[tokio::test]
async fn files_that_belong_to_nothing_go_after_a_while() {
    let app = TestApp::start_with(|config| config.max_loose_bytes = 100).await;
    let admin = app.small_town().await;
    let compound = compound(&admin).await;
    let kept = sent(&admin, PIXEL).await;
    let full = send(&admin, "", "x".repeat(40)).await;
    assert_eq!((full.status, full.code()), (409, "file.too_many_loose"));
    attach(&admin, &kept, &compound).await.ok(200);
    let orphan = sent(&admin, "x".repeat(40)).await;
    let brief = sent(&admin, "y".repeat(40)).await;
    let call = api::server::operator(&app.config, "test");
    let purged = async |patience: TimeDelta| {
        let purge = async |tx: &kernel::Tx<'_>| Ok((file::purge_expired(tx).await?.0, file::purge_orphaned(tx, patience).await?.0));
        app.store().write(&call, "test", purge).await.unwrap()
    };
    app.db.connect().await.execute("update file set expires_at = now() - interval '1 minute' where id = $1::text::uuid", &[&brief]).await.unwrap();
    assert_eq!(admin.get(&format!("/v1/files/{brief}")).await.status, 404, "what has expired is gone before it is purged");
    assert_eq!(admin.get("/v1/files").await.ok(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(purged(TimeDelta::hours(1)).await, (1, 0));
    app.db.connect().await.execute("update file set created_at = now() - interval '2 hours'", &[]).await.unwrap();
    assert_eq!(purged(TimeDelta::hours(1)).await, (0, 1));
    assert_eq!((admin.get(&format!("/v1/files/{orphan}")).await.status, content(&admin, &kept, &[]).await.status), (404, 200));
    let told = count(&app, "select count(*) from journal where action in ('file.expired', 'file.orphaned')").await;
    assert_eq!(told, 2);
}
