//! The cookbook of the README, executed as it stands.

use std::process::Command;

use testkit::TestApp;

#[tokio::test]
async fn every_block_of_the_cookbook_works() {
    let readme = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let cookbook = readme.split("## Cookbook").nth(1).expect("the README has a cookbook").split("\n## ").next().unwrap();
    let blocks: Vec<&str> = cookbook.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 8, "a cookbook has recipes");
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let folder = tempfile::tempdir().unwrap();
    // One shell for all of them, as a reader would paste them one after the other.
    let script = blocks.join("\n");
    let shell =
        Command::new("bash").args(["-euo", "pipefail", "-c", &script]).current_dir(folder.path()).env("LINLI", &app.base).env("KEY", admin.key()).output();
    let output = tokio::task::spawn_blocking(move || shell.unwrap()).await.unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(!said.contains("urn:linli:problem:"), "a recipe was refused: {said}");
}
