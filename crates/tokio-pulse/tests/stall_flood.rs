//! More stalls than anybody can read, to sinks that are slow or panic, in a process whose memory is
//! looked at.
#![cfg(all(
    feature = "stacks",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

mod common;

use std::hint::black_box;
use std::panic::{Location, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use common::{PATIENCE, Stall, alone, eventually, rescue_only, ticks_while};
use tokio_pulse::stall_report::{
    ReportLimits, Reporter, StallFacts, StallReport, Told, current_thread_number,
};

const STALLS: u64 = 1_000_000;
/// What the process may grow by once the symbols are read and the queue was full: twice the queue with its
/// 16 copies of stacks, which is full at some moments and not at others. Less than 9 bytes a stall; one
/// copy is 256 KiB.
const GROWTH: usize = 8 << 20;
const SLOW: Duration = Duration::from_millis(2);
const THRESHOLD: Duration = Duration::from_millis(50);

/// The most memory that the process has had at once.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// What the sinks have seen.
#[derive(Default)]
struct Seen {
    told: AtomicU64,
    repeated: AtomicU64,
    suppressed: AtomicU64,
}

impl Seen {
    fn add(&self, report: &StallReport) {
        self.told.fetch_add(1, Relaxed);
        self.repeated.fetch_add(report.repeated, Relaxed);
        self.suppressed.fetch_add(report.suppressed, Relaxed);
    }
}

/// Places to be spawned at, so that there are many kinds of stalls.
fn sites() -> [&'static Location<'static>; 4] {
    [Location::caller(), here(), there(), Location::caller()]
}

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}

#[track_caller]
fn there() -> &'static Location<'static> {
    Location::caller()
}

#[inline(never)]
fn burn(depth: u64, stop: &AtomicBool) {
    if depth > 0 {
        burn(depth - 1, stop);
    } else {
        while !stop.load(Relaxed) {
            black_box(depth);
        }
    }
    black_box(depth);
}

/// A stuck thread that is so deep in calls.
fn stuck(depth: u64, stop: &Arc<AtomicBool>) -> i32 {
    let (tid_out, tid_in) = mpsc::channel();
    let stop = stop.clone();
    std::thread::spawn(move || {
        tid_out.send(current_thread_number().unwrap()).unwrap();
        burn(depth, &stop);
    });
    tid_in.recv().unwrap()
}

#[test]
fn a_million_stalls_are_counted_in_bounded_memory_and_no_worker_waits() {
    // What another test reads of the program's symbols is in the same process's memory.
    let _alone = alone();
    let stop = Arc::new(AtomicBool::new(false));
    let (computing, gone) = (stuck(3, &stop), 0);
    let seen = Arc::new(Seen::default());
    let counts = seen.clone();
    let mut reporter = Reporter::builder()
        .limits(ReportLimits::new().threshold(THRESHOLD).per_minute(1_000))
        .sink(|_: &StallReport| resume_unwind(Box::new("a sink that panics")))
        .sink(|_: &StallReport| std::thread::sleep(SLOW))
        .sink(move |report: &StallReport| counts.add(report))
        .build();

    // Beside it, a runtime with a stall of its own: its workers are to have no part in this.
    let runtime = rescue_only(2).build().unwrap();
    let stall = Stall::spawn_on(&runtime);

    let sites = sites();
    let mut dropped = 0;
    let mut feed = |reporter: &mut Reporter, stalls: std::ops::Range<u64>| {
        for poll in stalls {
            // Of a thread that is really examined, and of one without a stack, whose stalls differ by
            // where the task was spawned.
            let tid = if poll % 3 == 0 { computing } else { gone };
            let mut facts = StallFacts::new(tid, poll, THRESHOLD);
            facts.spawned_at = (poll % 5 != 0).then(|| sites[poll as usize % sites.len()]);
            match reporter.tell(&facts) {
                Told::Queued => {}
                Told::Dropped => dropped += 1,
                told => panic!("{told:?}"),
            }
        }
    };
    // What is kept once and for all is there after a tenth.
    feed(&mut reporter, 0..STALLS / 10);
    assert!(reporter.flush(PATIENCE));
    let before = peak_memory();
    feed(&mut reporter, STALLS / 10..STALLS);
    let grown = peak_memory() - before;
    assert!(grown < GROWTH, "{grown} bytes more");
    ticks_while(&runtime, &stall, 20);
    stall.end();

    assert!(reporter.flush(PATIENCE));
    let counts = reporter.counts();
    assert_eq!(counts.dropped, dropped);
    assert_eq!(counts.told + counts.merged + counts.suppressed + counts.dropped, STALLS);
    assert_eq!(seen.told.load(Relaxed), counts.told);
    assert_eq!(counts.panics, counts.told, "one sink panics each time");
    assert!(counts.told >= 2 && counts.merged > 0 && counts.dropped > 0, "{counts:?}");
    // Each that was left out has been shown with a later report, or is still to be.
    assert!(seen.repeated.load(Relaxed) <= counts.merged, "{counts:?}");
    assert!(seen.suppressed.load(Relaxed) <= counts.suppressed, "{counts:?}");
    // Still in order: a report of one's own has the stack.
    let deadline = Instant::now() + PATIENCE;
    let named = |report: &StallReport| {
        let functions = report.stack.frames().iter().filter_map(|frame| frame.function());
        functions.into_iter().any(|function| function.contains("burn"))
    };
    while !named(&reporter.report(&StallFacts::new(computing, 1, THRESHOLD))) {
        assert!(Instant::now() < deadline);
    }
    stop.store(true, Relaxed);
    println!("{counts:?}; {grown} bytes more after the first tenth");
}

/// The same through a runtime: with a sink that holds everything up, stalls by the thousand are counted
/// and rescued.
#[test]
fn stalls_of_a_runtime_whose_sink_is_stuck_are_dropped_and_counted() {
    const STALLS: u64 = 200;
    let _alone = alone();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let runtime = rescue_only(2)
        .slice(Duration::from_millis(1))
        .report_sink(move |_: &StallReport| {
            let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        })
        .stall_reports(ReportLimits::new().threshold(Duration::from_millis(2)).per_minute(10_000))
        .build()
        .unwrap();
    let reports = || runtime.handle().reports();
    let mut stalls = 0;
    let deadline = Instant::now() + PATIENCE;
    while reports().dropped < STALLS {
        assert!(Instant::now() < deadline, "{:?} after {stalls}", reports());
        let burning = (0..4).map(|_| {
            runtime.spawn(async {
                let began = Instant::now();
                while began.elapsed() < Duration::from_millis(8) {
                    std::hint::spin_loop();
                }
            })
        });
        for task in burning.collect::<Vec<_>>() {
            runtime.block_on(task).unwrap();
            stalls += 1;
        }
    }
    assert_eq!(reports().told, 0, "the sink is stuck");
    drop(release);
    assert!(runtime.handle().flush_reports(PATIENCE));
    // The end of the stall that was told is behind it in the queue, or was dropped with the queue full.
    eventually("all that was queued is told", || {
        let counts = reports();
        counts.told + counts.merged >= 1
    });
}
