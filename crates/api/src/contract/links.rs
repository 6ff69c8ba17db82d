//! Links: which operations go on from an answer, and what they take from it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::text;

/// An operation on one object.
struct OnOne {
    id: String,
    takes_version: bool,
}

/// Links what makes, finds or shows an object with all that can be done to it.
pub fn add(document: &mut Value) {
    // By the path of the object, such as `/v1/grids/{id}`.
    let mut on_one: BTreeMap<String, Vec<OnOne>> = BTreeMap::new();
    for (path, methods) in super::paths(document) {
        let Some((head, tail)) = path.split_once("/{id}") else { continue };
        for operation in methods.values().filter(|_| !tail.contains('{')) {
            let takes_version =
                operation.get("parameters").and_then(Value::as_array).into_iter().flatten().any(|parameter| text(parameter, "name") == "If-Match");
            let id = text(operation, "operationId").to_owned();
            on_one.entry(format!("{head}/{{id}}")).or_default().push(OnOne { id, takes_version });
        }
    }
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, methods) in paths {
        let below = on_one.get(&format!("{path}/{{id}}"));
        let beside = path.ends_with("/{id}").then(|| on_one.get(path)).flatten();
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            let own = text(operation, "operationId").to_owned();
            for (status, response) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten() {
                let links = match (method.as_str(), status.as_str()) {
                    ("post", "201" | "202") => links(below, "$response.body#/id", true, &own),
                    ("get", "200") if beside.is_some() => links(beside, "$request.path.id", true, &own),
                    ("patch", "200") => links(beside, "$request.path.id", true, &own),
                    ("get", "200") => links(below, "$response.body#/items/0/id", false, &own),
                    _ => continue,
                };
                if !links.is_empty() {
                    response["links"] = Value::Object(links);
                }
            }
        }
    }
}

fn links(targets: Option<&Vec<OnOne>>, id: &str, has_version: bool, own: &str) -> Map<String, Value> {
    let fit = targets.into_iter().flatten().filter(|target| target.id != own && (has_version || !target.takes_version));
    fit.map(|target| {
        let mut parameters = Map::from_iter([("id".to_owned(), json!(id))]);
        if target.takes_version {
            parameters.insert("If-Match".to_owned(), json!("$response.header.ETag"));
        }
        (target.id.clone(), json!({"operationId": target.id, "parameters": parameters}))
    })
    .collect()
}
