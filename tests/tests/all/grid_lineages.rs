//! Lineage of grids (ORG-12): a division that has taken effect comes as a file; old codes lead to their successors.

use serde_json::json;
use testkit::TestApp;

use crate::jobs::{release, stands_before};

#[tokio::test]
async fn org_12_a_division_ends_the_old_grids_and_old_codes_lead_on() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    // Once 11 was split into 12 and 13; later 13 and 14 became 15; 16 came from nothing, and nothing came of 17.
    let grids = "code,name,valid_from\n421181001001011,十一,2000-01-01\n421181001001014,十四,2000-01-01\n421181001001017,十七,2000-01-01\n\
                 421181001001012,十二,2010-01-01\n421181001001013,十三,2010-01-01\n421181001001015,十五,2020-01-01\n421181001001016,十六,2020-01-01\n";
    admin.import("grids", "", grids.into()).await.ok(200);
    let lines = "变更类型,原网格编码,新网格编码,生效日期,划转户数\n拆分,421181001001011,421181001001012,2010-01-01,300\n拆分,421181001001011,421181001001013,2010-01-01,200\n";
    assert_eq!(admin.import("grid-lineages", "mode=dry_run", lines.into()).await.ok(200)["run"]["created"], 2);
    assert_eq!(admin.get("/v1/audit?action=grid.ended").await.ok(200)["items"], json!([]), "a dry run ends nothing, and tells of no end");
    assert_eq!(admin.import("grid-lineages", "", lines.into()).await.ok(200)["run"]["created"], 2);
    let later = "kind,old_code,new_code,valid_from\nmerged,421181001001013,421181001001015,2020-01-01\nmerged,421181001001014,421181001001015,2020-01-01\n\
                 created,,421181001001016,2020-01-01\nabolished,421181001001017,,2020-01-01\nunchanged,421181001001012,421181001001012,2020-01-01\n";
    assert_eq!(admin.import("grid-lineages", "", later.into()).await.ok(200)["run"]["created"], 5);
    assert_eq!(admin.import("grid-lineages", "", later.into()).await.ok(200)["run"]["unchanged"], 5, "the same file again");
    let out = admin.get("/v1/exports/grid-lineages.csv").await;
    assert_eq!(admin.import("grid-lineages", "", out.bytes).await.ok(200)["run"]["unchanged"], 7);
    assert_eq!(admin.get("/v1/grids?code=421181001001011").await.ok(200)["items"], json!([]), "it is no more");
    let then = admin.get("/v1/grids?code=421181001001011&as_of=2009-12-31").await.ok(200)["items"][0].clone();
    assert_eq!((then["valid_to"].as_str(), then["version"].as_i64()), (Some("2010-01-01"), Some(2)));
    let history = admin.get(&format!("/v1/grids/{}/history", then["id"].as_str().unwrap())).await.ok(200)["items"][0].clone();
    assert_eq!((history["action"].as_str(), history["reason"].as_str()), (Some("grid.ended"), Some("重新划分:拆分")));

    let descent = async |code: &str, day: &str| {
        let report = admin.get(&format!("/v1/reports/grid-descent/{code}?as_of={day}")).await.ok(200);
        (report["successors"].clone(), report["predecessors"].clone())
    };
    assert_eq!(descent("421181001001011", "2009-12-31").await, (json!(["421181001001011"]), json!([])));
    assert_eq!(descent("421181001001011", "2010-01-01").await, (json!(["421181001001012", "421181001001013"]), json!([])));
    assert_eq!(descent("421181001001011", "2020-01-01").await, (json!(["421181001001012", "421181001001015"]), json!([])));
    assert_eq!(descent("421181001001015", "2020-01-01").await, (json!(["421181001001015"]), json!(["421181001001011", "421181001001013", "421181001001014"])));
    assert_eq!(descent("421181001001017", "2020-01-01").await, (json!([]), json!([])));
    let on = async |query: &str| admin.get(&format!("/v1/grid-lineages?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    assert_eq!((on("grid_code=421181001001013").await, on("effective_on=2020-01-01&kind=merged").await, on("as_of=2019-01-01").await), (2, 2, 2));
    // STA-04 follows from the terms: 11, 14 and 17 before, 12, 15 and 16 after; and the small town's three of 2023.
    let added = async |from: &str, to: &str| admin.get(&format!("/v1/statistics/grids_added?from={from}&as_of={to}")).await.ok(200)["value"].clone();
    assert_eq!(
        (added("2010-01-01", "2010-01-01").await, added("2020-01-01", "2020-12-31").await, added("2000-01-02", "2022-12-31").await),
        (json!("1"), json!("-1"), json!("0"))
    );
    let rows = admin.get("/v1/statistics/grids_added/rows?from=2020-01-01&as_of=2020-12-31").await.ok(200)["items"].clone();
    let rows: Vec<_> =
        rows.as_array().unwrap().iter().map(|row| (row["code"].as_str().unwrap().split_at(13).1.to_owned(), row["counts"].as_i64().unwrap())).collect();
    assert_eq!(rows, [("13", -1), ("14", -1), ("15", 1), ("16", 1), ("17", -1)].map(|(code, counts)| (code.to_owned(), counts)));
    let neighbour = app.user(&["grid.read", "grid.write"], "421181001002").await;
    assert_eq!(neighbour.get("/v1/reports/grid-descent/421181001001011").await.code(), "grid_lineage.unknown_grid");
    assert_eq!(neighbour.get("/v1/grid-lineages").await.ok(200)["items"], json!([]));
}

#[tokio::test]
async fn org_12_a_division_that_cannot_have_been_is_refused_row_by_row() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grids = "code,name,valid_from\n421181001001011,十一,2000-01-01\n421181001001012,十二,2024-01-01\n421181001001013,十三,2000-01-01\n";
    admin.import("grids", "", grids.into()).await.ok(200);
    let lines = "kind,old_code,new_code,valid_from\n\
                 split,421181001001011,,2024-01-01\n\
                 created,421181001001011,421181001001012,2024-03-01\n\
                 split,421181001001099,421181001001012,2024-01-01\n\
                 split,421181001001013,421181001001012,2024-02-01\n\
                 split,421181001001001,421181001001012,2024-01-01\n\
                 split,421181001001012,421181001001011,2000-01-01\n\
                 renamed,421181001001011,421181001001012,2024-01-01\n\
                 merged,421181001001011,421181001001012,2024-01-01\n";
    let answer = admin.import("grid-lineages", "mode=best_effort", lines.into()).await;
    assert_eq!(
        answer.faults(),
        [
            "2 kind grid_lineage.wrong_ends",
            "3 kind grid_lineage.wrong_ends",
            "3 new_code grid_lineage.new_begins_elsewhen",
            "4 old_code grid_lineage.no_such_grid",
            "4 kind grid_lineage.one_of_several",
            "5 new_code grid_lineage.new_begins_elsewhen",
            "5 kind grid_lineage.one_of_several",
            "6 old_code grid_lineage.old_in_use",
            "6 kind grid_lineage.one_of_several",
            "7 old_code grid_lineage.old_not_in_force",
            "7 kind grid_lineage.one_of_several",
            "9 kind grid_lineage.twice",
            "9 kind grid_lineage.one_of_several"
        ]
    );
    assert_eq!(answer.ok(200)["run"]["created"], 1);
    let neighbour = app.user(&["grid.read", "grid.write"], "421181001002").await;
    let foreign = "kind,old_code,new_code,valid_from\nabolished,421181001001001,,2024-01-01\n";
    let answer = neighbour.import("grid-lineages", "", foreign.into()).await;
    assert!(answer.faults().contains(&"2 kind import.out_of_scope".to_owned()), "{:?}", answer.faults());
}

#[tokio::test]
async fn org_12_lines_of_descent_do_not_contradict_one_another() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grids = "code,name,valid_from\n421181001001011,十一,2000-01-01\n421181001001012,十二,2000-01-01\n421181001001013,十三,2000-01-01\n\
                 421181001001014,十四,2024-01-01\n421181001001015,十五,2024-01-01\n421181001001016,十六,2024-06-01\n";
    admin.import("grids", "", grids.into()).await.ok(200);
    let lines = "kind,old_code,new_code,valid_from\n\
                 split,421181001001011,421181001001014,2024-01-01\n\
                 split,421181001001011,421181001001015,2024-01-01\n\
                 renamed,421181001001011,421181001001016,2024-06-01\n\
                 unchanged,421181001001011,421181001001011,2024-01-01\n\
                 unchanged,421181001001012,421181001001012,2024-06-01\n\
                 abolished,421181001001012,,2024-06-01\n\
                 split,421181001001013,421181001001014,2024-01-01\n\
                 merged,421181001001013,421181001001015,2024-01-01\n";
    let answer = admin.import("grid-lineages", "mode=best_effort", lines.into()).await;
    assert_eq!(
        answer.faults(),
        [
            "4 old_code grid_lineage.contradicted",
            "5 old_code grid_lineage.contradicted",
            "7 old_code grid_lineage.contradicted",
            "8 kind grid_lineage.one_of_several",
            "9 kind grid_lineage.one_of_several"
        ]
    );
    assert_eq!(answer.ok(200)["run"]["created"], 3);
    // What is there already counts as what is in the file does.
    let abolished = |day: &str| format!("kind,old_code,new_code,valid_from\nabolished,421181001001012,,{day}\n").into_bytes();
    assert_eq!(admin.import("grid-lineages", "", abolished("2024-06-01")).await.faults(), ["2 old_code grid_lineage.contradicted"]);
    assert_eq!(admin.import("grid-lineages", "", abolished("2024-06-02")).await.ok(200)["run"]["created"], 1);
    let part = "kind,old_code,new_code,valid_from\nsplit,421181001001011,421181001001014,2024-01-01\n";
    assert_eq!(admin.import("grid-lineages", "", part.into()).await.ok(200)["run"]["unchanged"], 1);
}

#[tokio::test]
async fn org_12_a_division_does_not_end_a_grid_under_an_import_of_what_comes_into_it() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let grids = "code,name,valid_from\n421181001001011,十一,2000-01-01\n421181001001012,十二,2024-06-01\n";
    admin.import("grids", "", grids.into()).await.ok(200);
    let lines = "kind,old_code,new_code,valid_from\nrenamed,421181001001011,421181001001012,2024-06-01\n";
    let client = app.db.connect().await;
    client.batch_execute("begin; lock table household in share row exclusive mode").await.unwrap();
    let importer = admin.clone();
    let household = "code,grid_code,name,valid_from\n42118100100100001010999,421181001001011,新户,2024-02-01\n";
    let under_way = tokio::spawn(async move { importer.import("households", "effective_on=2024-02-01", household.into()).await });
    stands_before(&client).await;
    // It has found the grid open, and has not stored anything yet.
    let meanwhile = admin.import("grid-lineages", "", lines.into()).await;
    assert_eq!((meanwhile.status, meanwhile.code()), (409, "import.in_progress"), "{}", meanwhile.text());
    release(client).await;
    assert_eq!(under_way.await.unwrap().ok(200)["run"]["created"], 1);
    assert_eq!(admin.import("grid-lineages", "", lines.into()).await.faults(), ["2 old_code grid_lineage.old_in_use"]);
    assert!(admin.by_code("grids", "421181001001011").await["valid_to"].is_null(), "it has not ended");
}
