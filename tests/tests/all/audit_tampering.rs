//! Whatever is changed behind the back of journal and seals is found out, and told apart.

use std::cell::RefCell;

use api::audit_command::{self, AuditCommand};
use api::server;
use serde_json::{Value, json};
use testkit::TestApp;
use tokio_postgres::Client;

use crate::audit_seals::{LINE, findings, seal_all, verify};

/// Whoever is past trigger and grant.
pub async fn tamper(client: &Client, sql: &str) {
    client.batch_execute(&format!("begin; set local session_replication_role = replica; {sql}; commit")).await.unwrap();
}

/// Five blocks of three lines, and what both tables held then.
async fn five_blocks(app: &TestApp) -> Client {
    let client = app.db.connect().await;
    for _ in 0..5 {
        // Those of one transaction are settled at once, so they come into one block.
        client.batch_execute(&format!("begin; {LINE}; {LINE}; {LINE}; commit")).await.unwrap();
        seal_all(&app.db).await;
    }
    client.batch_execute("create temp table lines as select * from journal; create temp table blocks as select * from journal_block").await.unwrap();
    client
}

async fn restore(client: &Client) {
    let restore = "delete from journal; insert into journal overriding system value select * from lines; \
                   delete from journal_block; insert into journal_block select * from blocks";
    tamper(client, restore).await;
}

/// A line of the third block.
const THIRD: &str = "(xid, seq) = (select xid, seq from lines order by xid, seq offset 7 limit 1)";

#[tokio::test]
async fn every_column_of_a_line_is_sealed() {
    let app = TestApp::start().await;
    let client = five_blocks(&app).await;
    let auditor = app.user(&["audit.verify"], "421181001").await;
    assert_eq!(findings(&verify(&auditor, json!({})).await), Vec::<String>::new());
    let columns = "select column_name::text, data_type::text from information_schema.columns where table_schema = current_schema() and table_name = 'journal'";
    let columns = client.query(columns, &[]).await.unwrap();
    assert_eq!(columns.len(), 16);
    for column in columns {
        let (name, kind): (String, String) = (column.get(0), column.get(1));
        let value = match kind.as_str() {
            "text" => format!("{name} || ' '"),
            "uuid" => "gen_random_uuid()".to_owned(),
            "jsonb" => format!("{name} || '{{\"c\": 0}}'"),
            "timestamp with time zone" => format!("{name} + interval '1 microsecond'"),
            "xid8" => "(select max(xid) from (select xid::text::bigint + 1000000 as xid from lines) x)::text::xid8".to_owned(),
            "bigint" => format!("{name} - 1000000"),
            _ => format!("{name} + 1"),
        };
        // Postgres itself lets nobody write a number, but whoever owns the table can change that.
        let number = |as_default| if name == "seq" { format!("alter table journal alter seq set generated {as_default};") } else { String::new() };
        tamper(&client, &format!("{} update journal set {name} = {value} where {THIRD}; {} select 1", number("by default"), number("always"))).await;
        let expected = match name.as_str() {
            // It is gone from its place, and not at another that is sealed.
            "xid" => "3 lines_removed",
            _ => "3 lines_changed",
        };
        assert_eq!(findings(&verify(&auditor, json!({})).await), [expected], "{name}");
        restore(&client).await;
    }
    for name in ["acting_role", "former_area_code", "reason"] {
        tamper(&client, &format!("update journal set {name} = null where {THIRD}")).await;
        assert_eq!(findings(&verify(&auditor, json!({})).await), ["3 lines_changed"], "{name} emptied");
        restore(&client).await;
    }
    assert_eq!(findings(&verify(&auditor, json!({})).await), Vec::<String>::new());
}

#[tokio::test]
async fn tampering_is_found_and_told_apart() {
    let app = TestApp::start().await;
    let client = five_blocks(&app).await;
    let auditor = app.user(&["audit.verify"], "421181").await;
    let insert = "insert into journal overriding system value select xid, seq - 1000000, at, actor_id, actor_name, acting_role, request_id, action, object_kind, \
                  object_id, area_code, former_area_code, version, reason, change, format from lines";
    for (sql, expected) in [
        (format!("delete from journal where {THIRD}"), vec!["3 lines_removed"]),
        ("delete from journal".to_owned(), (1..=5).map(|_| "lines_removed").collect()),
        (format!("{insert} where {THIRD}"), vec!["3 lines_inserted"]),
        (format!("{} where {THIRD}", insert.replace("select xid, seq", "select '0'::xid8, seq")), vec!["1 lines_inserted"]),
        (format!("{insert} where {THIRD}; delete from journal where {THIRD}"), vec!["3 lines_changed"]),
        ("update journal_block set lines = 4 where number = 3".to_owned(), vec!["3 block_changed"]),
        ("update journal_block set sealed_at = now() where number = 1".to_owned(), vec!["1 block_changed"]),
        ("update journal_block set root = hash where number = 5".to_owned(), vec!["5 block_changed"]),
        ("update journal_block set hash = root where number = 3".to_owned(), vec!["3 block_changed"]),
        ("update journal_block set previous = root where number = 4".to_owned(), vec!["4 block_changed"]),
        ("update journal_block set number = 6 where number = 5".to_owned(), vec!["5 block_missing", "6 block_changed"]),
        ("delete from journal_block where number = 3".to_owned(), vec!["3 block_missing"]),
        ("delete from journal_block where number <= 2".to_owned(), vec!["1 block_missing"]),
        (format!("delete from journal where {THIRD}; delete from journal_block where number = 1"), vec!["1 block_missing", "3 lines_removed"]),
    ] {
        tamper(&client, &sql).await;
        let report = verify(&auditor, json!({})).await;
        let found = findings(&report);
        match expected.len() {
            5 => assert_eq!(found, (1..=5).map(|block| format!("{block} lines_removed")).collect::<Vec<_>>(), "{sql}"),
            _ => assert_eq!(found, expected, "{sql}"),
        }
        let first = &report["findings"][0];
        if first["fault"].as_str().unwrap().starts_with("lines_") {
            assert!(first["sealed"] == 3 && first["found"].is_i64() && first["first_at"].as_str() <= first["last_at"].as_str(), "{first}");
        }
        restore(&client).await;
    }
    // The last block gone is as if it had never been: only who kept its hash can tell.
    tamper(&client, "delete from journal_block where number = 5").await;
    let report = verify(&auditor, json!({})).await;
    assert_eq!((findings(&report), report["unsealed"].as_i64(), &report["head"]["number"]), (vec![], Some(3), &json!(4)));
}

#[tokio::test]
async fn a_chain_that_was_written_anew_is_found_by_a_hash_that_was_kept() {
    let app = TestApp::start().await;
    let client = five_blocks(&app).await;
    let auditor = app.user(&["audit.verify"], "421181").await;
    let head = verify(&auditor, json!({})).await["head"].clone();
    let kept = format!("{}:{}", head["number"], head["hash"].as_str().unwrap());
    assert_eq!(findings(&verify(&auditor, json!({"expect": kept})).await), Vec::<String>::new());
    // A line is changed, and all from its block on is sealed anew.
    tamper(&client, &format!("update journal set reason = '伪造' where {THIRD}; delete from journal_block where number >= 3")).await;
    seal_all(&app.db).await;
    assert_eq!(findings(&verify(&auditor, json!({})).await), Vec::<String>::new(), "the chain alone cannot know");
    // What was sealed in three blocks may be sealed in one now.
    let anew = findings(&verify(&auditor, json!({"expect": kept})).await);
    assert!(anew == ["5 block_missing"] || anew == ["5 not_expected"], "{anew:?}");
    let old = client.query_one("select encode(hash, 'hex') from blocks where number = 3", &[]).await.unwrap().get::<_, String>(0);
    assert_eq!(findings(&verify(&auditor, json!({"expect": format!("3:{}", old.to_uppercase())})).await), ["3 not_expected"]);
    // Of the new block and the old ones after it, one side betrays the other.
    tamper(&client, "delete from journal_block where number > 3; insert into journal_block select * from blocks where number > 3").await;
    assert_eq!(findings(&verify(&auditor, json!({})).await), ["4 chain_broken"]);
}

#[tokio::test]
async fn the_command_tells_the_first_fault_and_fails() {
    let app = TestApp::start().await;
    let operator = server::operator(&app.config, "linli audit");
    let run = async |command: AuditCommand| -> (Result<(), String>, Vec<String>) {
        let said = RefCell::new(Vec::new());
        let say = |line: &str| {
            said.borrow_mut().push(line.to_owned());
            Ok(())
        };
        let result = audit_command::run(command, app.store(), &operator, say).await.map_err(|error| error.to_string());
        (result, said.into_inner())
    };
    let all = |expect: Option<&str>| AuditCommand::Verify { from: 1, to: None, lines_since: None, expect: expect.map(|kept| kept.parse().unwrap()) };
    assert!(run(AuditCommand::Head).await.0.unwrap_err().contains("nothing is sealed yet"));
    let client = five_blocks(&app).await;
    let (sound, said) = run(all(None)).await;
    assert_eq!((sound, said), (Ok(()), vec!["5 blocks and 15 lines verified, 0 lines not yet sealed".to_owned()]));
    let (_, head) = run(AuditCommand::Head).await;
    assert_eq!(run(all(Some(&head[0]))).await.0, Ok(()));
    let wrong = format!("2:{}", head[0].split_once(':').unwrap().1);
    let (failed, said) = run(all(Some(&wrong))).await;
    assert!(failed.is_err() && said[0].starts_with("block 2: not_expected: "), "{said:?}");
    tamper(&client, &format!("delete from journal where {THIRD}; update journal_block set lines = 1 where number = 5")).await;
    let (failed, said) = run(all(None)).await;
    assert_eq!(failed.unwrap_err(), "the audit log is not what was sealed: 2 findings, the first in block 3");
    assert!(said[0].starts_with("block 3: lines_removed: lines were removed, 3 sealed and 2 found, of "), "{said:?}");
    assert!(said[1].starts_with("block 5: block_changed: "), "{said:?}");
    assert_eq!(run(AuditCommand::Verify { from: 1, to: Some(2), lines_since: None, expect: None }).await.0, Ok(()), "the range asked for");
    assert!(run(AuditCommand::Verify { from: 3, to: Some(3), lines_since: None, expect: None }).await.0.is_err());
    assert!(run(AuditCommand::Verify { from: 3, to: Some(2), lines_since: None, expect: None }).await.0.is_err());
}

#[tokio::test]
async fn blocks_are_verified_some_at_a_time() {
    let app = TestApp::start().await;
    let client = five_blocks(&app).await;
    let auditor = app.user(&["audit.verify"], "421181").await;
    tamper(&client, "delete from journal where (xid, seq) = (select xid, seq from lines order by xid, seq offset 13 limit 1)").await;
    let part = async |range: Value| {
        let report = verify(&auditor, range).await;
        (findings(&report), report["blocks"].as_i64().unwrap(), report["lines"].as_i64().unwrap(), report["next"].as_i64())
    };
    assert_eq!(part(json!({"blocks": 2})).await, (vec![], 2, 6, Some(3)));
    assert_eq!(part(json!({"from": 3, "blocks": 2})).await, (vec![], 2, 6, Some(5)));
    assert_eq!(part(json!({"from": 5, "blocks": 2})).await, (vec!["5 lines_removed".to_owned()], 1, 2, None));
    assert_eq!(part(json!({"from": 6})).await, (vec![], 0, 0, None));
    tamper(&client, "update journal_block set sealed_at = now() where number = 2").await;
    assert_eq!(part(json!({"from": 3, "blocks": 2})).await, (vec![], 2, 6, Some(5)), "the block before speaks for itself");
    for (body, at) in [
        (json!({"blocks": 201}), "/blocks member.out_of_bounds"),
        (json!({"from": 0}), "/from member.out_of_bounds"),
        (json!({"expect": "5"}), "/expect member.wrong_form"),
        (json!({"expect": format!("0:{}", "0".repeat(64))}), "/expect member.wrong_form"),
        (json!({"lines_since": "9999-12-31"}), "/lines_since period.out_of_years"),
    ] {
        let answer = auditor.post("/v1/audit/verify", body.clone()).await;
        assert_eq!((answer.status, answer.errors()), (422, vec![at.to_owned()]), "{body}");
    }
    assert_eq!(auditor.post("/v1/audit/verify", json!({"all": true})).await.errors(), ["/all member.unknown"]);
    assert_eq!(app.user(&["audit.read"], "421181").await.post("/v1/audit/verify", json!({})).await.code(), "access.forbidden");
}

#[tokio::test]
async fn of_months_that_were_archived_the_chain_is_verified() {
    let app = TestApp::start().await;
    let client = app.db.connect().await;
    client.batch_execute("drop table if exists journal_2025_03; select journal_make_partition('2025-03-01')").await.unwrap();
    let old = LINE.replace("(actor_id", "(at, actor_id").replace("values (", "values ('2025-03-31 15:00Z', ");
    client.batch_execute(&format!("{old}; {old}")).await.unwrap();
    seal_all(&app.db).await;
    let auditor = app.user(&["audit.verify"], "421181").await;
    client.batch_execute(LINE).await.unwrap();
    seal_all(&app.db).await;
    let whole = verify(&auditor, json!({})).await;
    assert_eq!(findings(&whole), Vec::<String>::new());
    client.batch_execute("alter table journal detach partition journal_2025_03").await.unwrap();
    assert_eq!(findings(&verify(&auditor, json!({})).await)[0], "1 lines_removed", "nobody takes a month away unseen");
    let kept = verify(&auditor, json!({"lines_since": "2025-04-01"})).await;
    assert_eq!((findings(&kept), &kept["blocks"]), (vec![], &whole["blocks"]));
    assert!(kept["lines"].as_i64() < whole["lines"].as_i64());
    client
        .batch_execute("alter table journal attach partition journal_2025_03 for values from ('2025-03-01 00:00+08') to ('2025-04-01 00:00+08')")
        .await
        .unwrap();
    assert_eq!(findings(&verify(&auditor, json!({})).await), Vec::<String>::new(), "and what comes back is what it was");
}
