//! `linli health`: asks a server on this machine whether it lives, for whoever has no curl at hand: containers, scripts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use clap::Args;
use kernel::{Error, Result};
use reqwest::Client;
use tokio::time::sleep;

use crate::config::Config;

/// How long an answer may take; readiness waits for the database for a second.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pause before it is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// What is asked.
#[derive(Args)]
pub struct Health {
    /// Ask whether it is ready for requests (/health/ready) instead of whether it lives (/health/live).
    #[arg(long)]
    ready: bool,
    /// Ask again until the answer is yes, for so many seconds at the most.
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    within: u32,
}

/// Asks the server that listens where this configuration says; fails where it says no, or nothing.
pub async fn ask(health: &Health, config: &Config, say: impl Fn(&str) -> Result<()>) -> Result<()> {
    let url = format!("http://{}/health/{}", address(&config.host, config.port), if health.ready { "ready" } else { "live" });
    let failed = |error: reqwest::Error| Error::Internal(format!("{url}: {error}"));
    // A proxy of the environment is for the way out, and would be asked about its own machine.
    let client = Client::builder().no_proxy().timeout(PATIENCE).build().map_err(failed)?;
    let deadline = Instant::now() + Duration::from_secs(health.within.into());
    loop {
        let why = match client.get(&url).send().await {
            Ok(answer) => {
                let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
                if status.is_success() {
                    return say(&text);
                }
                format!("{status} {text}")
            }
            Err(error) if error.is_timeout() => format!("no answer within {} seconds", PATIENCE.as_secs()),
            Err(error) if error.is_connect() => "nobody listens there".to_owned(),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= deadline {
            return Err(Error::Internal(format!("{url}: {why}")));
        }
        sleep(PAUSE).await;
    }
}

/// Where a server that listens on `host` is reached from its own machine.
fn address(host: &str, port: u16) -> String {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(any) if any.is_unspecified() => {
            let own = if any.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
            SocketAddr::new(own, port).to_string()
        }
        Ok(address) => SocketAddr::new(address, port).to_string(),
        Err(_) => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_here() {
        for (host, reached) in [
            ("127.0.0.1", "127.0.0.1:8080"),
            ("0.0.0.0", "127.0.0.1:8080"),
            ("::", "[::1]:8080"),
            ("[::]", "[::1]:8080"),
            ("10.0.0.7", "10.0.0.7:8080"),
            ("linli.example.cn", "linli.example.cn:8080"),
        ] {
            assert_eq!(address(host, 8080), reached);
        }
    }
}
