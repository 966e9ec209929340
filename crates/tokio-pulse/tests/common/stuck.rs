//! Threads that are really stuck, for the tests of reporters.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_pulse::stall_report::{
    Reporter, ReporterBuilder, StallFacts, StallReport, current_thread_number,
};

/// Long enough for a machine with much else to do.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn builder() -> ReporterBuilder {
    Reporter::builder().answer_within(LONG)
}

/// A thread that is stuck until it is told to stop.
pub(crate) struct Stuck {
    tid: i32,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Stuck {
    pub(crate) fn with(body: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (tid_out, tid_in) = channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            tid_out.send(current_thread_number().unwrap()).unwrap();
            body(&stopped);
        });
        Self { tid: tid_in.recv().unwrap(), stop, thread }
    }

    pub(crate) fn burning() -> Self {
        Self::with(|stop| burn_deep(40, stop))
    }

    pub(crate) fn facts(&self, poll: u64, millis: u64) -> StallFacts {
        StallFacts::new(self.tid, poll, Duration::from_millis(millis))
    }

    /// Looks until it is stuck where it should be.
    pub(crate) fn report_when(
        &self,
        reporter: &Reporter,
        wanted: impl Fn(&StallReport) -> bool,
    ) -> StallReport {
        let deadline = Instant::now() + LONG;
        loop {
            let report = reporter.report(&self.facts(1, 80));
            if wanted(&report) {
                return report;
            }
            assert!(Instant::now() < deadline, "{report}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn end(self) {
        self.stop.store(true, Release);
        self.thread.join().unwrap();
    }
}

#[inline(never)]
pub(crate) fn burn_deep(depth: u32, stop: &AtomicBool) {
    if depth > 0 {
        burn_deep(depth - 1, stop);
    } else {
        burn_until_stopped(stop);
    }
    black_box(depth);
}

#[inline(never)]
pub(crate) fn burn_until_stopped(stop: &AtomicBool) {
    while !stop.load(Acquire) {
        black_box(checksum(black_box(1000)));
    }
}

#[inline]
fn checksum(rounds: u64) -> u64 {
    (0..rounds).fold(7, |sum, round| black_box(sum ^ round).rotate_left(5))
}

pub(crate) fn functions(report: &StallReport) -> Vec<&str> {
    report.stack.frames().iter().filter_map(|frame| frame.function()).collect()
}

pub(crate) fn has(report: &StallReport, name: &str) -> bool {
    functions(report).iter().any(|function| function.contains(name))
}
