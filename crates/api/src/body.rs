//! JSON bodies: read with a limit and in time, parsed, checked; where something is wrong, all of it is told.

use std::ops::Deref;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::StreamExt;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use kernel::refusal::Refused;
use kernel::{Fault, Kind, Refusal};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use crate::contract::Contract;
use crate::domains;
use crate::problem::{Problem, TOO_LARGE, TOO_SLOW};

/// Bytes of a JSON body.
const LIMIT: usize = 4 << 20;
/// Time for a JSON body to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// Faults that are told of one body.
const MOST_FAULTS: usize = 100;

/// Not JSON at all.
pub const NOT_JSON: Refusal = Refusal::new(
    Kind::Malformed,
    "body.not_json",
    "请求体不是有效的 JSON(第 {line} 行第 {column} 列)。",
    "The body is not valid JSON (line {line}, column {column}).",
);
/// JSON of another shape.
pub const MALFORMED: Refusal = Refusal::new(Kind::Malformed, "body.malformed", "请求体的结构不正确,详见 errors。", "The body has the wrong shape; see errors.");
/// JSON of the right shape with values that cannot be.
pub const INVALID: Refusal = Refusal::invalid("body.invalid", "请求体中有不可接受的值,详见 errors。", "The body holds values that cannot be; see errors.");
/// Not announced as JSON.
pub const MEDIA_TYPE: Refusal = Refusal::new(
    Kind::Unsupported,
    "body.media_type",
    "请求体须为 JSON:Content-Type: application/json,且不压缩。",
    "The body must be JSON: Content-Type: application/json, not compressed.",
);
/// The body stopped in the middle.
pub const CUT_OFF: Refusal = Refusal::new(Kind::Malformed, "body.cut_off", "请求体没有传完。", "The body stopped before its end.");
/// A member that must be there.
pub const MEMBER_MISSING: Refusal = Refusal::new(Kind::Malformed, "member.missing", "缺少必填项“{name}”。", "“{name}” is missing.");
/// A member that may not be there.
pub const MEMBER_UNKNOWN: Refusal = Refusal::new(Kind::Malformed, "member.unknown", "没有“{name}”这一项。", "There is no member “{name}”.");
/// A member twice.
pub const MEMBER_DOUBLED: Refusal = Refusal::new(Kind::Malformed, "member.doubled", "有一项出现了两次。", "A member occurs twice.");
/// A member of another type.
pub const WRONG_TYPE: Refusal = Refusal::new(Kind::Malformed, "member.wrong_type", "类型应为 {expected}。", "It must be {expected}.");
/// A value of another form.
pub const WRONG_FORM: Refusal = Refusal::invalid("member.wrong_form", "格式不正确;例如 {example}。", "It has the wrong form; it should look like {example}.");
/// A value outside the list.
pub const NOT_IN_LIST: Refusal = Refusal::invalid("member.not_in_list", "须为下列之一:{choices}。", "It must be one of: {choices}.");
/// A number outside the bounds.
pub const OUT_OF_BOUNDS: Refusal = Refusal::invalid("member.out_of_bounds", "数值超出范围({bounds})。", "The number is out of bounds ({bounds}).");
/// A text that is too short or too long.
pub const WRONG_LENGTH: Refusal = Refusal::invalid("member.wrong_length", "长度不符({bounds}个字符)。", "It has the wrong length ({bounds} characters).");
/// A list with too few or too many items.
pub const WRONG_COUNT: Refusal = Refusal::invalid("member.wrong_count", "项数不符({bounds}项)。", "It has the wrong number of items ({bounds}).");

/// A JSON body, parsed and checked.
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// SHA-256 of the body, for the `Idempotency-Key`.
#[derive(Clone)]
pub struct BodyDigest(pub Vec<u8>);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let is_json =
                request.mime_type().ok().flatten().is_some_and(|mime| mime.subtype() == "json" || mime.suffix().is_some_and(|suffix| suffix == "json"));
            if !is_json || request.headers().contains_key(CONTENT_ENCODING) {
                return Err((&MEDIA_TYPE).into());
            }
            let bytes = read(&request, payload).await?;
            request.extensions_mut().insert(BodyDigest(Sha256::digest(&bytes).to_vec()));
            parse(&request, &bytes).map(Self)
        })
    }
}

/// Reads a small body whole, with a limit and in time.
pub(crate) async fn read(request: &HttpRequest, payload: Payload) -> Result<Vec<u8>, Problem> {
    tokio::time::timeout(PATIENCE, collect(request, payload)).await.map_err(|_| Problem::from(TOO_SLOW.with("seconds", PATIENCE.as_secs())))?
}

async fn collect(request: &HttpRequest, mut payload: Payload) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::from(TOO_LARGE.with("limit", LIMIT));
    let announced: usize = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0);
    if announced > LIMIT {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(announced);
    while let Some(block) = payload.next().await {
        let block: web::Bytes = block.map_err(|_| Problem::from(&CUT_OFF))?;
        if bytes.len() + block.len() > LIMIT {
            return Err(too_large());
        }
        bytes.extend_from_slice(&block);
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned + Validate>(request: &HttpRequest, bytes: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| Problem::from(NOT_JSON.with("line", error.line()).with("column", error.column())))?;
    // serde would stop at the first fault, and knows less than the document promises; the schema names all.
    let faults = request.app_data::<web::Data<Contract>>().map_or_else(Vec::new, |contract| faults(contract, request, &value));
    if !faults.is_empty() {
        return Err(malformed(faults));
    }
    // From the text, so that a member that occurs twice is noticed; else with 3.0 for 3, which JSON takes for the same.
    let body = serde_json::from_slice::<T>(bytes).or_else(|error| match error.to_string().contains("duplicate field") {
        true => Err(malformed(vec![MEMBER_DOUBLED.at("").into_fault()])),
        false => T::deserialize(with_whole_numbers(value)).map_err(|error| match named(&error) {
            Some(refusal) => refusal.into(),
            None => malformed(vec![WRONG_FORM.at("").with("example", "/openapi.json").into_fault()]),
        }),
    })?;
    match body.validate() {
        Ok(()) => Ok(body),
        Err(errors) => Err(Refused::from(&INVALID).faults(broken_bounds("", &errors)).into()),
    }
}

/// The refusal of a type whose form no schema can hold: it gives serde its code.
fn named(error: &serde_json::Error) -> Option<&'static Refusal> {
    let code = error.to_string();
    domains::refusals().find(|refusal| refusal.code == code && !refusal.en.contains('{'))
}

fn malformed(faults: Vec<Fault>) -> Problem {
    let shape = [&MEMBER_MISSING, &MEMBER_UNKNOWN, &MEMBER_DOUBLED, &WRONG_TYPE].map(|refusal| refusal.code);
    let refusal = if faults.iter().any(|fault| shape.contains(&fault.code)) { &MALFORMED } else { &INVALID };
    Refused::from(refusal).faults(faults).into()
}

/// Writes whole numbers as such: to JSON Schema 3.0 is an integer, to serde it is not.
fn with_whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let whole = number
                .as_f64()
                .filter(|value| number.is_f64() && value.fract() == 0.0)
                .map(|value| format!("{value:.0}"))
                .and_then(|text| text.parse::<i64>().ok());
            Value::from(whole.map_or(number, serde_json::Number::from))
        }
        Value::Array(items) => items.into_iter().map(with_whole_numbers).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, with_whole_numbers(value))).collect(),
        other => other,
    }
}

/// Bounds that the value of a member breaks, as the type declares them.
fn broken_bounds(at: &str, errors: &ValidationErrors) -> Vec<Fault> {
    let mut faults: Vec<Fault> = errors
        .errors()
        .iter()
        .flat_map(|(name, kind)| {
            let pointer = format!("{at}/{name}");
            match kind {
                ValidationErrorsKind::Struct(inner) => broken_bounds(&pointer, inner),
                ValidationErrorsKind::List(items) => items.iter().flat_map(|(index, inner)| broken_bounds(&format!("{pointer}/{index}"), inner)).collect(),
                ValidationErrorsKind::Field(errors) => errors
                    .iter()
                    .map(|error| {
                        let bound = |name: &str| error.params.get(name).map(Value::to_string).unwrap_or_default();
                        let refusal = if error.code == "length" { &WRONG_COUNT } else { &OUT_OF_BOUNDS };
                        refusal.at(&pointer).with("bounds", format!("{} … {}", bound("min"), bound("max"))).into_fault()
                    })
                    .collect(),
            }
        })
        .collect();
    faults.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    faults
}

/// Everything in a body that breaks its schema.
fn faults(contract: &Contract, request: &HttpRequest, body: &Value) -> Vec<Fault> {
    let Some(validator) = contract.body_validator(request.method(), &request.match_pattern().unwrap_or_default()) else { return Vec::new() };
    let mut faults: Vec<Fault> = validator.iter_errors(body).take(MOST_FAULTS).flat_map(|error| explain(contract, &error)).collect();
    // A text that is too short has the wrong form too: one fault a member, and the one with an example.
    faults.sort_by(|a, b| (&a.pointer, a.code != WRONG_FORM.code).cmp(&(&b.pointer, b.code != WRONG_FORM.code)));
    faults.dedup_by(|later, earlier| later.pointer == earlier.pointer);
    faults
}

fn explain(contract: &Contract, error: &jsonschema::ValidationError<'_>) -> Vec<Fault> {
    let pointer = error.instance_path().to_string();
    let fault = |refused: Refused| vec![refused.into_fault()];
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            fault(MEMBER_MISSING.at(format!("{pointer}/{name}")).with("name", name))
        }
        ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(|name| MEMBER_UNKNOWN.at(format!("{pointer}/{name}")).with("name", name).into_fault()).collect()
        }
        ValidationErrorKind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(kind) => kind.to_string(),
                TypeKind::Multiple(kinds) => kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(" / "),
            };
            fault(WRONG_TYPE.at(pointer).with("expected", expected))
        }
        ValidationErrorKind::Enum { options } => {
            let choices =
                options.as_array().into_iter().flatten().map(|word| word.as_str().map_or_else(|| word.to_string(), ToOwned::to_owned)).collect::<Vec<_>>();
            fault(NOT_IN_LIST.at(pointer).with("choices", choices.join(", ")))
        }
        ValidationErrorKind::Minimum { limit } => fault(OUT_OF_BOUNDS.at(pointer).with("bounds", format!("≥ {limit}"))),
        ValidationErrorKind::Maximum { limit } => fault(OUT_OF_BOUNDS.at(pointer).with("bounds", format!("≤ {limit}"))),
        ValidationErrorKind::MinLength { limit } => fault(WRONG_LENGTH.at(pointer).with("bounds", format!("≥ {limit}"))),
        ValidationErrorKind::MaxLength { limit } => fault(WRONG_LENGTH.at(pointer).with("bounds", format!("≤ {limit}"))),
        ValidationErrorKind::MinItems { limit } => fault(WRONG_COUNT.at(pointer).with("bounds", format!("≥ {limit}"))),
        ValidationErrorKind::MaxItems { limit } => fault(WRONG_COUNT.at(pointer).with("bounds", format!("≤ {limit}"))),
        // Of “this or null”, the faults against “this” are what the caller wants to know; of several shapes,
        // those of the shape that came nearest.
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            let lacks = |branch: &[jsonschema::ValidationError<'_>]| {
                branch
                    .iter()
                    .filter(|error| matches!(error.kind(), ValidationErrorKind::Required { .. }) && error.instance_path().to_string() == pointer)
                    .count()
            };
            let nearest = context.iter().filter(|branch| !is_null_branch(branch)).min_by_key(|branch| (lacks(branch), branch.len()));
            nearest.map_or_else(Vec::new, |branch| branch.iter().flat_map(|error| explain(contract, error)).collect())
        }
        _ => fault(WRONG_FORM.at(pointer).with("example", contract.example(error).unwrap_or_else(|| "/docs".to_owned()))),
    }
}

fn is_null_branch(errors: &[jsonschema::ValidationError<'_>]) -> bool {
    matches!(errors, [error] if matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(kind) } if kind.to_string() == "null"))
}
