//! Leases: who works on a job, for how long unless he says more, and what he may say of it at the end.

use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::{Prepare, Refusal, Result, Stamp, Tx};
use schema::{file, job};
use uuid::Uuid;

use super::{Job, JobId, JobRefusal, JobState};
use crate::file::FileId;
use crate::import_run::ImportRunId;

/// Another process works on the job by now.
pub const TAKEN_OVER: Refusal = Refusal::conflict("job.taken_over", "该任务已由另一进程接手。", "Another process has taken the job over.");

/// A job with the lease by which one process works on it.
pub(super) struct Claimed {
    pub job: Job,
    lease: Uuid,
    began: Instant,
}

impl Claimed {
    /// Rows a second, of so many since the job was taken.
    fn per_second(&self, rows: i32) -> i32 {
        let millis = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX).max(1);
        i32::try_from(i64::from(rows) * 1_000 / millis).unwrap_or(i32::MAX)
    }
}

/// How a job ends.
#[derive(Clone)]
pub(super) enum Ending {
    /// An import came to its end.
    Imported(ImportRunId, Counts),
    /// An export came to its end.
    Exported(FileId, Counts),
    /// The rows of an import were refused.
    Refused(ImportRunId, Counts, JobRefusal),
    /// It could not be done.
    Failed(JobRefusal),
    /// Its owner stopped it.
    Cancelled,
}

/// Rows read or written, and rows at fault.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub read: i32,
    pub refused: i32,
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Takes the next job: one that waits for its turn, or one whose worker has not been heard of. Imports of one
/// resource are taken one after the other, in the order in which they were asked for.
pub(super) async fn claim(tx: &Tx<'_>, lasts: Duration) -> Result<Option<Claimed>> {
    let next = "select j.id from job j where finished_at is null and (state = 'queued' and not_before <= now() or lease_until < now()) \
                and not (kind = 'import' and exists (select from job o where o.finished_at is null and o.kind = 'import' and o.resource = j.resource and o.id < j.id)) \
                order by id limit 1 for update skip locked";
    let Some(Next { id }) = sql_query(next).get_result(&mut tx.conn()).await.optional()? else { return Ok(None) };
    let lease = Uuid::now_v7();
    let job = diesel::update(job::table.find(JobId(id)))
        .set((
            job::state.eq(JobState::Running),
            job::lease_id.eq(lease),
            job::lease_until.eq(sql::<Nullable<Timestamptz>>("now() + make_interval(secs => ").bind::<Integer, _>(seconds(lasts)).sql(")")),
            job::attempts.eq(job::attempts + 1),
            job::started_at.eq(diesel::dsl::now),
            (job::rows_read.eq(0), job::rows_refused.eq(0), job::rows_per_second.eq(0)),
            job::version.eq(job::version + 1),
        ))
        .returning(Job::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    Ok(Some(Claimed { job, lease, began: Instant::now() }))
}

fn seconds(lasts: Duration) -> i32 {
    i32::try_from(lasts.as_secs()).unwrap_or(i32::MAX).max(1)
}

/// Tells how far the work has come and prolongs the lease; answers whether the owner wants it to stop.
pub(super) async fn renew(tx: &Tx<'_>, claimed: &Claimed, lasts: Duration, rows: Counts) -> Result<bool> {
    let renewed: Option<Option<Stamp>> = diesel::update(job::table.find(claimed.job.id).filter(job::lease_id.eq(claimed.lease)))
        .set((
            job::lease_until.eq(sql::<Nullable<Timestamptz>>("now() + make_interval(secs => ").bind::<Integer, _>(seconds(lasts)).sql(")")),
            (job::rows_read.eq(rows.read), job::rows_refused.eq(rows.refused), job::rows_per_second.eq(claimed.per_second(rows.read))),
            job::version.eq(job::version + 1),
        ))
        .returning(job::cancel_requested_at)
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .optional()?;
    renewed.map(|wish| wish.is_some()).ok_or_else(|| (&TAKEN_OVER).into())
}

/// Lets the job wait again. An attempt that did not really begin does not count.
pub(super) async fn put_back(tx: &Tx<'_>, claimed: &Claimed, pause: Duration, counts: bool) -> Result<()> {
    let back = "update job set state = 'queued', lease_id = null, lease_until = null, not_before = now() + make_interval(secs => $3), \
                attempts = attempts - $4, version = version + 1 where id = $1 and lease_id = $2";
    let back = sql_query(back).bind::<SqlUuid, _>(claimed.job.id.0).bind::<SqlUuid, _>(claimed.lease);
    back.bind::<Integer, _>(seconds(pause)).bind::<Integer, _>(i32::from(!counts)).execute(&mut tx.conn()).await?;
    Ok(())
}

/// Ends a job, in the transaction of what came of it: where another process has taken it over, neither is kept.
pub(super) async fn finish(tx: &Tx<'_>, claimed: &Claimed, ending: Ending) -> Result<Job> {
    let mine = job::table.find(claimed.job.id).filter(job::lease_id.eq(claimed.lease));
    let before: Job = mine.select(Job::as_select()).for_update().first(&mut tx.conn()).await.optional()?.ok_or(&TAKEN_OVER)?;
    end(tx, &before, ending, |rows| claimed.per_second(rows)).await
}

/// Ends a job, which the caller has locked.
pub(super) async fn end(tx: &Tx<'_>, before: &Job, ending: Ending, per_second: impl Fn(i32) -> i32) -> Result<Job> {
    let (state, action, run, result, refusal, counts) = match ending {
        Ending::Imported(run, counts) => (JobState::Succeeded, "job.succeeded", Some(run), None, None, Some(counts)),
        Ending::Exported(result, counts) => (JobState::Succeeded, "job.succeeded", None, Some(result), None, Some(counts)),
        Ending::Refused(run, counts, refusal) => (JobState::Failed, "job.failed", Some(run), None, Some(refusal), Some(counts)),
        Ending::Failed(refusal) => (JobState::Failed, "job.failed", None, None, Some(refusal), None),
        Ending::Cancelled => (JobState::Cancelled, "job.cancelled", None, None, None, None),
    };
    let counts = counts.unwrap_or(Counts { read: before.rows_read, refused: before.rows_refused });
    let after = diesel::update(job::table.find(before.id))
        .set((
            job::state.eq(state),
            (job::lease_id.eq(None::<Uuid>), job::lease_until.eq(None::<Stamp>)),
            (job::run_id.eq(run), job::result_file_id.eq(result), job::refusal.eq(refusal)),
            (job::rows_read.eq(counts.read), job::rows_refused.eq(counts.refused), job::rows_per_second.eq(per_second(counts.read))),
            job::finished_at.eq(diesel::dsl::now),
            job::version.eq(before.version + 1),
        ))
        .returning(Job::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    // What was imported need not lie about: it may hold what only the import was meant to see.
    if let Some(source) = before.source_file_id {
        diesel::update(file::table.find(source)).set(file::expires_at.eq(tx.now)).prepared().execute(&mut tx.conn()).await?;
    }
    tx.record(action, Some(before), &after, None)?;
    Ok(after)
}
