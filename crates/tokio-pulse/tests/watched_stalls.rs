//! Reports of stalls on runtimes under watch: told while they go on, by the watchdog.
#![cfg(all(
    feature = "stacks",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

mod common;

use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{PATIENCE, Stall, eventually, rescue_only, ticks_while};
use tokio_pulse::Runtime;
use tokio_pulse::stall_report::{ReportLimits, ReportSink, StallEnd, StallReport, StallVerdict};

/// Hands everything on to the test.
struct Channel(Sender<StallReport>, Sender<StallEnd>);

impl ReportSink for Channel {
    fn report(&self, report: &StallReport) {
        let _ = self.0.send(report.clone());
    }

    fn ended(&self, end: &StallEnd) {
        let _ = self.1.send(end.clone());
    }
}

/// A runtime of two workers, and what its sink gets. Each stall is reported, soon and again.
fn watched() -> (Runtime, Receiver<StallReport>, Receiver<StallEnd>) {
    let (reports, reports_out) = channel();
    let (ends, ends_out) = channel();
    let runtime = rescue_only(2)
        .thread_name("watched")
        .report_sink(Channel(reports, ends))
        .stall_reports(eager().per_minute(1000))
        .build()
        .unwrap();
    (runtime, reports_out, ends_out)
}

fn eager() -> ReportLimits {
    ReportLimits::new().threshold(Duration::from_millis(10))
}

/// A thread that was not let run in time answers when it is asked again: reports are waited for
/// until one is as it should be, and the wait between two of one stall doubles.
#[track_caller]
fn report_that(
    reports: &Receiver<StallReport>,
    wanted: impl Fn(&StallReport) -> bool,
) -> StallReport {
    let deadline = Instant::now() + PATIENCE;
    let mut last = None;
    loop {
        match reports.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(report) if wanted(&report) => return report,
            Ok(report) => last = Some(report),
            Err(_) => panic!("waited in vain; the last: {last:?}"),
        }
    }
}

fn has(report: &StallReport, name: &str) -> bool {
    let functions = report.stack.frames().iter().filter_map(|frame| frame.function());
    functions.into_iter().any(|function| function.contains(name))
}

#[inline(never)]
fn a_function_that_computes(stop: &AtomicBool) {
    while !stop.load(Acquire) {
        black_box((0..1000_u64).fold(7, |sum, round| black_box(sum ^ round).rotate_left(5)));
    }
}

#[inline(never)]
fn reads_a_byte(mut reader: impl Read) {
    assert_eq!(reader.read(&mut [0]).unwrap(), 1);
}

#[inline(never)]
fn waits_for(lock: &Mutex<()>) {
    drop(lock.lock().unwrap());
}

/// Ends a stall also when its test fails: dropping a runtime waits for its polls.
#[derive(Clone, Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

#[test]
fn a_stuck_worker_is_reported_while_it_is_stuck_and_its_task_named_at_the_end() {
    let (runtime, reports, ends) = watched();
    let stop = Stop::default();
    let stopped = stop.0.clone();
    let line = line!() + 2;
    let context = runtime.enter();
    let spawned = tokio_pulse::task::Builder::new().name("hog").spawn(async move {
        a_function_that_computes(&stopped);
    });
    drop(context);
    let report = report_that(&reports, |report| has(report, "a_function_that_computes"));
    assert!(!spawned.is_finished());
    assert_eq!(report.thread, "watched");
    assert!(report.worker.is_some(), "{report}");
    // On a busy machine it may have been set aside for most of the time.
    let computed = report.cpu_used.unwrap() >= report.elapsed / 2;
    assert_eq!(report.verdict == StallVerdict::Computing, computed, "{report}");
    assert!(report.elapsed >= Duration::from_millis(10));
    let future = report.stack.task_future().and_then(|frame| frame.function()).unwrap();
    assert!(future.contains("a_stuck_worker_is_reported"), "{report}");
    let culprit = report.stack.culprit().unwrap();
    assert!(culprit.file().unwrap().ends_with("tests/watched_stalls.rs"), "{report}");
    // Counted when all sinks have it.
    eventually("it is counted", || runtime.handle().reports().told >= 1);

    drop(stop);
    // A slow machine may have had others before.
    let end = loop {
        let end = ends.recv_timeout(PATIENCE).unwrap();
        if end.stall == report.stall {
            break end;
        }
    };
    assert_eq!(end.task_name.as_deref(), Some("hog"), "{end}");
    let spawned_at = end.spawned_at.unwrap();
    assert!(spawned_at.file().ends_with("watched_stalls.rs"));
    assert!(spawned_at.line().abs_diff(line) <= 1, "{end}");
    assert!(end.lasted >= report.elapsed, "{end}");
    assert_eq!(end.task_id, Some(spawned.id()));
    let json: serde_json::Value = serde_json::from_str(&end.to_json()).unwrap();
    assert_eq!((&json["ended"], &json["stall"]), (&true.into(), &report.stall.into()));
    runtime.block_on(spawned).unwrap();
}

/// Of a poll that goes on, its report has the task, its name, and where it was spawned.
fn assert_named_while_stuck(runtime: &Runtime, reports: &Receiver<StallReport>) {
    let stop = Stop::default();
    let stopped = stop.0.clone();
    let context = runtime.enter();
    let line = line!() + 2;
    let builder = tokio_pulse::task::Builder::new().name("hog");
    let spawned = builder.spawn(async move { a_function_that_computes(&stopped) });
    drop(context);
    let report = report_that(reports, |report| report.task_id == Some(spawned.id()));
    assert!(!spawned.is_finished());
    assert_eq!(report.task_name.as_deref(), Some("hog"), "{report}");
    let site = report.spawned_at.unwrap();
    assert!(site.file().ends_with("watched_stalls.rs"), "{report}");
    assert_eq!(site.line(), line, "{report}");
    drop(stop);
    runtime.block_on(spawned).unwrap();
}

#[test]
fn the_first_stall_is_named_while_it_goes_on_by_who_asks_for_that() {
    let (reports, reports_out) = channel();
    let runtime = rescue_only(2)
        .report_sink(Channel(reports, channel().0))
        .stall_reports(eager().per_minute(1000).name_for(None))
        .build()
        .unwrap();
    assert_named_while_stuck(&runtime, &reports_out);
}

#[test]
fn after_one_stall_the_next_is_named_while_it_goes_on() {
    let (runtime, reports, _ends) = watched();
    let first = Stall::spawn_on(&runtime);
    report_that(&reports, |_| true);
    first.end();
    assert_named_while_stuck(&runtime, &reports);
}

#[test]
fn tasks_that_wait_behind_it_are_counted() {
    let (reports, reports_out) = channel();
    // Nobody takes them over.
    let runtime = rescue_only(1)
        .reserve_workers(0)
        .report_sink(Channel(reports, channel().0))
        .stall_reports(eager().per_minute(1000))
        .build()
        .unwrap();
    let stop = Stop::default();
    let stopped = stop.0.clone();
    let hog = runtime.spawn(async move {
        for _ in 0..10 {
            tokio::spawn(async {});
        }
        a_function_that_computes(&stopped);
    });
    let report = report_that(&reports_out, |report| has(report, "a_function_that_computes"));
    // The one that was spawned last is in the slot beside the queue. Without its flag Tokio does not
    // tell.
    assert_eq!(report.waiting_behind, cfg!(tokio_unstable).then_some(9), "{report}");
    assert!(!cfg!(tokio_unstable) || report.to_string().contains("9 tasks wait behind it"));
    drop(stop);
    runtime.block_on(hog).unwrap();
}

#[test]
fn the_verdict_tells_what_it_sleeps_in() {
    let (runtime, reports, _ends) = watched();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let reads = runtime.spawn(async move { reads_a_byte(reader) });
    let in_call = |report: &StallReport| match report.verdict {
        StallVerdict::InSystemCall { name, number } => name == Some("read") || number.is_none(),
        _ => false,
    };
    report_that(&reports, |report| in_call(report) && has(report, "reads_a_byte"));
    writer.write_all(b"x").unwrap();
    runtime.block_on(reads).unwrap();

    let lock = Arc::new(Mutex::new(()));
    let guard = lock.lock().unwrap();
    let theirs = lock.clone();
    let waits = runtime.spawn(async move { waits_for(&theirs) });
    report_that(&reports, |report| {
        let is_lock = report.verdict == StallVerdict::WaitingForLock;
        let untold = StallVerdict::InSystemCall { number: None, name: None };
        (is_lock || report.verdict == untold) && has(report, "waits_for")
    });
    drop(guard);
    runtime.block_on(waits).unwrap();
}

#[test]
fn a_sink_that_panics_or_blocks_harms_nobody() {
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let runtime = rescue_only(2)
        .report_sink(|_: &StallReport| std::panic::resume_unwind(Box::new("a sink that panics")))
        .report_sink(move |_: &StallReport| {
            let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        })
        .stall_reports(eager().per_minute(1000))
        .build()
        .unwrap();
    let stall = Stall::spawn_on(&runtime);
    eventually("the sink has panicked", || runtime.handle().reports().panics == 1);
    // The second sink blocks now. Others are rescued all the same, and more stalls are seen.
    let second = Stall::spawn_on(&runtime);
    ticks_while(&runtime, &second, 20);
    eventually("both are seen", || runtime.metrics().stalls_in_progress() == 2);
    assert_eq!(runtime.handle().reports().told, 0);
    assert!(!runtime.handle().flush_reports(Duration::from_millis(1)));
    drop(release);
    stall.end();
    second.end();
    eventually("they are told", || runtime.handle().reports().told >= 1);
}

#[test]
fn reports_above_the_cap_are_counted() {
    let runtime = rescue_only(2)
        .report_sink(|_: &StallReport| {})
        .stall_reports(eager().per_minute(1))
        .build()
        .unwrap();
    let stall = Stall::spawn_on(&runtime);
    // One stall is due again and again.
    eventually("the first is told, the next is not", || {
        let counts = runtime.handle().reports();
        counts.told == 1 && counts.suppressed >= 2
    });
    stall.end();
}

#[test]
fn block_in_place_is_nobodys_stall() {
    let (runtime, reports, _ends) = watched();
    let done = Arc::new(AtomicBool::new(false));
    let stop = Stop::default();
    let (stopped, begun) = (stop.0.clone(), done.clone());
    let inside = runtime.spawn(async move {
        tokio::task::block_in_place(|| {
            begun.store(true, Release);
            a_function_that_computes(&stopped);
        });
    });
    eventually("it has begun", || done.load(Acquire));
    // Another stall is reported meanwhile, twice, so that there was time for the first.
    let stall = Stall::spawn_on(&runtime);
    let first = report_that(&reports, |_| true);
    let second = report_that(&reports, |report| report.elapsed > first.elapsed);
    for report in [first, second].iter().chain(&reports.try_iter().collect::<Vec<_>>()) {
        // As long as no thread of the pool has come to take the worker, somebody waits behind it.
        let holds_a_worker = report.worker.is_some();
        assert!(holds_a_worker || !has(report, "a_function_that_computes"), "{report}");
    }
    stall.end();
    drop(stop);
    runtime.block_on(inside).unwrap();
}

#[test]
fn the_stacks_of_all_workers_can_be_had_at_any_time() {
    let runtime = rescue_only(2).build().unwrap();
    let stop = Stop::default();
    let stopped = stop.0.clone();
    let stuck = runtime.spawn(async move { a_function_that_computes(&stopped) });
    let named = |name: &str| {
        let stacks = runtime.handle().stacks();
        stacks.into_iter().find(|stack| {
            let functions = stack.stack.frames().iter().filter_map(|frame| frame.function());
            functions.into_iter().any(|function| function.contains(name))
        })
    };
    eventually("the stuck worker is seen", || {
        named("a_function_that_computes").is_some_and(|stack| stack.is_stalled)
    });
    let stack = runtime.handle().stacks();
    assert!(stack.iter().all(|stack| stack.worker.is_some()), "{stack:?}");
    drop(stop);
    runtime.block_on(stuck).unwrap();
    // Nobody was to hear of it.
    assert_eq!(runtime.handle().reports(), Default::default());
}
