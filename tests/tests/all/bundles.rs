//! Bundles: a town, a city in one request, whatever the order of its files and rows; all of it or nothing.

use std::io::{Cursor, Write};

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value, json};
use testkit::app::SMALL_TOWN;
use testkit::{Answer, TestApp, User};
use zip::write::SimpleFileOptions;

use crate::jobs::{hold_up, households, release, stands_before};
use crate::sender::city;

const SINCE: &str = "effective_on=2023-01-01";

/// Sends a bundle.
pub async fn send(user: &User, query: &str, bundle: impl Into<Vec<u8>>) -> Answer {
    user.send(user.request(Method::POST, &format!("/v1/imports?{query}")).body(bundle.into())).await
}

/// A zip of these files.
pub fn zip<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The small town as a zip, the households first.
fn town() -> Vec<u8> {
    let files: Vec<_> =
        SMALL_TOWN.iter().rev().enumerate().map(|(number, &(resource, file))| (format!("{number:02}-{resource}.csv"), file.as_bytes())).collect();
    zip(files.iter().map(|(name, content)| (name.as_str(), *content)))
}

/// The lines of a bundle: the rows of a table.
fn lines_of(resource: &str, table: &str) -> Vec<String> {
    let mut rows = table.lines().map(|line| line.split(','));
    let header: Vec<&str> = rows.next().unwrap().collect();
    let row = |cells: std::str::Split<'_, char>| -> Map<String, Value> {
        header.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| ((*name).to_owned(), json!(cell))).collect()
    };
    rows.map(|cells| format!("{}\n", json!({"resource": resource, "row": row(cells)}))).collect()
}

/// The report, also where it came with a problem.
fn report(answer: &Answer) -> &Value {
    if answer.body["bundle"].is_null() { &answer.body } else { &answer.body["bundle"] }
}

/// What came of each part, in the order in which they were loaded.
fn counts(answer: &Answer, what: &str) -> Vec<(String, i64)> {
    let parts = report(answer)["parts"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
    parts.iter().map(|part| (part["run"]["resource"].as_str().unwrap().to_owned(), part["run"][what].as_i64().unwrap())).collect()
}

/// `resource line field code` of each fault.
fn faults(answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    for part in report(answer)["parts"].as_array().unwrap_or_else(|| panic!("{}", answer.body)) {
        let resource = part["run"]["resource"].as_str().unwrap();
        for row in part["failures"].as_array().unwrap() {
            for fault in row["faults"].as_array().unwrap() {
                found.push(format!("{resource} {} {} {}", row["line"], fault["field"].as_str().unwrap(), fault["code"].as_str().unwrap()));
            }
        }
    }
    found
}

/// What there is in the small town.
fn whole_town() -> Vec<(String, i64)> {
    let rows = |file: &str| i64::try_from(file.lines().count()).unwrap() - 1;
    SMALL_TOWN.iter().map(|&(resource, file)| (resource.to_owned(), rows(file))).collect()
}

async fn total(user: &User, resource: &str) -> i64 {
    user.get(&format!("/v1/{resource}?include_total=true&limit=1")).await.ok(200)["total"].as_i64().unwrap()
}

async fn journal(app: &TestApp) -> i64 {
    app.db.connect().await.query_one("select count(*) from journal where object_kind <> 'import_run'", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_town_goes_in_in_one_zip_and_again_without_a_change() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let answer = send(&admin, SINCE, town()).await;
    assert_eq!((answer.status, counts(&answer, "created")), (200, whole_town()), "{}", answer.body);
    assert_eq!((answer.body["committed"].as_bool(), answer.body["refused"].as_i64(), answer.body["mode"].as_str()), (Some(true), Some(0), Some("atomic")));
    assert_eq!((answer.body["parts"][0]["file"].as_str(), answer.body["parts"][0]["failed_csv"].is_null()), (Some("06-subdistricts.csv"), true));
    assert!(answer.headers["ratelimit-policy"].starts_with("\"imports\""), "it is an import like any other");
    assert_eq!(admin.by_code("households", "42118100100100001010101").await["valid_from"], "2023-01-01");
    let (told, run) = (journal(&app).await, answer.body["parts"][6]["run"].clone());
    assert_eq!(admin.get(&format!("/v1/import-runs/{}", run["id"].as_str().unwrap())).await.ok(200), run, "each part has a run of its own");
    let again = send(&admin, SINCE, town()).await;
    assert_eq!((again.status, counts(&again, "unchanged")), (200, whole_town()), "{}", again.body);
    assert_eq!(journal(&app).await, told, "nothing changed");
    // What exports give goes in again, files of one resource one after the other.
    let (csv, ndjson) = (admin.get("/v1/exports/grids.csv").await.bytes, admin.get("/v1/exports/grids.ndjson").await.bytes);
    let exported = send(&admin, "", zip([("grids-2.ndjson", ndjson.as_slice()), ("grids-1.csv", csv.as_slice())])).await;
    assert_eq!(counts(&exported, "unchanged"), [("grids".to_owned(), 3), ("grids".to_owned(), 3)], "{}", exported.body);
    assert_eq!(exported.body["parts"][0]["file"], "grids-1.csv");
    let form = Form::new().text("note", "x").part("file", Part::bytes(town()).file_name("town.zip"));
    assert_eq!(counts(&admin.send(admin.request(Method::POST, "/v1/imports").multipart(form)).await, "unchanged"), whole_town());
}

#[tokio::test]
async fn a_town_goes_in_line_by_line_in_whatever_order() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let lines: Vec<String> = SMALL_TOWN.iter().flat_map(|&(resource, file)| lines_of(resource, file)).collect();
    assert_eq!(lines.len(), 15);
    // Every line once, since 7 and 15 have no factor in common.
    let shuffled: String = (0..15).rev().map(|number| lines[number * 7 % 15].as_str()).collect();
    let answer = send(&admin, SINCE, format!("\u{feff}\n{shuffled}")).await;
    assert_eq!((answer.status, counts(&answer, "created")), (200, whole_town()), "{}", answer.body);
    assert!(answer.body["parts"][0]["file"].is_null());
    assert_eq!(counts(&send(&admin, "", shuffled).await, "unchanged"), whole_town());
    // By its Chinese name, with members that keep what they do not say.
    let line = "{\"resource\": \"网格\", \"row\": {\"网格编码\": \"421181001001001\", \"name\": \"改名\"}}";
    assert_eq!(counts(&send(&admin, "", line).await, "changed"), [("grids".to_owned(), 1)]);
}

#[tokio::test]
async fn a_row_at_fault_is_told_with_its_line_in_the_bundle() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    // So many lines come before the only grid that the beginning of its part is nothing but empty lines.
    let mut bundle: String = lines_of("households", &households(9_000)).concat();
    bundle += "\n{\"resource\": \"grids\", \"row\": {\"code\": \"4211810010\", \"name\": \"短\"}}\n";
    bundle += "{\"resource\": \"households\", \"row\": {\"code\": \"42118100100100001999999\", \"grid_code\": \"421181001001099\", \"name\": \"无\"}}";
    let answer = send(&admin, "mode=dry_run", bundle.clone()).await;
    assert_eq!(
        (answer.status, faults(&answer)),
        (200, vec!["grids 9002 code grid.bad_code".to_owned(), "households 9003 grid_code grid.does_not_exist".to_owned()])
    );
    assert_eq!(counts(&answer, "created"), [("grids".to_owned(), 0), ("households".to_owned(), 9_000)]);
    let answer = send(&admin, "", bundle).await;
    assert_eq!((answer.status, answer.code(), report(&answer)["refused"].as_i64()), (422, "import.bundle_refused", Some(2)));
    assert_eq!(total(&admin, "households").await, 3, "neither kept anything");
}

#[tokio::test]
async fn a_fault_in_the_last_part_leaves_nothing_of_the_first() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let bad = format!("{}42118100100100002010102,421181001001099,无,1\n", SMALL_TOWN[6].1);
    let table = |resource: &str, file: &'static str| if resource == "households" { bad.clone() } else { file.to_owned() };
    let files: Vec<(String, String)> = SMALL_TOWN.iter().map(|&(resource, file)| (format!("{resource}.csv"), table(resource, file))).collect();
    let bundle = zip(files.iter().map(|(name, file)| (name.as_str(), file.as_bytes())));
    let fault = "households 5 grid_code grid.does_not_exist";
    let before = journal(&app).await;
    let request = async |query: &str| {
        let request = admin.request(Method::POST, &format!("/v1/imports?{SINCE}&{query}")).header("Idempotency-Key", "town-1");
        admin.send(request.body(bundle.clone())).await
    };
    let atomic = request("mode=atomic").await;
    assert_eq!((atomic.status, atomic.code(), faults(&atomic)), (422, "import.bundle_refused", vec![fault.to_owned()]), "{}", atomic.body);
    assert!(atomic.body["detail"].as_str().unwrap().contains("1 行") && atomic.body["bundle"]["committed"] == false);
    assert_eq!((total(&admin, "subdistricts").await, journal(&app).await), (0, before));
    let failed = admin.get(atomic.body["bundle"]["parts"][6]["failed_csv"].as_str().unwrap()).await.text();
    assert_eq!(failed, "\u{feff}code,grid_code,name,residents\n42118100100100002010102,421181001001099,无,1\n");
    let dry = send(&admin, &format!("{SINCE}&mode=dry_run"), bundle.clone()).await;
    assert_eq!((dry.status, dry.body["committed"].as_bool(), faults(&dry)), (200, Some(false), vec![fault.to_owned()]));
    assert_eq!((counts(&dry, "created"), total(&admin, "subdistricts").await), (whole_town(), 0));
    // A refusal is not kept: under the same key another wish is met, and is met once.
    let best = request("mode=best_effort").await;
    assert_eq!((best.status, best.body["committed"].as_bool(), faults(&best)), (200, Some(true), vec![fault.to_owned()]), "{}", best.body);
    let again = request("mode=best_effort").await;
    assert_eq!((&again.body, again.headers["idempotent-replayed"].as_str()), (&best.body, "true"));
    assert_eq!((total(&admin, "subdistricts").await, total(&admin, "households").await), (1, 3));
}

#[tokio::test]
async fn two_bundles_at_once_enter_the_town_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let all: Vec<_> = (0..4)
        .map(|_| {
            let admin = admin.clone();
            tokio::spawn(async move { send(&admin, SINCE, town()).await })
        })
        .collect();
    let mut created = 0;
    for one in all {
        let answer = one.await.unwrap();
        match answer.status {
            200 => created += counts(&answer, "created").into_iter().map(|(_, count)| count).sum::<i64>(),
            status => assert_eq!((status, answer.code(), answer.headers["retry-after"].as_str()), (409, "import.in_progress", "5")),
        }
    }
    assert_eq!(created, 15);
}

#[tokio::test]
async fn a_bundle_and_an_import_of_one_of_its_resources_do_not_meet() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grids = "code,name\n421181001001011,新\n";
    let bundle = zip([("grids.csv", grids.as_bytes()), ("households.csv", households(1).as_bytes())]);
    let wall = hold_up(&app, 0).await;
    let single = tokio::spawn({
        let admin = admin.clone();
        async move { admin.import("households", "", households(1).into()).await.ok(200) }
    });
    stands_before(&wall).await;
    let refused = send(&admin, "", bundle.clone()).await;
    assert_eq!((refused.status, refused.code(), refused.headers["retry-after"].as_str()), (409, "import.in_progress", "5"));
    assert!(refused.body["detail"].as_str().unwrap().contains("households"), "{}", refused.body);
    assert_eq!(total(&admin, "grids").await, 3, "nothing of it is in");
    release(wall).await;
    single.await.unwrap();
    // The other way round: a bundle keeps imports of all its resources out, those that it is done with too, and no others.
    let wall = hold_up(&app, 1).await;
    let bundle = zip([("grids.csv", grids.as_bytes()), ("households.csv", households(2).as_bytes())]);
    let bundle = tokio::spawn({
        let admin = admin.clone();
        async move { send(&admin, "", bundle).await.ok(200) }
    });
    stands_before(&wall).await;
    for resource in ["grids", "households"] {
        assert_eq!(admin.import(resource, "", b"code,name\n".to_vec()).await.code(), "import.in_progress", "{resource}");
    }
    assert_eq!(admin.import("buildings", "", SMALL_TOWN[5].1.into()).await.ok(200)["run"]["unchanged"], 2);
    release(wall).await;
    let report = bundle.await.unwrap();
    assert_eq!((report["parts"][0]["run"]["created"].as_i64(), report["parts"][1]["run"]["created"].as_i64()), (Some(1), Some(1)), "{report}");
}

#[tokio::test]
async fn bundles_take_turns_though_they_have_nothing_in_common() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let wall = hold_up(&app, 0).await;
    let of_households = zip([("households.csv", households(1).as_bytes())]);
    let first = tokio::spawn({
        let admin = admin.clone();
        async move { send(&admin, "", of_households).await.ok(200) }
    });
    stands_before(&wall).await;
    let of_buildings = zip([("buildings.csv", SMALL_TOWN[5].1.as_bytes())]);
    let second = tokio::spawn({
        let admin = admin.clone();
        async move { send(&admin, "", of_buildings).await.ok(200) }
    });
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(!second.is_finished(), "it is not even opened");
    assert_eq!(admin.import("buildings", "", SMALL_TOWN[5].1.into()).await.ok(200)["run"]["unchanged"], 2, "single imports wait for none");
    release(wall).await;
    assert_eq!(first.await.unwrap()["parts"][0]["run"]["created"], 1);
    assert_eq!(second.await.unwrap()["parts"][0]["run"]["unchanged"], 2);
}

#[tokio::test]
async fn whoever_may_not_write_one_of_the_resources_is_told_which() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grids = "code,name\n421181001001011,新\n".as_bytes();
    let bundle = zip([("households.csv", SMALL_TOWN[6].1.as_bytes()), ("buildings.csv", SMALL_TOWN[5].1.as_bytes()), ("grids.csv", grids)]);
    let clerk = app.user(&["grid.write"], "421181").await;
    let refused = send(&clerk, "", bundle.clone()).await;
    assert_eq!((refused.status, refused.code()), (403, "access.forbidden"));
    assert_eq!(refused.errors(), ["buildings access.forbidden", "households access.forbidden"]);
    assert_eq!(total(&admin, "grids").await, 3);
    // It is asked by the names, before the files are unpacked and looked at.
    let unread = zip([("households.csv", b"no,such,columns\n".as_slice()), ("grids.csv", grids)]);
    assert_eq!(send(&clerk, "", unread.clone()).await.code(), "access.forbidden");
    assert_eq!(send(&admin, "", unread).await.code(), "import.bundle_files");
    assert_eq!(counts(&send(&clerk, "mode=dry_run", zip([("grids.csv", grids)])).await, "created"), [("grids".to_owned(), 1)]);
    let reader = app.user(&["grid.read"], "421181").await;
    assert_eq!(send(&reader, "", "no bundle at all").await.code(), "access.forbidden");
    // Another community's: what lies outside is at fault, row by row.
    let neighbour = app.user(&["*"], "421181001002").await;
    let answer = send(&neighbour, "", zip([("grids.csv", grids)])).await;
    assert_eq!((answer.status, faults(&answer)), (422, vec!["grids 2 code import.out_of_scope".to_owned()]));
}

#[tokio::test]
async fn people_and_what_refers_to_them_come_together_and_are_kept_nowhere_in_clear() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let people = "姓名,证件号码,电话,所属区域编码\n欧阳晓明,421199199003070010,12012345678,421181001001001\n张三,421199198501120127,,421181001001\n";
    let party = "证件号码,组织关系所在党组织,入党日期\n421199199003070010,柳岸社区第一党支部,2001-07-01\n421199198501120127,柳岸社区第一党支部,2010-07-01\n";
    let bundle = zip([("party-memberships.csv", party.as_bytes()), ("people.csv", people.as_bytes())]);
    let keyed = async |bundle: Vec<u8>| admin.send(admin.request(Method::POST, "/v1/imports").header("Idempotency-Key", "people-1").body(bundle)).await;
    let wrong = people.replace("421199199003070010", "421199199003070011");
    let refused = keyed(zip([("party-memberships.csv", party.as_bytes()), ("people.csv", wrong.as_bytes())])).await;
    assert_eq!(refused.code(), "import.bundle_refused");
    assert_eq!(faults(&refused), ["people 2 id_number person.bad_check_digit", "party-memberships 2 person_id import.out_of_scope"]);
    let both = |count: i64| vec![("people".to_owned(), count), ("party-memberships".to_owned(), count)];
    let answer = keyed(bundle.clone()).await;
    assert_eq!((answer.status, counts(&answer, "created")), (200, both(2)), "{}", answer.body);
    assert_eq!(counts(&send(&admin, "", bundle).await, "unchanged"), both(2));
    let kept = "select (select count(*) from blob) + (select count(*) from job), \
                concat((select string_agg(record || faults::text, ' ') from import_failure), (select string_agg(body, ' ') from idempotency))";
    let kept = app.db.connect().await.query_one(kept, &[]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 0);
    let told = format!("{} {} {}", refused.text(), answer.text(), kept.get::<_, &str>(1));
    for secret in ["421199199003070010", "421199199003070011", "421199198501120127", "12012345678"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

#[tokio::test]
async fn a_city_starts_from_one_file() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let folder = city(400);
    let mut names: Vec<String> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // Families of governance and houses before the streets that they stand in.
    names.sort();
    names.reverse();
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), std::fs::read(folder.path().join(name)).unwrap())).collect();
    let bundle = zip(files.iter().map(|(name, content)| (*name, content.as_slice())));
    let answer = send(&admin, "effective_on=2022-11-25", bundle.clone()).await;
    assert_eq!((answer.status, answer.body["refused"].as_i64(), answer.body["committed"].as_bool()), (200, Some(0), Some(true)), "{}", answer.body);
    let parts = answer.body["parts"].as_array().unwrap();
    let order: Vec<&str> = api::domains::sheets().map(|sheet| sheet.resource).collect();
    assert_eq!(parts.iter().map(|part| part["run"]["resource"].as_str().unwrap()).collect::<Vec<_>>(), order);
    assert!(parts.iter().all(|part| part["run"]["created"] == part["run"]["rows_read"]), "{}", answer.body);
    assert_eq!((total(&admin, "grids").await, total(&admin, "buildings").await, total(&admin, "households").await), (255, 1_512, 400));
    let told = journal(&app).await;
    let again = send(&admin, "", bundle).await;
    assert!(again.status == 200 && counts(&again, "unchanged") == counts(&again, "rows_read"), "{}", again.body);
    assert_eq!(journal(&app).await, told, "nothing changed");
}
