//! The database: reversible, described, and as the tables of diesel say.

use std::collections::BTreeMap;

use platform::migrate;
use testkit::TestDb;

/// Everything that a migration makes, a line each; not the partitions, which depend on the month.
const CATALOGUE: &str = "
    select 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || a.attgenerated::text || a.attidentity::text
        || ' ' || coalesce(col_description(c.oid, a.attnum), '')
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> '__diesel_schema_migrations'
    union all select 'constraint ' || conname || ' ' || pg_get_constraintdef(f.oid) from pg_constraint f join pg_class c on c.oid = conrelid where connamespace = current_schema()::regnamespace and not relispartition and relname <> '__diesel_schema_migrations'
    union all select 'index ' || relname || ' ' || pg_get_indexdef(c.oid) from pg_class c join pg_index i on i.indexrelid = c.oid where relnamespace = current_schema()::regnamespace and not relispartition and indrelid <> coalesce(to_regclass('__diesel_schema_migrations'), 0)
    union all select 'function ' || proname || ' ' || prosrc from pg_proc where pronamespace = current_schema()::regnamespace
    union all select 'trigger ' || tgname || ' ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal and tgrelid in (select oid from pg_class where relnamespace = current_schema()::regnamespace and not relispartition)
    order by 1";

async fn lines(db: &TestDb, query: &str) -> Vec<String> {
    db.connect().await.query(query, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)).collect()
}

#[tokio::test]
async fn migrations_go_up_down_and_up_without_a_difference() {
    let db = TestDb::lease().await;
    let before = lines(&db, CATALOGUE).await;
    assert!(before.len() > 150);
    migrate::undo(&db.url).unwrap();
    assert_eq!(lines(&db, CATALOGUE).await, Vec::<String>::new(), "the way down leaves nothing");
    migrate::run(&db.url).unwrap();
    assert_eq!(lines(&db, CATALOGUE).await, before);
    assert_eq!(migrate::run(&db.url).unwrap(), Vec::<String>::new(), "once is enough");
}

#[tokio::test]
async fn a_migration_that_meets_a_reader_gives_up_before_everybody_waits_behind_it() {
    let db = TestDb::lease().await;
    let before = lines(&db, CATALOGUE).await;
    let reader = db.connect().await;
    reader.batch_execute("begin; select count(*) from grid").await.unwrap();
    let refused = migrate::undo(&db.url).unwrap_err().to_string();
    assert!(refused.contains("lock timeout"), "{refused}");
    reader.batch_execute("rollback").await.unwrap();
    migrate::undo(&db.url).unwrap();
    migrate::run(&db.url).unwrap();
    assert_eq!(lines(&db, CATALOGUE).await, before, "it can be run again");
}

#[tokio::test]
async fn everything_is_described_named_and_indexed() {
    let db = TestDb::lease().await;
    let mine = "relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname <> '__diesel_schema_migrations'";
    let bare = format!(
        "select relname || coalesce('.' || attname, '') from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where {mine} and (obj_description(c.oid) is null or col_description(c.oid, a.attnum) is null)"
    );
    assert_eq!(lines(&db, &bare).await, Vec::<String>::new(), "without a comment");
    let unnamed = "select conname || ' of ' || conrelid::regclass from pg_constraint where connamespace = current_schema()::regnamespace and contype in ('c', 'f', 'u', 'x') \
                   and conname ~ '(_check[0-9]*|_excl[0-9]*|_key[0-9]+|_fkey[0-9]+)$'";
    assert_eq!(lines(&db, unnamed).await, Vec::<String>::new(), "named by Postgres, not by us");
    let slow = "select conname::text from pg_constraint f where connamespace = current_schema()::regnamespace and contype = 'f' \
                and not exists (select from pg_index i where i.indrelid = f.conrelid and i.indkey[0] = f.conkey[1])";
    assert_eq!(lines(&db, slow).await, Vec::<String>::new(), "a reference without an index");
}

#[tokio::test]
async fn the_tables_of_diesel_are_those_of_the_database() {
    let db = TestDb::lease().await;
    let rows = db
        .connect()
        .await
        .query(
            "select table_name::text, column_name::text, udt_name::text, is_nullable::text from information_schema.columns \
             where table_schema = current_schema() and table_name <> '__diesel_schema_migrations' \
             and not (select relispartition from pg_class where oid = table_name::regclass) order by table_name, ordinal_position",
            &[],
        )
        .await
        .unwrap();
    let mut database = BTreeMap::<String, Vec<(String, String)>>::new();
    for row in rows {
        let word = match row.get::<_, &str>(2) {
            "uuid" => "Uuid",
            "text" => "Text",
            "bytea" => "Bytea",
            "date" => "Date",
            "timestamptz" => "Timestamptz",
            "int2" => "Int2",
            "int4" => "Int4",
            "int8" => "Int8",
            "bool" => "Bool",
            "numeric" => "Numeric",
            "jsonb" => "Jsonb",
            "xid8" => "Xid8",
            "_text" => "Array<Nullable<Text>>",
            other => panic!("{other} is new here"),
        };
        let word = if row.get::<_, &str>(3) == "YES" { format!("Nullable<{word}>") } else { word.to_owned() };
        database.entry(row.get(0)).or_default().push((row.get(1), word));
    }
    let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/schema/src/lib.rs")).unwrap();
    let mut diesel = BTreeMap::<String, Vec<(String, String)>>::new();
    let mut table = String::new();
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.strip_suffix(" {").and_then(|line| line.split_once(" (")) {
            table = name.to_owned();
        } else if let Some((name, word)) = line.trim_end_matches(',').split_once(" -> ").filter(|_| !line.starts_with("diesel::")) {
            diesel.entry(table.clone()).or_default().push((name.trim_end_matches('_').to_owned(), word.to_owned()));
        }
    }
    assert_eq!(diesel, database, "run make schema");
}
