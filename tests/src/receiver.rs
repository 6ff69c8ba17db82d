//! A receiver of webhooks: keeps what is posted to it, and answers as the test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// A letter as it came.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// The body as it came.
    pub body: String,
}

impl Letter {
    /// The header `webhook-id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The type of the event.
    #[must_use]
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

/// How to answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With this status, and a body of no importance; challenges are met.
    Status(u16),
    /// With a redirection to this address, challenges too.
    Redirect(String),
    /// With this body, challenges too.
    Body(String),
    /// Not at all.
    Silence,
}

#[derive(Default)]
struct State {
    letters: Vec<Letter>,
    /// How to answer, in turn; the last one stays.
    replies: Vec<Reply>,
}

/// The receiver.
#[derive(Clone)]
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::on("127.0.0.1:0").await
    }

    /// The same at an address.
    pub async fn on(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/hook?key=s3cret", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let receiver = Self { url, state: Arc::clone(&state) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
        });
        receiver
    }

    /// Answers so from now on: each in turn, and the last for ever.
    pub fn answer(&self, replies: impl Into<Vec<Reply>>) {
        self.state.lock().unwrap().replies = replies.into();
    }

    /// What has come, but challenges.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.state.lock().unwrap().letters.iter().filter(|letter| letter.kind() != "webhook.challenge").cloned().collect()
    }

    /// Everything that has come.
    #[must_use]
    pub fn all(&self) -> Vec<Letter> {
        self.state.lock().unwrap().letters.clone()
    }

    /// Waits until so many have come, and returns them; fails where they do not come.
    pub async fn await_letters(&self, count: usize) -> Vec<Letter> {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let letters = self.letters();
            if letters.len() >= count {
                return letters;
            }
            assert!(Instant::now() < deadline, "{} of {count} letters came: {letters:?}", letters.len());
            sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(letter) = read(&mut stream, &mut bytes).await else { return };
        let reply = {
            let mut state = state.lock().unwrap();
            state.letters.push(letter.clone());
            if state.replies.len() > 1 { state.replies.remove(0) } else { state.replies.first().cloned().unwrap_or(Reply::Status(200)) }
        };
        let token = letter.json()["data"]["token"].as_str().map(ToOwned::to_owned);
        let (status, header, body) = match (reply, token) {
            (Reply::Silence, _) => return std::future::pending().await,
            (Reply::Redirect(to), _) => (302, format!("location: {to}\r\n"), String::new()),
            (Reply::Body(body), _) => (200, String::new(), body),
            (Reply::Status(_), Some(token)) => (200, String::new(), token),
            (Reply::Status(status), None) => (status, String::new(), "noted".to_owned()),
        };
        let answer = format!("HTTP/1.1 {status} x\r\n{header}content-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request; none where the connection ends.
async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Letter> {
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let headers: HashMap<_, _> =
                head.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
            let length: usize = headers["content-length"].parse().unwrap();
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8(bytes[end + 4..end + 4 + length].to_vec()).unwrap();
                bytes.drain(..end + 4 + length);
                return Some(Letter { headers, body });
            }
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}
