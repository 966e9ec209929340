//! Reports with the stack of a thread that was stopped for it, where there are no signals.
#![cfg(all(
    feature = "stacks",
    any(windows, target_os = "macos"),
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::mpsc::channel;
use std::time::Instant;

use common::{PATIENCE, builder};
use tokio_pulse::stall_report::{Reporter, StallFacts, StallReport};

#[inline(never)]
fn burn_deep(depth: u32, stop: &AtomicBool) {
    if depth > 0 {
        burn_deep(depth - 1, stop);
    } else {
        while !stop.load(Acquire) {
            black_box((0..1000_u64).fold(7, |sum, round| black_box(sum ^ round).rotate_left(5)));
        }
    }
    black_box(depth);
}

/// Only where the debug information is in the program itself.
fn are_names_known() -> bool {
    cfg!(all(windows, target_env = "gnu"))
}

fn count(report: &StallReport, name: &str) -> usize {
    let functions = report.stack.frames().iter().filter_map(|frame| frame.function());
    functions.filter(|function| function.contains(name)).count()
}

#[test]
fn a_computing_thread_is_unwound_to_its_beginning() {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let (number_out, number_in) = channel();
    let stuck = std::thread::spawn(move || {
        number_out.send(tokio_pulse_sys::current_thread_number().unwrap()).unwrap();
        burn_deep(40, &stopped);
    });
    let number = number_in.recv().unwrap();
    let reporter = Reporter::builder().build();
    assert_eq!(reporter.stacks_missing(), None);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let report =
            reporter.report(&StallFacts::new(number, 1, std::time::Duration::from_millis(80)));
        let whole = report.stack.frames().len() > 41 && !report.stack.is_truncated();
        let named = count(&report, "burn_deep") == 41;
        if whole && (named || !are_names_known()) {
            break;
        }
        assert!(Instant::now() < deadline, "{report}");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    stop.store(true, Release);
    stuck.join().unwrap();
}

/// A test that fails ends too: the runtime's drop waits for the poll.
struct StopsWhenDropped(Arc<AtomicBool>);

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

#[test]
fn a_stuck_worker_is_reported_while_it_is_stuck() {
    let (report_out, report_in) = channel();
    let runtime = builder(2)
        .report_sink(move |report: &StallReport| drop(report_out.send(report.clone())))
        .build()
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let stop = StopsWhenDropped(stop);
    let spawned = runtime.spawn(async move { burn_deep(3, &stopped) });
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let report = report_in.recv_timeout(left).expect("a report with the stack");
        if count(&report, "burn_deep") == 4
            || (!are_names_known() && !report.stack.frames().is_empty())
        {
            break;
        }
    }
    drop(stop);
    runtime.block_on(spawned).unwrap();
}
