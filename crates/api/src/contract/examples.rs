//! Examples of bodies: put together from those of the members, so that every operation can be tried as it stands.

use serde_json::{Map, Value, json};

use super::text;

/// Gives every body of members that has no example one.
pub fn add(document: &mut Value) {
    let whole = document.clone();
    for operation in super::operations_mut(document) {
        let bodies = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
        for (_, media) in bodies.into_iter().flatten().filter(|(name, _)| MEMBERS.contains(&name.as_str())) {
            let example = media.get("schema").and_then(|schema| of(schema, &whole));
            if let (Some(media), Some(example)) = (media.as_object_mut(), example)
                && !media.contains_key("examples")
            {
                media.entry("example").or_insert(example);
            }
        }
    }
}

/// Bodies that consist of members.
const MEMBERS: [&str; 2] = ["application/json", "application/x-www-form-urlencoded"];

/// An example of a schema: its own, or one of its parts. Of an object, what must be there and what has an example; of
/// one in which nothing must be there, as in a patch, the name.
fn of(schema: &Value, document: &Value) -> Option<Value> {
    if let Some(own) = schema.get("example").or_else(|| schema.get("examples")?.get(0)).or_else(|| schema.get("const")).or_else(|| schema.get("enum")?.get(0)) {
        return Some(own.clone());
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return of(document.pointer(reference.trim_start_matches('#'))?, document);
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let parts = parts.iter().filter_map(|part| of(part, document)).filter_map(|part| part.as_object().cloned());
        return Some(parts.flatten().collect::<Map<_, _>>().into());
    }
    if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        return choices.iter().filter(|choice| text(choice, "type") != "null").find_map(|choice| of(choice, document));
    }
    let kind = schema.get("type")?;
    match kind.as_str().or_else(|| kind.get(0)?.as_str())? {
        "object" => {
            let names = schema.get("required").and_then(Value::as_array);
            let required = |name: &str| names.map_or(name == "name", |names| names.iter().any(|one| one == name));
            let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            let shown = properties.filter(|(name, member)| required(name) || member.get("examples").is_some());
            Some(shown.filter_map(|(name, member)| Some((name.clone(), of(member, document)?))).collect::<Map<_, _>>().into())
        }
        "array" => Some(Value::Array(vec![of(schema.get("items")?, document)?])),
        "integer" | "number" => schema.get("minimum").filter(|least| least.as_i64().is_some_and(|least| least >= 0)).cloned().or(Some(json!(1))),
        "boolean" => Some(json!(true)),
        _ => match text(schema, "format") {
            "date" => Some(json!("2026-01-01")),
            "date-time" => Some(json!("2026-01-01T08:00:00.000+08:00")),
            "uuid" => Some(json!("019a0b2c-0000-7000-8000-000000000000")),
            _ => None,
        },
    }
}
