//! Blobs: the content of files, each kept once in an object store, a folder or S3, whoever sent it.
//!
//! A content is announced as a row, put into the store, and taken into use by the transaction that makes a file of
//! it. What no file refers to is doomed, then removed from the store, then forgotten. Its name in the store holds the
//! id of its row beside the digest, so the removal of an old copy can never hit a new one of the same content.

use std::fs::File;
use std::io::Seek;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bytea, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::{Stream, StreamExt, TryStreamExt};
use kernel::db::Store;
use kernel::spool::broken;
use kernel::{Call, Error, Kind, Prepare, Refusal, Result, Tx, id};
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt, RetryConfig};
use schema::{blob, file};
use tokio::io::AsyncWriteExt;

id!(
    /// One content in the store.
    BlobId
);

/// Bytes that are sent to the store at a time.
const PART: usize = 8 << 20;
/// Parts on their way to the store at a time.
const PARTS: usize = 2;
/// How long the store is asked again before it counts as away.
const PATIENCE: Duration = Duration::from_secs(10);
/// Contents that are removed in one go.
const BATCH: i64 = 200;

/// The store does not answer.
pub const STORE_AWAY: Refusal = Refusal::new(
    Kind::Unavailable,
    "file.store_away",
    "文件存储暂时无法访问,请稍后重试。",
    "The store of files cannot be reached at the moment; try again shortly.",
);
/// The upload took longer than content without a file is kept.
pub const TOO_LATE: Refusal = Refusal::new(
    Kind::Unavailable,
    "file.too_late",
    "上传耗时过长,内容已被清理,请重新上传。",
    "The upload took so long that its content was cleared away; send it again.",
);

/// How an S3-compatible store is reached; what is missing is looked up as Amazon's tools do.
#[derive(Clone, Debug, Default)]
pub struct S3 {
    /// Address, such as `https://s3.example.cn`; Amazon's own unless said.
    pub endpoint: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Key id.
    pub access_key_id: Option<String>,
    /// Secret.
    pub secret_access_key: Option<String>,
    /// Whether the address names the bucket, instead of the path.
    pub virtual_hosted: bool,
}

/// A content that has been announced.
#[derive(Clone, Debug, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = blob)]
pub struct Blob {
    /// Identity.
    pub id: BlobId,
    /// SHA-256 of it.
    pub digest: Vec<u8>,
    /// Bytes.
    pub size: i64,
    stored: bool,
}

/// A content as it lies on the disk of this machine.
#[derive(Debug)]
pub struct Spooled {
    /// It.
    pub file: File,
    /// SHA-256 of it.
    pub digest: Vec<u8>,
    /// Bytes.
    pub size: u64,
}

/// Digest in lower-case hexadecimal.
#[must_use]
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn path(id: BlobId, digest: &[u8]) -> Path {
    let hex = hex(digest);
    Path::from_iter([hex.get(..2).unwrap_or_default(), &format!("{hex}.{id}")])
}

/// The object store.
#[derive(Clone, Debug)]
pub struct Blobs(Arc<dyn ObjectStore>);

impl Blobs {
    /// Opens the store at a place: a folder, which is made if it is not there, or `s3://bucket/prefix`.
    pub fn open(place: &str, s3: &S3) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("files cannot be kept in {place}: {error}"));
        let Some(bucket) = place.strip_prefix("s3://") else {
            std::fs::create_dir_all(place).map_err(|error| failed(&error))?;
            return Ok(Self(Arc::new(LocalFileSystem::new_with_prefix(place).map_err(|error| failed(&error))?.with_fsync(true))));
        };
        let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
        let retry = RetryConfig { max_retries: 3, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry).with_virtual_hosted_style_request(s3.virtual_hosted);
        if let Some(endpoint) = &s3.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = &s3.region {
            builder = builder.with_region(region);
        }
        if let (Some(id), Some(secret)) = (&s3.access_key_id, &s3.secret_access_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        Ok(Self(Arc::new(PrefixStore::new(builder.build().map_err(|error| failed(&error))?, prefix))))
    }

    /// Announces a content and sees to it that the store has it. A file is made of it by [`take`], in a transaction.
    pub async fn keep(&self, db: &Store, call: &Call, spooled: &Spooled) -> Result<Blob> {
        let announced = db.write(call, "blob.announce", async |tx| announce(tx, spooled).await).await?;
        if !announced.stored {
            self.put(&announced, &spooled.file).await?;
            db.write(call, "blob.stored", async |tx| {
                diesel::update(blob::table.find(announced.id)).set(blob::stored.eq(true)).prepared().execute(&mut tx.conn()).await?;
                Ok(())
            })
            .await?;
        }
        Ok(announced)
    }

    async fn put(&self, blob: &Blob, file: &File) -> Result<()> {
        let mut file = file.try_clone().map_err(broken)?;
        file.rewind().map_err(broken)?;
        let mut writer = BufWriter::with_capacity(Arc::clone(&self.0), path(blob.id, &blob.digest), PART).with_max_concurrency(PARTS);
        let sent = async {
            tokio::io::copy(&mut tokio::fs::File::from_std(file), &mut writer).await?;
            writer.shutdown().await
        };
        if let Err(error) = sent.await {
            drop(writer.abort().await);
            return Err(away("put", &error));
        }
        Ok(())
    }

    /// A part of a content, block by block.
    pub async fn read(&self, id: BlobId, digest: &[u8], range: Range<u64>) -> Result<impl Stream<Item = Result<Bytes>> + 'static + use<>> {
        if range.is_empty() {
            return Ok(futures_util::stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let got = self.0.get_opts(&path(id, digest), options).await.map_err(|error| away("get", &error))?;
        Ok(got.into_stream().map_err(|error| away("get", &error)).boxed())
    }

    /// A whole content as a file to be read from its beginning, which vanishes with its handle.
    pub async fn fetch(&self, id: BlobId, digest: &[u8], size: i64) -> Result<File> {
        if size == 0 {
            return tempfile::tempfile().map_err(broken);
        }
        let got = self.0.get(&path(id, digest)).await.map_err(|error| away("get", &error))?;
        let mut blocks = match got.payload {
            GetResultPayload::File(file, _) => return Ok(file),
            GetResultPayload::Stream(blocks) => blocks,
        };
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(broken)?);
        while let Some(block) = blocks.try_next().await.map_err(|error| away("get", &error))? {
            file.write_all(&block).await.map_err(broken)?;
        }
        file.flush().await.map_err(broken)?;
        let mut file = file.into_std().await;
        file.rewind().map_err(broken)?;
        Ok(file)
    }

    /// Removes contents that no file has referred to for as long as `patience`; returns how many, and whether there
    /// may be more.
    pub async fn sweep(&self, db: &Store, call: &Call, patience: TimeDelta) -> Result<(usize, bool)> {
        let before = call.now - patience;
        db.write(call, "blob.doom", async |tx| doom(tx, before).await).await?;
        let doomed: Vec<Blob> = db
            .browse(call, async |view| {
                let oldest = blob::table.filter(blob::doomed_at.is_not_null()).order(blob::doomed_at).limit(BATCH);
                Ok(oldest.select(Blob::as_select()).load(&mut view.conn()).await?)
            })
            .await?;
        let more = i64::try_from(doomed.len()).is_ok_and(|count| count == BATCH);
        for gone in &doomed {
            match self.0.delete(&path(gone.id, &gone.digest)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(away("delete", &error)),
            }
            db.write(call, "blob.forget", async |tx| {
                let row = blob::table.find(gone.id).filter(blob::doomed_at.is_not_null());
                diesel::delete(row).execute(&mut tx.conn()).await?;
                Ok(())
            })
            .await?;
        }
        Ok((doomed.len(), more))
    }
}

/// The row of a content, new or known; either way it is not doomed for a while.
async fn announce(tx: &Tx<'_>, spooled: &Spooled) -> Result<Blob> {
    let announce = "insert into blob (id, digest, size, created_at, touched_at) values ($1, $2, $3, $4, $4) \
                    on conflict (digest) where doomed_at is null do update set touched_at = greatest(blob.touched_at, excluded.touched_at) \
                    returning id, digest, size, stored";
    let row = sql_query(announce)
        .bind::<SqlUuid, _>(BlobId::fresh().0)
        .bind::<Bytea, _>(&spooled.digest)
        .bind::<BigInt, _>(i64::try_from(spooled.size).unwrap_or(i64::MAX))
        .bind::<Timestamptz, _>(tx.now);
    Ok(row.get_result(&mut tx.conn()).await?)
}

/// Takes a content into use, in the transaction that makes a file of it.
pub(crate) async fn take(tx: &Tx<'_>, blob: &Blob) -> Result<()> {
    let living = blob::table.find(blob.id).filter(blob::doomed_at.is_null().and(blob::stored));
    let taken = diesel::update(living).set(blob::touched_at.eq(diesel::dsl::now)).execute(&mut tx.conn()).await?;
    if taken == 1 { Ok(()) } else { Err((&TOO_LATE).into()) }
}

/// Dooms contents that nothing refers to and that nobody has announced since `before`.
async fn doom(tx: &Tx<'_>, before: DateTime<Utc>) -> Result<()> {
    let mut conn = tx.conn();
    let idle =
        blob::table.filter(blob::doomed_at.is_null().and(blob::touched_at.lt(before))).filter(not(exists(file::table.filter(file::blob_id.eq(blob::id)))));
    let idle: Vec<BlobId> = idle.select(blob::id).order(blob::id).limit(BATCH).for_update().skip_locked().load(&mut conn).await?;
    // Whoever takes one of them into use changes its row first: he has done so, and is seen now, or waits for this.
    let unused = blob::table.filter(blob::id.eq_any(idle)).filter(not(exists(file::table.filter(file::blob_id.eq(blob::id)))));
    diesel::update(unused).set(blob::doomed_at.eq(tx.now)).execute(&mut conn).await?;
    Ok(())
}

fn away(what: &str, error: &dyn std::fmt::Display) -> Error {
    tracing::warn!(what, %error, "the store of files failed");
    (&STORE_AWAY).into()
}
