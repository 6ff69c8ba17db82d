//! The document: committed, complete, and the same as what runs.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::{TestApp, app::contract};

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn operations() -> Vec<(String, String, Value)> {
    let paths = contract().document()["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |(method, operation)| (path.clone(), method.clone(), operation.clone())))
        .collect()
}

#[test]
fn the_committed_document_is_the_generated_one() {
    let document = serde_json::to_string_pretty(contract().document()).unwrap();
    let committed = std::fs::read_to_string(root().join("openapi/openapi.json")).unwrap();
    assert!(committed.trim_end() == document, "openapi/openapi.json is not what the code says; run make openapi");
    let operations = std::fs::read_to_string(root().join("openapi/operations.txt")).unwrap();
    assert_eq!(operations, contract().operations_text(), "run make openapi");
}

#[test]
fn every_reference_and_every_path_parameter_is_declared() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
                Some(target) if name == "$ref" => drop(found.insert(target.to_owned())),
                _ => references(value, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    references(contract().document(), &mut found);
    assert!(found.len() > 40);
    for reference in found {
        assert!(contract().document().pointer(&reference[1..]).is_some(), "{reference}");
    }
    for (path, method, operation) in operations() {
        let declared: Vec<&str> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let named: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(declared, named, "{method} {path}");
    }
}

#[test]
fn the_page_of_roles_says_what_is_so() {
    let page = std::fs::read_to_string(root().join("docs/ROLES.md")).unwrap();
    assert!(page == api::domains::roles_page(), "docs/ROLES.md is not what the manifests say: run make openapi");
}

#[test]
fn the_page_of_workflows_says_what_is_so() {
    let page = std::fs::read_to_string(root().join("docs/WORKFLOWS.md")).unwrap();
    assert!(page == api::domains::workflows_page(), "docs/WORKFLOWS.md is not what the tables of moves say: run make openapi");
}

#[test]
fn every_operation_says_what_its_users_need() {
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations() {
        let at = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()) && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{at}: {id}");
        let summary = operation["summary"].as_str().unwrap_or_else(|| panic!("{at} has no summary"));
        let (en, zh) = summary.split_once(" · ").unwrap_or_else(|| panic!("{at}: {summary}"));
        assert!(en.is_ascii() && !zh.is_ascii(), "{at}: {summary}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{at}");
        let public = operation["security"] == serde_json::json!([]);
        assert!(public || operation["security"][0]["Bearer"].is_array(), "{at} does not say what it needs");
        let statuses: &[&str] = if public { &["400", "4XX", "5XX"] } else { &["400", "401", "403", "429", "4XX", "5XX"] };
        for status in statuses {
            assert!(!operation["responses"][status].is_null(), "{at} does not document {status}");
        }
        assert!(operation["responses"].as_object().unwrap().keys().any(|status| status.starts_with('2')), "{at}");
    }
    assert_eq!(contract().document()["openapi"], "3.1.0");
}

#[test]
fn every_path_leads_to_its_operation() {
    for (path, method, operation) in operations() {
        let asked = path.replace("{id}", "7").replace(['{', '}'], "");
        let meant = contract().route(&method.to_uppercase().parse().unwrap(), &asked);
        let api::route::Route::Taken(meant) = meant else { panic!("{method} {asked} leads nowhere") };
        assert_eq!(*meant.id, *operation["operationId"].as_str().unwrap(), "{method} {asked}");
    }
}

#[test]
fn bodies_refuse_members_that_they_do_not_know() {
    let schemas = contract().document()["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas.iter().filter(|(name, _)| !name.contains('_') && (name.starts_with("New") || name.ends_with("Patch"))) {
        assert_eq!(schema["additionalProperties"], false, "{name}");
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_served_without_any_network() {
    let app = TestApp::start().await;
    let stranger = app.stranger();
    assert_eq!(stranger.get("/openapi.json").await.ok(200), *contract().document());
    assert_eq!(stranger.get("/docs").await.status, 200, "the short address leads on");
    let page = stranger.get("/docs/").await.text();
    for part in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert!(page.contains(part) && stranger.get(&format!("/docs/{part}")).await.status == 200, "{part}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing comes from elsewhere");
}

/// The example that the document gives for the body of an operation.
fn example(path: &str, method: &str) -> Value {
    contract().document()["paths"][path][method]["requestBody"]["content"]["application/json"]["example"].clone()
}

#[tokio::test]
async fn the_examples_of_the_document_work() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for name in [
        "subdistricts",
        "communities",
        "grids",
        "compounds",
        "compound-grids",
        "buildings",
        "households",
        "dwellings",
        "property-companies",
        "property-projects",
        "party-organizations",
        "policy-documents",
        "governance-bodies",
        "charter-inclusions",
        "handovers",
    ] {
        let path = format!("/v1/{name}");
        let made = admin.post(&path, example(&path, "post")).await.ok(201);
        let one = format!("{path}/{}", made["id"].as_str().unwrap());
        assert_eq!(admin.patch(&one, example(&format!("{path}/{{id}}"), "patch")).await.ok(200)["version"], 2, "{name}");
        let put = admin.put(&format!("{path}/by-ref/erp/17"), example(&format!("{path}/by-ref/{{source}}/{{ref}}"), "put")).await;
        assert_eq!(put.status, 409, "{name} is there already: {}", put.body);
        let batch = admin.post(&format!("{path}:batch"), example(&format!("{path}:batch"), "post")).await;
        assert_eq!((batch.code(), batch.errors().len()), ("batch.refused", 1), "{name} is there already: {}", batch.body);
        let mut end = example(&format!("{path}/{{id}}/end"), "post");
        end["version"] = 2.into();
        if name == "households" {
            let _ = admin.post(&format!("{one}/end"), end).await.ok(200);
        }
    }
    // Whatever else has a body has an example that its own schema takes.
    for (path, method, operation) in operations() {
        for (media, body) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            let mut schema = body["schema"].clone();
            schema["components"] = contract().document()["components"].clone();
            let Some(example) = body.get("example") else {
                assert!(
                    ["multipart", "openxml", "octet-stream", "zip"].iter().any(|bytes| media.contains(bytes)),
                    "{method} {path} has no example for {media}"
                );
                continue;
            };
            let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
            let faults: Vec<String> = validator.iter_errors(example).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{method} {path}: {example} {faults:?}");
        }
    }
}
