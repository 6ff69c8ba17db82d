//! W3C trace context: which trace the work at hand belongs to, across all systems that take part in it.

use std::fmt;

tokio::task_local! {
    static CURRENT: Trace;
}

/// One span of a trace: the work of this process on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    trace_id: u128,
    span_id: u64,
    parent: Option<u64>,
    sampled: bool,
}

impl Trace {
    /// The span that a `traceparent` header names; none where it names none.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let version = hexadecimal(parts.next()?, 2)?;
        let trace_id = hexadecimal(parts.next()?, 32).filter(|id| *id != 0)?;
        let span_id = hexadecimal(parts.next()?, 16).filter(|id| *id != 0)?;
        let flags = hexadecimal(parts.next()?, 2)?;
        // Later versions may say more; this one may not, and the last number is no version.
        let known = version == 0 && parts.next().is_none() || (1..0xff).contains(&version);
        known.then_some(Self { trace_id, span_id: u64::try_from(span_id).ok()?, parent: None, sampled: flags & 1 == 1 })
    }

    /// The first span of a new trace, which is recorded or not.
    #[must_use]
    pub fn root(sampled: bool) -> Self {
        Self { trace_id: rand::random::<u128>().max(1), span_id: fresh(), parent: None, sampled }
    }

    /// A span below this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: fresh(), parent: Some(self.span_id), ..*self }
    }

    /// The trace of the work at hand, where there is one: for the `traceparent` of a call to another system, write
    /// its [`child`](Self::child).
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|trace| *trace).ok()
    }

    /// Does some work as this span.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The span.
    #[must_use]
    pub fn span_id(&self) -> u64 {
        self.span_id
    }

    /// The span above this one, which another system may have begun.
    #[must_use]
    pub fn parent(&self) -> Option<u64> {
        self.parent
    }

    /// Whether whoever began the trace records it.
    #[must_use]
    pub fn sampled(&self) -> bool {
        self.sampled
    }
}

/// The value of a `traceparent` header.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

fn fresh() -> u64 {
    rand::random::<u64>().max(1)
}

fn hexadecimal(text: &str, length: usize) -> Option<u128> {
    let lower = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    lower.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_the_standard_says() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = Trace::parse(header).unwrap();
        assert_eq!(trace.to_string(), header);
        let child = trace.child();
        assert_eq!((child.trace_id(), child.parent(), child.sampled()), (trace.trace_id(), Some(0xb7ad_6b71_6920_3331), true));
        assert_ne!(child.span_id(), trace.span_id());
        assert!(Trace::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more").is_some(), "a later version");
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Trace::parse(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn work_knows_its_trace() {
        assert_eq!(Trace::current(), None);
        let trace = Trace::root(false);
        assert_eq!(trace.scope(async { Trace::current() }).await, Some(trace));
    }
}
