//! The reports of one runtime: who is told, and who may examine its threads.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_pulse_sys::StackSignal;

use super::delivery::{Delivery, Message, Shared};
use super::examination::{Examination, Examiner};
use super::sinks::{SinkGuard, Sinks};
use super::{ReportCounts, ReportSink, StallEnd, StallFacts, StallReport, TracingSink};

/// What everybody shares who has to do with the reports of one runtime.
///
/// The signal handler is installed at the start if the user has given sinks. Otherwise it waits for
/// the first stall that somebody wants to hear of through `tracing`, or for the first who asks for
/// stacks: a program that does neither never has one.
pub(crate) struct Reports {
    sinks: Arc<Sinks>,
    signal: StackSignal,
    delivery: Delivery,
    examiner: OnceLock<Examiner>,
}

impl Reports {
    /// `sinks`: the user's.
    pub(crate) fn new(sinks: Vec<Arc<dyn ReportSink>>, signal: Option<u8>) -> Self {
        let sinks = Arc::new(Sinks::new(sinks).with_permanent(Arc::new(TracingSink)));
        Self {
            sinks: sinks.clone(),
            signal: signal.map_or(StackSignal::default(), StackSignal::RealTime),
            delivery: Delivery::new(Arc::new(Shared::new()), sinks),
            examiner: OnceLock::new(),
        }
    }

    /// Whether the user has given sinks.
    pub(crate) fn has_sinks(&self) -> bool {
        self.sinks.are_there()
    }

    /// Adds a sink for as long as the guard is kept.
    pub(crate) fn add_sink(&self, sink: Arc<dyn ReportSink>) -> SinkGuard {
        SinkGuard::add(&self.sinks, sink)
    }

    /// Whether anybody would hear of a report.
    pub(crate) fn is_wanted(&self) -> bool {
        self.has_sinks() || crate::trace::wants_stall_reports()
    }

    /// Installs the signal handler on the first call. That takes a thread's start, and as long as a
    /// busy machine needs for one.
    pub(crate) fn examiner(&self) -> &Examiner {
        self.examiner.get_or_init(|| Examiner::new(self.signal))
    }

    /// Who may examine already.
    pub(crate) fn ready_examiner(&self) -> Option<&Examiner> {
        self.examiner.get()
    }

    /// Whether an examination would find room in the queue to the sinks. If not, that is counted.
    pub(crate) fn has_room(&self) -> bool {
        self.delivery.has_room()
    }

    /// Whether the examination was queued for the sinks.
    pub(crate) fn push(&self, examination: Examination, per_minute: u32) -> bool {
        self.delivery.push(Message::Stall { examination, per_minute })
    }

    /// Has the program's symbols read before somebody waits for them.
    pub(crate) fn warm_up(&self, examination: Examination) {
        self.delivery.push(Message::WarmUp(examination));
    }

    /// A stall that was pushed has ended.
    pub(crate) fn ended(&self, end: StallEnd) {
        self.delivery.push_if_running(Message::End(end));
    }

    /// Examines a thread, and makes the report on the calling thread.
    pub(crate) fn report(&self, facts: &StallFacts, within: Duration) -> StallReport {
        self.examiner().examine(facts, within).finish(&self.delivery.shared().resolver)
    }

    pub(crate) fn counts(&self) -> ReportCounts {
        ReportCounts::of(self.delivery.shared())
    }

    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.delivery.shared().flush(timeout)
    }
}

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports")
            .field("signal", &self.signal)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
