//! `linli import` as a clerk's script meets it: order, exit codes, the file of failed rows, lost answers.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::process::linli;
use testkit::{TestApp, User};

use crate::jobs::{hold_up, households, release, stands_before};

fn command(server: &str, key: &str, arguments: &[&str]) -> Command {
    let mut command = linli();
    command.arg("import").args(arguments).env("LINLI_SERVER", server).env("LINLI_KEY", key).env("LANG", "zh_CN.UTF-8");
    command
}

/// Runs `linli import` and waits for its end.
pub async fn import(server: &str, key: &str, arguments: &[&str]) -> Output {
    let mut command = command(server, key, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Its exit code, and what it said.
pub fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap())
}

/// What it said beside that.
pub fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with the demo city, of whose households there are only these many, and a few people.
pub fn city(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    demo::write(folder.path(), 1, 1).unwrap();
    for (name, count) in [
        ("07-households.csv", count),
        ("08-people.csv", 60),
        ("09-party-memberships.csv", 40),
        ("10-party-organizations.csv", 25),
        ("11-party-posts.csv", 2),
        ("17-governance-body-members.csv", 3),
        ("18-dwellings.csv", 100),
        ("19-ownerships.csv", 40),
        // The first has its party organization deferred, and needs none.
        ("21-handovers.csv", 1),
        // Hardly anybody has his post or his seat.
        ("22-cross-appointments.csv", 0),
        // Of the first group, which is there.
        ("23-party-organization-buildings.csv", 1),
    ] {
        let file = folder.path().join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text.lines().take(count + 1).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }
    folder
}

/// Writes a file, and tells where it is.
pub fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// What the lines of the output begin with.
pub fn files(said: &str) -> Vec<&str> {
    said.lines().filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect()
}

/// How many there are of a resource.
pub async fn count(user: &User, resource: &str) -> i64 {
    user.get(&format!("/v1/{resource}?include_total=true&limit=1")).await.ok(200)["total"].as_i64().unwrap()
}

#[tokio::test]
async fn a_folder_goes_in_in_the_right_order_and_again_without_a_change() {
    // Large enough files become jobs, which are followed to their end.
    let app = TestApp::start_with(|config| config.import_inline_bytes = 20_000).await;
    let admin = app.admin().await;
    let folder = city(400);
    let path = folder.path();
    // Names as clerks give them: the order is that of the resources all the same.
    std::fs::rename(path.join("01-subdistricts.csv"), path.join("街道.csv")).unwrap();
    std::fs::rename(path.join("02-communities.csv"), path.join("z communities.csv")).unwrap();
    std::fs::rename(path.join("z communities.csv"), path.join("9 communities.csv")).unwrap();
    write(path, "notes.md", "no rows");
    write(path, "grids.failed.csv", "code\nold\n");
    let folder = path.display().to_string();
    let (code, first) = said(&import(&app.base, admin.key(), &["--effective-on", "2022-11-25", &folder]).await);
    let order = [
        "街道.csv",
        "9 communities.csv",
        "03-grids.csv",
        "04-compounds.csv",
        "05-compound-grids.csv",
        "06-buildings.csv",
        "07-households.csv",
        "08-people.csv",
        "09-party-memberships.csv",
        "10-party-organizations.csv",
        "11-party-posts.csv",
        "12-property-companies.csv",
        "13-property-projects.csv",
        "14-policy-documents.csv",
        "15-grid-lineages.csv",
        "16-governance-bodies.csv",
        "17-governance-body-members.csv",
        "18-dwellings.csv",
        "19-ownerships.csv",
        "20-charter-inclusions.csv",
        "21-handovers.csv",
        "22-cross-appointments.csv",
        "23-party-organization-buildings.csv",
    ];
    assert_eq!((code, files(&first)), (Some(0), order.to_vec()), "{first}");
    assert!(first.contains("03-grids.csv: 299 rows: 299 new, 0 changed, 0 unchanged, 0 refused ("), "{first}");
    assert_eq!((count(&admin, "grids").await, count(&admin, "buildings").await, count(&admin, "households").await), (255, 1_512, 400));
    let jobs = admin.get("/v1/jobs?limit=50").await.ok(200)["items"].as_array().unwrap().len();
    assert!((1..7).contains(&jobs), "{jobs} of the files were large");
    let (code, again) = said(&import(&app.base, admin.key(), &[&folder]).await);
    assert!(code == Some(0) && again.lines().all(|line| line.contains(" 0 new, 0 changed, ")), "{again}");
}

#[tokio::test]
async fn rows_at_fault_come_back_in_a_file_beside_the_input() {
    let app = TestApp::start_with(|config| config.import_inline_bytes = 4_000).await;
    let admin = app.small_town().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let grids = write(path, "网格.csv", "网格编码,名称\n421181001001011,好\n4211810010,短\n421181001009001,\n");
    let compounds = write(path, "compounds.csv", "code,name,kind\n421181001001X011,甲,old\n");
    // All or nothing: nothing of the file is kept, and nothing after it is sent.
    let output = import(&app.base, admin.key(), &[&compounds, &grids]).await;
    let (code, out) = said(&output);
    assert_eq!((code, files(&out)), (Some(1), vec!["网格.csv"]), "{out}");
    assert!(out.contains("3 rows: 1 new, 0 changed, 0 unchanged, 2 refused; nothing was kept"), "{out}");
    assert!(out.contains("3  code") && out.contains("“4211810010”不是网格编码") && out.contains("4  name"), "{out}");
    let failed = path.join("网格.failed.csv");
    assert_eq!(std::fs::read_to_string(&failed).unwrap(), "\u{feff}网格编码,名称\n4211810010,短\n421181001009001,\n");
    assert_eq!((count(&admin, "grids").await, count(&admin, "compounds").await), (3, 2));
    // The good rows alone; what follows is sent all the same.
    let (code, out) = said(&import(&app.base, admin.key(), &["--mode", "best-effort", &compounds, &grids]).await);
    assert_eq!((code, files(&out)), (Some(1), vec!["网格.csv", "compounds.csv"]), "{out}");
    assert_eq!((count(&admin, "grids").await, count(&admin, "compounds").await), (4, 3));
    // Mended, it goes in under its own name.
    write(path, "网格.failed.csv", "网格编码,名称\n421181001001012,长\n");
    let (code, out) = said(&import(&app.base, admin.key(), &[failed.to_str().unwrap()]).await);
    assert!(code == Some(0) && out.starts_with("网格.failed.csv: 1 rows: 1 new"), "{out}");
    // A large file has its faults told by its job.
    let mut many = households(300);
    many.push_str("42118100100100001999999,421181001009001,无,1\n");
    let large = write(path, "big.csv", &many);
    let (code, out) = said(&import(&app.base, admin.key(), &["--resource", "户", &large]).await);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("big.csv: 301 rows: 300 new, 0 changed, 0 unchanged, 1 refused; nothing was kept") && out.contains("302  grid_code"), "{out}");
    assert!(std::fs::read_to_string(path.join("big.failed.csv")).unwrap().ends_with("42118100100100001999999,421181001009001,无,1\n"));
    // A file that is no table at all.
    let broken = write(path, "buildings.csv", "colour\nred\n");
    let (code, out) = said(&import(&app.base, admin.key(), &[&broken]).await);
    assert!(code == Some(1) && out.contains("buildings.csv: refused: 表头有误") && out.contains("“colour”不是 buildings 的列"), "{out}");
    let (code, out) = said(&import(&app.base, admin.key(), &["--mode", "dry-run", &compounds]).await);
    assert!(code == Some(0) && out.contains("1 unchanged"), "{out}");
}

#[tokio::test]
async fn a_script_knows_by_the_exit_code() {
    let app = TestApp::start().await;
    let (admin, reader) = (app.small_town().await, app.user(&["grid.read"], "421181").await);
    let folder = tempfile::tempdir().unwrap();
    let grids = write(folder.path(), "grids.csv", "code,name\n421181001001011,好\n");
    let notes = write(folder.path(), "notes.csv", "a\n");
    let code = async |server: &str, key: &str, arguments: &[&str]| import(server, key, arguments).await.status.code();
    for wrong in [vec![notes.as_str()], vec![grids.as_str(), "nowhere.csv"], vec!["--resource", "nothing", &grids], vec!["--mode", "loud", &grids], vec![]] {
        assert_eq!(code(&app.base, admin.key(), &wrong).await, Some(2), "{wrong:?}");
    }
    assert_eq!(code("ftp://x", admin.key(), &[&grids]).await, Some(2));
    assert_eq!(count(&admin, "grids").await, 3, "nothing was sent");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (server, key) in [(format!("http://{nobody}"), admin.key()), (app.base.clone(), "lk_live_wrong"), (app.base.clone(), reader.key())] {
        let output = import(&server, key, &["--patience", "1", &grids]).await;
        assert_eq!(said(&output), (Some(3), String::new()), "{server} {}", complained(&output));
        assert!(!complained(&output).contains(key), "the key is never shown");
    }
    let help = linli().args(["import", "--help"]).env("LINLI_KEY", "lk_live_secret").output().unwrap();
    let (code, help) = said(&help);
    assert!(code == Some(0) && help.contains("Exit code:") && !help.contains("lk_live_secret"), "{help}");
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "households.csv", &households(2));
    let wall = hold_up(&app, 0).await;
    let before = tokio::spawn({
        let admin = admin.clone();
        async move { admin.import("households", "", households(1).into()).await.ok(200) }
    });
    stands_before(&wall).await;
    let mut command = command(&app.base, admin.key(), &[&file]);
    let mut busy = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut complaints = BufReader::new(busy.stderr.take().unwrap());
    let complaint = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        while !said.contains("households 正在导入") {
            assert!(complaints.read_line(&mut said).unwrap() > 0, "{said}");
        }
        complaints
    });
    let mut rest = complaint.await.unwrap();
    release(wall).await;
    before.await.unwrap();
    let output = tokio::task::spawn_blocking(move || {
        rest.read_to_end(&mut Vec::new()).unwrap();
        busy.wait_with_output().unwrap()
    });
    let (code, out) = said(&output.await.unwrap());
    assert!(code == Some(0) && out.contains("2 rows: 1 new, 0 changed, 1 unchanged"), "{out}");
}

/// Stands before a server and swallows its first answer to an import.
fn swallow_first_answer(server: &str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, server) = (listener.local_addr().unwrap(), server.strip_prefix("http://").unwrap().to_owned());
    let imports = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&imports);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut server, seen) = (client.unwrap(), TcpStream::connect(&server).unwrap(), Arc::clone(&seen));
            std::thread::spawn(move || {
                let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let sent = Arc::new(AtomicUsize::new(0));
                let mine = Arc::clone(&sent);
                std::thread::spawn(move || {
                    copy(&mut from_client, &mut to_server, |block| {
                        if block.windows(17).any(|part| part == b"POST /v1/imports/") {
                            mine.store(seen.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        }
                        true
                    });
                });
                copy(&mut server, &mut client, |_| sent.load(Ordering::SeqCst) != 1);
            });
        }
    });
    (format!("http://{address}"), imports)
}

/// Passes on what comes, for as long as it may; then hangs up on both.
fn copy(from: &mut TcpStream, to: &mut TcpStream, mut may: impl FnMut(&[u8]) -> bool) {
    use std::io::{Read, Write};
    let mut block = [0; 1 << 16];
    while let Ok(read) = from.read(&mut block) {
        if read == 0 || !may(&block[..read]) || to.write_all(&block[..read]).is_err() {
            break;
        }
    }
    drop(from.shutdown(std::net::Shutdown::Both));
    drop(to.shutdown(std::net::Shutdown::Both));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_the_work_is_done_once() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "grids.csv", "code,name\n421181001001011,好\n");
    let (proxy, imports) = swallow_first_answer(&app.base);
    let before = admin.get("/v1/import-runs?limit=200").await.ok(200)["items"].as_array().unwrap().len();
    let (code, out) = said(&import(&proxy, admin.key(), &[&file]).await);
    assert_eq!(imports.load(Ordering::SeqCst), 2, "it was sent twice");
    assert!(code == Some(0) && out.contains("1 rows: 1 new"), "the answer is that of the first time: {out}");
    assert_eq!(admin.get("/v1/import-runs?limit=200").await.ok(200)["items"].as_array().unwrap().len(), before + 1, "it was done once");
}
