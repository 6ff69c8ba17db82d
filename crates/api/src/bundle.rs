//! The import of a bundle: files or rows of several resources, in one request and one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::post;
use chrono::NaiveDate;
use kernel::bundle::{self, Terms};
use kernel::{Error, Kind, Refusal, Result};
use platform::import_bundle::{Done as Imported, REFUSED, import};
use platform::import_run::{ImportMode, ImportRun};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoParams, IntoResponses, ToSchema};

use crate::caller::Caller;
use crate::problem::{Language, Problem};
use crate::query::Query;
use crate::reply::{Answer, Done, Reply, WriteReply, Written};
use crate::spool::{FileBytes, Upload, UploadForm};
use crate::transfer::{RowFailure, failed_csv, told};
use crate::{domains, naming};

/// Bundles are opened one at a time, and this one has waited.
pub const BUSY: Refusal =
    Refusal::new(Kind::Unavailable, "import.bundles_busy", "系统正在处理另一个整包,请稍后重试。", "Another bundle is being imported; try again shortly.");

/// How long a bundle waits for those before it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bundles take turns, whoever of the threads of a process has them: what a workbook keeps in memory while it is read is many times
/// as large as its file, and a bundle may hold a hundred.
#[derive(Clone)]
pub struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Turns {
    /// Waits for a turn, which lasts until it is let go.
    async fn take(&self, patience: Duration) -> Result<OwnedSemaphorePermit> {
        let turn = timeout(patience, Arc::clone(&self.0).acquire_owned()).await.map_err(|_| Error::from(&BUSY))?;
        turn.map_err(|error| Error::Internal(error.to_string()))
    }
}

/// How a bundle is imported.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct BundleParams {
    /// What becomes of the good rows if others are at fault, in whichever part; `atomic` unless said.
    #[param(inline)]
    pub mode: Option<ImportMode>,
    /// The day on which new rows begin and households move; today unless said.
    pub effective_on: Option<NaiveDate>,
}

/// What came of a bundle.
#[derive(Serialize, ToSchema)]
pub struct BundleReport {
    /// What becomes of the good rows.
    pub mode: ImportMode,
    /// Whether anything was kept.
    pub committed: bool,
    /// Rows at fault, in all parts.
    #[schema(minimum = 0)]
    pub refused: i32,
    /// Its parts, in the order in which they were loaded.
    #[schema(max_items = 100)]
    pub parts: Vec<BundlePart>,
}

/// What came of a part of a bundle: a file, or all rows of one resource.
#[derive(Serialize, ToSchema)]
pub struct BundlePart {
    /// The name of the file in the zip; null where rows came line by line.
    pub file: Option<String>,
    /// The run, as it can be read again.
    pub run: ImportRun,
    /// The first 100 rows at fault, in the order of the file; of NDJSON the line is that of the bundle.
    #[schema(max_items = 100)]
    pub failures: Vec<RowFailure>,
    /// Where all rows at fault of the part are, in the original columns; null if there are none.
    #[schema(max_length = 200)]
    pub failed_csv: Option<String>,
}

impl BundleReport {
    fn of(mode: ImportMode, imported: Vec<Imported>, language: Language) -> Self {
        let part = |imported: Imported| BundlePart {
            file: imported.file,
            failed_csv: failed_csv(&imported.run),
            run: imported.run,
            failures: imported.failures.into_iter().map(|failure| told(failure, language)).collect(),
        };
        Self {
            mode,
            committed: imported.iter().all(|one| one.run.committed),
            refused: imported.iter().fold(0, |sum, one| sum.saturating_add(one.run.refused)),
            parts: imported.into_iter().map(part).collect(),
        }
    }
}

/// The answer to a bundle. One that was refused is not kept for an `Idempotency-Key`, so the mended one may be sent under it.
pub struct Bundled(pub BundleReport);

impl Bundled {
    fn is_refused(&self) -> bool {
        self.0.mode == ImportMode::Atomic && !self.0.committed
    }
}

impl Answer for Bundled {
    fn kept(&self) -> bool {
        !self.is_refused()
    }

    fn body(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.0)
    }
}

impl IntoResponses for Bundled {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        Done::<BundleReport>::responses()
    }
}

/// Import a bundle · 整包导入
///
/// The body brings several resources at once: a zip of files as single imports take them, each named after its resource
/// (`03-grids.csv`, `网格.xlsx`), or NDJSON of which each line is one row with its resource; or a form with such a file in it.
/// Whatever their order, they are loaded in that of the resources, in one transaction, so rows may refer to rows of other
/// files. `atomic` keeps all of it or nothing. A bundle is imported at once, also where it holds personal data.
#[utoipa::path(
    tag = "transfer", params(BundleParams),
    security(("Bearer" = ["<resource>.write"])),
    request_body(description = "The bundle · 整包", content(
        (FileBytes = "application/zip"),
        (String = "application/x-ndjson", example = json!("{\"resource\": \"grids\", \"row\": {\"code\": \"421181001001001\", \"name\": \"柳岸社区第一网格\"}}\n")),
        (UploadForm = "multipart/form-data")
    ))
)]
#[post("/imports")]
async fn import_bundle(caller: Caller, params: Query<BundleParams>, upload: Upload) -> WriteReply<Bundled> {
    may_import(&caller)?;
    let services = caller.services();
    let limit = services.import_inline_bytes.min(services.max_import_bytes);
    let content = upload.spool(limit).await?.content;
    let terms = Terms { actor: Arc::clone(&caller.call().actor), sheets: domains::sheets().collect(), in_name: naming::in_bundle, limit };
    let turn = services.bundles.take(PATIENCE).await?;
    // The thread goes on where the client hangs up, so it has the turn meanwhile.
    let opened = actix_web::rt::task::spawn_blocking(move || bundle::open(content.file, &terms).map(|parts| (turn, parts))).await;
    let (turn, parts) = opened.map_err(|error| Error::Internal(error.to_string()))??;
    let mode = params.mode.unwrap_or(ImportMode::Atomic);
    let on = params.effective_on.unwrap_or(caller.call().today());
    let language = caller.language();
    let written = caller
        .write("import", async |tx| {
            let imported = import(tx, &parts, mode, on).await?;
            Ok(Bundled(BundleReport::of(mode, imported, language)))
        })
        .await?;
    drop(parts);
    drop(turn);
    match written {
        Written::Now(bundled) if bundled.is_refused() => {
            let report = serde_json::to_value(&bundled.0).map_err(|error| Error::Internal(error.to_string()))?;
            Err(Problem::from(REFUSED.with("count", bundled.0.refused)).with_bundle(report))
        }
        written => Ok(written),
    }
}

/// Refuses whoever may import nothing at all, before anything of his is read. What a bundle needs is known once it is.
fn may_import(caller: &Caller) -> Reply<()> {
    let asked: Vec<Result<()>> = domains::sheets().map(|sheet| caller.call().actor.may(sheet.write)).collect();
    if asked.iter().any(Result::is_ok) {
        return Ok(());
    }
    asked.into_iter().collect::<Result<()>>().map_err(Problem::from)
}

/// The routes of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig) {
    config.service(import_bundle);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bundles_take_turns_and_do_not_wait_for_ever() {
        let turns = Turns::default();
        let same = turns.clone();
        let first = turns.take(PATIENCE).await.unwrap();
        assert_eq!(same.take(Duration::from_millis(1)).await.unwrap_err().code(), Some(BUSY.code));
        drop(first);
        drop(same.take(PATIENCE).await.unwrap());
    }
}
