//! Query parameters as the document declares them.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The query parameters of an operation, by name.
pub type Parameters = HashMap<String, Parameter>;

/// What a query parameter must look like.
#[derive(Debug)]
pub struct Parameter {
    schema: Value,
    validator: OnceLock<Option<Validator>>,
}

impl Parameter {
    /// As an operation of the document declares it.
    #[must_use]
    pub fn new(parameter: &Value, document: &Value) -> Self {
        let schema = parameter.get("schema").cloned().unwrap_or_default();
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(|reference| document.pointer(reference.trim_start_matches('#')));
        Self { schema: reference.cloned().unwrap_or(schema), validator: OnceLock::new() }
    }

    /// Whether a text fits.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let kind = self.schema.get("type");
        let value = match kind.and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str())) {
            Some("integer") => text.parse::<i64>().map_or_else(|_| json!(text), Value::from),
            Some("boolean") => text.parse::<bool>().map_or_else(|_| json!(text), Value::from),
            _ => json!(text),
        };
        let validator = self.validator.get_or_init(|| jsonschema::options().should_validate_formats(true).build(&self.schema).ok());
        validator.as_ref().is_none_or(|validator| validator.is_valid(&value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_for_what_the_schema_says() {
        let document = json!({"components": {"schemas": {"Code": {"type": "string", "pattern": "^[0-9]{3}$"}}}});
        let fits = |schema: Value, text: &str| Parameter::new(&json!({"schema": schema}), &document).fits(text);
        let number = json!({"type": ["integer", "null"], "minimum": 1, "maximum": 9});
        assert!(fits(number.clone(), "9") && !fits(number.clone(), "10") && !fits(number.clone(), "x") && !fits(number, ""));
        assert!(fits(json!({"type": "boolean"}), "true") && !fits(json!({"type": "boolean"}), "yes"));
        assert!(fits(json!({"type": "string", "format": "date"}), "2026-02-28") && !fits(json!({"type": "string", "format": "date"}), "2026-02-30"));
        let code = json!({"$ref": "#/components/schemas/Code"});
        assert!(fits(code.clone(), "123") && !fits(code, "12"));
    }
}
