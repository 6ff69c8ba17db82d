//! Bounds of schemas: what the types hold anyway and utoipa leaves open is written down, for whatever type comes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The largest integer that every client can hold: JavaScript's numbers are exact up to here.
const MOST: i64 = 9_007_199_254_740_991;

/// Gives what requests hold its bounds, and closes their bodies to members that they do not know. What answers hold is
/// bounded by that, and open, so that it may grow.
pub fn close(document: &mut Value) {
    everywhere(document, &tidy);
    refer(document);
    let (mut taken, mut bodies) = (BTreeSet::new(), BTreeSet::new());
    for operation in super::operations(document) {
        references(operation.get("parameters"), document, &mut taken);
        references(operation.get("requestBody"), document, &mut bodies);
    }
    for operation in super::operations_mut(document) {
        operation.get_mut("parameters").into_iter().for_each(|parameters| everywhere(parameters, &bound));
        operation.get_mut("requestBody").into_iter().for_each(|body| everywhere(body, &bound));
    }
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for (name, schema) in schemas {
        if taken.contains(name) || bodies.contains(name) {
            everywhere(schema, &bound);
        }
        if bodies.contains(name) {
            shut(schema);
        }
    }
}

/// Does a thing to every object in a part of the document, but not to examples.
fn everywhere(part: &mut Value, work: &impl Fn(&mut Map<String, Value>)) {
    match part {
        Value::Array(items) => items.iter_mut().for_each(|item| everywhere(item, work)),
        Value::Object(members) => {
            work(members);
            members.iter_mut().filter(|(name, _)| !name.starts_with("example")).for_each(|(_, member)| everywhere(member, work));
        }
        _ => (),
    }
}

/// Mends what utoipa writes and no tool likes.
fn tidy(schema: &mut Map<String, Value>) {
    // serde's default of a member that may be left out: it says nothing, and null is often not taken.
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if is(schema, "integer") {
        schema.entry("format").or_insert(json!("int64"));
    }
    // OpenAPI 3.1 has it in the plural. The singular is old, and forms are filled in with it, filters and all.
    if schema.get("type").is_some_and(|kind| !kind.is_object())
        && let Some(example) = schema.remove("example")
    {
        schema.insert("examples".to_owned(), json!([example]));
    }
}

/// Refers to the schema of a type where utoipa, meeting it inside a generic one, wrote it out again.
fn refer(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let types = schemas.iter().filter(|(_, schema)| schema.get("properties").is_some());
    let types: BTreeMap<String, String> = types.map(|(name, schema)| (schema.to_string(), format!("#/components/schemas/{name}"))).collect();
    let replace = |schema: &mut Map<String, Value>| {
        for (_, member) in schema.iter_mut().filter(|(_, member)| member.get("properties").is_some()) {
            if let Some(reference) = types.get(&member.to_string()) {
                *member = json!({"$ref": reference});
            }
        }
    };
    schemas.values_mut().for_each(|schema| everywhere(schema, &replace));
}

fn bound(schema: &mut Map<String, Value>) {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default().to_owned();
    if is(schema, "integer") {
        let (least, most) = if format == "int32" { (i64::from(i32::MIN), i64::from(i32::MAX)) } else { (-MOST, MOST) };
        schema.entry("minimum").or_insert(json!(least));
        schema.entry("maximum").or_insert(json!(most));
    } else if is(schema, "string") {
        let length = match format.as_str() {
            "date" => 10,
            "uuid" => 36,
            "date-time" => 35,
            _ => return,
        };
        schema.entry("maxLength").or_insert(json!(length));
    }
}

fn is(schema: &Map<String, Value>, name: &str) -> bool {
    let kind = schema.get("type");
    kind.is_some_and(|kind| kind == name || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == name)))
}

/// The names of the schemas that a part of the document refers to, and those that they refer to.
fn references(part: Option<&Value>, document: &Value, found: &mut BTreeSet<String>) {
    match part {
        Some(Value::Array(items)) => items.iter().for_each(|item| references(Some(item), document, found)),
        Some(Value::Object(members)) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix("#/components/schemas/"));
            if let Some(name) = name
                && found.insert(name.to_owned())
            {
                references(document.pointer(&format!("/components/schemas/{name}")), document, found);
            }
            members.values().for_each(|member| references(Some(member), document, found));
        }
        _ => (),
    }
}

/// Refuses unknown members in a schema and in those inside it. Parts of an `allOf` stay open, their whole is closed.
fn shut(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    if members.contains_key("allOf") {
        members.entry("unevaluatedProperties").or_insert(json!(false));
        return;
    }
    if members.contains_key("properties") {
        members.entry("additionalProperties").or_insert(json!(false));
    }
    for (name, member) in members.iter_mut() {
        match (name.as_str(), member) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(shut),
            ("oneOf" | "anyOf" | "prefixItems", Value::Array(schemas)) => schemas.iter_mut().for_each(shut),
            ("items", items) => shut(items),
            _ => (),
        }
    }
}
