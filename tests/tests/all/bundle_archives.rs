//! Bundles that are broken, cut off, too large, or hold what they should not.

use std::io::{Cursor, Write};

use rust_xlsxwriter::Workbook;
use testkit::{Answer, TestApp};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::bundles::{send, zip};

const GRIDS: &[u8] = "code,name\n421181001001011,新\n".as_bytes();

/// The status, the code, and `pointer code` of each error.
fn refusal(answer: &Answer) -> (u16, &str, Vec<String>) {
    (answer.status, answer.code(), answer.errors())
}

/// A zip of one file that is not compressed.
fn stored(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().compression_method(CompressionMethod::Stored)).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

/// The same bytes, with others of the same length in place of some.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<usize> = bytes.windows(from.len()).enumerate().filter(|(_, part)| *part == from).map(|(at, _)| at).collect();
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip([["网格编码", "名称"], ["421181001001012", "表"]]) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

#[tokio::test]
async fn files_are_refused_by_name() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let mut bundle = zip::ZipWriter::new(Cursor::new(Vec::new()));
    bundle.add_directory("town", SimpleFileOptions::default()).unwrap();
    for name in ["notes.csv", "grids.md", "town/grids.failed.csv", "__MACOSX/._grids.csv", "grids.csv"] {
        bundle.start_file(name, SimpleFileOptions::default()).unwrap();
        bundle.write_all(GRIDS).unwrap();
    }
    let answer = send(&admin, "", bundle.finish().unwrap().into_inner()).await;
    assert_eq!(
        refusal(&answer),
        (
            422,
            "import.bundle_files",
            [
                "town/ import.bundle_folder",
                "notes.csv import.bundle_not_a_resource",
                "grids.md import.bundle_not_a_resource",
                "town/grids.failed.csv import.bundle_failed_rows",
                "__MACOSX/._grids.csv import.bundle_not_a_resource"
            ]
            .map(ToOwned::to_owned)
            .to_vec()
        )
    );
    assert!(answer.body["errors"][1]["message"].as_str().unwrap().contains("compound-grids"), "{}", answer.body);
    // Paths are never used as such: of the name only the last part counts.
    let answer = send(&admin, "", zip([("../../etc/03-grids.csv", GRIDS)])).await;
    assert_eq!((answer.status, answer.body["parts"][0]["run"]["created"].as_i64()), (200, Some(1)), "{}", answer.body);
    // A name in Chinese as Windows packs it, in GB18030.
    let answer = send(&admin, "", replaced(zip([("GBKN.csv", GRIDS)]), b"GBKN.csv", b"\xcd\xf8\xb8\xf1.csv")).await;
    assert_eq!((answer.status, answer.body["parts"][0]["file"].as_str()), (200, Some("网格.csv")), "{}", answer.body);
    let many: Vec<String> = (0..101).map(|number| format!("grids-{number}.csv")).collect();
    let answer = send(&admin, "", zip(many.iter().map(|name| (name.as_str(), GRIDS)))).await;
    assert_eq!(answer.code(), "import.bundle_too_many_files");
    // One name for two files: one of them would be lost without a word.
    let answer = send(&admin, "", replaced(zip([("grids-1.csv", GRIDS), ("grids-2.csv", GRIDS)]), b"grids-2.csv", b"grids-1.csv")).await;
    assert_eq!(answer.code(), "import.bundle_name_doubled");
}

#[tokio::test]
async fn what_is_no_bundle_is_told_apart() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    for (body, code) in [
        (GRIDS.to_vec(), "import.not_a_bundle"),
        (b"[]".to_vec(), "import.not_a_bundle"),
        (Vec::new(), "import.bundle_empty"),
        (b" \n\n ".to_vec(), "import.bundle_empty"),
        (zip([]), "import.bundle_empty"),
        (workbook(), "import.bundle_is_a_workbook"),
        (b"PK\x03\x04 and no more".to_vec(), "import.bundle_damaged"),
        (vec![b'{', 0xff, 0xfe, 0x80, b'\n'], "import.encoding"),
        (format!("{{\"resource\": \"grids\", \"row\": {{\"name\": \"{}\"}}}}\n", "x".repeat(1 << 20)).into_bytes(), "import.row_too_long"),
    ] {
        let answer = send(&admin, "", body).await;
        assert_eq!((answer.status, answer.code()), (422, code), "{}", answer.body);
    }
    let lines = "{\"resource\": \"grids\", \"row\": {\"code\": \"421181001001011\", \"name\": \"好\"}}\n\
                 {\"resource\": \"nothing\", \"row\": {}}\n\n[1]\n{\"resource\": \"grids\", \"row\": {}, \"more\": 1}\n{\"resource\": \"grids\"}\n";
    let answer = send(&admin, "mode=best_effort", lines).await;
    assert_eq!(
        refusal(&answer),
        (
            422,
            "import.bundle_lines",
            ["/2/resource import.bundle_no_such_resource", "/4 import.bundle_not_a_row", "/5 import.bundle_not_a_row", "/6 import.bundle_not_a_row"]
                .map(ToOwned::to_owned)
                .to_vec()
        )
    );
    assert_eq!(send(&admin, "mode=loud", "{}").await.code(), "query.bad_parameter");
    assert_eq!(send(&admin, "async=true", "{}").await.code(), "query.unknown_parameter", "a bundle is never a job");
    assert_eq!(admin.get("/v1/grids?code=421181001001011").await.ok(200)["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn files_that_cannot_be_read_are_told_all_at_once() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let (book, latin): (Vec<u8>, [u8; 3]) = (workbook(), [0xff, 0xff, 0x80]);
    let table = b"code,colour\n1,2\n".as_slice();
    let bundle = zip([("grids.csv", table), ("网格.xlsx", book.as_slice()), ("communities.csv", b"".as_slice()), ("compounds.csv", latin.as_slice())]);
    let answer = send(&admin, "mode=best_effort", bundle).await;
    assert_eq!(
        refusal(&answer),
        (
            422,
            "import.bundle_files",
            [
                "communities.csv import.empty",
                "grids.csv: colour import.column_unknown",
                "grids.csv: name import.column_missing",
                "compounds.csv import.encoding"
            ]
            .map(ToOwned::to_owned)
            .to_vec()
        )
    );
    // A file that ends inside a quote is noticed at its end; nothing of the others is kept.
    let answer = send(&admin, "mode=best_effort", zip([("grids.csv", GRIDS), ("buildings.csv", b"code,compound_code,name\n1,2,\"cut".as_slice())])).await;
    assert_eq!(refusal(&answer), (422, "import.bundle_files", vec!["buildings.csv import.cut_off".to_owned()]));
    assert_eq!(admin.get("/v1/grids?code=421181001001011").await.ok(200)["items"].as_array().unwrap().len(), 0);
    // A workbook is one of the forms that a file may have, and no archive of others.
    let answer = send(&admin, "", zip([("网格.xlsx", book.as_slice())])).await;
    assert_eq!((answer.status, answer.body["parts"][0]["run"]["created"].as_i64()), (200, Some(1)), "{}", answer.body);
    let answer = send(&admin, "", zip([("grids.csv", GRIDS), ("compounds.xlsx", zip([("grids.csv", GRIDS)]).as_slice())])).await;
    assert_eq!(refusal(&answer), (422, "import.bundle_files", vec!["compounds.xlsx import.bundle_nested".to_owned()]));
    let answer = send(&admin, "", zip([("网格.xlsx", &book[..book.len() / 2])])).await;
    assert_eq!(refusal(&answer), (422, "import.bundle_files", vec!["网格.xlsx import.workbook".to_owned()]));
}

#[tokio::test]
async fn an_archive_that_is_cut_off_or_torn_is_refused() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let whole = zip([("grids.csv", GRIDS), ("buildings.csv", b"code,compound_code,name\n".as_slice())]);
    for length in [5, whole.len() / 2, whole.len() - 1] {
        assert_eq!(send(&admin, "", &whole[..length]).await.code(), "import.bundle_damaged", "{length}");
    }
    // A byte of the content is another one than was packed.
    let torn = replaced(stored("grids.csv", GRIDS), b"421181001001011", b"421181001001012");
    let answer = send(&admin, "", torn).await;
    assert_eq!(refusal(&answer), (422, "import.bundle_files", vec!["grids.csv import.bundle_file_damaged".to_owned()]));
    assert_eq!(admin.get("/v1/grids?code=421181001001012").await.ok(200)["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_bomb_is_refused_by_what_it_says_and_by_what_comes_out() {
    let app = TestApp::start_with(|config| config.import_inline_bytes = 100_000).await;
    let admin = app.small_town().await;
    let blank = vec![b' '; 1 << 20];
    let bomb = zip([("grids.csv", blank.as_slice())]);
    assert!(bomb.len() < 10_000, "a small file: {}", bomb.len());
    assert_eq!(refusal(&send(&admin, "", bomb.clone()).await), (413, "import.bundle_too_large", vec![]));
    // Many files, of which each alone would be small enough.
    let names: Vec<String> = (0..20).map(|number| format!("grids-{number}.csv")).collect();
    let answer = send(&admin, "", zip(names.iter().map(|name| (name.as_str(), &blank[..10_000])))).await;
    assert_eq!(answer.code(), "import.bundle_too_large");
    // One that says it is small.
    let mut lying = bomb;
    let central = lying.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    for at in [22, central + 24] {
        lying[at..at + 4].copy_from_slice(&1_000_u32.to_le_bytes());
    }
    let answer = send(&admin, "", lying).await;
    assert_eq!(refusal(&answer), (422, "import.bundle_files", vec!["grids.csv import.bundle_file_damaged".to_owned()]));
    // As sent it may be no larger either.
    assert_eq!(send(&admin, "", vec![b'{'; 100_001]).await.code(), "body.too_large");
    assert_eq!(send(&admin, "", zip([("grids.csv", GRIDS)])).await.status, 200, "and what is small goes in");
}
