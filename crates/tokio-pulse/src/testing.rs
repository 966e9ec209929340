//! Tests that fail on a poll that takes too long, for harnesses that the attribute
//! [`test`](macro@crate::test) with `max_poll` does not go with.
//!
//! ```
//! use std::time::Duration;
//! use tokio_pulse::{Builder, testing};
//!
//! let mut builder = Builder::new_multi_thread();
//! builder.worker_threads(2).enable_all();
//! let sum = testing::within(&mut builder, Duration::from_secs(1), async { 1 + 1 });
//! assert_eq!(sum.unwrap(), 2);
//! ```

use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::heartbeat::hooks;
use crate::stall_report::{ReportLimits, ReportSink, StallEnd, StallReport};
use crate::{BuildError, Builder, Runtime};

/// So many reports are shown.
const SHOWN: usize = 3;

/// The sinks get so long for what is under way at the end: symbols may have to be read.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no output of a body that ran [`within`] bounds.
#[derive(Debug)]
#[non_exhaustive]
pub enum MaxPollError {
    /// The runtime could not be built.
    Build(BuildError),
    /// Polls took too long.
    LongPolls(LongPolls),
}

impl fmt::Display for MaxPollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => write!(f, "Failed building the Pulse runtime: {error}"),
            Self::LongPolls(polls) => polls.fmt(f),
        }
    }
}

impl std::error::Error for MaxPollError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Build(error) => Some(error),
            Self::LongPolls(_) => None,
        }
    }
}

/// Polls that took too long, with what is known of them. Its `Display` is for people: the reports of
/// the first ones.
#[derive(Clone, Debug)]
pub struct LongPolls {
    max_poll: Duration,
    count: u64,
    longest: Duration,
    reports: Vec<StallReport>,
    ends: Vec<StallEnd>,
}

impl LongPolls {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// So long was the longest at least.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// The reports: none of polls that ended too soon, several of one that went on for long.
    pub fn reports(&self) -> &[StallReport] {
        &self.reports
    }

    /// The ends of those that have ended.
    pub fn ends(&self) -> &[StallEnd] {
        &self.ends
    }
}

impl fmt::Display for LongPolls {
    /// The first report of each of the first stalls.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_poll, count, longest, reports, ends } = self;
        write!(f, "{count} polls took longer than {max_poll:?}, the longest at least {longest:?}")?;
        let mut shown = Vec::new();
        for report in reports {
            if shown.contains(&report.stall) || shown.len() == SHOWN {
                continue;
            }
            shown.push(report.stall);
            write!(f, "\n\n{report}")?;
            if let Some(end) = ends.iter().find(|end| end.stall == report.stall) {
                writeln!(f, "  {end}")?;
            }
        }
        if shown.is_empty() {
            f.write_str("; they ended before a report was made")?;
        }
        Ok(())
    }
}

/// Runs a body as a task of a runtime of its own, and fails if a poll of any task took longer than
/// that.
///
/// The builder's slice, and its limits of reports, are set by this. What counts is the time that a poll
/// computes or is blocked, as for the attribute: a loaded machine fails nobody. A panic of the body goes
/// on in the caller.
///
/// # Errors
///
/// When the runtime cannot be built, and when polls took too long; polls that go on are left alone.
pub fn within<F>(
    builder: &mut Builder,
    max_poll: Duration,
    body: F,
) -> Result<F::Output, MaxPollError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let seen = Arc::new(Seen::default());
    let limits = ReportLimits::new().threshold(max_poll).per_minute(10_000).name_for(None);
    let runtime = builder
        .slice(max_poll)
        .report_sink(Seen::sink(&seen))
        .stall_reports(limits)
        .build()
        .map_err(MaxPollError::Build)?;
    let output = match runtime.block_on(runtime.spawn(body)) {
        Ok(output) => output,
        // It has been told where it happened.
        Err(error) => resume_unwind(error.into_panic()),
    };
    let count = too_long(&runtime);
    if count == 0 {
        return Ok(output);
    }
    runtime.handle().flush_reports(PATIENCE);
    let longest = runtime.metrics().longest_stall();
    let (reports, ends) = seen.take();
    // Polls that go on would keep the runtime's drop from ending.
    runtime.shutdown_background();
    Err(MaxPollError::LongPolls(LongPolls { max_poll, count, longest, reports, ends }))
}

/// Polls that are proven to have been too long, and those that still are.
fn too_long(runtime: &Runtime) -> u64 {
    let metrics = runtime.metrics();
    if hooks::POLL_HOOKS {
        // A poll that has just ended may be both.
        let proven = runtime.handle().tiers().metrics().violations();
        proven.max(metrics.stalls_in_progress() as u64)
    } else {
        metrics.stalls()
    }
}

/// What the sink got.
#[derive(Default)]
struct Seen(Mutex<(Vec<StallReport>, Vec<StallEnd>)>);

impl Seen {
    fn sink(seen: &Arc<Self>) -> impl ReportSink + use<> {
        struct Sink(Arc<Seen>);
        impl ReportSink for Sink {
            fn report(&self, report: &StallReport) {
                self.0.0.lock().unwrap_or_else(PoisonError::into_inner).0.push(report.clone());
            }

            fn ended(&self, end: &StallEnd) {
                self.0.0.lock().unwrap_or_else(PoisonError::into_inner).1.push(end.clone());
            }
        }
        Sink(seen.clone())
    }

    fn take(&self) -> (Vec<StallReport>, Vec<StallEnd>) {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
