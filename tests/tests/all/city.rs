//! The whole city of the seed: in by import, out by export, in again without a change.

use testkit::{TestApp, User};

#[tokio::test]
async fn the_city_is_the_same_for_the_same_scale_and_seed() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (folder, seed) in folders.iter().zip([5, 5, 6]) {
        demo::write(folder.path(), 1, seed).unwrap();
    }
    let read = |index: usize, name: &str| std::fs::read(folders[index].path().join(name)).unwrap();
    for name in ["01-subdistricts.csv", "03-grids.csv", "06-buildings.csv", "07-households.csv"] {
        assert!(read(0, name) == read(1, name), "{name}");
    }
    assert!(read(0, "07-households.csv") != read(2, "07-households.csv"));
}

#[tokio::test]
async fn the_whole_tree_imports_exports_and_imports_again_without_a_change() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let folder = tempfile::tempdir().unwrap();
    demo::write(folder.path(), 1, 1).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut sizes = Vec::new();
    for path in &files {
        let resource = path.file_stem().unwrap().to_str().unwrap().split_once('-').unwrap().1.to_owned();
        let run = admin.import(&resource, "effective_on=2022-11-25", std::fs::read(path).unwrap()).await.ok(200)["run"].clone();
        sizes.push((resource, run["created"].as_i64().unwrap()));
    }
    // What comes in, and what of it holds now: of 299 grids, 44 are no more.
    let expected = [
        ("subdistricts", 3, 3),
        ("communities", 17, 17),
        ("grids", 299, 255),
        ("compounds", 255, 255),
        ("compound-grids", 255, 255),
        ("buildings", 1_512, 1_512),
        ("households", 98_400, 98_400),
        ("people", 25_000, 25_000),
        ("party-memberships", 19_000, 19_000),
        ("party-organizations", 4_457, 4_457),
        ("party-posts", 23_435, 23_435),
        ("property-companies", 46, 46),
        ("property-projects", 255, 255),
        ("policy-documents", 3, 3),
        ("grid-lineages", 259, 259),
        ("governance-bodies", 255, 255),
        ("governance-body-members", 1_106, 1_106),
        ("dwellings", 110_600, 110_600),
        ("ownerships", 24_700, 24_700),
        ("charter-inclusions", 722, 722),
        ("handovers", 12, 12),
        ("cross-appointments", 24, 24),
        ("party-organization-buildings", 1_512, 1_512),
    ];
    assert_eq!(sizes, expected.map(|(resource, count, _)| (resource.to_owned(), count)));
    let journal = async || {
        let row = app
            .db
            .connect()
            .await
            .query_one("select count(*), count(*) filter (where object_kind = 'household') from journal where object_kind <> 'import_run'", &[])
            .await
            .unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let told = journal().await;
    assert_eq!(told.1, 98_400, "every row is journalled");
    for (resource, _, count) in expected {
        for form in ["csv", "ndjson"] {
            let file = admin.get(&format!("/v1/exports/{resource}.{form}")).await;
            assert_eq!(file.status, 200);
            let run = admin.import(resource, "", file.bytes).await.ok(200)["run"].clone();
            assert_eq!((run["unchanged"].as_i64(), run["rows_read"].as_i64()), (Some(count), Some(count)), "{resource}.{form}: {run}");
        }
    }
    assert_eq!(journal().await, told, "nothing changed");
    let report = admin.get("/v1/reports/grid-division").await.ok(200);
    assert_eq!(
        (report["seamless"].as_bool(), report["counts"]["households"].as_i64(), report["counts"]["grids"].as_i64()),
        (Some(true), Some(98_400), Some(255))
    );
    // STA-09, STA-10: 255 grids served, all of them.
    let coverage = admin.get("/v1/reports/property-coverage").await.ok(200);
    assert_eq!(coverage["grids"], serde_json::json!({"value": "100.0", "numerator": 255, "denominator": 255}));
    // ORG-07: whoever is served by a company has the clause in all three documents.
    let compound = admin.get("/v1/property-projects?kind=full_service&limit=1").await.ok(200)["items"][0]["compound_code"].as_str().unwrap().to_owned();
    let compound = admin.by_code("compounds", &compound).await["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.get(&format!("/v1/compounds/{compound}/charter")).await.ok(200)["complete"], true);
    // ORG-11: of twelve hand-overs six were synchronous, three late, and three lack a party organization.
    let report = admin.get("/v1/reports/synchronous-handovers?from=2023-01-01&as_of=2023-08-14").await.ok(200);
    assert_eq!(
        (report["synchronous"].clone(), report["late"].as_i64(), report["incomplete"].as_i64()),
        (serde_json::json!({"value": "50.0", "numerator": 6, "denominator": 12}), Some(3), Some(3))
    );
    assert_eq!(coverage["served_by"], serde_json::json!({"commercial": 134, "community_led": 78, "unit_self": 21, "owner_self": 22}));
    the_ten_numbers(&admin).await;
}

/// STA-01 … STA-10, as the seed prints them.
async fn the_ten_numbers(admin: &User) {
    let figure = async |key: &str, query: &str| admin.get(&format!("/v1/statistics/{key}?{query}")).await.ok(200);
    let display = async |key: &str, query: &str| figure(key, query).await["display"].as_str().unwrap().to_owned();
    let then = "as_of=2023-08-14";
    assert_eq!(display("communities", then).await, "17");
    assert_eq!(display("grids", "as_of=2022-11-24").await, "209");
    assert_eq!(display("grids", then).await, "255");
    assert_eq!(display("grids_added", "as_of=2023-08-14&from=2022-11-25").await, "46");
    assert_eq!(display("body_members", then).await, "1106");
    assert_eq!(display("body_members_in_party", then).await, "770");
    let share = figure("body_party_share", then).await;
    assert_eq!((share["display"].as_str(), share["numerator"].as_i64(), share["denominator"].as_i64()), (Some("69.6%"), Some(770), Some(1_106)));
    assert_eq!(display("property_party_branches", then).await, "21");
    assert_eq!(display("property_covered_grids", then).await, "255");
    assert_eq!(display("property_coverage", then).await, "100.0%");
    assert_eq!(display("compounds", then).await, "255");
    // ORG-07, ORG-10, ORG-11: whoever has a company has all three documents; half of the hand-overs were synchronous.
    assert_eq!((display("charter_complete_compounds", then).await.as_str(), display("charter_complete_share", then).await.as_str()), ("212", "83.1%"));
    assert_eq!(display("handovers_synchronous_share", "as_of=2023-08-14&from=2023-01-01").await, "50.0%");
    let (crossed, of_all) = (figure("compounds_with_cross_holding", then).await, figure("cross_holding_share", then).await);
    assert_eq!((&crossed["numerator"], of_all["denominator"].as_i64()), (&of_all["numerator"], Some(255)));
    assert!(crossed["numerator"].as_i64().unwrap() >= 24, "whoever crossed has his post and his seat: {crossed}");
    // The rows behind a figure are just as many, page by page and as a file.
    let (mut path, mut rows) = (share["rows"].as_str().unwrap().to_owned() + "&limit=200&include_total=true", 0);
    loop {
        let page = admin.get(&path).await.ok(200);
        assert_eq!(page["total"], 770);
        rows += page["items"].as_array().unwrap().len();
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/statistics/body_members_in_party/rows?area_code=421181&limit=200&include_total=true&after={next}");
    }
    assert_eq!(rows, 770);
    let file = admin.get(&format!("/v1/statistics/body_members/rows.csv?{then}")).await;
    assert_eq!(file.text().lines().count(), 1_107);
    // The parts add up: a subdistrict at a time, a community at a time.
    let mut parts = 0;
    for subdistrict in ["421181001", "421181002", "421181003"] {
        parts += figure("body_members", &format!("{then}&area_code={subdistrict}")).await["numerator"].as_i64().unwrap();
    }
    assert_eq!(parts, 1_106);
    // Lineage: what was split, merged and created makes the difference.
    let total = async |query: &str| admin.get(&format!("/v1/grid-lineages?include_total=true&{query}")).await.ok(200)["total"].as_i64().unwrap();
    assert_eq!((total("kind=unchanged").await, total("kind=split").await, total("kind=merged").await, total("kind=created").await), (165, 84, 8, 2));
    let split = admin.get("/v1/grid-lineages?kind=split&limit=1").await.ok(200)["items"][0].clone();
    let descent = admin.get(&format!("/v1/reports/grid-descent/{}", split["old_code"].as_str().unwrap())).await.ok(200);
    assert!(descent["successors"].as_array().unwrap().contains(&split["new_code"]) && descent["predecessors"] == serde_json::json!([]), "{descent}");
    let back = admin.get(&format!("/v1/reports/grid-descent/{}", split["new_code"].as_str().unwrap())).await.ok(200);
    assert_eq!((&back["successors"], &back["predecessors"]), (&serde_json::json!([split["new_code"]]), &serde_json::json!([split["old_code"]])));
}
