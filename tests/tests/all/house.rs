//! The rules of the house that a compiler does not see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use api::domains;
use kernel::manifest::Rehoming;
use testkit::app::contract;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> BTreeMap<String, String> {
    let mut found = Vec::new();
    sources(&root().join("crates"), &mut found);
    sources(&root().join("tests"), &mut found);
    found.into_iter().map(|path| (path.strip_prefix(root()).unwrap().display().to_string(), std::fs::read_to_string(path).unwrap())).collect()
}

fn lists(krate: &str, dependency: &str) -> bool {
    let manifest = std::fs::read_to_string(root().join(format!("crates/{krate}/Cargo.toml"))).unwrap();
    manifest.lines().any(|line| line.starts_with(&format!("{dependency}.")) || line.starts_with(&format!("{dependency} ")))
}

#[test]
fn http_and_sql_keep_to_their_crates() {
    for krate in ["kernel", "schema", "organization", "platform", "demo"] {
        assert!(!lists(krate, "actix-web"), "{krate} knows HTTP");
    }
    for dependency in ["diesel", "diesel-async", "schema", "tokio-postgres"] {
        assert!(!lists("api", dependency), "api knows SQL through {dependency}");
    }
    for (path, text) in all_sources().iter().filter(|(path, _)| path.starts_with("crates/api/src/organization/")) {
        assert!(!text.contains("HttpResponse") && !text.contains("impl Responder"), "{path} goes round the reply types");
    }
}

#[test]
fn files_are_short_and_named_after_their_subject() {
    for (path, text) in all_sources() {
        let lines = text.lines().count();
        assert!(lines <= 450 || path.starts_with("crates/schema/"), "{path} has {lines} lines: which two things is it?");
        let stem = Path::new(&path).file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(!["util", "utils", "common", "helper", "helpers", "misc"].contains(&stem.as_str()), "{path} has no subject");
        assert!(text.starts_with("//!") || path.starts_with("crates/schema/"), "{path} does not say what it is");
    }
}

/// Statements that have another shape each time, by what they write: as many rows as there are.
const SHAPELESS: [&str; 2] = ["insert_into(party_group_building::table).values(&new)", "insert_into(import_failure::table).values(rows)"];

#[test]
fn what_writes_one_row_is_prepared_once_a_connection() {
    let domains = ["crates/organization/src/", "crates/platform/src/"];
    let mut found = 0;
    for (path, text) in all_sources().iter().filter(|(path, _)| domains.iter().any(|domain| path.starts_with(domain))) {
        for statement in text.split("diesel::").skip(1).filter_map(|rest| rest.split(';').next()) {
            let one_row = statement.starts_with("insert_into(") || statement.starts_with("update(") && statement.contains("::table.find(");
            let sent = [".get_result(&mut", ".execute(&mut"].iter().any(|call| statement.contains(call));
            if one_row && sent && !SHAPELESS.iter().any(|shapeless| statement.starts_with(shapeless)) {
                assert!(statement.contains(".prepared()"), "{path}: diesel would prepare it each time: {statement}");
                found += 1;
            }
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn every_refusal_is_listed_once_and_speaks_both_languages() {
    let mut codes = BTreeSet::new();
    for refusal in domains::refusals() {
        assert!(codes.insert(refusal.code), "{} twice", refusal.code);
        assert!(!refusal.zh.is_ascii() && refusal.zh.ends_with(['。', '…']), "{}: {}", refusal.code, refusal.zh);
        assert!(!refusal.en.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)), "{}: {}", refusal.code, refusal.en);
        let values = |text: &str| text.split(['{', '}']).skip(1).step_by(2).map(ToOwned::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(values(refusal.zh), values(refusal.en), "{} names other values in the other language", refusal.code);
    }
    // A refusal that no manifest lists would not be here: find them in the sources.
    for (path, text) in all_sources().iter().filter(|(path, _)| path.starts_with("crates/")) {
        for part in text.split(": Refusal =").skip(1) {
            let code = part.split('"').nth(1).unwrap_or_default();
            assert!(codes.contains(code) || part.trim_start().starts_with("Refusal::invalid($code"), "{path}: {code} is in no manifest");
        }
    }
}

/// What comes as files alone, and has no body: what became of grids is told once, for all of them; the buildings of a group are a
/// part of the group.
const FILES_ALONE: [&str; 2] = ["grid-lineages", "party-organization-buildings"];

#[test]
fn every_workflow_leads_somewhere_and_ends() {
    assert!(domains::workflows().count() > 0);
    for chart in domains::workflows() {
        assert_eq!((chart.faults)(), Vec::<String>::new());
        // Each action is an operation of its own, and what may be done next can be asked.
        let named = format!("{}s", chart.name.replace('_', "-"));
        let resource = domains::sheets().find(|sheet| sheet.table == chart.name).map_or(named, |sheet| sheet.resource.to_owned());
        let things = format!("/v1/{resource}/{{id}}");
        let paths = contract().document()["paths"].as_object().unwrap();
        assert!(paths.contains_key(&format!("{things}/next-actions")), "{}", chart.name);
        let table = (chart.table)();
        for row in table.lines().skip(2) {
            let action = row.split('`').nth(1).unwrap().replace('_', "-");
            assert!(paths.contains_key(&format!("{things}/{action}")), "{}: no operation for {action}", chart.name);
        }
    }
}

#[test]
fn a_sheet_has_the_columns_that_a_new_object_has() {
    let schemas = &contract().document()["components"]["schemas"];
    for sheet in domains::sheets() {
        let name: String = sheet.table.split('_').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..])).collect();
        if FILES_ALONE.contains(&sheet.resource) {
            continue;
        }
        // What a file says in place of an id, such as the compound and the kind of a body.
        let told: BTreeSet<&str> = sheet.found_by.iter().flat_map(|found| found.within).copied().collect();
        let members: BTreeSet<&str> = schemas[format!("New{name}")]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let columns: BTreeSet<&str> = sheet.stored_columns().map(|column| column.name).filter(|name| !told.contains(name)).collect();
        let required: BTreeSet<&str> = schemas[format!("New{name}")]["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let needed: BTreeSet<&str> = sheet.columns.iter().filter(|column| column.required && !told.contains(column.name)).map(|column| column.name).collect();
        // A file may name what a body must name in another way, such as a person by his number.
        let filled: BTreeSet<&str> = sheet.columns.iter().filter(|column| column.default.is_some()).map(|column| column.name).collect();
        // What moves through a workflow is begun with less than a file tells of it that has come to its end.
        if domains::workflows().any(|chart| chart.name == sheet.table) {
            let named = required.difference(&needed).all(|name| filled.contains(name));
            assert!(members.is_subset(&columns) && named, "{}", sheet.resource);
            continue;
        }
        assert_eq!(members, columns, "{}", sheet.resource);
        assert!(needed.is_subset(&required) && required.difference(&needed).all(|name| filled.contains(name)), "{}", sheet.resource);
        assert!(sheet.columns.len() < 64, "{}: a row's columns are bits of one number", sheet.resource);
    }
    assert!(domains::sheets().all(|sheet| sheet.columns.len() <= 64), "a row's columns are bits of one number");
}

#[test]
fn every_permission_that_an_operation_names_can_be_granted() {
    let granted: BTreeSet<&str> = domains::permissions().map(|(name, ..)| name).collect();
    for (path, methods) in contract().document()["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            for permission in operation["security"].as_array().unwrap().iter().flat_map(|one| one["Bearer"].as_array().unwrap()) {
                let permission = permission.as_str().unwrap();
                assert!(granted.contains(permission) || permission.starts_with("<resource>.") || permission.starts_with("<object>."), "{path}: {permission}");
            }
        }
    }
}

#[tokio::test]
async fn every_home_of_a_row_says_what_a_re_division_makes_of_it() {
    let db = testkit::TestDb::lease().await;
    // Of this schema alone: those of other tests come and go meanwhile.
    let columns = "select c.relname::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition \
         and a.attname in ('area_code', 'former_area_code', 'grid_code') \
         union select c.relname::text, a.attname::text from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class g on g.oid = f.confrelid \
         join pg_attribute a on a.attrelid = f.conrelid and a.attnum = any (f.conkey) \
         where f.connamespace = current_schema()::regnamespace and f.contype = 'f' and g.relname = 'grid'";
    let rows = db.connect().await.query(columns, &[]).await.unwrap();
    let found: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let homes = domains::homes();
    let declared: BTreeSet<(String, String)> = homes.iter().map(|home| (home.table.to_owned(), home.column.to_owned())).collect();
    assert_eq!(declared, found, "a column with the code of an area is in no manifest, or is no more");
    assert_eq!(declared.len(), homes.len(), "each once");
    let known: BTreeSet<&str> = domains::sheets().map(|sheet| sheet.resource).collect();
    for home in homes {
        assert!(home.resource.is_none_or(|resource| known.contains(resource)), "{} {}", home.table, home.column);
        // What follows is changed by one statement for all tables, so they must be alike.
        if home.rehoming == Rehoming::Follows {
            let alike = "select count(*) from information_schema.columns where table_schema = current_schema() and table_name = $1 \
                         and column_name in ('id', 'version', 'updated_at')";
            assert_eq!(db.connect().await.query_one(alike, &[&home.table]).await.unwrap().get::<_, i64>(0), 3, "{}", home.table);
        }
    }
}

#[test]
fn nobody_reads_the_project_for_names_of_machines() {
    for (path, text) in all_sources() {
        for word in ["/root/", "/home/", "localhost:"] {
            assert!(!text.contains(word) || path.ends_with("house.rs"), "{path} names {word}");
        }
    }
}

#[tokio::test]
async fn a_command_that_journals_nothing_fails_in_tests() {
    let app = testkit::TestApp::start().await;
    let call = api::server::operator(&app.config, "test");
    let silent = app.store().write(&call, "silent", async |tx| {
        let insert = "insert into subdistrict (id, code, name, valid_from) values (gen_random_uuid(), '421181001', '静', '2000-01-01')";
        diesel_async::SimpleAsyncConnection::batch_execute(&mut tx.conn(), insert).await?;
        Ok(())
    });
    assert!(silent.await.unwrap_err().to_string().contains("a command changed subdistrict and journalled nothing"));
    assert_eq!(app.admin().await.get("/v1/subdistricts").await.ok(200)["items"], serde_json::json!([]));
}
