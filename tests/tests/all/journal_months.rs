//! The journal by months: partitions made ahead, rows that go astray and are brought home, rows that nobody changes.

use api::config::Config;
use api::server;
use platform::journal_months;
use testkit::{TestApp, TestDb};
use tokio_postgres::Client;

const UP: &str = include_str!("../../../migrations/2026-11-24-000500_journal_partitions/up.sql");
const DOWN: &str = include_str!("../../../migrations/2026-11-24-000500_journal_partitions/down.sql");

/// An insert of lines at some times.
fn insert(at: &str) -> String {
    format!(
        "insert into journal (at, actor_id, actor_name, request_id, action, object_kind, object_id, area_code, version, change) \
         select at, gen_random_uuid(), '张三', 'r', 'thing.created', 'thing', gen_random_uuid(), '421181', 1, '{{\"a\": 1}}' from {at} as at"
    )
}

async fn texts(db: &Client, query: &str) -> Vec<String> {
    db.query(query, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)).collect()
}

/// Where lines lie: month and count.
const PLACES: &str = "select tableoid::regclass || ' ' || count(*) from journal where object_kind = 'thing' group by tableoid order by 1";
/// Lines with all that they hold, but for what an older form does not know.
const LINES: &str = "select (to_jsonb(j) - 'acting_role')::text from journal j order by xid, seq";

#[tokio::test]
async fn rows_of_a_month_without_a_partition_are_kept_and_brought_home() {
    let db = TestDb::lease().await;
    let client = db.connect().await;
    client.batch_execute("drop table if exists journal_2031_03, journal_2031_04").await.unwrap();
    // The last and the first instant of March in Shanghai, and their neighbours.
    let at = "unnest(array['2031-02-28 15:59:59.999999Z', '2031-02-28 16:00Z', '2031-03-31 15:59:59.999999Z', '2031-03-31 16:00Z']::timestamptz[])";
    client.batch_execute(&insert(at)).await.unwrap();
    assert_eq!(texts(&client, PLACES).await, ["journal_default 4"]);
    let before = texts(&client, LINES).await;
    let make = async |month: &str| -> bool { client.query_one(&format!("select journal_make_partition('{month}')"), &[]).await.unwrap().get(0) };
    assert!(make("2031-03-17").await);
    assert_eq!(texts(&client, PLACES).await, ["journal_2031_03 2", "journal_default 2"]);
    assert!(!make("2031-03-01").await, "it is there");
    assert!(make("2031-04-30").await);
    assert_eq!(texts(&client, PLACES).await, ["journal_2031_03 2", "journal_2031_04 1", "journal_default 1"]);
    assert_eq!(texts(&client, LINES).await, before, "nothing of them changed");
    client.batch_execute(&insert("unnest(array['2031-04-15'::timestamptz])")).await.unwrap();
    assert_eq!(texts(&client, PLACES).await[1], "journal_2031_04 2", "and later ones go there at once");
    client.batch_execute("drop table journal_2031_03, journal_2031_04").await.unwrap();
}

#[tokio::test]
async fn this_month_and_the_next_two_are_there_and_made_once() {
    let db = TestDb::lease().await;
    let client = db.connect().await;
    let months = "select 'journal_' || to_char(date_trunc('month', now() at time zone 'Asia/Shanghai') + make_interval(months => n), 'YYYY_MM') from generate_series(0, 2) as n";
    let expected = texts(&client, months).await;
    let there = "select relname::text from pg_inherits join pg_class on oid = inhrelid where inhparent = 'journal'::regclass";
    let partitions = texts(&client, there).await;
    assert!(expected.iter().all(|month| partitions.contains(month)), "{partitions:?}");
    // Without the last of them, four replicas that come at once make one, while somebody writes.
    client.batch_execute(&format!("drop table {}", expected[2])).await.unwrap();
    let writer = db.connect().await;
    writer.batch_execute(&format!("begin; {}", insert("now()"))).await.unwrap();
    let (store, call) = (db.store(), server::operator(&Config::of(&db.url).unwrap(), "test"));
    let replicas = (0..4).map(|_| async { store.write(&call, "test", journal_months::make).await.unwrap() });
    let made = futures_util::future::join_all(replicas).await;
    assert_eq!(made.iter().sum::<i32>(), 1, "{made:?}");
    writer.batch_execute("commit").await.unwrap();
    assert!(texts(&client, there).await.contains(&expected[2]));
}

#[tokio::test]
async fn nobody_changes_removes_or_empties_what_was_journalled() {
    let app = TestApp::start().await;
    app.small_town().await;
    crate::audit_seals::seal_all(&app.db).await;
    let client = app.db.connect().await;
    let partitions = texts(&client, "select inhrelid::regclass::text from pg_inherits where inhparent = 'journal'::regclass").await;
    assert!(partitions.len() >= 4);
    let full = texts(&client, "select distinct tableoid::regclass::text from journal").await;
    for table in ["journal", "journal_block"].into_iter().map(ToOwned::to_owned).chain(partitions.clone()) {
        let column = if table == "journal_block" { "lines = 1" } else { "reason = 'x'" };
        let mut attempts = vec![format!("truncate {table}")];
        // A row's trigger asks for a row.
        if table == "journal" || table == "journal_block" || full.contains(&table) {
            attempts.extend([format!("update {table} set {column}"), format!("delete from {table}")]);
        }
        for attempt in attempts {
            let refused = client.batch_execute(&attempt).await.unwrap_err();
            let refused = refused.as_db_error().unwrap();
            assert_eq!((refused.code().code(), refused.message()), ("42501", "the journal is append-only"), "{attempt}");
        }
    }
    // The tests' user is a superuser, whom no grant stops: so look at the grants themselves.
    let guarded = "select oid from pg_class where oid = 'journal_block'::regclass or oid = 'journal'::regclass or pg_partition_root(oid) = 'journal'::regclass and relkind in ('r', 'p')";
    let granted = format!(
        "select c.oid::regclass || ' ' || a.privilege_type from pg_class c cross join lateral aclexplode(coalesce(relacl, acldefault('r', relowner))) a \
         where c.oid in ({guarded}) and a.privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE')"
    );
    assert_eq!(texts(&client, &granted).await, Vec::<String>::new());
    assert_eq!(texts(&client, &format!("select oid::regclass::text from pg_class where oid in ({guarded})")).await.len(), partitions.len() + 2);
}

#[tokio::test]
async fn the_migration_keeps_the_rows_up_and_down() {
    let app = TestApp::start().await;
    app.small_town().await;
    let mut client = app.db.connect().await;
    // All of it in one transaction that is undone: another test finds the database as it was.
    let tx = client.transaction().await.unwrap();
    tx.batch_execute(&insert("generate_series(timestamptz '2025-01-31 15:00Z', '2025-04-30 16:00Z', '1 month')")).await.unwrap();
    let lines = async || -> Vec<String> { tx.query(LINES, &[]).await.unwrap().iter().map(|row| row.get(0)).collect() };
    let before = lines().await;
    assert!(before.len() > 15);
    for _ in 0..2 {
        tx.batch_execute(DOWN).await.unwrap();
        assert_eq!(lines().await, before, "down");
        tx.batch_execute(UP).await.unwrap();
        assert_eq!(lines().await, before, "up");
    }
    let places = tx.query(PLACES, &[]).await.unwrap();
    let places: Vec<String> = places.iter().map(|row| row.get(0)).collect();
    assert_eq!(places, ["journal_2025_01 1", "journal_2025_02 1", "journal_2025_03 1", "journal_2025_04 1"], "rows of before have their months too");
    let next = format!("{} returning seq", insert("now()"));
    let seq: i64 = tx.query_one(&next, &[]).await.unwrap().get(0);
    let most: i64 = tx.query_one("select max(seq) from journal where object_kind <> 'thing' or at < now()", &[]).await.unwrap().get(0);
    assert!(seq > most, "numbers go on");
    tx.rollback().await.unwrap();
}
