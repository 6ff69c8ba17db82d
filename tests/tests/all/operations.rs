//! The operator's page and the files in deploy/ say what is so: each variable, each metric, and none that is not there.

use std::collections::BTreeSet;
use std::path::Path;

use api::config::HELP;
use serde_json::json;
use testkit::TestApp;

type Names = BTreeSet<String>;

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The variables of `linli --help`: each begins a line.
fn variables() -> Names {
    let names = HELP.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    let names: Names = names.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert!(names.len() > 40 && names.contains("DATABASE_URL") && names.contains("TMPDIR"), "{names:?}");
    names
}

/// Words in small or capital letters, with `_` between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

#[test]
fn the_page_names_every_variable_and_none_that_is_not_there() {
    let page = file("docs/OPERATIONS.md");
    let named: Names = words(&page).map(ToOwned::to_owned).collect();
    let missing: Vec<_> = variables().into_iter().filter(|name| !named.contains(name)).collect();
    assert!(missing.is_empty(), "docs/OPERATIONS.md does not name {missing:?}");

    let configure = page.split("\n## Configure\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = configure.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| row.split('`').next().unwrap().to_owned());
    assert_eq!(rows.collect::<Vec<_>>().len(), variables().len(), "each has one row");
    // Those of others, which Linli does not read, or reads as others do.
    let others = ["LINLI_CONFIG", "SSL_CERT_FILE", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SERVICE_NAME"];
    let shouted = |word: &&str| word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let strange: Vec<_> = words(&page).filter(shouted).filter(|word| !variables().contains(*word) && !others.contains(word)).collect();
    assert!(strange.is_empty(), "docs/OPERATIONS.md names {strange:?}, which linli --help does not know");
}

#[test]
fn the_files_of_a_deployment_set_variables_that_there_are() {
    let known = |name: &str, path: &str| assert!(variables().contains(name), "{path} sets {name}, which linli --help does not know");
    let example = file("deploy/linli.env");
    let lines = example.lines().map(|line| line.trim_start_matches('#'));
    let set: Vec<_> = lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name).filter(|name| !name.contains(' ')).collect();
    set.iter().for_each(|name| known(name, "deploy/linli.env"));
    for needed in ["DATABASE_URL", "SECRET_KEY"] {
        let line = example.lines().find_map(|line| line.strip_prefix(&format!("{needed}="))).unwrap_or_else(|| panic!("{needed} is not there"));
        assert!(line.is_empty(), "{needed} has a value that somebody could leave as it is");
    }
    for path in ["deploy/linli.service", "deploy/linli-migrate.service"] {
        let unit = file(path);
        let set: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix("Environment=")).map(|line| line.split('=').next().unwrap()).collect();
        set.iter().for_each(|name| known(name, path));
        assert!(unit.contains("EnvironmentFile=/etc/linli/linli.env"), "{path}");
    }
    let dockerfile = file("deploy/Dockerfile");
    let set: Vec<_> =
        dockerfile.lines().filter_map(|line| line.strip_prefix("ENV ")).flat_map(|line| line.split(' ')).filter_map(|one| one.split('=').next()).collect();
    set.iter().for_each(|name| known(name, "deploy/Dockerfile"));
    assert!(set.contains(&"HOST") && set.contains(&"FILE_STORE"), "{set:?}");
    let toolchain = file("rust-toolchain.toml");
    let version = toolchain.split("channel = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{version}-")), "the image is built by another toolchain than {version}");
}

#[test]
fn the_messages_that_the_page_explains_are_logged() {
    let page = file("docs/OPERATIONS.md");
    let logs = page.split("\n## Logs\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let messages: Vec<&str> = logs.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| row.split('`').next().unwrap()).collect();
    assert!(messages.len() >= 8, "{messages:?}");
    let mut sources = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(ending) if ending == "rs" => sources += &std::fs::read_to_string(path).unwrap(),
                _ => {}
            }
        }
    }
    for message in messages {
        assert!(sources.contains(&format!("\"{message}\"")), "nothing logs “{message}”");
    }
}

/// The metrics that the sources register, as Prometheus calls them before it adds `_total`, `_count` and the like.
fn registered() -> Names {
    let mut names = Names::new();
    for path in ["crates/api/src/metrics.rs", "crates/api/src/meters.rs", "crates/kernel/src/measures.rs"] {
        let text = file(path);
        for call in text.split(".register(").skip(1).filter(|call| call.trim_start().starts_with('"')) {
            names.insert(format!("linli_{}", call.split('"').nth(1).unwrap()));
        }
    }
    for gauge in file("crates/platform/src/gauges.rs").split("    name: \"").skip(1) {
        names.insert(format!("linli_{}", gauge.split('"').next().unwrap()));
    }
    names
}

/// A name without what Prometheus adds to those of counters and of an info.
fn plain(name: &str) -> &str {
    ["_total", "_info"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

#[tokio::test]
async fn the_page_names_every_metric_and_none_that_is_not_there() {
    let page = file("docs/OPERATIONS.md");
    let monitor = page.split("\n## Monitor\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = monitor.lines().filter_map(|line| line.strip_prefix("| `linli_")).map(|row| format!("linli_{}", row.split('`').next().unwrap()));
    let rows: Names = rows.map(|name| plain(&name).to_owned()).collect();
    assert_eq!(rows, registered(), "the rows of the page, and what the sources register");
    let strange: Vec<_> = words(&page).filter(|word| word.starts_with("linli_")).filter(|word| !rows.contains(plain(word))).collect();
    assert!(strange.is_empty(), "{strange:?}");

    // What a server that has done some work shows is among them: the sources were read rightly.
    let app = TestApp::start_with(|config| config.metrics_address = Some("127.0.0.1:0".parse().unwrap())).await;
    let admin = app.small_town().await;
    admin.post("/v1/grids", json!({"code": "421181001001008", "name": "八"})).await.ok(201);
    let text = app.metrics().await;
    let shown: Names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert!(shown.len() > 15, "{shown:?}");
    let missing: Vec<_> = shown.iter().filter(|name| !rows.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "the server shows {missing:?}");
}
