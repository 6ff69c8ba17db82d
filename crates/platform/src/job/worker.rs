//! The worker: takes a job, does it, watches it meanwhile. What came of it and its success are one transaction, so
//! a process that dies at any point leaves either all of it or a job that another process takes over.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::export::{self, FileForm};
use kernel::import::IN_PROGRESS;
use kernel::manifest::Powers;
use kernel::pulse::{Pulse, STOPPED};
use kernel::refusal::Refused;
use kernel::sheet::Sheet;
use kernel::spool::broken;
use kernel::task::{Pace, Task};
use kernel::{Call, Db, Error, Kind, Recorded, Refusal, Result, clock};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::lease::{self, Claimed, Counts, Ending, TAKEN_OVER};
use super::{ExportInput, ImportInput, Job, JobInput, JobRefusal};
use crate::actor;
use crate::blob::{Blobs, Spooled};
use crate::file::{self, FileName};
use crate::import_run::{self, ImportMode, REFUSED};

/// How often a job is begun before it is given up.
const ATTEMPTS: i32 = 5;
/// How long a job waits while another import of its resource runs.
const TURN: Duration = Duration::from_secs(1);
/// How long a job waits after a failure, times the square of the attempts so far.
const PAUSE: Duration = Duration::from_secs(2);
/// How often progress is told.
const BEAT: Duration = Duration::from_millis(500);
/// How often an idle worker looks for a job.
const LOOK: Duration = Duration::from_millis(500);

/// Something of ours failed each time.
pub const GIVEN_UP: Refusal = Refusal::new(
    Kind::Internal,
    "job.given_up",
    "任务多次执行失败,已放弃;请凭任务编号联系运维人员。",
    "The job failed each time it was begun and was given up; give its id to the operator.",
);

/// How jobs are worked on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a worker may be silent before another takes its job over.
    pub lease: Duration,
    /// How long the file of an export is kept.
    pub export_lasts: TimeDelta,
    /// Finds the sheet of a resource.
    pub sheet: fn(&str) -> Option<&'static Sheet>,
    /// What each role permits.
    pub powers: Powers,
}

/// A worker, which does one job at a time.
#[must_use]
pub fn worker(blobs: Blobs, settings: Settings) -> Task {
    Task::new("jobs", LOOK, move |db, call| {
        let (blobs, settings) = (blobs.clone(), settings.clone());
        async move { Worker { db, call, blobs, settings }.next().await }
    })
}

struct Worker {
    db: Db,
    call: Call,
    blobs: Blobs,
    settings: Settings,
}

impl Worker {
    /// Does the next job, if there is one.
    async fn next(self) -> Result<Pace> {
        let lasts = self.settings.lease;
        let Some(claimed) = self.db.write(&self.call, "job.claim", async |tx| lease::claim(tx, lasts).await).await? else { return Ok(Pace::Rest) };
        let job = &claimed.job;
        tracing::info!(job = %job.id, kind = job.kind.word(), resource = job.resource, attempt = job.attempts, "a job begins");
        let pulse = Pulse::default();
        let done = if job.cancel_requested_at.is_some() {
            Err((&STOPPED).into())
        } else if job.attempts > ATTEMPTS {
            Err((&GIVEN_UP).into())
        } else {
            tokio::select! { done = self.work(&claimed, &pulse) => done, never = self.watch(&claimed, &pulse) => match never {} }
        };
        match done {
            Ok(job) => tracing::info!(job = %job.id, state = job.state.word(), rows = job.rows_read, "a job has ended"),
            Err(error) => self.conclude(&claimed, error).await?,
        }
        Ok(Pace::Go)
    }

    async fn work(&self, claimed: &Claimed, pulse: &Pulse) -> Result<Job> {
        let job = &claimed.job;
        let owner = self.db.browse(&self.call, async |view| actor::by_id(view, &self.settings.powers, job.owner_id).await).await?;
        let now = clock::now();
        let call = Call { actor: Arc::new(owner), now, as_of: clock::day(now), request_id: job.request_id.clone(), city: self.call.city.clone() };
        let sheet = (self.settings.sheet)(&job.resource).ok_or_else(|| Error::Internal(format!("there is no sheet {}", job.resource)))?;
        match &job.input {
            JobInput::Import(input) => self.import(claimed, &call, sheet, input, pulse).await,
            JobInput::Export(input) => self.export(claimed, &call, sheet, input, pulse).await,
        }
    }

    async fn import(&self, claimed: &Claimed, call: &Call, sheet: &'static Sheet, input: &ImportInput, pulse: &Pulse) -> Result<Job> {
        let source = claimed.job.source_file_id.ok_or_else(|| Error::Internal("the file to import is gone".to_owned()))?;
        let source = self.db.browse(call, async |view| file::find(view, source).await).await?;
        let content = self.blobs.fetch(source.blob_id, &source.digest, source.size).await?;
        let import = async |tx: &kernel::Tx<'_>| {
            let (run, _) = import_run::import(tx, sheet, &content, input.mode, input.effective_on, pulse).await?;
            let counts = Counts { read: run.rows_read, refused: run.refused };
            let ending = if input.mode == ImportMode::Atomic && !run.committed {
                Ending::Refused(run.id, counts, (&REFUSED.with("count", run.refused)).into())
            } else {
                Ending::Imported(run.id, counts)
            };
            lease::finish(tx, claimed, ending).await
        };
        self.db.write(call, "job.import", import).await
    }

    async fn export(&self, claimed: &Claimed, call: &Call, sheet: &'static Sheet, input: &ExportInput, pulse: &Pulse) -> Result<Job> {
        let (form, headers, day) = (input.form, input.headers, input.as_of);
        let written = self.db.snapshot(call, async |view| export::write(view, sheet, form, headers, day, pulse).await).await?;
        let mark = input.bom && form == FileForm::Csv;
        let spooled = tokio::task::spawn_blocking(move || spool(written, mark)).await.map_err(|error| Error::Internal(error.to_string()))??;
        let kept = self.blobs.keep(&self.db, call, &spooled).await?;
        let name = FileName::parse(&format!("{}-{day}.{}", sheet.zh, form.word()))?;
        let counts = Counts { read: pulse.rows(), refused: 0 };
        let job = &claimed.job;
        let finish = async |tx: &kernel::Tx<'_>| {
            let object = (Job::KIND, job.id.0);
            let result = file::create_for(tx, &kept, name.clone(), form.media_type(), object, &job.area_code, Some(self.settings.export_lasts)).await?;
            lease::finish(tx, claimed, Ending::Exported(result.id, counts)).await
        };
        self.db.write(call, "job.export", finish).await
    }

    /// Tells the progress, keeps the lease, and passes on that the owner wants it to stop.
    async fn watch(&self, claimed: &Claimed, pulse: &Pulse) -> std::convert::Infallible {
        loop {
            sleep(BEAT.min(self.settings.lease / 3)).await;
            let rows = Counts { read: pulse.rows(), refused: pulse.refused() };
            let renewed = self.db.write(&self.call, "job.renew", async |tx| lease::renew(tx, claimed, self.settings.lease, rows).await);
            match renewed.await {
                Ok(false) => {}
                Ok(true) => pulse.stop(),
                Err(error) if error.code() == Some(TAKEN_OVER.code) => pulse.stop(),
                Err(error) => tracing::warn!(job = %claimed.job.id, %error, "the progress of a job could not be told"),
            }
        }
    }

    /// Says what becomes of a job that did not come to its end.
    async fn conclude(&self, claimed: &Claimed, error: Error) -> Result<()> {
        let job = &claimed.job;
        tracing::info!(job = %job.id, attempt = job.attempts, %error, "a job did not come to its end");
        let again = job.attempts < ATTEMPTS;
        let square = u32::try_from(job.attempts * job.attempts).unwrap_or(1);
        let ending = match &error {
            Error::Refused(refused) if *refused.refusal == STOPPED => Ending::Cancelled,
            Error::Refused(refused) if *refused.refusal == TAKEN_OVER => return Ok(()),
            Error::Refused(refused) if *refused.refusal == IN_PROGRESS => return self.put_back(claimed, TURN, false).await,
            Error::Refused(refused) if refused.refusal.kind == Kind::Unavailable && again => return self.put_back(claimed, PAUSE * square, true).await,
            Error::Refused(refused) => Ending::Failed(JobRefusal::from(&**refused)),
            _ if again => return self.put_back(claimed, PAUSE * square, true).await,
            _ => Ending::Failed((&Refused::from(&GIVEN_UP)).into()),
        };
        let call = Call { now: clock::now(), request_id: job.request_id.clone(), ..self.call.clone() };
        let ended = self.db.write(&call, "job.end", async |tx| lease::finish(tx, claimed, ending.clone()).await).await;
        match ended {
            // By now it is another's.
            Err(error) if error.code() == Some(TAKEN_OVER.code) => Ok(()),
            ended => ended.map(drop),
        }
    }

    async fn put_back(&self, claimed: &Claimed, pause: Duration, counts: bool) -> Result<()> {
        self.db.write(&self.call, "job.put_back", async |tx| lease::put_back(tx, claimed, pause, counts).await).await
    }
}

/// A file as content to be kept, with a byte order mark before it where one is wanted.
fn spool(mut file: File, mark: bool) -> Result<Spooled> {
    if mark {
        let mut marked = tempfile::tempfile().map_err(broken)?;
        marked.write_all("\u{feff}".as_bytes()).map_err(broken)?;
        std::io::copy(&mut file, &mut marked).map_err(broken)?;
        file = marked;
    }
    file.rewind().map_err(broken)?;
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let read = file.read(&mut block).map_err(broken)?;
        if read == 0 {
            return Ok(Spooled { file, digest: digest.finalize().to_vec(), size });
        }
        digest.update(block.get(..read).unwrap_or_default());
        size += u64::try_from(read).unwrap_or(0);
    }
}
