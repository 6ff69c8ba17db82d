//! Jobs: imports and exports that go on after the answer. Any replica takes them; each is done once.

mod lease;
mod worker;

use chrono::{NaiveDate, TimeDelta};
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Jsonb;
use diesel_async::RunQueryDsl;
use kernel::export::{FileForm, HeaderNames};
use kernel::manifest::Holder;
use kernel::page::{Cursor, Page, Paging};
use kernel::refusal::Refused;
use kernel::sheet::Sheet;
use kernel::{AreaCode, Expected, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, id, text_enum};
use schema::job;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

pub use self::lease::TAKEN_OVER;
pub use self::worker::{GIVEN_UP, Settings, worker};
use crate::blob::Blob;
use crate::file::{self, FileId, FileName};
use crate::import_run::{ImportMode, ImportRunId};

id!(
    /// A job.
    JobId
);

text_enum!(
    /// What a job does.
    JobKind {
        /// It imports a file.
        Import = "import" "导入",
        /// It writes a file.
        Export = "export" "导出",
    }
);

text_enum!(
    /// How a job stands.
    JobState {
        /// It waits for its turn.
        Queued = "queued" "排队中",
        /// It is being worked on.
        Running = "running" "进行中",
        /// It is done.
        Succeeded = "succeeded" "已完成",
        /// It was refused or given up; nothing is left of it.
        Failed = "failed" "未成功",
        /// Its owner stopped it; nothing is left of it.
        Cancelled = "cancelled" "已取消",
    }
);

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
#[serde(untagged)]
pub enum JobInput {
    /// An import.
    Import(ImportInput),
    /// An export.
    Export(ExportInput),
}

/// How a file is to be imported.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportInput {
    /// What becomes of the good rows.
    pub mode: ImportMode,
    /// The day on which new rows begin and moves take place.
    pub effective_on: NaiveDate,
}

/// What a file is to look like.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExportInput {
    /// Its form.
    pub form: FileForm,
    /// Its headers.
    pub headers: HeaderNames,
    /// Whether CSV begins with a byte order mark.
    pub bom: bool,
    /// The day whose rows are wanted.
    pub as_of: NaiveDate,
}

/// Why a job failed.
#[derive(Clone, Debug, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct JobRefusal {
    /// The stable code.
    pub code: String,
    /// What to mend, in Chinese.
    pub zh: String,
    /// What to mend, in English.
    pub en: String,
}

impl From<&Refused> for JobRefusal {
    fn from(refused: &Refused) -> Self {
        let all = |own: String, faults: Vec<&str>| [vec![own.as_str()], faults].concat().join(" ");
        Self {
            code: refused.refusal.code.to_owned(),
            zh: all(refused.zh(), refused.faults.iter().map(|fault| fault.zh.as_str()).collect()),
            en: all(refused.en(), refused.faults.iter().map(|fault| fault.en.as_str()).collect()),
        }
    }
}

macro_rules! jsonb {
    ($type:ty) => {
        impl FromSql<Jsonb, Pg> for $type {
            fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok(serde_json::from_value(<serde_json::Value as FromSql<Jsonb, Pg>>::from_sql(value)?)?)
            }
        }

        impl ToSql<Jsonb, Pg> for $type {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
                let value = serde_json::to_value(self)?;
                <serde_json::Value as ToSql<Jsonb, Pg>>::to_sql(&value, &mut out.reborrow())
            }
        }
    };
}
jsonb!(JobInput);
jsonb!(JobRefusal);

/// A job as it stands; serialized as the journal tells it.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = job)]
pub struct Job {
    /// Identity.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// With what.
    pub resource: String,
    /// How it stands.
    pub state: JobState,
    /// What was asked for.
    pub input: JobInput,
    /// Who asked for it.
    #[serde(skip)]
    pub owner_id: Uuid,
    /// Where he may do it.
    #[serde(skip)]
    pub area_code: AreaCode,
    /// The request that asked for it.
    #[serde(skip)]
    pub request_id: String,
    /// The file to import.
    pub source_file_id: Option<FileId>,
    /// The file that was written.
    pub result_file_id: Option<FileId>,
    /// What came of an import.
    pub run_id: Option<ImportRunId>,
    /// Why it failed; the journal keeps the code.
    #[serde(serialize_with = "code")]
    pub refusal: Option<JobRefusal>,
    /// Rows read or written so far.
    pub rows_read: i32,
    /// Rows found at fault so far.
    pub rows_refused: i32,
    /// Rows a second.
    #[serde(skip)]
    pub rows_per_second: i32,
    /// How often it was begun.
    #[serde(skip)]
    pub attempts: i32,
    /// When its owner wanted it to stop.
    pub cancel_requested_at: Option<Stamp>,
    /// When it was asked for.
    pub created_at: Stamp,
    /// When the present attempt began.
    #[serde(skip)]
    pub started_at: Option<Stamp>,
    /// When it ended.
    #[serde(skip)]
    pub finished_at: Option<Stamp>,
    /// Rises with every change, progress too.
    pub version: i32,
}

fn code<S: Serializer>(refusal: &Option<JobRefusal>, serializer: S) -> Result<S::Ok, S::Error> {
    refusal.as_ref().map(|refusal| &refusal.code).serialize(serializer)
}

impl Recorded for Job {
    const KIND: &'static str = "job";

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

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct JobFilter {
    /// Those that stand like this.
    #[param(inline)]
    pub state: Option<JobState>,
}

/// Jobs of one owner that may wait or run at a time.
const MOST: i64 = 20;

/// No such job.
pub const UNKNOWN: Refusal = Refusal::not_found("job.unknown", "没有该任务,或它不是您的。", "There is no such job, or it is not yours.");
/// It has ended.
pub const ENDED: Refusal = Refusal::conflict("job.ended", "该任务已结束,不能取消。", "The job has ended, so it cannot be cancelled.");
/// So many wait already.
pub const TOO_MANY: Refusal = Refusal::conflict(
    "job.too_many",
    "您已有 {count} 个任务在排队或进行,请等其中一些结束后再提交。",
    "{count} of your jobs wait or run already; wait for some of them to end.",
);
/// The files of a job are its own.
pub const OWN_FILES: Refusal = Refusal::conflict("job.own_files", "不能向任务附加文件。", "Files cannot be attached to a job.");

/// A job holds what it imports and what it writes.
pub const HOLDER: Holder = Holder {
    kind: Job::KIND,
    see: |view, id| Box::pin(async move { Ok(get(view, id.into()).await?.area_code.to_string()) }),
    fill: |_, _| Box::pin(async { Err((&OWN_FILES).into()) }),
};

/// Queues the import of a file, which has been kept already.
pub async fn create_import(tx: &Tx<'_>, sheet: &Sheet, content: &Blob, input: ImportInput) -> Result<Job> {
    let mut job = new(tx, JobKind::Import, sheet, JobInput::Import(input), sheet.write).await?;
    let name = FileName::parse(sheet.zh)?;
    let source = file::create_for(tx, content, name, "application/octet-stream", (Job::KIND, job.id.0), &job.area_code, None).await?;
    job.source_file_id = Some(source.id);
    insert(tx, job).await
}

/// Queues an export.
pub async fn create_export(tx: &Tx<'_>, sheet: &Sheet, input: ExportInput) -> Result<Job> {
    let job = new(tx, JobKind::Export, sheet, JobInput::Export(input), sheet.read).await?;
    insert(tx, job).await
}

async fn new(tx: &Tx<'_>, kind: JobKind, sheet: &Sheet, input: JobInput, needs: kernel::Permission) -> Result<Job> {
    let area = tx.may(needs)?.areas().first().cloned().ok_or_else(|| kernel::actor::FORBIDDEN.with("permission", needs.0))?;
    tx.may_at(needs, area.as_str())?;
    let open: i64 = job::table.filter(job::owner_id.eq(tx.actor.id).and(job::finished_at.is_null())).count().get_result(&mut tx.conn()).await?;
    if open >= MOST {
        return Err(TOO_MANY.with("count", open).into());
    }
    Ok(Job {
        id: JobId::fresh(),
        kind,
        resource: sheet.resource.to_owned(),
        state: JobState::Queued,
        input,
        owner_id: tx.actor.id,
        area_code: area,
        request_id: tx.request_id.clone(),
        source_file_id: None,
        result_file_id: None,
        run_id: None,
        refusal: None,
        rows_read: 0,
        rows_refused: 0,
        rows_per_second: 0,
        attempts: 0,
        cancel_requested_at: None,
        created_at: Stamp(tx.now),
        started_at: None,
        finished_at: None,
        version: 1,
    })
}

async fn insert(tx: &Tx<'_>, job: Job) -> Result<Job> {
    diesel::insert_into(job::table).values(&job).prepared().execute(&mut tx.conn()).await?;
    tx.record("job.created", None, &job, None)?;
    Ok(job)
}

/// The caller's job with this id.
pub async fn get(view: &View<'_>, id: JobId) -> Result<Job> {
    let mine = job::table.find(id).filter(job::owner_id.eq(view.actor.id));
    let found = mine.select(Job::as_select()).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// The caller's jobs, the latest first.
pub async fn list(view: &View<'_>, filter: &JobFilter, paging: &Paging) -> Result<Page<Job>> {
    let mut query = job::table.filter(job::owner_id.eq(view.actor.id)).select(Job::as_select()).into_boxed();
    if let Some(state) = filter.state {
        query = query.filter(job::state.eq(state));
    }
    if let Some(after) = paging.after(filter)? {
        query = query.filter(job::id.lt(after.id));
    }
    let rows = query.order(job::id.desc()).limit(paging.fetch()).load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, filter, |job: &Job| Cursor { key: String::new(), id: job.id.0 })
}

/// Stops a job of the caller's: at once where it waits, otherwise before its next rows.
pub async fn cancel(tx: &Tx<'_>, id: JobId, expected: Expected) -> Result<Job> {
    let mine = job::table.find(id).filter(job::owner_id.eq(tx.actor.id));
    let before: Job = mine.select(Job::as_select()).for_update().first(&mut tx.conn()).await.optional()?.ok_or(&UNKNOWN)?;
    expected.check(before.version)?;
    let action = match (before.state, before.cancel_requested_at) {
        (JobState::Queued, _) => return lease::end(tx, &before, lease::Ending::Cancelled, |_| 0).await,
        (JobState::Running, Some(_)) => return Ok(before),
        (JobState::Running, None) => "job.cancel_requested",
        _ => return Err((&ENDED).into()),
    };
    let after = diesel::update(job::table.find(id))
        .set((job::cancel_requested_at.eq(tx.now), job::version.eq(before.version + 1)))
        .returning(Job::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record(action, Some(&before), &after, None)?;
    Ok(after)
}

/// Jobs that are forgotten in one transaction.
const BATCH: i64 = 500;

/// Forgets jobs that ended longer ago than `kept`, and what is left of their files; returns how many, and whether
/// there may be more.
pub async fn purge(tx: &Tx<'_>, kept: TimeDelta) -> Result<(usize, bool)> {
    let old = job::table.filter(job::finished_at.lt(tx.now - kept)).select(job::id).order(job::id);
    let old: Vec<JobId> = old.limit(BATCH).for_update().skip_locked().load(&mut tx.conn()).await?;
    file::purge_of(tx, Job::KIND, old.iter().map(|id| id.0).collect()).await?;
    let count = diesel::delete(job::table.filter(job::id.eq_any(old))).execute(&mut tx.conn()).await?;
    Ok((count, i64::try_from(count).is_ok_and(|count| count == BATCH)))
}
