//! The line to a server: one file is sent until it is answered, its job is followed to its end, its rows at fault are
//! fetched.

use std::path::Path;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use chrono::NaiveDate;
use futures_util::{Stream, StreamExt, stream};
use indicatif::ProgressBar;
use kernel::import::IN_PROGRESS;
use platform::import_run::{ImportMode, REFUSED};
use reqwest::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Body, Client, Method, RequestBuilder, Response, Url};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use uuid::Uuid;

use super::plan::Planned;
use super::show::{Progress, SHOWN, counts, table};
use crate::naming::{FAILED, stem};

/// Bytes that are read of a file at a time.
const BLOCK: usize = 1 << 16;
/// How often a job is asked how it stands.
const LOOK: Duration = Duration::from_millis(500);
/// The pause where the server names none.
const PAUSE: Duration = Duration::from_secs(2);
/// How often a request is sent that breaks off: a server that comes back answers sooner, one that always hangs up has
/// a reason that it could not say.
const BREAKS: u32 = 5;

/// What came of a file, in words.
pub enum Outcome {
    /// All of its rows are in.
    AllIn(String),
    /// Rows of it, or the file as a whole, were refused.
    Refused(String),
}

/// Why nothing came of it: the server is away, or refuses the caller.
pub struct Trouble(pub String);

/// A server, as one key reaches it.
pub struct Line {
    http: Client,
    server: Url,
    query: Vec<(&'static str, String)>,
    patience: Duration,
}

/// What is read to be sent.
pub type Reading = Box<dyn AsyncRead + Send + Unpin>;

/// An answer that is worth something.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// What it says.
    pub body: Value,
}

impl Answer {
    /// A text of it, empty where it says none.
    pub fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Line {
    /// Prepares the line; nothing is sent yet.
    pub fn open(server: &str, key: &str, mode: ImportMode, effective_on: Option<NaiveDate>, patience: Duration) -> Result<Self, String> {
        let server =
            Url::parse(server).ok().filter(|url| ["http", "https"].contains(&url.scheme())).ok_or_else(|| format!("{server} is no address of a server"))?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| "the key holds signs that no key has".to_owned())?;
        bearer.set_sensitive(true);
        let tongue = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let tongue = if tongue.is_some_and(|tongue| tongue.starts_with("zh")) { "zh" } else { "en" };
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer), (ACCEPT_LANGUAGE, HeaderValue::from_static(tongue))]);
        let http = Client::builder().default_headers(headers).connect_timeout(Duration::from_secs(10)).tcp_keepalive(Duration::from_secs(30)).build();
        let mut query = vec![("mode", mode.word().to_owned())];
        query.extend(effective_on.map(|day| ("effective_on", day.to_string())));
        Ok(Self { http: http.map_err(|error| error.to_string())?, server, query, patience })
    }

    /// Asks whether the server is there and knows the key, before anything is sent.
    pub async fn greet(&self) -> Result<(), Trouble> {
        let mut progress = Progress::start("the server", 0);
        let greeted = self.get(&mut progress, "/v1/import-runs?limit=1").await;
        progress.end();
        greeted.map(drop)
    }

    /// Sends a file and waits for all that comes of it.
    pub async fn send(&self, file: &Planned) -> Result<Outcome, Trouble> {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unreadable = |error: std::io::Error| Trouble(error.to_string());
        let bytes = tokio::fs::metadata(&file.path).await.map_err(unreadable)?.len();
        let started = Instant::now();
        let mut progress = Progress::start(&name, bytes);
        let open = async || {
            let content: Reading = Box::new(tokio::fs::File::open(&file.path).await.map_err(unreadable)?);
            Ok(content)
        };
        let answer = self.post(&mut progress, &format!("/v1/imports/{}", file.sheet.resource), bytes, open).await?;
        let answer = if answer.status == 202 { self.follow(&mut progress, &answer).await? } else { answer };
        let said = self.conclude(&name, &file.path, &answer, started.elapsed()).await;
        progress.end();
        said
    }

    /// Sends so many bytes to be imported, and waits for the answer.
    pub async fn post(&self, progress: &mut Progress, path: &str, bytes: u64, open: impl AsyncFn() -> Result<Reading, Trouble>) -> Result<Answer, Trouble> {
        // A repetition is the same request, whatever became of the answer.
        let key = Uuid::now_v7().to_string();
        let request = async |progress: &Progress| {
            let content = open().await?;
            let request = self.request(Method::POST, path)?.query(&self.query).header("Idempotency-Key", &key).header(CONTENT_LENGTH, bytes);
            Ok(request.body(Body::wrap_stream(blocks(content, progress.bar()))))
        };
        self.ask(progress, request).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Trouble> {
        let base = self.server.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{path}")).map_err(|error| Trouble(error.to_string()))?;
        Ok(self.http.request(method, url))
    }

    /// Asks until there is an answer, or patience ends.
    async fn ask(&self, progress: &mut Progress, request: impl AsyncFn(&Progress) -> Result<RequestBuilder, Trouble>) -> Result<Answer, Trouble> {
        let started = Instant::now();
        let mut breaks = 0;
        loop {
            let answered = match request(progress).await?.send().await {
                Ok(response) => read(response).await,
                Err(error) => Err(error),
            };
            let (pause, why) = match answered {
                Ok((answer, None)) => return Ok(answer),
                Ok((answer, Some(pause))) => (pause, answer.text("detail").to_owned()),
                Err(error) => {
                    breaks += u32::from(!error.is_connect());
                    (PAUSE, reason(&error))
                }
            };
            if started.elapsed() + pause > self.patience || breaks == BREAKS {
                return Err(Trouble(why));
            }
            progress.note(&format!("{why}; trying again in {} s", pause.as_secs()));
            sleep(pause).await;
        }
    }

    async fn get(&self, progress: &mut Progress, path: &str) -> Result<Answer, Trouble> {
        let answer = self.ask(progress, async |_| self.request(Method::GET, path)).await?;
        if answer.status == 200 { Ok(answer) } else { Err(refused(&answer)) }
    }

    /// Follows a job to its end; answers as the import would have.
    async fn follow(&self, progress: &mut Progress, accepted: &Answer) -> Result<Answer, Trouble> {
        let path = format!("/v1/jobs/{}", accepted.text("id"));
        let job = loop {
            let job = self.get(progress, &path).await?;
            progress.job(&job.body);
            if ["succeeded", "failed", "cancelled"].contains(&job.text("state")) {
                break job;
            }
            sleep(LOOK).await;
        };
        let problem = job.body.get("problem").filter(|problem| !problem.is_null());
        if let Some(run) = job.body.get("run_id").and_then(Value::as_str) {
            let report = self.get(progress, &format!("/v1/import-runs/{run}")).await?;
            let failures = self.get(progress, &format!("/v1/import-runs/{run}/failures?limit={SHOWN}")).await?;
            let report = serde_json::json!({"run": report.body, "failures": failures.body.get("items"), "failed_csv": job.body.get("failed_csv")});
            return Ok(Answer { status: 200, body: report });
        }
        let code = problem.and_then(|problem| problem.get("code")).and_then(Value::as_str).unwrap_or("job.cancelled");
        let message = problem.and_then(|problem| problem.get("message")).and_then(Value::as_str).unwrap_or("the job was cancelled");
        Ok(Answer { status: 422, body: serde_json::json!({"code": code, "detail": message}) })
    }

    /// Puts into words what came of a file, and fetches its rows at fault.
    async fn conclude(&self, name: &str, path: &Path, answer: &Answer, took: Duration) -> Result<Outcome, Trouble> {
        let report = match (answer.status, answer.text("code")) {
            (200, _) => &answer.body,
            (422, code) if code == REFUSED.code => answer.body.get("import").unwrap_or(&Value::Null),
            (422 | 413, _) => {
                let faults = answer.body.get("errors").and_then(Value::as_array).into_iter().flatten();
                let faults: String = faults.filter_map(|fault| Some(format!("\n  {}", fault.get("message")?.as_str()?))).collect();
                return Ok(Outcome::Refused(format!("{name}: refused: {}{faults}", answer.text("detail"))));
            }
            _ => return Err(refused(answer)),
        };
        let said = format!("{} ({:.1} s)", counts(name, report.get("run").unwrap_or(&Value::Null)), took.as_secs_f64());
        let Some(csv) = report.get("failed_csv").and_then(Value::as_str) else { return Ok(Outcome::AllIn(said)) };
        let failed = path.with_file_name(format!("{}{FAILED}.csv", stem(path)));
        self.fetch(csv, &failed).await?;
        let rows = table(report.get("failures").and_then(Value::as_array).map_or(&[], Vec::as_slice));
        Ok(Outcome::Refused(format!("{said}{rows}\n  all rows at fault are in {}", failed.display())))
    }

    /// Fetches a file.
    pub async fn fetch(&self, path: &str, to: &Path) -> Result<(), Trouble> {
        let failed = |error: &dyn std::fmt::Display| Trouble(format!("{}: {error}", to.display()));
        let response = self.request(Method::GET, path)?.send().await.and_then(Response::error_for_status).map_err(|error| failed(&reason(&error)))?;
        let mut blocks = response.bytes_stream();
        let mut file = tokio::fs::File::create(to).await.map_err(|error| failed(&error))?;
        while let Some(block) = blocks.next().await {
            file.write_all(&block.map_err(|error| failed(&reason(&error)))?).await.map_err(|error| failed(&error))?;
        }
        file.flush().await.map_err(|error| failed(&error))
    }
}

/// An answer, and the pause after which to ask again where it is none yet.
async fn read(response: Response) -> reqwest::Result<(Answer, Option<Duration>)> {
    let status = response.status().as_u16();
    let named = response.headers().get(RETRY_AFTER).and_then(|header| header.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let body: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    let answer = Answer { status, body };
    let later = match (status, answer.text("code")) {
        (409, code) => code == IN_PROGRESS.code || code == platform::idempotency::IN_FLIGHT.code,
        (408 | 429 | 502 | 503 | 504, _) => true,
        _ => false,
    };
    Ok((answer, later.then(|| named.unwrap_or(PAUSE))))
}

/// Why a request came to nothing, without the address, which stands on the command line.
fn reason(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    format!("the server cannot be reached: {deepest}")
}

/// Why the server does not do this for the caller.
pub fn refused(answer: &Answer) -> Trouble {
    match answer.text("detail") {
        "" => Trouble(format!("this is no answer of Linli: status {}", answer.status)),
        detail => Trouble(detail.to_owned()),
    }
}

/// The content of a file, block by block, counted by the bar.
fn blocks(content: Reading, bar: Option<ProgressBar>) -> impl Stream<Item = std::io::Result<Bytes>> {
    if let Some(bar) = &bar {
        bar.set_position(0);
    }
    stream::unfold((content, bar), async |(mut content, bar)| {
        let mut block = vec![0; BLOCK];
        match content.read(&mut block).await {
            Ok(0) => {
                if let Some(bar) = &bar {
                    bar.set_message("the server is at work");
                }
                None
            }
            Ok(read) => {
                block.truncate(read);
                if let Some(bar) = &bar {
                    bar.inc(u64::try_from(read).unwrap_or(0));
                }
                Some((Ok(Bytes::from(block)), (content, bar)))
            }
            Err(error) => Some((Err(error), (content, bar))),
        }
    })
}
