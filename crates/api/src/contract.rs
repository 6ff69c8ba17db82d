//! The contract: the generated document with our conventions in it, and what follows from it at run time: which
//! methods a path takes, which parameters an operation knows, what its body must look like.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::limits::Work;
use crate::parameters::Parameter;
use crate::reply::documented;
use crate::route::{Operation, Paths, Route};

mod bounds;
mod examples;
mod links;

/// The document and what follows from it.
pub struct Contract {
    document: Value,
    paths: Paths,
    validators: Mutex<HashMap<(Method, String), Arc<Validator>>>,
}

impl Contract {
    /// Makes the contract of the generated document.
    #[must_use]
    pub fn new(document: &OpenApi) -> Self {
        let mut document = serde_json::to_value(document).unwrap_or_default();
        // A second document in the same thread finds the schemas of replies again.
        conventions(&mut document, documented());
        let mut tree = Paths::default();
        for (path, methods) in paths(&document) {
            let known: Vec<_> = methods.iter().filter_map(|(name, said)| Some((method(name)?, Arc::new(operation(name, path, said, &document))))).collect();
            let names = known.iter().map(|(method, _)| if method == Method::GET { "GET, HEAD" } else { method.as_str() });
            let allow = names.chain(["OPTIONS"]).collect::<Vec<_>>().join(", ");
            let allow = HeaderValue::try_from(allow).unwrap_or(HeaderValue::from_static("OPTIONS"));
            tree.add(path, known, allow);
        }
        Self { document, paths: tree, validators: Mutex::default() }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// `operationId METHOD path`, a line each, sorted.
    #[must_use]
    pub fn operations_text(&self) -> String {
        let mut lines: Vec<String> = paths(&self.document)
            .flat_map(|(path, methods)| {
                methods.iter().map(move |(method, operation)| format!("{} {} {path}\n", text(operation, "operationId"), method.to_ascii_uppercase()))
            })
            .collect();
        lines.sort();
        lines.concat()
    }

    /// What a path says to a method.
    #[must_use]
    pub fn route(&self, method: &Method, path: &str) -> Route<'_> {
        self.paths.route(method, path)
    }

    /// Checks bodies of an operation.
    #[must_use]
    pub fn body_validator(&self, method: &Method, pattern: &str) -> Option<Arc<Validator>> {
        let key = (method.clone(), pattern.to_owned());
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(&key) {
            return Some(Arc::clone(validator));
        }
        let operation = self.document.get("paths")?.get(pattern)?.get(method.as_str().to_ascii_lowercase())?;
        let schema = operation.pointer("/requestBody/content/application~1json/schema")?;
        let mut whole = schema.as_object()?.clone();
        whole.insert("components".to_owned(), self.document.get("components")?.clone());
        let validator = Arc::new(jsonschema::options().should_validate_formats(true).build(&Value::Object(whole)).ok()?);
        validators.insert(key, Arc::clone(&validator));
        Some(validator)
    }

    /// An example of what the schema wants that a value broke.
    #[must_use]
    pub fn example(&self, error: &jsonschema::ValidationError<'_>) -> Option<String> {
        let at = error.schema_path().to_string();
        let name = at.split("/schemas/").last()?.split('/').next()?;
        let schema = self.document.pointer(&format!("/components/schemas/{name}"))?;
        let example = schema.get("example").or_else(|| schema.get("examples")?.get(0));
        example.map(|example| example.as_str().map_or_else(|| example.to_string(), ToOwned::to_owned)).or_else(|| match error.kind() {
            jsonschema::error::ValidationErrorKind::Format { format } if format == "date" => Some("2026-11-23".to_owned()),
            jsonschema::error::ValidationErrorKind::Format { format } if format == "uuid" => Some("019a0b2c-0000-7000-8000-000000000000".to_owned()),
            _ => None,
        })
    }
}

fn paths(document: &Value) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    document.get("paths").and_then(Value::as_object).into_iter().flatten().filter_map(|(path, methods)| Some((path, methods.as_object()?)))
}

fn method(name: &str) -> Option<Method> {
    Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok()
}

/// An operation, as requests need it.
fn operation(method: &str, path: &str, said: &Value, document: &Value) -> Operation {
    let parameters = said.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let parameters = parameters.filter(|parameter| text(parameter, "in") == "query");
    let work = match method {
        "get" => Work::Reads,
        _ if path == "/v1/imports" || path.starts_with("/v1/imports/") => Work::Imports,
        _ => Work::Writes,
    };
    Operation {
        id: text(said, "operationId").into(),
        public: is_public(said),
        probe: is_probe(path),
        work,
        parameters: parameters.map(|parameter| (text(parameter, "name").to_owned(), Parameter::new(parameter, document))).collect(),
    }
}

/// Whether a path is for those who watch over the server: answered at any time, without a limit.
fn is_probe(path: &str) -> bool {
    path.starts_with("/health/")
}

/// Whether an operation says that it needs no key: `security: []`.
fn is_public(operation: &Value) -> bool {
    operation.get("security").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// Every operation of the document.
fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    paths(document).flat_map(|(_, methods)| methods.values())
}

/// Every operation of the document, to be changed.
fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    paths.filter_map(|(_, methods)| methods.as_object_mut()).flatten().map(|(_, operation)| operation)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What a part of a path looks like; utoipa drops what is a newtype.
fn path_parameter(name: &str) -> Value {
    let (schema, description) = match name {
        "id" => (json!({"type": "string", "format": "uuid"}), "The id of the object · 该对象的 id"),
        "source" => (json!({"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$", "maxLength": 64}), "Your system · 贵方系统的代号"),
        "ref" => (json!({"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$", "maxLength": 64}), "Your key of the object · 贵方系统中的编号"),
        "resource" => (json!({"type": "string", "enum": crate::domains::resources()}), "What is imported · 导入的资源"),
        "template" => (json!({"type": "string", "enum": ["template.csv", "template.xlsx"]}), "The empty file · 空表"),
        _ => (json!({"type": "string", "enum": crate::domains::files()}), "What is exported, and in which form · 导出的资源与格式"),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema, "description": description})
}

/// Headers that HTTP wants ignored where they make no sense: whatever they say, no request fails for it.
const LENIENT: [&str; 5] = ["Accept-Language", "If-None-Match", "If-Range", "Prefer", "Range"];

/// Puts into the document what holds for every operation, in one place.
fn conventions(document: &mut Value, schemas: BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::Schema>>) {
    let Some(root) = document.as_object_mut() else { return };
    let components = root.entry("components").or_insert_with(|| json!({}));
    for (name, schema) in schemas {
        if let Some(all) = components.as_object_mut().and_then(|components| components.entry("schemas").or_insert_with(|| json!({})).as_object_mut()) {
            all.insert(name, serde_json::to_value(schema).unwrap_or_default());
        }
    }
    components["securitySchemes"] = json!({"Bearer": {
        "type": "http", "scheme": "bearer", "bearerFormat": "lk_live_… or JWT",
        "description": "An API key (`lk_live_…`), or an access token from `POST /v1/sessions` or `POST /v1/oauth/token`, sent as `Authorization: Bearer …`; in a form like this one, without the word Bearer. The list beside an operation names the permission that it needs. · API 密钥或访问令牌;在此处只填其本身。各接口旁的列表是所需的权限。"
    }});
    let problem = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let limits = json!({"RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"}, "RateLimit": {"$ref": "#/components/headers/RateLimit"}});
    let mut refused = limits.as_object().cloned().unwrap_or_default();
    refused.insert("Retry-After".to_owned(), json!({"$ref": "#/components/headers/Retry-After"}));
    components["responses"] = json!({
        "Problem": {"description": "A problem (RFC 9457) · 失败", "content": problem, "headers": limits},
        "TooMany": {"description": "Too many requests · 请求过于频繁", "content": problem, "headers": refused}
    });
    components["headers"] = json!({
        "RateLimit-Policy": {"description": "How many requests at most in how many seconds · 配额", "schema": {"type": "string", "maxLength": 200}, "example": "\"reads\";q=2000;w=10"},
        "RateLimit": {"description": "How many are left, and after how many seconds all are again · 余额", "schema": {"type": "string", "maxLength": 200}, "example": "\"reads\";r=1999;t=1"},
        "Retry-After": {"description": "After how many seconds to try again · 多少秒后重试", "schema": {"type": "integer", "minimum": 1, "maximum": 86400}}
    });
    let header =
        |name: &str, schema: Value, description: &str| json!({"name": name, "in": "header", "required": false, "schema": schema, "description": description});
    let idempotency = header(
        "Idempotency-Key",
        json!({"type": "string", "pattern": "^[!-~]{1,64}$", "minLength": 1, "maxLength": 64}),
        "The same key and request again get the same answer, and the work is done once · 重复发送时只处理一次",
    );
    let version = header(
        "If-Match",
        json!({"type": "string", "pattern": r#"^(\*|[0-9]{1,9}|"[0-9]{1,9}")$"#, "minLength": 1, "maxLength": 11}),
        "The version that is meant, in quotes or without, or * for whatever it is; else `version` in the body · 所依据的版本",
    );
    let language = header("Accept-Language", json!({"type": "string"}), "zh (the default) or en · 中文(默认)或英文");
    let known = header("If-None-Match", json!({"type": "string"}), "A version that you have: 304 if it is still the one · 已有的版本");
    let Some(paths) = root.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, methods) in paths.iter_mut() {
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            let has_id = path.contains("{id}");
            // What utoipa has for “no key” would mean “a key or none”.
            if operation.get("security") == Some(&json!([{}])) {
                operation["security"] = json!([]);
            }
            let mut parameters: Vec<Value> = path.split(['{', '}']).skip(1).step_by(2).map(path_parameter).collect();
            parameters.extend(
                operation.get("parameters").and_then(Value::as_array).into_iter().flatten().filter(|parameter| text(parameter, "in") != "path").cloned(),
            );
            parameters.push(language.clone());
            for lenient in parameters.iter_mut().filter(|parameter| LENIENT.contains(&text(parameter, "name"))) {
                lenient["schema"] = json!({"type": "string"});
            }
            let writes = method != "get";
            if writes && !is_public(operation) {
                parameters.push(idempotency.clone());
            }
            let needs = needs(operation);
            let said = text(operation, "description");
            operation["description"] = json!(if said.is_empty() { needs } else { format!("{said}\n\n{needs}") });
            let own = path.starts_with("/v1/me/");
            // To unmask is to look: nothing of which there could be another version is changed.
            let looks = path.ends_with("/unmask");
            // A PUT of a part of an object is a change of the object; one by the caller's own key needs no version.
            let names_version = ["patch", "delete"].contains(&method.as_str()) || (["post", "put"].contains(&method.as_str()) && has_id && !own && !looks);
            if names_version {
                parameters.push(version.clone());
            }
            if method == "get" && (path.ends_with("/{id}") || path.ends_with("/{id}/boundary")) {
                parameters.push(known.clone());
                responds(operation, "304", json!({"description": "You have this version · 版本未变"}));
            }
            operation["parameters"] = Value::Array(parameters);
            let mut statuses = vec!["400", "500", "503", "4XX", "5XX"];
            if !is_public(operation) {
                statuses.extend(["401", "403"]);
            }
            statuses.extend(has_id.then_some("404"));
            if writes {
                statuses.extend(["408", "409", "413", "415", "422"]);
            }
            if names_version {
                statuses.extend(["412", "428"]);
            }
            for status in statuses {
                responds(operation, status, json!({"$ref": "#/components/responses/Problem"}));
            }
            if !is_probe(path) {
                for (_, answer) in operation["responses"].as_object_mut().into_iter().flatten().filter(|(status, _)| status.starts_with('2')) {
                    let headers = answer.as_object_mut().map(|answer| answer.entry("headers").or_insert_with(|| json!({})));
                    if let Some(headers) = headers.and_then(Value::as_object_mut) {
                        headers.extend(limits.as_object().cloned().unwrap_or_default());
                    }
                }
                responds(operation, "429", json!({"$ref": "#/components/responses/TooMany"}));
            }
        }
    }
    root.insert("security".to_owned(), json!([{"Bearer": []}]));
    root.insert("servers".to_owned(), json!([{"url": "/", "description": "This server · 本服务器"}]));
    bounds::close(document);
    examples::add(document);
    links::add(document);
}

/// What a caller needs for an operation, in words: the page of the documentation shows no permissions.
fn needs(operation: &Value) -> String {
    let permissions = operation.pointer("/security/0/Bearer").and_then(Value::as_array);
    let names: Vec<String> = permissions.into_iter().flatten().filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
    match permissions {
        None => "Needs no key · 无需密钥或登录".to_owned(),
        Some(_) if names.is_empty() => "Needs no permission · 无需权限".to_owned(),
        Some(_) => format!("Permission · 所需权限: {}", names.join(", ")),
    }
}

/// Documents one more answer of an operation.
fn responds(operation: &mut Value, status: &str, response: Value) {
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        responses.insert(status.to_owned(), response);
    }
}
