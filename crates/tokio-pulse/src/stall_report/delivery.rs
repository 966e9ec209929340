//! The thread that finishes reports and hands them to the sinks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::ReportSink;
use super::examination::Examination;
use super::limits::{Admission, Filter, ReportLimits};
use super::stacks::Resolver;

/// Reports that wait for a slow sink. Each may hold a copy of a stack.
const QUEUE: usize = 16;

/// What became of the stalls that were due.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) told: AtomicU64,
    pub(super) merged: AtomicU64,
    pub(super) suppressed: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) panics: AtomicU64,
}

/// What the delivering thread shares with the reporter.
pub(super) struct Shared {
    pub(super) resolver: Mutex<Resolver>,
    pub(super) counters: Counters,
    /// Examinations that are queued or being worked at.
    pending: Mutex<usize>,
    settled: Condvar,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            resolver: Mutex::default(),
            counters: Counters::default(),
            pending: Mutex::new(0),
            settled: Condvar::new(),
        }
    }

    fn add_pending(&self, change: impl FnOnce(&mut usize)) {
        change(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        self.settled.notify_all();
    }

    /// Whether all that was queued is told before the time is over.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.settled.wait_timeout_while(pending, timeout, |pending| *pending > 0);
        *result.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}

/// The queue, and the thread behind it. The thread is started for the first report, and ends with
/// the last one after this was dropped; nobody waits for it, since a sink may never return.
pub(super) struct Delivery {
    shared: Arc<Shared>,
    limits: ReportLimits,
    sinks: Vec<Box<dyn ReportSink>>,
    queue: Option<SyncSender<Examination>>,
}

impl Delivery {
    pub(super) fn new(
        shared: Arc<Shared>,
        limits: ReportLimits,
        sinks: Vec<Box<dyn ReportSink>>,
    ) -> Self {
        Self { shared, limits, sinks, queue: None }
    }

    /// Whether the examination was taken; otherwise it is dropped and counted.
    pub(super) fn push(&mut self, examination: Examination) -> bool {
        if self.queue.is_none() {
            self.queue = self.start();
        }
        let Some(queue) = &self.queue else {
            self.shared.counters.dropped.fetch_add(1, Relaxed);
            return false;
        };
        self.shared.add_pending(|pending| *pending += 1);
        let taken = queue.try_send(examination).is_ok();
        if !taken {
            self.shared.add_pending(|pending| *pending -= 1);
            self.shared.counters.dropped.fetch_add(1, Relaxed);
        }
        taken
    }

    /// `None` if there is no thread to be had; the next report tries again.
    fn start(&mut self) -> Option<SyncSender<Examination>> {
        let (sender, receiver) = sync_channel(QUEUE);
        // Through a slot, for a thread that cannot be spawned drops what it was given.
        let sinks = Arc::new(Mutex::new(std::mem::take(&mut self.sinks)));
        let (shared, limits, given) = (self.shared.clone(), self.limits, sinks.clone());
        let run = move || {
            let sinks = std::mem::take(&mut *given.lock().unwrap_or_else(PoisonError::into_inner));
            deliver(&receiver, &shared, limits, &sinks);
        };
        match std::thread::Builder::new().name("pulse-reports".to_owned()).spawn(run) {
            Ok(_) => Some(sender),
            Err(_) => {
                self.sinks =
                    std::mem::take(&mut *sinks.lock().unwrap_or_else(PoisonError::into_inner));
                None
            }
        }
    }
}

fn deliver(
    queue: &Receiver<Examination>,
    shared: &Shared,
    limits: ReportLimits,
    sinks: &[Box<dyn ReportSink>],
) {
    let began = Instant::now();
    let mut filter = Filter::default();
    for examination in queue {
        let one = AssertUnwindSafe(|| {
            tell(examination, shared, limits, sinks, &mut filter, began.elapsed());
        });
        if catch_unwind(one).is_err() {
            shared.counters.panics.fetch_add(1, Relaxed);
        }
        shared.add_pending(|pending| *pending -= 1);
    }
}

fn tell(
    examination: Examination,
    shared: &Shared,
    limits: ReportLimits,
    sinks: &[Box<dyn ReportSink>],
    filter: &mut Filter,
    now: Duration,
) {
    let stall = examination.stall();
    let mut report = examination.finish(&shared.resolver);
    let counters = &shared.counters;
    match filter.admit(report.fingerprint, stall, limits.per_minute, now) {
        Admission::Tell { repeated, suppressed } => {
            report.repeated = repeated;
            report.suppressed = suppressed;
        }
        Admission::Merged => {
            counters.merged.fetch_add(1, Relaxed);
            return;
        }
        Admission::Suppressed => {
            counters.suppressed.fetch_add(1, Relaxed);
            return;
        }
    }
    for sink in sinks {
        if catch_unwind(AssertUnwindSafe(|| sink.report(&report))).is_err() {
            counters.panics.fetch_add(1, Relaxed);
        }
    }
    counters.told.fetch_add(1, Relaxed);
}
