//! Imports, exports and templates of every resource that is a sheet.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest, get, post};
use chrono::NaiveDate;
use futures_util::{Stream, StreamExt};
use kernel::export::{self, FileForm, Headers};
use kernel::import::{Failure, RowFault};
use kernel::page::Paging;
use kernel::sheet::Sheet;
use kernel::spool::broken;
use kernel::{Error, Kind, Refusal};
use platform::import_run::{self, ImportMode, ImportRun, ImportRunId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use crate::body::{BodyDigest, CUT_OFF, MEDIA_TYPE};
use crate::caller::Caller;
use crate::problem::{Language, Problem, TOO_LARGE, TOO_SLOW};
use crate::query::{Id, PageParams, Query, Word};
use crate::reply::{Done, Download, List, Reply, WriteReply, Written};

/// The media type of a workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// How long a file on its way in may pause; a thin line is no reason to refuse it, silence is.
const PATIENCE: Duration = Duration::from_secs(60);

/// A resource that is no sheet.
pub const NO_SUCH_RESOURCE: Refusal = Refusal::not_found(
    "import.no_such_resource",
    "“{name}”不能导入或导出;可用:{names}。",
    "“{name}” can be neither imported nor exported; these can: {names}.",
);
/// A form without a file in it.
pub const NO_FILE: Refusal = Refusal::new(Kind::Malformed, "import.no_file", "表单中没有文件。", "There is no file in the form.");
/// An atomic import of which rows were refused.
pub const REFUSED: Refusal = Refusal::invalid(
    "import.refused",
    "有 {count} 行未通过,因此全部未导入;请修改 {csv} 中的行后重新发送全部数据。",
    "{count} rows were refused, so nothing was imported; mend them (they are in {csv}) and send the whole file again.",
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

/// Headers of a file.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeaderNames {
    /// As in the API.
    #[default]
    Names,
    /// As clerks write them.
    Chinese,
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

fn told(failure: Failure, language: Language) -> RowFailure {
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
/// may be sent twice. All faults of all rows are told at once.
#[utoipa::path(
    tag = "transfer", params(ImportParams), security(("ApiKey" = ["<resource>.write"])),
    request_body(description = "The file · 文件", content(
        (Vec<u8> = "text/csv"), (Vec<u8> = "application/x-ndjson"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Vec<u8> = "multipart/form-data")
    ))
)]
#[post("/imports/{resource}")]
async fn import_rows(caller: Caller, resource: Word, params: Query<ImportParams>, upload: Upload) -> WriteReply<Done<ImportReport>> {
    let sheet = sheet(&resource)?;
    caller.call().actor.may(sheet.write)?;
    let file = upload.spool(caller.services().max_import_bytes).await?;
    let mode = params.mode.unwrap_or(ImportMode::Atomic);
    let on = params.effective_on.unwrap_or(caller.call().today());
    let language = caller.language();
    let written = caller
        .write("import", async |tx| {
            let (run, failures) = import_run::import(tx, sheet, &file, mode, on).await?;
            let failed_csv = (run.refused > 0).then(|| format!("/v1/import-runs/{}/failed.csv", run.id));
            Ok(Done(ImportReport { run, failures: failures.into_iter().map(|failure| told(failure, language)).collect(), failed_csv }))
        })
        .await?;
    match written {
        Written::Now(Done(report)) if mode == ImportMode::Atomic && !report.run.committed => {
            let refused = REFUSED.with("count", report.run.refused).with("csv", report.failed_csv.as_deref().unwrap_or_default());
            Err(Problem::from(refused).with_import(serde_json::to_value(&report).map_err(|error| Error::Internal(error.to_string()))?))
        }
        written => Ok(written),
    }
}

/// Get the empty file of a resource · 下载空表
///
/// With the header that an import takes; the workbook explains each column.
#[utoipa::path(tag = "transfer", params(ExportParams), security(("ApiKey" = [])))]
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
    let headers = params.headers.unwrap_or(HeaderNames::Chinese);
    let file = export::template(sheet, form, of(headers))?;
    Ok(download(sheet, file, form, "模板", params.bom.unwrap_or(true)))
}

/// Export a resource · 导出
///
/// All rows of the day that you may see, from one snapshot; an import takes the file unchanged.
#[utoipa::path(tag = "transfer", params(ExportParams), security(("ApiKey" = ["<resource>.read"])))]
#[get("/exports/{file}")]
async fn export_rows(caller: Caller, name: Word, params: Query<ExportParams>) -> Reply<Download> {
    let (resource, form) = name.rsplit_once('.').unwrap_or((&name, ""));
    let form = match form {
        "csv" => FileForm::Csv,
        "ndjson" => FileForm::Ndjson,
        "xlsx" => FileForm::Xlsx,
        _ => return Err(NO_SUCH_RESOURCE.with("name", &*name).with("names", crate::domains::files().join(", ")).into()),
    };
    let sheet = sheet(resource)?;
    let on = params.as_of.unwrap_or(caller.call().as_of);
    let headers = of(params.headers.unwrap_or_default());
    let file = caller.snapshot(async |view| export::write(view, sheet, form, headers, on).await).await?;
    Ok(download(sheet, file, form, &on.to_string(), params.bom.unwrap_or(false)))
}

fn of(headers: HeaderNames) -> Headers {
    match headers {
        HeaderNames::Names => Headers::Names,
        HeaderNames::Chinese => Headers::Chinese,
    }
}

fn download(sheet: &Sheet, file: File, form: FileForm, what: &str, bom: bool) -> Download {
    let (media_type, ending) = match form {
        FileForm::Csv => ("text/csv; charset=utf-8", "csv"),
        FileForm::Ndjson => ("application/x-ndjson", "ndjson"),
        FileForm::Xlsx => (XLSX, "xlsx"),
    };
    Download { file, media_type, name: format!("{}-{what}.{ending}", sheet.zh), mark: bom && form == FileForm::Csv }
}

/// List your imports · 列出导入记录
#[utoipa::path(tag = "transfer", params(PageParams), security(("ApiKey" = [])))]
#[get("/import-runs")]
async fn list_import_runs(caller: Caller) -> Reply<List<ImportRun>> {
    caller.page(None, async |view, paging| import_run::list(view, &(), paging).await).await
}

/// Get an import · 读取导入记录
#[utoipa::path(tag = "transfer", security(("ApiKey" = [])))]
#[get("/import-runs/{id}")]
async fn get_import_run(caller: Caller, id: Id<ImportRunId>) -> Reply<crate::reply::One<ImportRun>> {
    caller.read(async |view| import_run::get(view, *id).await.map(crate::reply::One)).await
}

/// List the rows at fault of an import · 列出导入中有误的行
#[utoipa::path(tag = "transfer", params(PageParams), security(("ApiKey" = [])))]
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
#[utoipa::path(tag = "transfer", security(("ApiKey" = [])))]
#[get("/import-runs/{id}/failed.csv")]
async fn get_failed_rows(caller: Caller, id: Id<ImportRunId>) -> Reply<Download> {
    // Not from a replica, which may not have heard of the import yet.
    let file = caller.browse(async |view| import_run::failed_csv(view, *id).await).await?;
    Ok(Download { file, media_type: "text/csv; charset=utf-8", name: "failed.csv".to_owned(), mark: true })
}

/// A file on its way in; nothing of it has been read.
pub struct Upload {
    request: HttpRequest,
    payload: Payload,
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

impl Upload {
    /// Writes the file to disk, whole, before anything is done with it: no transaction waits for a client.
    async fn spool(self, limit: u64) -> Result<File, Problem> {
        let Self { request, payload } = self;
        if request.headers().contains_key(CONTENT_ENCODING) {
            return Err((&MEDIA_TYPE).into());
        }
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0_u64);
        if announced > limit {
            return Err(TOO_LARGE.with("limit", limit).into());
        }
        let (file, digest) = if request.content_type().eq_ignore_ascii_case("multipart/form-data") {
            let mut form = Multipart::new(request.headers(), payload);
            loop {
                let field = form.next().await.ok_or(&NO_FILE)?.map_err(|_| Problem::from(&CUT_OFF))?;
                if field.content_disposition().is_some_and(|disposition| disposition.get_filename().is_some()) {
                    break write(field.map(|block| block.map_err(drop)), limit).await?;
                }
            }
        } else {
            write(payload.map(|block| block.map_err(drop)), limit).await?
        };
        request.extensions_mut().insert(BodyDigest(digest));
        Ok(file)
    }
}

/// Writes blocks to a temporary file, which vanishes with its handle; returns it with the digest of its content.
async fn write(blocks: impl Stream<Item = Result<Bytes, ()>>, limit: u64) -> Result<(File, Vec<u8>), Problem> {
    let mut blocks = std::pin::pin!(blocks);
    let mut file = tempfile::tempfile().map_err(broken)?;
    let mut digest = Sha256::new();
    let mut length = 0_u64;
    while let Some(block) = timeout(PATIENCE, blocks.next()).await.map_err(|_| Problem::from(TOO_SLOW.with("seconds", PATIENCE.as_secs())))? {
        let block = block.map_err(|()| Problem::from(&CUT_OFF))?;
        length += u64::try_from(block.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(TOO_LARGE.with("limit", limit).into());
        }
        digest.update(&block);
        file = actix_web::rt::task::spawn_blocking(move || file.write_all(&block).map(|()| file))
            .await
            .map_err(|error| Error::Internal(error.to_string()))?
            .map_err(broken)?;
    }
    Ok((file, digest.finalize().to_vec()))
}

/// The routes of this file.
pub fn routes(config: &mut utoipa_actix_web::service_config::ServiceConfig) {
    config
        .service(import_rows)
        .service(get_import_template)
        .service(export_rows)
        .service(list_import_runs)
        .service(get_failed_rows)
        .service(list_import_failures)
        .service(get_import_run);
}
