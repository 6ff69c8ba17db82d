//! Files: evidence, minutes, photos, what was imported and exported. A file that belongs to an object is read by
//! whoever may see that object; one that belongs to nothing yet, by its uploader alone.

pub mod media;

use chrono::TimeDelta;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use kernel::manifest::{Holder, Holders};
use kernel::page::{Cursor, Page, Paging};
use kernel::refusal::Refused;
use kernel::text::tidy;
use kernel::{AreaCode, Error, Expected, Kind, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, id, text_type};
use schema::file;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::blob::{self, Blob, BlobId};

/// Who may send files.
pub const WRITE: Permission = Permission("file.write");

id!(
    /// A file.
    FileId
);

text_type!(
    /// The name of a file: its last part, 1 to 200 characters, none invisible.
    FileName,
    |text| tidy(text.rsplit(['/', '\\']).next().unwrap_or_default(), 200),
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "会议记录.pdf")]
);

/// A file, without its content.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize, ToSchema)]
#[diesel(table_name = file)]
pub struct File {
    /// Identity.
    pub id: FileId,
    /// What its uploader called it.
    pub name: FileName,
    /// What it is, found from its content.
    #[schema(max_length = 100, example = "application/pdf")]
    pub media_type: String,
    /// Bytes.
    #[schema(minimum = 0)]
    pub size: i64,
    /// SHA-256 of the content, in hexadecimal; the `ETag` of the content.
    #[serde(rename = "sha256", serialize_with = "as_hex")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$", max_length = 64)]
    pub digest: Vec<u8>,
    /// Where it belongs.
    pub area_code: AreaCode,
    /// Who sent it.
    pub uploader_id: Uuid,
    /// What kind of thing it belongs to; null while it belongs to nothing.
    #[schema(max_length = 60, example = "compound")]
    pub object_kind: Option<String>,
    /// Which thing it belongs to.
    pub object_id: Option<Uuid>,
    /// When it came.
    pub created_at: Stamp,
    /// From this instant on it is gone; null if it stays.
    pub expires_at: Option<Stamp>,
    /// Rises with every change.
    #[schema(minimum = 1, maximum = 2147483647)]
    pub version: i32,
    /// Its content.
    #[serde(skip)]
    pub blob_id: BlobId,
}

fn as_hex<S: Serializer>(digest: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&blob::hex(digest))
}

impl Recorded for File {
    const KIND: &'static str = "file";

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

/// A file as the journal tells it: its name may name persons.
#[derive(Serialize)]
struct Told<'a> {
    media_type: &'a str,
    size: i64,
    sha256: String,
    area_code: &'a AreaCode,
    object_kind: Option<&'a str>,
    object_id: Option<Uuid>,
    expires_at: Option<Stamp>,
    #[serde(skip)]
    file: &'a File,
}

impl Recorded for Told<'_> {
    const KIND: &'static str = File::KIND;

    fn id(&self) -> Uuid {
        self.file.id.0
    }

    fn area(&self) -> &str {
        self.file.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.file.version
    }
}

impl File {
    fn told(&self) -> Told<'_> {
        Told {
            media_type: &self.media_type,
            size: self.size,
            sha256: blob::hex(&self.digest),
            area_code: &self.area_code,
            object_kind: self.object_kind.as_deref(),
            object_id: self.object_id,
            expires_at: self.expires_at,
            file: self,
        }
    }
}

/// A file to be made of a content.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// What to call it.
    pub name: FileName,
    /// What it is.
    pub media_type: &'static str,
    /// Where it belongs, if that is not the first area in which the caller may send files.
    pub area_code: Option<AreaCode>,
}

/// What a file shall belong to.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// The kind of the object.
    #[schema(max_length = 60, pattern = "^[a-z_]+$", example = "compound")]
    pub object_kind: String,
    /// The object.
    pub object_id: Uuid,
    /// The version of the file that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Which files.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FileFilter {
    /// Those of an object of this kind; without it, those that you sent and that belong to nothing yet.
    #[param(max_length = 60, pattern = "^[a-z_]+$")]
    pub object_kind: Option<String>,
    /// Which object, with `object_kind`.
    pub object_id: Option<Uuid>,
}

/// No such file.
pub const UNKNOWN: Refusal = Refusal::not_found("file.unknown", "没有该文件,或您无权查看。", "There is no such file, or it is not yours to see.");
/// The object does not hold files.
pub const NO_HOLDER: Refusal = Refusal::invalid("file.no_holder", "“{kind}”不能附带文件。", "“{kind}” cannot hold files.");
/// It belongs to something already.
pub const ATTACHED: Refusal = Refusal::conflict(
    "file.attached",
    "该文件已属于某一对象,不能再附加或删除。",
    "The file belongs to an object already, so it can neither be attached elsewhere nor be deleted.",
);
/// Too many bytes that belong to nothing.
pub const TOO_MANY_LOOSE: Refusal = Refusal::conflict(
    "file.too_many_loose",
    "您上传的尚未使用的文件合计将超过 {limit} 字节;请先使用或删除其中一些。",
    "Your files that belong to nothing yet would have more than {limit} bytes together; use or delete some first.",
);
/// Half of an object.
pub const HALF_AN_OBJECT: Refusal =
    Refusal::new(Kind::Malformed, "file.half_an_object", "object_kind 与 object_id 须同时提供或同时省略。", "Give both object_kind and object_id, or neither.");

/// Refuses where the caller's files that belong to nothing yet would have more than `limit` bytes with `size` more.
pub async fn room(view: &View<'_>, size: u64, limit: u64) -> Result<()> {
    let mine = file::table.filter(file::uploader_id.eq(view.actor.id).and(file::object_id.is_null()));
    let together: i64 = mine.select(sql::<BigInt>("coalesce(sum(size), 0)::bigint")).first(&mut view.conn()).await?;
    if u64::try_from(together).unwrap_or(0).saturating_add(size) > limit { Err(TOO_MANY_LOOSE.with("limit", limit).into()) } else { Ok(()) }
}

/// Makes a file of a content, which belongs to nothing yet. `limit` is for all such files of the caller together.
pub async fn create(tx: &Tx<'_>, content: &Blob, new: &NewFile, limit: u64) -> Result<File> {
    let area = match &new.area_code {
        Some(area) => area.clone(),
        None => tx.may(WRITE)?.areas().first().cloned().ok_or_else(|| kernel::actor::FORBIDDEN.with("permission", WRITE.0))?,
    };
    tx.may_at(WRITE, area.as_str())?;
    tx.lock(&format!("loose files of {}", tx.actor.id)).await?;
    room(tx, u64::try_from(content.size).unwrap_or(u64::MAX), limit).await?;
    keep(tx, content, new.name.clone(), new.media_type, area, None, None).await
}

/// Makes a file of a content for an object of ours, such as a job.
pub async fn create_for(
    tx: &Tx<'_>,
    content: &Blob,
    name: FileName,
    media_type: &str,
    object: (&str, Uuid),
    area: &AreaCode,
    lasts: Option<TimeDelta>,
) -> Result<File> {
    keep(tx, content, name, media_type, area.clone(), Some(object), lasts).await
}

/// A file of ours, whoever may see it.
pub(crate) async fn find(view: &View<'_>, id: FileId) -> Result<File> {
    let found = file::table.find(id).select(File::as_select()).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

async fn keep(
    tx: &Tx<'_>,
    content: &Blob,
    name: FileName,
    media_type: &str,
    area_code: AreaCode,
    object: Option<(&str, Uuid)>,
    lasts: Option<TimeDelta>,
) -> Result<File> {
    blob::take(tx, content).await?;
    let made = File {
        id: FileId::fresh(),
        name,
        media_type: media_type.to_owned(),
        size: content.size,
        digest: content.digest.clone(),
        area_code,
        uploader_id: tx.actor.id,
        object_kind: object.map(|(kind, _)| kind.to_owned()),
        object_id: object.map(|(_, id)| id),
        created_at: Stamp(tx.now),
        expires_at: lasts.map(|lasts| Stamp(tx.now + lasts)),
        version: 1,
        blob_id: content.id,
    };
    diesel::insert_into(file::table).values(&made).prepared().execute(&mut tx.conn()).await?;
    tx.record("file.created", None, &made.told(), None)?;
    Ok(made)
}

/// The file, of a caller who may see what it belongs to.
pub async fn get(view: &View<'_>, id: FileId, holders: Holders) -> Result<File> {
    let found = file::table.find(id).select(File::as_select()).first(&mut view.conn()).await.optional()?;
    let file: File = found.filter(|file: &File| !gone(file, view)).ok_or(&UNKNOWN)?;
    match (&file.object_kind, file.object_id) {
        (Some(kind), Some(object)) => drop(see(view, kind, object, holders).await?),
        _ if file.uploader_id == view.actor.id => {}
        _ => return Err((&UNKNOWN).into()),
    }
    Ok(file)
}

fn gone(file: &File, view: &View<'_>) -> bool {
    file.expires_at.is_some_and(|at| at.0 <= view.now)
}

/// The area of an object that the caller may see; otherwise its files are not there.
async fn see(view: &View<'_>, kind: &str, object: Uuid, holders: Holders) -> Result<String> {
    let holder = holders(kind).ok_or(&UNKNOWN)?;
    (holder.see)(view, object).await.map_err(hidden)
}

/// That an object may not be seen is no more than that its files are not there.
fn hidden(error: Error) -> Error {
    match &error {
        Error::Refused(refused) if matches!(refused.refusal.kind, Kind::NotFound | Kind::Forbidden) => (&UNKNOWN).into(),
        _ => error,
    }
}

/// The files of an object, or those that the caller sent and that belong to nothing yet; the latest first.
pub async fn list(view: &View<'_>, filter: &FileFilter, paging: &Paging, holders: Holders) -> Result<Page<File>> {
    let mut query = file::table.select(File::as_select()).filter(file::expires_at.is_null().or(file::expires_at.gt(view.now))).into_boxed();
    query = match (&filter.object_kind, filter.object_id) {
        (Some(kind), Some(object)) => {
            see(view, kind, object, holders).await?;
            query.filter(file::object_kind.eq(kind).and(file::object_id.eq(object)))
        }
        (None, None) => query.filter(file::object_id.is_null().and(file::uploader_id.eq(view.actor.id))),
        _ => return Err(HALF_AN_OBJECT.at("object_id").into()),
    };
    if let Some(after) = paging.after(filter)? {
        query = query.filter(file::id.lt(after.id));
    }
    let rows = query.order(file::id.desc()).limit(paging.fetch()).load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, filter, |file: &File| Cursor { key: String::new(), id: file.id.0 })
}

/// Gives a file that the caller sent to an object that he may change. It stays with it.
pub async fn attach(tx: &Tx<'_>, id: FileId, expected: Expected, to: &Attachment, holders: Holders) -> Result<File> {
    let before = lock_loose(tx, id, expected).await?;
    let holder: &Holder = holders(&to.object_kind).ok_or_else(|| Refused::from(&NO_HOLDER).at("/object_kind").with("kind", &to.object_kind))?;
    let area: AreaCode = (holder.fill)(tx, to.object_id).await?.parse().map_err(|_| Error::Internal(format!("{} is in no area", to.object_id)))?;
    let after = diesel::update(file::table.find(id))
        .set((
            file::object_kind.eq(holder.kind),
            file::object_id.eq(to.object_id),
            file::area_code.eq(area),
            file::expires_at.eq(None::<Stamp>),
            file::version.eq(before.version + 1),
        ))
        .returning(File::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("file.attached", Some(&before.told()), &after.told(), None)?;
    Ok(after)
}

/// Deletes a file that the caller sent and that belongs to nothing yet. Returns what it was.
pub async fn delete(tx: &Tx<'_>, id: FileId, expected: Expected) -> Result<File> {
    let file = lock_loose(tx, id, expected).await?;
    erase(tx, vec![file.clone()], "file.deleted").await?;
    Ok(file)
}

/// The caller's own file, locked, which belongs to nothing.
async fn lock_loose(tx: &Tx<'_>, id: FileId, expected: Expected) -> Result<File> {
    let mine = file::table.find(id).filter(file::uploader_id.eq(tx.actor.id));
    let found = mine.select(File::as_select()).for_update().first(&mut tx.conn()).await.optional()?;
    let file: File = found.filter(|file: &File| !gone(file, tx)).ok_or(&UNKNOWN)?;
    if file.object_id.is_some() {
        return Err((&ATTACHED).into());
    }
    expected.check(file.version)?;
    Ok(file)
}

/// Erases files, whose content goes some time after, and journals each.
async fn erase(tx: &Tx<'_>, files: Vec<File>, action: &'static str) -> Result<()> {
    let ids: Vec<FileId> = files.iter().map(|file| file.id).collect();
    diesel::delete(file::table.filter(file::id.eq_any(ids))).execute(&mut tx.conn()).await?;
    for before in files {
        let after = File { version: before.version + 1, ..before.clone() };
        tx.record(action, Some(&before.told()), &after.told(), None)?;
    }
    Ok(())
}

/// Files that are erased in one transaction.
const BATCH: i64 = 500;

/// Erases files that have expired; returns how many, and whether there may be more.
pub async fn purge_expired(tx: &Tx<'_>) -> Result<(usize, bool)> {
    let expired = file::table.filter(file::expires_at.le(tx.now)).select(File::as_select()).limit(BATCH).for_update().skip_locked();
    purge(tx, expired.load(&mut tx.conn()).await?, "file.expired").await
}

/// Erases files that have belonged to nothing for as long as `patience`; returns how many, and whether there may be
/// more.
pub async fn purge_orphaned(tx: &Tx<'_>, patience: TimeDelta) -> Result<(usize, bool)> {
    let orphaned = file::table.filter(file::object_id.is_null().and(file::created_at.lt(tx.now - patience)));
    let orphaned = orphaned.select(File::as_select()).limit(BATCH).for_update().skip_locked();
    purge(tx, orphaned.load(&mut tx.conn()).await?, "file.orphaned").await
}

/// Erases the files of objects of ours that are forgotten.
pub(crate) async fn purge_of(tx: &Tx<'_>, kind: &str, objects: Vec<Uuid>) -> Result<()> {
    let theirs = file::table.filter(file::object_kind.eq(kind).and(file::object_id.eq_any(objects)));
    let theirs = theirs.select(File::as_select()).for_update().load(&mut tx.conn()).await?;
    erase(tx, theirs, "file.expired").await
}

async fn purge(tx: &Tx<'_>, files: Vec<File>, action: &'static str) -> Result<(usize, bool)> {
    let count = files.len();
    erase(tx, files, action).await?;
    Ok((count, i64::try_from(count).is_ok_and(|count| count == BATCH)))
}
