//! How much one client may ask for in a time, so that no one starves the others.
//!
//! A client is whoever holds a key or an account; before that is known, or where it need not be, an address. Reads,
//! writes and imports have an allowance each: a script that writes too fast still reads, and still imports.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use kernel::{Kind, Refusal};
use uuid::Uuid;

use crate::config::Config;
use crate::problem::Problem;

/// Too much in too short a time.
pub const EXCEEDED: Refusal = Refusal::new(
    Kind::TooMany,
    "rate_limit.exceeded",
    "请求过于频繁;请在 {seconds} 秒后重试。大量数据请用导入或批量接口。",
    "Too many requests; try again in {seconds} seconds. For much data there are imports and batches.",
);

/// How often the clients of whom nothing need be known any more are forgotten. A client is remembered for as long as
/// his allowance takes to fill again, which each of his requests puts off by one part of it; so however many clients
/// there are, no more are remembered than there were requests in this time and the time of one request.
pub const SWEEP: Duration = Duration::from_secs(1);

/// The allowances that a client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Looking.
    Reads,
    /// Changing.
    Writes,
    /// Sending files.
    Imports,
}

/// Whose allowance it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// A key's or an account's.
    Known(Uuid),
    /// An address's, or a network's.
    Unknown(IpAddr),
}

type Limiter = RateLimiter<Client, DashMapStateStore<Client>, DefaultClock, StateInformationMiddleware>;

/// One allowance of every client.
struct Allowance {
    name: &'static str,
    policy: HeaderValue,
    limiter: Limiter,
}

/// What is left of an allowance after a request.
#[derive(Clone, Debug)]
pub struct Left {
    /// The rule, as `RateLimit-Policy` says it.
    pub policy: HeaderValue,
    /// What is left, as `RateLimit` says it.
    pub state: HeaderValue,
}

/// The limits of one process.
#[derive(Default)]
pub struct Limits {
    reads: Option<Allowance>,
    writes: Option<Allowance>,
    imports: Option<Allowance>,
}

impl Limits {
    /// As configured.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let allowance = |name, per_minute| Allowance::new(name, per_minute, config.rate_limit_burst);
        Self {
            reads: allowance("reads", config.rate_limit_reads),
            writes: allowance("writes", config.rate_limit_writes),
            imports: allowance("imports", config.rate_limit_imports),
        }
    }

    /// Takes one request from a client's allowance, and says what is left; refuses where nothing was.
    pub fn take(&self, client: Client, work: Work) -> Result<Option<Left>, Box<(Left, Problem)>> {
        let allowance = match work {
            Work::Reads => &self.reads,
            Work::Writes => &self.writes,
            Work::Imports => &self.imports,
        };
        allowance.as_ref().map(|allowance| allowance.take(client)).transpose()
    }

    /// Forgets the clients whose allowances are full again.
    pub fn sweep(&self) {
        for allowance in [&self.reads, &self.writes, &self.imports].into_iter().flatten() {
            allowance.limiter.retain_recent();
        }
    }

    /// How many clients are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        [&self.reads, &self.writes, &self.imports].into_iter().flatten().map(|allowance| allowance.limiter.len()).sum()
    }
}

impl Allowance {
    /// None where it has no bound.
    fn new(name: &'static str, per_minute: u32, seconds: u32) -> Option<Self> {
        let per_minute = NonZeroU32::new(per_minute)?;
        let most = u64::from(per_minute.get()) * u64::from(seconds) / 60;
        let most = NonZeroU32::new(u32::try_from(most).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(Duration::from_secs(60) / per_minute.get())?.allow_burst(most);
        let window = whole_seconds(quota.burst_size_replenished_in());
        let policy = HeaderValue::try_from(format!("\"{name}\";q={most};w={window}")).ok()?;
        let limiter = Limiter::new(quota, DashMapStateStore::default(), DefaultClock::default());
        Some(Self { name, policy, limiter })
    }

    fn take(&self, client: Client) -> Result<Left, Box<(Left, Problem)>> {
        match self.limiter.check_key(&client) {
            Ok(state) => {
                let (left, quota) = (state.remaining_burst_capacity(), state.quota());
                let used = quota.burst_size().get().saturating_sub(left);
                Ok(self.left(left, whole_seconds(quota.replenish_interval().saturating_mul(used))))
            }
            Err(until) => {
                let seconds = whole_seconds(until.wait_time_from(DefaultClock::default().now()));
                Err(Box::new((self.left(0, seconds), Problem::from(EXCEEDED.with("seconds", seconds)).after(seconds))))
            }
        }
    }

    fn left(&self, left: u32, seconds: u32) -> Left {
        let state = HeaderValue::try_from(format!("\"{}\";r={left};t={seconds}", self.name)).unwrap_or(HeaderValue::from_static(""));
        Left { policy: self.policy.clone(), state }
    }
}

/// A time in seconds, rounded up: who comes back after it does not come too early.
fn whole_seconds(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(reads: u32, seconds: u32) -> Limits {
        Limits { reads: Allowance::new("reads", reads, seconds), ..Limits::default() }
    }

    fn client(number: u128) -> Client {
        Client::Known(Uuid::from_u128(number))
    }

    #[test]
    fn a_client_has_a_burst_and_no_more() {
        let limits = limits(60, 3);
        for left in ["\"reads\";r=2;t=1", "\"reads\";r=1;t=2", "\"reads\";r=0;t=3"] {
            let taken = limits.take(client(1), Work::Reads).unwrap().unwrap();
            assert_eq!((taken.state.to_str().unwrap(), taken.policy.to_str().unwrap()), (left, "\"reads\";q=3;w=3"));
        }
        let (left, _) = *limits.take(client(1), Work::Reads).err().unwrap();
        assert_eq!(left.state, "\"reads\";r=0;t=1");
        assert!(limits.take(client(2), Work::Reads).is_ok(), "another client");
        assert!(limits.take(client(1), Work::Writes).unwrap().is_none(), "no bound");
    }

    #[test]
    fn old_clients_are_forgotten() {
        let limits = limits(60_000_000, 60);
        for number in 0..1_000 {
            assert!(limits.take(client(number), Work::Reads).is_ok());
        }
        std::thread::sleep(Duration::from_millis(5));
        limits.sweep();
        assert_eq!(limits.remembered(), 0);
    }
}
