//! Imports, exports and templates of every resource that is a sheet.

use std::fs::File;

use actix_web::{HttpRequest, get, post};
use chrono::NaiveDate;
use kernel::export::{self, FileForm, HeaderNames};
use kernel::import::{Failure, RowFault};
use kernel::page::Paging;
use kernel::pulse::Pulse;
use kernel::sheet::Sheet;
use kernel::{Error, Refusal};
use platform::import_run::{self, ImportMode, ImportRun, ImportRunId, REFUSED};
use platform::job::{self, ExportInput, ImportInput};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::caller::Caller;
use crate::download::Download;
use crate::jobs::{JobBody, accepted};
use crate::problem::{Language, Problem};
use crate::query::{Id, PageParams, Prefer, Query, Word};
use crate::reply::{Accepted, Done, DoneOrAccepted, List, Reply, WriteReply, Written};
use crate::spool::{FileBytes, Upload, UploadForm};

/// A resource that is no sheet.
pub const NO_SUCH_RESOURCE: Refusal = Refusal::not_found(
    "import.no_such_resource",
    "“{name}”不能导入或导出;可用:{names}。",
    "“{name}” can be neither imported nor exported; these can: {names}.",
);

/// A file of personal values that would have to be kept until a job gets to it.
pub const AT_ONCE: Refusal = Refusal::invalid(
    "import.at_once",
    "含个人信息的文件不在服务器上留存,只能即时导入:请勿使用 async,且文件不超过 {limit} 字节,过大时请拆分。",
    "A file of personal data is not kept on the server, so it is imported at once: without async, and of at most {limit} bytes; divide a larger one.",
);

/// How a file is imported.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ImportParams {
    /// What becomes of the good rows if others are at fault; `atomic` unless said.
    #[param(inline)]
    pub mode: Option<ImportMode>,
    /// The day on which new rows begin and households move; today unless said.
    pub effective_on: Option<NaiveDate>,
    /// Whether to answer at once with a job, however small the file is.
    #[serde(rename = "async")]
    pub later: Option<bool>,
}

/// What a file of an export looks like.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ExportParams {
    /// The day whose rows are wanted; today unless said.
    pub as_of: Option<NaiveDate>,
    /// `names` as in the API (the default), or `chinese`.
    #[param(inline)]
    pub headers: Option<HeaderNames>,
    /// Whether CSV begins with a byte order mark, which some spreadsheets need.
    pub bom: Option<bool>,
}

/// What came of an import.
#[derive(Serialize, ToSchema)]
pub struct ImportReport {
    /// The run, as it can be read again.
    pub run: ImportRun,
    /// The first 100 rows at fault, in the order of the file.
    #[schema(max_items = 100)]
    pub failures: Vec<RowFailure>,
    /// Where all rows at fault are, in the original columns, ready to mend and send again; null if there are none.
    #[schema(max_length = 200)]
    pub failed_csv: Option<String>,
}

/// A row at fault.
#[derive(Serialize, ToSchema)]
pub struct RowFailure {
    /// Its line in the file, the header being line 1.
    #[schema(minimum = 1)]
    pub line: i32,
    /// What is wrong with it.
    pub faults: Vec<RowProblem>,
}

/// One fault of a row.
#[derive(Serialize, ToSchema)]
pub struct RowProblem {
    /// The column; empty where it is the row as a whole.
    pub field: String,
    /// The stable code.
    pub code: String,
    /// What to mend.
    pub message: String,
}

pub(crate) fn told(failure: Failure, language: Language) -> RowFailure {
    let problem = |fault: RowFault| RowProblem { field: fault.field, code: fault.code, message: language.choose(fault.zh, fault.en) };
    RowFailure { line: failure.line, faults: failure.faults.into_iter().map(problem).collect() }
}

fn sheet(name: &str) -> Result<&'static Sheet, Problem> {
    crate::domains::sheet(name).ok_or_else(|| NO_SUCH_RESOURCE.with("name", name).with("names", crate::domains::resources().join(", ")).into())
}

/// Import a file · 导入文件
///
/// The body is the file: CSV in UTF-8 or GB18030, NDJSON or XLSX, recognised by its content; or a form with the
/// file in it. Rows are found by their code. A row that says what is so already changes nothing, so the same file
/// may be sent twice. All faults of all rows are told at once. A large file, or one sent with `async=true` or
/// `Prefer: respond-async`, is imported by a job after the answer; one of personal data is not kept, so never by a job.
#[utoipa::path(
    tag = "transfer", params(ImportParams, Prefer),
    security(("Bearer" = ["<resource>.write"])),
    request_body(description = "The file · 文件", content(
        (String = "text/csv", example = json!("code,name\n421181001001001,柳岸社区第一网格\n")),
        (String = "application/x-ndjson", example = json!("{\"code\": \"421181001001001\", \"name\": \"柳岸社区第一网格\"}\n")),
        (FileBytes = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (UploadForm = "multipart/form-data")
    ))
)]
#[post("/imports/{resource}")]
async fn import_rows(
    caller: Caller,
    resource: Word,
    params: Query<ImportParams>,
    prefer: Prefer,
    upload: Upload,
) -> WriteReply<DoneOrAccepted<ImportReport, JobBody>> {
    let sheet = sheet(&resource)?;
    caller.call().actor.may(sheet.write)?;
    let services = caller.services();
    let content = upload.spool(services.max_import_bytes).await?.content;
    let mode = params.mode.unwrap_or(ImportMode::Atomic);
    let on = params.effective_on.unwrap_or(caller.call().today());
    let language = caller.language();
    let at_once = sheet.is_personal();
    if at_once && (params.later == Some(true) || content.size > services.import_inline_bytes) {
        return Err(AT_ONCE.with("limit", services.import_inline_bytes).into());
    }
    if params.later.unwrap_or(prefer.later && !at_once) || content.size > services.import_inline_bytes {
        let kept = services.blobs.keep(&services.db, caller.call(), &content).await?;
        let input = ImportInput { mode, effective_on: on };
        let queued = caller.write("job.create", async |tx| Ok(accepted(job::create_import(tx, sheet, &kept, input.clone()).await?, language)));
        return Ok(queued.await?.map(DoneOrAccepted::Accepted));
    }
    let written = caller
        .write("import", async |tx| {
            let (run, failures) = import_run::import(tx, sheet, &content.file, mode, on, &Pulse::default()).await?;
            let failed_csv = failed_csv(&run);
            let failures = failures.into_iter().map(|failure| told(failure, language)).collect();
            let refused = mode == ImportMode::Atomic && !run.committed;
            let report = Done(ImportReport { run, failures, failed_csv });
            Ok(if refused { DoneOrAccepted::Undone(report) } else { DoneOrAccepted::Done(report) })
        })
        .await?;
    match written {
        Written::Now(DoneOrAccepted::Undone(Done(report))) => {
            let refused = REFUSED.with("count", report.run.refused);
            Err(Problem::from(refused).with_import(serde_json::to_value(&report).map_err(|error| Error::Internal(error.to_string()))?))
        }
        written => Ok(written),
    }
}

/// Where the rows at fault of an import are, if there are any.
pub(crate) fn failed_csv(run: &ImportRun) -> Option<String> {
    (run.refused > 0).then(|| format!("/v1/import-runs/{}/failed.csv", run.id))
}

/// Get the empty file of a resource · 下载空表
///
/// With the header that an import takes; the workbook explains each column.
#[utoipa::path(tag = "transfer", params(ExportParams), security(("Bearer" = [])))]
#[get("/imports/{resource}/{template}")]
async fn get_import_template(_caller: Caller, request: HttpRequest, params: Query<ExportParams>) -> Reply<Download> {
    let part = |name: &str| request.match_info().get(name).unwrap_or_default().to_owned();
    let sheet = sheet(&part("resource"))?;
    let form = match part("template").as_str() {
        "template.csv" => FileForm::Csv,
        "template.xlsx" => FileForm::Xlsx,
        _ => return Err((&crate::problem::NO_SUCH_PATH).into()),
    };
    // An empty file is for people: Chinese headers unless said.
    let file = export::template(sheet, form, params.headers.unwrap_or(HeaderNames::Chinese))?;
    Ok(download(sheet, file, form, "模板", params.bom.unwrap_or(true)))
}

/// Export a resource · 导出
///
/// All rows of the day that you may see, from one snapshot; an import takes the file unchanged.
#[utoipa::path(tag = "transfer", params(ExportParams), security(("Bearer" = ["<resource>.read"])))]
#[get("/exports/{file}")]
async fn export_rows(caller: Caller, name: Word, params: Query<ExportParams>) -> Reply<Download> {
    let (sheet, input) = wanted(&caller, &name, &params)?;
    let ExportInput { form, headers, bom, as_of } = input;
    let file = caller.snapshot(async |view| export::write(view, sheet, form, headers, as_of, &Pulse::default()).await).await?;
    Ok(download(sheet, file, form, &as_of.to_string(), bom))
}

/// Export a resource by a job · 后台导出
///
/// The same file, written after the answer; the job says where it is. It is kept for a few days.
#[utoipa::path(tag = "transfer", params(ExportParams), security(("Bearer" = ["<resource>.read"])))]
#[post("/exports/{file}")]
async fn start_export(caller: Caller, name: Word, params: Query<ExportParams>) -> WriteReply<Accepted<JobBody>> {
    let (sheet, input) = wanted(&caller, &name, &params)?;
    let language = caller.language();
    caller.write("job.create", async |tx| Ok(accepted(job::create_export(tx, sheet, input.clone()).await?, language))).await
}

/// What is to be exported, and how.
fn wanted(caller: &Caller, name: &str, params: &ExportParams) -> Result<(&'static Sheet, ExportInput), Problem> {
    let (resource, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let form = FileForm::of(ending).ok_or_else(|| NO_SUCH_RESOURCE.with("name", name).with("names", crate::domains::files().join(", ")))?;
    let headers = params.headers.unwrap_or(HeaderNames::Names);
    let as_of = params.as_of.unwrap_or(caller.call().as_of);
    Ok((sheet(resource)?, ExportInput { form, headers, bom: params.bom.unwrap_or(false), as_of }))
}

fn download(sheet: &Sheet, file: File, form: FileForm, what: &str, bom: bool) -> Download {
    Download { file, media_type: form.media_type(), name: format!("{}-{what}.{}", sheet.zh, form.word()), mark: bom && form == FileForm::Csv }
}

/// List your imports · 列出导入记录
#[utoipa::path(tag = "transfer", params(PageParams), security(("Bearer" = [])))]
#[get("/import-runs")]
async fn list_import_runs(caller: Caller) -> Reply<List<ImportRun>> {
    caller.page(None, async |view, paging| import_run::list(view, &(), paging).await).await
}

/// Get an import · 读取导入记录
#[utoipa::path(tag = "transfer", security(("Bearer" = [])))]
#[get("/import-runs/{id}")]
async fn get_import_run(caller: Caller, id: Id<ImportRunId>) -> Reply<crate::reply::One<ImportRun>> {
    caller.read(async |view| import_run::get(view, *id).await.map(crate::reply::One)).await
}

/// List the rows at fault of an import · 列出导入中有误的行
#[utoipa::path(tag = "transfer", params(PageParams), security(("Bearer" = [])))]
#[get("/import-runs/{id}/failures")]
async fn list_import_failures(caller: Caller, id: Id<ImportRunId>) -> Reply<List<RowFailure>> {
    let language = caller.language();
    let page = caller.page(None, async |view, paging: &Paging| import_run::failures(view, *id, paging).await).await?.0;
    let items = page.items.into_iter().map(|failure| told(failure, language)).collect();
    Ok(List(kernel::Page { items, next: page.next, has_more: page.has_more, as_of: page.as_of, total: page.total }))
}

/// Get the rows at fault of an import as a file · 下载有误的行
///
/// In the original columns: mend it and send it again.
#[utoipa::path(tag = "transfer", security(("Bearer" = [])))]
#[get("/import-runs/{id}/failed.csv")]
async fn get_failed_rows(caller: Caller, id: Id<ImportRunId>) -> Reply<Download> {
    // Not from a replica, which may not have heard of the import yet.
    let file = caller.browse(async |view| import_run::failed_csv(view, *id).await).await?;
    Ok(Download { file, media_type: "text/csv; charset=utf-8", name: "failed.csv".to_owned(), mark: true })
}

/// The routes of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig) {
    config
        .service(import_rows)
        .service(get_import_template)
        .service(export_rows)
        .service(start_export)
        .service(list_import_runs)
        .service(get_failed_rows)
        .service(list_import_failures)
        .service(get_import_run);
}
