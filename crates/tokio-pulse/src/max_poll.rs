//! What `#[tokio_pulse::test(max_poll = "...")]` expands to. Not for anybody else.

use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::heartbeat::hooks;
use crate::stall_report::{ReportLimits, ReportSink, StallEnd, StallReport};
use crate::{Builder, Handle, Runtime};

/// So many reports are shown.
const SHOWN: usize = 3;

/// The sinks get so long for what is under way at the end: symbols may have to be read.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a test's body as a task, and panics if a poll of any task took longer than that.
#[track_caller]
pub fn within<F>(builder: &mut Builder, max_poll: Duration, body: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let seen = Arc::new(Seen::default());
    let runtime = builder
        .slice(max_poll)
        .report_sink(Seen::sink(&seen))
        .stall_reports(ReportLimits::new().threshold(max_poll).per_minute(10_000).name_for(None))
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => panic!("Failed building the Pulse runtime: {error}"),
    };
    let output = match runtime.block_on(runtime.spawn(body)) {
        Ok(output) => output,
        // It has been told where it happened.
        Err(error) => resume_unwind(error.into_panic()),
    };
    let too_long = too_long(&runtime);
    if too_long > 0 {
        runtime.handle().flush_reports(PATIENCE);
        // Polls that go on would keep the runtime's drop from ending.
        let text = seen.text(runtime.handle(), max_poll, too_long);
        runtime.shutdown_background();
        panic!("{text}");
    }
    output
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

    /// The first report of each of the first stalls.
    fn text(&self, handle: &Handle, max_poll: Duration, too_long: u64) -> String {
        let (reports, ends) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = handle.metrics().longest_stall();
        let mut text = format!(
            "{too_long} polls took longer than {max_poll:?}, the longest at least {longest:?}"
        );
        let mut shown = Vec::new();
        for report in reports.iter() {
            if shown.contains(&report.stall) || shown.len() == SHOWN {
                continue;
            }
            shown.push(report.stall);
            let _ = write!(text, "\n\n{report}");
            if let Some(end) = ends.iter().find(|end| end.stall == report.stall) {
                let _ = writeln!(text, "  {end}");
            }
        }
        if shown.is_empty() {
            text.push_str("; they ended before a report was made");
        }
        text
    }
}
