//! `linli import --bundle`: files in one transaction, from the command line.

use testkit::TestApp;
use testkit::app::SMALL_TOWN;

use crate::bundles::zip;
use crate::sender::{complained, count, files, import, said, write};

/// The order in which the resources of the small town are loaded.
fn in_order() -> Vec<String> {
    SMALL_TOWN.iter().map(|(resource, _)| format!("{resource}.csv")).collect()
}

#[tokio::test]
async fn a_folder_goes_in_as_one_bundle_and_again_without_a_change() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let folder = tempfile::tempdir().unwrap();
    for (resource, rows) in SMALL_TOWN {
        write(folder.path(), &format!("{resource}.csv"), rows);
    }
    write(folder.path(), "notes.md", "no rows");
    let path = folder.path().display().to_string();
    // A dry run finds what the files before it bring, and keeps nothing.
    let (code, trial) = said(&import(&app.base, admin.key(), &["--bundle", "--mode", "dry-run", "--effective-on", "2023-01-01", &path]).await);
    assert!(code == Some(0) && trial.contains("households.csv: 3 rows: 3 new") && trial.contains("the bundle: 7 files; nothing was kept"), "{trial}");
    assert_eq!(count(&admin, "grids").await, 0);
    let output = import(&app.base, admin.key(), &["--bundle", "--effective-on", "2023-01-01", &path]).await;
    let (code, first) = said(&output);
    let mut order = in_order();
    order.push("the bundle".to_owned());
    assert_eq!((code, files(&first)), (Some(0), order.iter().map(String::as_str).collect()), "{first}");
    assert!(first.contains("grids.csv: 3 rows: 3 new, 0 changed, 0 unchanged, 0 refused\n") && first.contains("the bundle: 7 files ("), "{first}");
    assert!(complained(&output).contains("the bundle: sending "), "it is told that something goes on: {}", complained(&output));
    assert_eq!((count(&admin, "grids").await, count(&admin, "households").await), (3, 3));
    let (code, again) = said(&import(&app.base, admin.key(), &["--bundle", &path]).await);
    assert!(code == Some(0) && again.lines().take(7).all(|line| line.contains(" 0 new, 0 changed, ")), "{again}");
}

#[tokio::test]
async fn of_a_bundle_all_files_go_in_or_none() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let folder = tempfile::tempdir().unwrap();
    let grids = write(folder.path(), "notes.txt", "code,name\n421181001001011,好\n");
    let compounds = write(folder.path(), "小区.csv", "code,name,kind\n421181001001X011,甲,old\n421181001001X012,乙,new\n");
    let (code, out) = said(&import(&app.base, admin.key(), &["--bundle", &compounds, &grids]).await);
    assert_eq!((code, out.as_str()), (Some(2), ""), "the name of the notes says nothing");
    let named = write(folder.path(), "网格.csv", "code,name\n421181001001011,好\n");
    let (code, out) = said(&import(&app.base, admin.key(), &["--bundle", &compounds, &named]).await);
    assert_eq!((code, files(&out)), (Some(1), vec!["网格.csv", "小区.csv", "the bundle"]), "{out}");
    assert!(out.contains("网格.csv: 1 rows: 1 new, 0 changed, 0 unchanged, 0 refused; nothing was kept"), "{out}");
    assert!(out.contains("3  kind") && out.contains("the bundle: 2 files; nothing was kept"), "{out}");
    let failed = folder.path().join("小区.failed.csv");
    assert!(std::fs::read_to_string(&failed).unwrap().ends_with("421181001001X012,乙,new\n"));
    assert_eq!((count(&admin, "grids").await, count(&admin, "compounds").await), (3, 2));
    // The good rows alone, where that is asked for; the file of failed rows goes in again under its own name.
    let (code, out) = said(&import(&app.base, admin.key(), &["--bundle", "--mode", "best-effort", &compounds, &named]).await);
    assert!(code == Some(1) && out.contains("the bundle: 2 files ("), "{out}");
    assert_eq!((count(&admin, "grids").await, count(&admin, "compounds").await), (4, 3));
    write(folder.path(), "小区.failed.csv", "code,name,kind\n421181001001X012,乙,old\n");
    let (code, out) = said(&import(&app.base, admin.key(), &["--bundle", failed.to_str().unwrap()]).await);
    assert!(code == Some(0) && out.starts_with("小区.failed.csv: 1 rows: 1 new"), "{out}");
    // What cannot be read at all is told by its name.
    let broken = write(folder.path(), "buildings.csv", "colour\nred\n");
    let (code, out) = said(&import(&app.base, admin.key(), &["--bundle", &broken, &named]).await);
    assert!(
        code == Some(1) && out.starts_with("the bundle: refused: ") && out.contains("buildings.csv") && out.contains("“colour”不是 buildings 的列"),
        "{out}"
    );
    // What the names do not say, the command line does.
    let (code, out) = said(&import(&app.base, admin.key(), &["--bundle", "--resource", "网格", &grids]).await);
    assert!(code == Some(0) && out.starts_with("notes.txt: 1 rows: 0 new, 0 changed, 1 unchanged"), "{out}");
}

#[tokio::test]
async fn a_zip_is_sent_as_it_is() {
    let app = TestApp::start().await;
    let (admin, reader) = (app.small_town().await, app.user(&["grid.read"], "421181").await);
    let folder = tempfile::tempdir().unwrap();
    let good = zip([("网格.csv", "code,name\n421181001001011,好\n".as_bytes())]);
    let path = folder.path().join("town.zip");
    std::fs::write(&path, &good).unwrap();
    let town = path.display().to_string();
    let (code, out) = said(&import(&app.base, admin.key(), &["--bundle", &town]).await);
    assert_eq!((code, files(&out)), (Some(0), vec!["网格.csv", "town.zip"]), "{out}");
    assert_eq!(count(&admin, "grids").await, 4);
    // The rows at fault lie beside the zip, whatever path they have in it.
    std::fs::write(&path, zip([("../../03-grids.csv", "code,name\n4211810010,短\n".as_bytes())])).unwrap();
    let (code, out) = said(&import(&app.base, admin.key(), &["--bundle", &town]).await);
    assert!(code == Some(1) && out.contains("“4211810010”不是网格编码"), "{out}");
    assert!(std::fs::read_to_string(folder.path().join("03-grids.failed.csv")).unwrap().ends_with("4211810010,短\n"));
    let grids = write(folder.path(), "grids.csv", "code,name\n421181001001011,好\n");
    for wrong in [vec!["--bundle", town.as_str(), &grids], vec!["--bundle", "--resource", "grids", &town], vec!["--bundle", "nowhere.zip"], vec![town.as_str()]]
    {
        assert_eq!(import(&app.base, admin.key(), &wrong).await.status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(said(&import(&app.base, reader.key(), &["--bundle", "--patience", "1", &grids]).await), (Some(3), String::new()));
}
