//! The courier: posts one signed letter to one address, and tells what came of it.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Error, Result, clock, text_enum};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use super::egress::{Egress, Forbidden, Guard, Lookup, Reach, System};
use super::signature::sign;

/// How long a receiver may take, from the resolution of its name to the end of its answer.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read.
const READ: usize = 8 << 10;

text_enum!(
    /// Why an attempt failed.
    Failure {
        /// The URL or its name leads to an address that webhooks may not go to.
        Forbidden = "forbidden_address" "地址不允许",
        /// The name is not known.
        NoName = "name_unknown" "域名无法解析",
        /// Nobody answers there, or not with a certificate to be trusted.
        NotConnected = "not_connected" "无法连接",
        /// It took longer than 15 seconds.
        TimedOut = "timed_out" "超时",
        /// The connection broke, or what came was no HTTP.
        Broken = "broken_off" "连接中断",
        /// It led elsewhere; redirections are not followed.
        Redirected = "redirected" "重定向",
        /// It said that it is gone for good (410).
        Gone = "gone" "已永久停用(410)",
        /// It answered with another status than 2xx.
        Status = "status" "状态码不是2xx",
        /// The challenge was not echoed.
        NoEcho = "no_echo" "未返回挑战令牌",
        /// The owner of the webhook may no longer see the event.
        Withheld = "withheld" "所有者已无权查看",
    }
);

/// What is sent.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Where.
    pub url: String,
    /// Header `webhook-id`: the same whenever the same thing is sent again.
    pub id: String,
    /// JSON.
    pub body: String,
    /// The keys that sign it.
    pub keys: Vec<Vec<u8>>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// Why it failed; none where it succeeded.
    pub failure: Option<Failure>,
    /// The beginning of the answer.
    pub body: Vec<u8>,
    /// How long it took.
    pub took: Duration,
}

/// Posts letters. One for each thread: its connections belong to the thread that made them.
#[derive(Clone)]
pub struct Courier {
    egress: Arc<Egress>,
    public: (Client, Guard),
    inside: (Client, Guard),
}

impl Courier {
    /// A courier that goes where it may.
    pub fn new(egress: Arc<Egress>) -> Result<Self> {
        Self::with(egress, Arc::new(System))
    }

    /// The same with another resolver of names.
    pub fn with(egress: Arc<Egress>, lookup: Arc<dyn Lookup>) -> Result<Self> {
        let client = |reach| {
            let guard = Guard::new(Arc::clone(&egress), reach, Arc::clone(&lookup));
            let client = || {
                Client::builder()
                    .user_agent(concat!("Linli/", env!("CARGO_PKG_VERSION")))
                    .dns_resolver(Arc::new(guard.clone()))
                    // A proxy would resolve the name for itself, and a redirection lead past the guard.
                    .no_proxy()
                    .redirect(Policy::none())
                    .https_only(reach == Reach::Public)
                    .http1_only()
                    .timeout(PATIENCE)
                    .pool_idle_timeout(Duration::from_secs(30))
                    .pool_max_idle_per_host(2)
            };
            let built = client().build().or_else(|error| {
                // No reason not to serve.
                tracing::warn!(?error, "without the system's certificates of authorities nothing can be sent over TLS");
                client().tls_certs_only([]).build()
            });
            Ok::<_, Error>((built.map_err(|error| Error::Internal(format!("HTTP client: {error}")))?, guard))
        };
        Ok(Self { public: client(Reach::Public)?, inside: client(Reach::Inside)?, egress })
    }

    /// Where it may go.
    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.egress
    }

    /// Posts a letter.
    pub async fn post(&self, letter: &Letter) -> Result<Answer> {
        let started = Instant::now();
        let timestamp = clock::now().timestamp();
        let signature = sign(&letter.keys, &letter.id, timestamp, &letter.body)?;
        let url: Url = letter.url.parse().map_err(|error| Error::Internal(format!("webhook: {error}")))?;
        let (client, guard) = if self.egress.reach(&url) == Reach::Public { &self.public } else { &self.inside };
        let (status, body, failure) = if guard.check(&url).is_err() {
            (None, Vec::new(), Some(Failure::Forbidden))
        } else {
            let request = client
                .post(url)
                .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
                .header("webhook-id", &letter.id)
                .header("webhook-timestamp", timestamp)
                .header("webhook-signature", signature)
                .body(letter.body.clone());
            match request.send().await {
                Ok(response) => {
                    let status = response.status();
                    (Some(status.as_u16()), beginning(response).await, meaning(status))
                }
                Err(error) => (None, Vec::new(), Some(cause(&error))),
            }
        };
        Ok(Answer { status, failure, body, took: started.elapsed() })
    }
}

/// What a status means: only 2xx is success.
fn meaning(status: StatusCode) -> Option<Failure> {
    match status {
        status if status.is_success() => None,
        StatusCode::GONE => Some(Failure::Gone),
        status if status.is_redirection() => Some(Failure::Redirected),
        _ => Some(Failure::Status),
    }
}

/// The beginning of an answer; the rest is not waited for. What cannot be read changes nothing: the status counts.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(block)) = response.chunk().await {
        body.extend(block.iter().take(READ - body.len()));
        if body.len() == READ {
            break;
        }
    }
    body
}

fn cause(error: &reqwest::Error) -> Failure {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<Forbidden>() {
            return Failure::Forbidden;
        }
        source = inner.source();
    }
    match error {
        error if error.is_timeout() => Failure::TimedOut,
        error if error.is_dns() => Failure::NoName,
        error if error.is_connect() => Failure::NotConnected,
        _ => Failure::Broken,
    }
}
