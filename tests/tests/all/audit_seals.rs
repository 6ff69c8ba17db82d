//! Seals of the journal: made while others write, in blocks that are full or old enough, hashed as documented.

use std::time::{Duration, Instant};

use api::config::Config;
use api::server;
use chrono::TimeDelta;
use kernel::Call;
use platform::audit::block::Block;
use platform::audit::seal;
use serde_json::{Value, json};
use testkit::{TestApp, TestDb, User};

use crate::audit_tampering::tamper;

/// The call of a background that looks after some minutes.
fn in_minutes(db: &TestDb, minutes: i64) -> Call {
    let call = server::operator(&Config::of(&db.url).unwrap(), "test");
    Call { now: call.now + TimeDelta::minutes(minutes), ..call }
}

/// Seals a block, if one is due after some minutes.
async fn seal_after(db: &TestDb, minutes: i64) -> Option<Block> {
    db.store().write(&in_minutes(db, minutes), "test", seal::seal).await.unwrap()
}

/// Seals all lines. Whoever writes in any test of the cluster holds the line below which lines are settled.
pub async fn seal_all(db: &TestDb) {
    let client = db.connect().await;
    let deadline = Instant::now() + Duration::from_secs(120);
    let open = "select count(*) from journal where journal_block_of(xid, seq) is null";
    while client.query_one(open, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(Instant::now() < deadline, "something is never sealed");
        if seal_after(db, 2).await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A line.
pub const LINE: &str = "insert into journal (actor_id, actor_name, acting_role, request_id, action, object_kind, object_id, area_code, former_area_code, version, reason, change) \
    values (gen_random_uuid(), '张三', 'auditor', 'r', 'thing.changed', 'thing', gen_random_uuid(), '421181001', '421181002', 7, '原因', '{\"名\": {\"to\": \"乙\", \"from\": null}, \"b\": [1, 2.50]}')";

/// `block fault` of each finding.
pub fn findings(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let findings: Vec<String> = findings.map(|finding| format!("{} {}", finding["block"], finding["fault"].as_str().unwrap())).collect();
    assert_eq!(report["sound"], json!(findings.is_empty()));
    findings
}

pub async fn verify(user: &User, range: Value) -> Value {
    user.post("/v1/audit/verify", range).await.ok(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealing_goes_on_while_writers_write_and_misses_nobody() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let writers: Vec<_> = (0..8)
        .map(|writer: usize| {
            let admin = admin.clone();
            tokio::spawn(async move {
                for round in 0..12 {
                    let code = format!("421181001001{:03}", 100 + writer * 12 + round);
                    admin.post("/v1/grids", json!({"code": code, "name": "网格"})).await.ok(201);
                    // Refused, so that its line is rolled back and its number lost.
                    assert_eq!(admin.post("/v1/grids", json!({"code": code, "name": "网格"})).await.status, 409);
                }
            })
        })
        .collect();
    while writers.iter().any(|writer| !writer.is_finished()) {
        let both = tokio::join!(seal_after(&app.db, 2), seal_after(&app.db, 2));
        assert!(both.0.is_none() || both.1.is_none() || both.0.unwrap().number != both.1.unwrap().number);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    seal_all(&app.db).await;
    let report = verify(&admin, json!({"blocks": 200})).await;
    let client = app.db.connect().await;
    let lines: i64 = client.query_one("select count(*) from journal", &[]).await.unwrap().get(0);
    assert!(lines >= 8 * 12);
    assert_eq!((findings(&report), report["lines"].as_i64(), report["unsealed"].as_i64()), (vec![], Some(lines), Some(0)));
    assert!(report["next"].is_null() && report["blocks"] == report["head"]["number"], "{report}");
    let counted: i64 = client.query_one("select sum(lines) from journal_block", &[]).await.unwrap().get(0);
    assert_eq!(counted, lines);
}

#[tokio::test]
async fn what_an_older_transaction_may_still_precede_is_not_sealed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (slow, quick) = (app.db.connect().await, app.db.connect().await);
    slow.batch_execute(&format!("begin; {LINE}")).await.unwrap();
    let first: i64 = slow.query_one("select max(seq) from journal", &[]).await.unwrap().get(0);
    quick.batch_execute(LINE).await.unwrap();
    let sealed = "select coalesce(max(last_seq), 0) from journal_block";
    for _ in 0..3 {
        let _ = seal_after(&app.db, 5).await;
        assert!(quick.query_one(sealed, &[]).await.unwrap().get::<_, i64>(0) < first, "an older line is not there yet");
    }
    slow.batch_execute("commit").await.unwrap();
    seal_all(&app.db).await;
    let report = verify(&admin, json!({})).await;
    assert_eq!((findings(&report), report["unsealed"].as_i64(), report["lines"].as_i64()), (vec![], Some(0), Some(3)));
}

#[tokio::test]
async fn a_block_is_sealed_when_it_is_full_or_a_minute_old() {
    // Without an app, whose background might come first.
    let db = TestDb::lease().await;
    let client = db.connect().await;
    client.batch_execute(&LINE.replace("values (", "select ").replace("]}')", "]}' from generate_series(1, 5000)")).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let block = loop {
        // A moment ago no line was a minute old; the block is due for being full.
        if let Some(block) = seal_after(&db, -5).await {
            break block;
        }
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((block.number, i64::from(block.lines)), (1, seal::FULL));
    assert!(seal_after(&db, -5).await.is_none(), "the rest waits for company");
    let rest = seal_after(&db, 2).await.unwrap();
    assert_eq!((rest.number, i64::from(rest.lines), rest.previous), (2, 5000 - seal::FULL, block.hash));
    assert!(seal_after(&db, 2).await.is_none(), "nothing is left");
}

/// The hash of some values, as docs/AUDIT.md tells it, in SQL: each with its type and its length.
fn in_sql(kind: &str, values: &[(&str, &str)]) -> String {
    let value = |(kind, column): &(&str, &str)| {
        let bytes = match *kind {
            "01" => format!("int8send({column}::text::bigint)"),
            "02" => format!("timestamptz_send({column})"),
            "03" => format!("uuid_send({column})"),
            "06" => (*column).to_owned(),
            _ => format!("convert_to({column}::text, 'UTF8')"),
        };
        format!("coalesce('\\x{kind}'::bytea || int4send(length({bytes})) || {bytes}, '\\x00'::bytea)")
    };
    format!("sha256('\\x{kind}'::bytea || {})", values.iter().map(value).collect::<Vec<_>>().join(" || "))
}

#[tokio::test]
async fn the_hashes_are_those_that_the_documentation_tells() {
    let app = TestApp::start().await;
    let client = app.db.connect().await;
    client.batch_execute(&format!("begin; {LINE}; {}; {LINE}; commit", LINE.replace("'auditor'", "null").replace("'原因'", "''"))).await.unwrap();
    seal_all(&app.db).await;
    let leaf = in_sql(
        "00",
        &[
            ("01", "xid"),
            ("01", "seq"),
            ("02", "at"),
            ("03", "actor_id"),
            ("04", "actor_name"),
            ("04", "acting_role"),
            ("04", "request_id"),
            ("04", "action"),
            ("04", "object_kind"),
            ("03", "object_id"),
            ("04", "area_code"),
            ("04", "former_area_code"),
            ("01", "version"),
            ("04", "reason"),
            ("05", "change"),
            ("01", "format"),
        ],
    );
    let node = |left: &str, right: &str| format!("sha256('\\x01'::bytea || {left} || {right})");
    let root = node(&node("l[1]", "l[2]"), "l[3]");
    let block = in_sql(
        "02",
        &[
            ("01", "number"),
            ("01", "form"),
            ("01", "from_seq"),
            ("01", "after_xid"),
            ("01", "after_seq"),
            ("01", "last_xid"),
            ("01", "last_seq"),
            ("01", "lines"),
            ("02", "first_at"),
            ("02", "last_at"),
            ("06", "root"),
            ("06", "previous"),
            ("02", "sealed_at"),
        ],
    );
    // The three lines are one transaction's, so one block has them; it may have others before them.
    let query = format!(
        "select {block} = hash, previous = decode(repeat('00', 32), 'hex'), lines, \
         (select {root} from (select array_agg({leaf} order by xid, seq) as l from journal where (xid, seq) <= (last_xid, last_seq)) leaves) = root \
         from journal_block where number = 1"
    );
    let row = client.query_one(&query, &[]).await.unwrap();
    assert_eq!((row.get::<_, bool>(0), row.get::<_, bool>(1)), (true, true), "the block");
    assert_eq!((row.get::<_, i32>(2), row.get::<_, bool>(3)), (3, true), "the tree of three leaves");
}

#[tokio::test]
async fn a_journal_restored_where_transactions_are_counted_anew_is_sealed_on() {
    let app = TestApp::start().await;
    let auditor = app.user(&["audit.verify", "audit.read"], "421181").await;
    let client = app.db.connect().await;
    // As a dump of an older cluster brings them: of transactions that are far ahead here.
    let restored = LINE
        .replace("(actor_id", "(xid, actor_id")
        .replace("values (", "select (9000000000000 + n % 3)::text::xid8, ")
        .replace("]}')", "]}' from generate_series(1, 9) as n");
    client.batch_execute(&restored).await.unwrap();
    seal_all(&app.db).await;
    // Nothing is due but the block without lines that says where new ones begin.
    let _ = seal_after(&app.db, 0).await;
    let begins = "select count(*) from journal_block where lines = 0 and number = (select max(number) from journal_block)";
    assert_eq!(client.query_one(begins, &[]).await.unwrap().get::<_, i64>(0), 1);
    for _ in 0..4 {
        client.batch_execute(LINE).await.unwrap();
    }
    seal_all(&app.db).await;
    let report = verify(&auditor, json!({})).await;
    let lines: i64 = client.query_one("select count(*) from journal", &[]).await.unwrap().get(0);
    assert_eq!((findings(&report), report["lines"].as_i64(), report["unsealed"].as_i64()), (vec![], Some(lines), Some(0)));
    let search = auditor.get("/v1/audit?object_kind=thing&limit=200").await.ok(200);
    let mut blocks: Vec<i64> = search["items"].as_array().unwrap().iter().map(|line| line["block"].as_i64().unwrap()).collect();
    blocks.reverse();
    assert!(blocks.is_sorted() && blocks.len() == 13 && blocks[8] < blocks[9], "{blocks:?}");
    tamper(&client, "update journal set reason = 'x' where seq = (select max(seq) from journal)").await;
    assert_eq!(findings(&verify(&auditor, json!({})).await), [format!("{} lines_changed", report["head"]["number"])]);
    // Behind the last line that was restored nothing can have been written any more.
    let last = blocks[8];
    let behind = LINE.replace("(actor_id", "(xid, seq, actor_id").replace("values (", "overriding system value values ('9000000000005', 1, ");
    tamper(&client, &format!("update journal set reason = '原因'; {behind}")).await;
    assert_eq!(findings(&verify(&auditor, json!({})).await)[0], format!("{last} lines_inserted"));
}
