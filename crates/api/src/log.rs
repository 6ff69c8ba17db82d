//! The log: one line an event on standard error, JSON for machines, text where a person looks on.

use tracing_subscriber::EnvFilter;

/// Starts it, as `LOG` and `LOG_FORMAT` say.
pub fn start() {
    let filter = std::env::var("LOG").ok().and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(|| EnvFilter::new("info"));
    let watched = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let text = match std::env::var("LOG_FORMAT").as_deref() {
        Ok("json") => false,
        Ok("text") => true,
        _ => watched,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if text { builder.with_target(false).with_ansi(watched).init() } else { builder.json().flatten_event(true).init() }
}
