//! From a stall to its report.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio_pulse_sys::StackSignal;

use super::delivery::{Delivery, Message, Shared};
use super::examination::Examiner;
use super::limits::Doubling;
use super::sinks::Sinks;
use super::{ReportLimits, ReportSink, StallFacts, StallReport};

/// For how long a thread may take to answer. One that runs does at once; whoever asks waits for it.
const ANSWER_WITHIN: Duration = Duration::from_millis(20);

/// Makes reports of stalls, and tells them.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::stall_report::{ReportLimits, Reporter, StallFacts, current_thread_number};
///
/// let mut reporter = Reporter::builder()
///     .limits(ReportLimits::new().per_minute(10))
///     .sink(|report: &_| eprintln!("{report}"))
///     .build();
/// # let Ok(tid) = current_thread_number() else { return };
/// // Here of this very thread; usually of one that is stuck.
/// reporter.tell(&StallFacts::new(tid, 1, Duration::from_millis(80)));
/// assert!(reporter.flush(Duration::from_secs(60)));
/// assert_eq!(reporter.counts().told, 1);
/// ```
pub struct Reporter {
    examiner: Examiner,
    delivery: Delivery,
    doubling: Doubling,
    limits: ReportLimits,
    answer_within: Duration,
}

/// Settings of a [`Reporter`].
#[must_use]
pub struct ReporterBuilder {
    limits: ReportLimits,
    signal: StackSignal,
    answer_within: Duration,
    sinks: Vec<Arc<dyn ReportSink>>,
}

/// What [`Reporter::tell`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// It is too early: the stall is below the threshold, or has not doubled since it was told.
    NotDue,
    /// The thread was examined, and the sinks will be told unless the limits are against it.
    Queued,
    /// The queue is full, because a sink is slow, or there was no thread to be had. The stuck thread is
    /// not examined when the queue is full already.
    Dropped,
}

/// What became of the stalls that were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportCounts {
    /// Reports that the sinks got.
    pub told: u64,
    /// Stalls of a kind that had been told within the minute.
    pub merged: u64,
    /// Reports above the cap.
    pub suppressed: u64,
    /// Stalls for which there was no room in the queue.
    pub dropped: u64,
    /// Panics of sinks.
    pub panics: u64,
}

impl ReporterBuilder {
    /// How much is reported.
    pub fn limits(mut self, limits: ReportLimits) -> Self {
        self.limits = limits;
        self
    }

    /// One more place to send reports to.
    pub fn sink(mut self, sink: impl ReportSink) -> Self {
        self.sinks.push(Arc::new(sink));
        self
    }

    /// Asks threads for their stacks by the real-time signal of this number above `SIGRTMIN`,
    /// instead of `SIGURG`.
    pub fn real_time_signal(mut self, index: u8) -> Self {
        self.signal = StackSignal::RealTime(index);
        self
    }

    /// For how long a thread may take to answer with its stack; 20 ms by default.
    pub fn answer_within(mut self, timeout: Duration) -> Self {
        self.answer_within = timeout;
        self
    }

    /// Installs the signal handler, if stacks can be had here.
    pub fn build(self) -> Reporter {
        Reporter {
            examiner: Examiner::new(self.signal),
            delivery: Delivery::new(Arc::new(Shared::new()), Arc::new(Sinks::new(self.sinks))),
            doubling: Doubling::default(),
            limits: self.limits,
            answer_within: self.answer_within,
        }
    }
}

impl Reporter {
    /// The default limits, and no sinks.
    pub fn builder() -> ReporterBuilder {
        ReporterBuilder {
            limits: ReportLimits::default(),
            signal: StackSignal::default(),
            answer_within: ANSWER_WITHIN,
            sinks: Vec::new(),
        }
    }

    /// Examines the thread and makes the report, all on the calling thread.
    ///
    /// The first report reads the program's symbols, which takes long for large programs.
    pub fn report(&self, facts: &StallFacts) -> StallReport {
        let examination = self.examiner.examine(facts, self.answer_within);
        examination.finish(&self.delivery.shared().resolver)
    }

    /// Examines the thread if the stall is due, and leaves the rest to the thread that tells the
    /// sinks. The caller waits for the stuck thread's answer at most, and for no sink.
    pub fn tell(&mut self, facts: &StallFacts) -> Told {
        let stall = (facts.tid, facts.poll);
        if !self.doubling.take(stall, facts.elapsed, self.limits.threshold) {
            return Told::NotDue;
        }
        if !self.delivery.has_room() {
            return Told::Dropped;
        }
        let examination = self.examiner.examine(facts, self.answer_within);
        let per_minute = self.limits.per_minute;
        if self.delivery.push(Message::Stall { examination, per_minute }) {
            Told::Queued
        } else {
            Told::Dropped
        }
    }

    /// Waits until all that was queued has been told. Whether that was so before the time was over.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.delivery.shared().flush(timeout)
    }

    /// Why reports have no stacks here; `None` if they have.
    pub fn stacks_missing(&self) -> Option<String> {
        self.examiner.missing()
    }

    /// What became of the stalls that were due.
    pub fn counts(&self) -> ReportCounts {
        ReportCounts::of(self.delivery.shared())
    }
}

impl ReportCounts {
    pub(super) fn of(shared: &Shared) -> Self {
        let counters = &shared.counters;
        Self {
            told: counters.told.load(Relaxed),
            merged: counters.merged.load(Relaxed),
            suppressed: counters.suppressed.load(Relaxed),
            dropped: counters.dropped.load(Relaxed),
            panics: counters.panics.load(Relaxed),
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter")
            .field("limits", &self.limits)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
