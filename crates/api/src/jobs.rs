//! `/v1/jobs`: 后台任务.

use actix_web::{get, post};
use kernel::{AreaCode, Expected, Page, Recorded, Result, Stamp};
use platform::file::FileId;
use platform::import_run::ImportRunId;
use platform::job::{self, Job, JobFilter, JobId, JobInput, JobKind, JobState};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::caller::Caller;
use crate::problem::Language;
use crate::query::{Id, IfMatch, PageParams, Query};
use crate::reply::{Accepted, List, One, Reply, WriteReply};

/// An import or export that goes on after the answer.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobBody {
    /// Identity.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// With what, as in the path.
    #[schema(max_length = 60, example = "households")]
    pub resource: String,
    /// How it stands.
    pub state: JobState,
    /// What was asked for.
    pub input: JobInput,
    /// Where you had the permission for it when you asked.
    pub area_code: AreaCode,
    /// Rows read so far, or written by an export.
    #[schema(minimum = 0)]
    pub rows_read: i32,
    /// Rows of them that are in order so far.
    #[schema(minimum = 0)]
    pub rows_accepted: i32,
    /// Rows of them found at fault so far.
    #[schema(minimum = 0)]
    pub rows_refused: i32,
    /// Rows a second.
    #[schema(minimum = 0)]
    pub rows_per_second: i32,
    /// How often it was begun: more than once where a process died over it.
    #[schema(minimum = 0)]
    pub attempts: i32,
    /// Why it failed.
    pub problem: Option<JobProblem>,
    /// What came of an import, at `/v1/import-runs`.
    pub run_id: Option<ImportRunId>,
    /// Where all rows at fault of an import are, in the original columns; null if there are none.
    #[schema(max_length = 200)]
    pub failed_csv: Option<String>,
    /// The file that an export wrote.
    pub file_id: Option<FileId>,
    /// Where the content of that file is.
    #[schema(max_length = 200)]
    pub download: Option<String>,
    /// When it was asked for.
    pub created_at: Stamp,
    /// When the present attempt began.
    pub started_at: Option<Stamp>,
    /// When it ended, in whichever way.
    pub finished_at: Option<Stamp>,
    /// When you wanted it to stop.
    pub cancel_requested_at: Option<Stamp>,
    /// Rises with every change, progress too.
    #[schema(minimum = 1, maximum = 2147483647)]
    pub version: i32,
}

/// Why a job failed.
#[derive(Serialize, ToSchema)]
pub struct JobProblem {
    /// The stable code.
    #[schema(max_length = 60, example = "import.header")]
    pub code: String,
    /// What to mend.
    pub message: String,
}

impl Recorded for JobBody {
    const KIND: &'static str = Job::KIND;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// A job as its owner reads it.
fn told(job: Job, language: Language) -> JobBody {
    let failed = job.run_id.filter(|_| job.rows_refused > 0);
    JobBody {
        id: job.id,
        kind: job.kind,
        resource: job.resource,
        state: job.state,
        input: job.input,
        area_code: job.area_code,
        rows_read: job.rows_read,
        rows_accepted: job.rows_read - job.rows_refused,
        rows_refused: job.rows_refused,
        rows_per_second: job.rows_per_second,
        attempts: job.attempts,
        problem: job.refusal.map(|refusal| JobProblem { code: refusal.code, message: language.choose(refusal.zh, refusal.en) }),
        run_id: job.run_id,
        failed_csv: failed.map(|run| format!("/v1/import-runs/{run}/failed.csv")),
        file_id: job.result_file_id,
        download: job.result_file_id.map(|file| format!("/v1/files/{file}/content")),
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
        cancel_requested_at: job.cancel_requested_at,
        version: job.version,
    }
}

/// The answer to whoever asked for a job.
pub fn accepted(job: Job, language: Language) -> Accepted<JobBody> {
    Accepted { path: format!("/v1/jobs/{}", job.id), body: told(job, language) }
}

/// List your jobs · 列出后台任务
#[utoipa::path(tag = "transfer", params(JobFilter, PageParams), security(("Bearer" = [])))]
#[get("/jobs")]
async fn list_jobs(caller: Caller, filter: Query<JobFilter>) -> Reply<List<JobBody>> {
    let language = caller.language();
    let page = caller.page(None, async |view, paging| job::list(view, &filter, paging).await).await?.0;
    let items = page.items.into_iter().map(|job| told(job, language)).collect();
    Ok(List(Page { items, next: page.next, has_more: page.has_more, as_of: page.as_of, total: page.total }))
}

/// Get a job · 读取后台任务
///
/// How it stands and how far it has come, told about twice a second.
#[utoipa::path(tag = "transfer", security(("Bearer" = [])))]
#[get("/jobs/{id}")]
async fn get_job(caller: Caller, id: Id<JobId>) -> Reply<One<JobBody>> {
    let language = caller.language();
    caller.read(async |view| Ok(One(told(job::get(view, *id).await?, language)))).await
}

/// Cancel a job · 取消后台任务
///
/// One that waits ends at once; one that runs ends before its next rows, and nothing of it is left. Its version rises
/// while it runs, so none needs to be said.
#[utoipa::path(tag = "transfer", security(("Bearer" = [])))]
#[post("/jobs/{id}/cancel")]
async fn cancel_job(caller: Caller, id: Id<JobId>, version: IfMatch) -> WriteReply<One<JobBody>> {
    let language = caller.language();
    let cancel = async |tx: &kernel::Tx<'_>| -> Result<One<JobBody>> {
        let job = job::cancel(tx, *id, version.0.unwrap_or(Expected::Any)).await?;
        Ok(One(told(job, language)))
    };
    caller.write("job.cancel", cancel).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_jobs).service(get_job).service(cancel_job);
}
