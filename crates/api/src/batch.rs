//! Batches: up to 500 commands on one resource in one request and one transaction.

use std::collections::BTreeMap;

use kernel::refusal::Refused;
use kernel::text::Line;
use kernel::{Ending, Error, Fault, Recorded, Refusal, Result, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::caller::Caller;
use crate::problem::{Language, ProblemError};
use crate::reply::{Done, WriteReply};

/// Some items of an atomic batch were refused, so none was done.
pub const REFUSED: Refusal =
    Refusal::invalid("batch.refused", "有 {count} 项未通过,因此全部未执行;详见 errors。", "{count} items were refused, so none was done; see errors.");

/// What becomes of a batch of which some items are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchMode {
    /// All items or none.
    #[default]
    Atomic,
    /// Each by itself.
    BestEffort,
}

/// Commands on one resource.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch<N, P> {
    /// What becomes of the batch if some items are refused; `atomic` unless said.
    #[serde(default)]
    #[schema(default = "atomic")]
    pub mode: BatchMode,
    /// The commands, done in this order.
    #[schema(min_items = 1, max_items = 500)]
    pub items: Vec<BatchItem<N, P>>,
}

/// One command of a batch.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchItem<N, P> {
    /// Make an object.
    Create(N),
    /// Change an object.
    Update(BatchUpdate<P>),
    /// End an object.
    End(BatchEnd),
}

/// A change of one object of a batch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchUpdate<P> {
    /// Which.
    pub id: Uuid,
    /// What changes; with the `version` that is meant.
    pub change: P,
}

/// The end of one object of a batch.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchEnd {
    /// Which.
    pub id: Uuid,
    /// The first day on which it no longer holds.
    pub on: chrono::NaiveDate,
    /// Why.
    pub reason: Line,
    /// The version that is meant.
    #[schema(minimum = 1, maximum = 2147483647)]
    pub version: i32,
}

impl BatchEnd {
    /// The end, as the domain takes it.
    #[must_use]
    pub fn ending(&self) -> Ending {
        Ending { on: self.on, reason: self.reason.clone(), version: Some(self.version) }
    }
}

/// Items of a batch.
const ITEMS: std::ops::RangeInclusive<usize> = 1..=500;

// By hand: the derive wants items that can be written too.
impl<N: Validate, P: Validate> Validate for Batch<N, P> {
    fn validate(&self) -> std::result::Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        if !ITEMS.contains(&self.items.len()) {
            let mut error = ValidationError::new("length");
            error.add_param("min".into(), ITEMS.start());
            error.add_param("max".into(), ITEMS.end());
            errors.add("items", error);
        }
        let faults: BTreeMap<usize, Box<ValidationErrors>> =
            self.items.iter().enumerate().filter_map(|(index, item)| Some((index, Box::new(item.validate().err()?)))).collect();
        if !faults.is_empty() {
            errors.0.insert("items".into(), ValidationErrorsKind::List(faults));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

impl<N: Validate, P: Validate> Validate for BatchItem<N, P> {
    fn validate(&self) -> std::result::Result<(), ValidationErrors> {
        match self {
            Self::Create(new) => new.validate(),
            Self::Update(update) => update.change.validate(),
            Self::End(_) => Ok(()),
        }
    }
}

/// What came of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchReport {
    /// In numbers.
    pub summary: BatchSummary,
    /// Item by item, in the order of the request.
    #[schema(max_items = 500)]
    pub items: Vec<BatchOutcome>,
}

/// What came of a batch, in numbers.
#[derive(Serialize, ToSchema)]
pub struct BatchSummary {
    /// Items in all.
    pub total: usize,
    /// Items that were done.
    pub succeeded: usize,
    /// Items that were refused.
    pub failed: usize,
}

/// What came of one item.
#[derive(Serialize, ToSchema)]
pub struct BatchOutcome {
    /// Its place in the request, from 0.
    pub index: usize,
    /// The status that it would have had by itself.
    #[schema(minimum = 200, maximum = 599)]
    pub status: u16,
    /// The object, where it was done.
    pub id: Option<Uuid>,
    /// The version of the object, where it was done.
    pub version: Option<i32>,
    /// Why it was refused.
    pub problem: Option<ProblemError>,
}

impl Caller {
    /// Runs a batch: each item by itself, the whole as one transaction.
    pub async fn batch<N: Validate, P: Validate, T: Recorded>(
        &self,
        name: &'static str,
        batch: &Batch<N, P>,
        work: impl AsyncFn(&Tx<'_>, &BatchItem<N, P>) -> Result<T>,
    ) -> WriteReply<Done<BatchReport>> {
        let language = self.language();
        self.write(name, async |tx| {
            let mut items = Vec::new();
            let mut faults = Vec::new();
            for (index, item) in batch.items.iter().enumerate() {
                match tx.savepoint(async || work(tx, item).await).await {
                    Ok(object) => {
                        let status = if matches!(item, BatchItem::Create(_)) { 201 } else { 200 };
                        items.push(BatchOutcome { index, status, id: Some(object.id()), version: Some(object.version()), problem: None });
                    }
                    Err(Error::Refused(refused)) => items.push(outcome(index, *refused, language, &mut faults)),
                    Err(other) => return Err(other),
                }
            }
            if batch.mode == BatchMode::Atomic && !faults.is_empty() {
                return Err(REFUSED.with("count", faults.len()).faults(faults).into());
            }
            let failed = faults.len();
            let total = items.len();
            Ok(Done(BatchReport { summary: BatchSummary { total, succeeded: total - failed, failed }, items }))
        })
        .await
    }
}

fn outcome(index: usize, refused: Refused, language: Language, faults: &mut Vec<Fault>) -> BatchOutcome {
    let status = actix_web::ResponseError::status_code(&crate::problem::Problem::from(refused.clone())).as_u16();
    let fault = refused.into_fault();
    let fault = Fault { pointer: format!("/items/{index}{}", fault.pointer), ..fault };
    faults.push(fault.clone());
    let problem = ProblemError { pointer: fault.pointer, code: fault.code.to_owned(), message: language.choose(fault.zh, fault.en) };
    BatchOutcome { index, status, id: None, version: None, problem: Some(problem) }
}
