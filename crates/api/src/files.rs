//! `/v1/files`: 文件.

use actix_web::{delete, get, post, web};
use kernel::AreaCode;
use kernel::spool::broken;
use kernel::text::Line;
use platform::file::media::{self, NOT_TAKEN};
use platform::file::{self, Attachment, File, FileFilter, FileId, FileName, NewFile};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::content::{Content, Wanted};
use crate::domains::holder;
use crate::problem::Problem;
use crate::query::{Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};
use crate::spool::{FileBytes, Received, Upload, UploadForm};

/// What is said of a file that is sent.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct UploadParams {
    /// What to call it; a form says it with the file.
    #[param(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
    pub name: Option<Line>,
    /// Where it belongs; the first area in which you may send files unless said.
    #[param(value_type = Option<String>, max_length = 15, pattern = "^([0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$")]
    pub area_code: Option<AreaCode>,
}

/// Send a file · 上传文件
///
/// The body is the file, or a form with the file in it. What it is, is found from its content. It belongs to nothing
/// and is yours alone until it is attached to something; after a day without that it goes.
#[utoipa::path(
    tag = "files", params(UploadParams), security(("Bearer" = ["file.write"])),
    request_body(description = "The file · 文件", content((FileBytes = "application/octet-stream"), (UploadForm = "multipart/form-data")))
)]
#[post("/files")]
async fn upload_file(caller: Caller, params: Query<UploadParams>, upload: Upload) -> WriteReply<Created<File>> {
    let services = caller.services();
    caller.call().actor.may(file::WRITE)?;
    let limits = services.file_limits;
    let Received { content, name } = upload.spool(limits.most()).await?;
    let name = params.name.as_ref().map(ToString::to_string).or(name).and_then(|name| FileName::parse(&name).ok());
    let name = name.map_or_else(|| FileName::parse("file"), Ok).map_err(Problem::from)?;
    let (read, size, called) = (content.file.try_clone().map_err(broken)?, content.size, name.to_string());
    // The format may be of a kind that its reader chokes on; what cannot be read is not taken.
    let media_type = web::block(move || media::check(&read, size, &called, &limits)).await.map_err(|_| Problem::from(NOT_TAKEN.with("found", "?")))??;
    caller.browse(async |view| file::room(view, size, limits.loose).await).await?;
    let kept = services.blobs.keep(&services.db, caller.call(), &content).await?;
    let new = NewFile { name, media_type, area_code: params.area_code.clone() };
    caller.write("file.create", async |tx| file::create(tx, &kept, &new, limits.loose).await.map(Created)).await
}

/// List files · 列出文件
///
/// Those of an object that you may see, or those that you sent and that belong to nothing yet; the latest first.
#[utoipa::path(tag = "files", params(FileFilter, PageParams), security(("Bearer" = [])))]
#[get("/files")]
async fn list_files(caller: Caller, filter: Query<FileFilter>) -> Reply<List<File>> {
    caller.page(None, async |view, paging| file::list(view, &filter, paging, holder).await).await
}

/// Get what a file is · 读取文件信息
#[utoipa::path(tag = "files", security(("Bearer" = [])))]
#[get("/files/{id}")]
async fn get_file(caller: Caller, id: Id<FileId>) -> Reply<One<File>> {
    caller.read(async |view| file::get(view, *id, holder).await.map(One)).await
}

/// Get the content of a file · 下载文件内容
///
/// Whole, or one range of its bytes. Its `ETag` is the SHA-256 of the content.
#[utoipa::path(tag = "files", params(Wanted), security(("Bearer" = [])))]
#[get("/files/{id}/content")]
async fn get_file_content(caller: Caller, id: Id<FileId>, wanted: Wanted) -> Reply<Content> {
    let file = caller.read(async |view| file::get(view, *id, holder).await).await?;
    Content::of(file, &wanted, &caller.services().blobs).await
}

/// Attach a file to an object · 将文件附于对象
///
/// A file that you sent, to an object that you may change. From then on whoever may see the object may read the file,
/// and it stays with it.
#[utoipa::path(tag = "files", security(("Bearer" = ["<resource>.write"])))]
#[post("/files/{id}/attach")]
async fn attach_file(caller: Caller, id: Id<FileId>, version: IfMatch, to: Json<Attachment>) -> WriteReply<One<File>> {
    caller.write("file.attach", async |tx| file::attach(tx, *id, version.or(to.version)?, &to, holder).await.map(One)).await
}

/// Delete a file · 删除文件
///
/// One that you sent and that belongs to nothing yet. Answers what it was.
#[utoipa::path(tag = "files", security(("Bearer" = [])))]
#[delete("/files/{id}")]
async fn delete_file(caller: Caller, id: Id<FileId>, version: IfMatch) -> WriteReply<Done<File>> {
    caller.write("file.delete", async |tx| file::delete(tx, *id, version.or(None)?).await.map(Done)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(upload_file).service(list_files).service(get_file).service(get_file_content).service(attach_file).service(delete_file);
}
