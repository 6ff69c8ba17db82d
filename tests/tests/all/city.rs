//! The whole city of the seed: in by import, out by export, in again without a change.

use testkit::TestApp;

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
    let expected = [
        ("subdistricts", 3),
        ("communities", 17),
        ("grids", 255),
        ("compounds", 255),
        ("compound-grids", 255),
        ("buildings", 1_512),
        ("households", 98_400),
        ("people", 25_000),
        ("party-memberships", 19_000),
        ("property-companies", 46),
        ("property-projects", 255),
        ("policy-documents", 3),
        ("charter-inclusions", 722),
    ];
    assert_eq!(sizes, expected.map(|(resource, count)| (resource.to_owned(), count)));
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
    for (resource, count) in expected {
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
    assert_eq!(coverage["served_by"], serde_json::json!({"commercial": 134, "community_led": 78, "unit_self": 21, "owner_self": 22}));
}
