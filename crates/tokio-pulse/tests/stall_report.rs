//! Reports of real threads that are really stuck.
#![cfg(all(
    feature = "stacks",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_pulse::stall_report::{
    FrameOrigin, JsonLines, ReportLimits, Reporter, ReporterBuilder, StallFacts, StallReport,
    StallVerdict, Told, current_thread_number,
};

/// Long enough for a machine with much else to do.
const LONG: Duration = Duration::from_secs(60);

fn builder() -> ReporterBuilder {
    Reporter::builder().answer_within(LONG)
}

/// A thread that is stuck until it is told to stop.
struct Stuck {
    tid: i32,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Stuck {
    fn with(body: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (tid_out, tid_in) = channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            tid_out.send(current_thread_number().unwrap()).unwrap();
            body(&stopped);
        });
        Self { tid: tid_in.recv().unwrap(), stop, thread }
    }

    fn burning() -> Self {
        Self::with(|stop| burn_deep(40, stop))
    }

    fn facts(&self, poll: u64, millis: u64) -> StallFacts {
        StallFacts::new(self.tid, poll, Duration::from_millis(millis))
    }

    /// Looks until it is stuck where it should be.
    fn report_when(
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

    fn end(self) {
        self.stop.store(true, Release);
        self.thread.join().unwrap();
    }
}

#[inline(never)]
fn burn_deep(depth: u32, stop: &AtomicBool) {
    if depth > 0 {
        burn_deep(depth - 1, stop);
    } else {
        burn_until_stopped(stop);
    }
    black_box(depth);
}

#[inline(never)]
fn burn_until_stopped(stop: &AtomicBool) {
    while !stop.load(Acquire) {
        black_box(checksum(black_box(1000)));
    }
}

#[inline]
fn checksum(rounds: u64) -> u64 {
    (0..rounds).fold(7, |sum, round| black_box(sum ^ round).rotate_left(5))
}

fn functions(report: &StallReport) -> Vec<&str> {
    report.stack.frames().iter().filter_map(|frame| frame.function()).collect()
}

fn has(report: &StallReport, name: &str) -> bool {
    functions(report).iter().any(|function| function.contains(name))
}

#[test]
fn a_computing_thread_is_named_with_its_function_and_line() {
    let stuck = Stuck::burning();
    let reporter = builder().build();
    assert_eq!(reporter.stacks_missing(), None);
    let report = stuck.report_when(&reporter, |report| has(report, "burn_until_stopped"));
    let deep = functions(&report).iter().filter(|name| name.ends_with("burn_deep")).count();
    assert_eq!(deep, 41, "{report}");
    assert!(!report.stack.is_truncated(), "{report}");
    // The thread's beginning is at the end.
    assert!(has(&report, "std::sys::"), "{report}");

    let culprit = report.stack.culprit().unwrap();
    assert_eq!(culprit.origin(), FrameOrigin::User);
    // In release builds the innermost are inlined, and may have no path in their names.
    assert!(has(&report, "stall_report::burn_deep"), "{report}");
    assert!(culprit.file().unwrap().ends_with("tests/stall_report.rs"), "{report}");
    assert!(culprit.line().unwrap() > 0);
    assert!(culprit.module().unwrap().contains("stall_report"));

    let again = stuck.report_when(&reporter, |report| has(report, "burn_until_stopped"));
    let kind = |report: &StallReport| {
        (report.stack.culprit().unwrap().function().unwrap().to_owned(), report.fingerprint)
    };
    if kind(&again).0 == kind(&report).0 {
        assert_eq!(kind(&again).1, kind(&report).1);
    }
    stuck.end();
}

#[test]
fn the_reason_is_told() {
    let reporter = builder().build();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.lock().unwrap();
    let theirs = lock.clone();

    let reads = Stuck::with(move |_| assert_eq!((&reader).read(&mut [0]).unwrap(), 1));
    let waits = Stuck::with(move |_| drop(theirs.lock().unwrap()));
    let sleeps = Stuck::with(|stop| {
        while !stop.load(Acquire) {
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    let computes = Stuck::burning();

    let in_call = |report: &StallReport, wanted: &[&str]| match report.verdict {
        StallVerdict::InSystemCall { name: Some(name), .. } => wanted.contains(&name),
        // A sandbox that does not tell which.
        StallVerdict::InSystemCall { name: None, number: None } => true,
        _ => false,
    };
    let report = reads.report_when(&reporter, |report| in_call(report, &["read"]));
    assert!(has(&report, "the_reason_is_told"), "{report}");
    let names = ["nanosleep", "clock_nanosleep"];
    let report = sleeps.report_when(&reporter, |report| in_call(report, &names));
    assert!(has(&report, "std::thread::"), "{report}");
    assert!(has(&report, "the_reason_is_told"), "{report}");
    let report = waits.report_when(&reporter, |report| {
        report.verdict == StallVerdict::WaitingForLock || in_call(report, &[])
    });
    assert!(has(&report, "the_reason_is_told"), "{report}");

    let mut facts = computes.facts(1, 80);
    facts.cpu_used = Some(Duration::from_millis(79));
    facts.thread = "worker-1".to_owned();
    facts.waiting_behind = Some(4);
    let report = reporter.report(&facts);
    assert_eq!(report.verdict, StallVerdict::Computing);
    let text = report.to_string();
    for part in ["80ms: it computes", "79ms of CPU time", "4 tasks wait", "\"worker-1\"", "  >"] {
        assert!(text.contains(part), "{part} in {text}");
    }

    writer.write_all(b"x").unwrap();
    drop(guard);
    [reads, waits, sleeps, computes].into_iter().for_each(Stuck::end);
}

#[test]
fn a_thread_that_is_inside_the_clock_or_an_allocation_is_unwound() {
    let reporter = builder().build();
    let stuck = Stuck::with(|stop| {
        while !stop.load(Acquire) {
            black_box((Instant::now(), vec![0_u8; black_box(100)]));
        }
    });
    let mut unwound = 0;
    for _ in 0..200 {
        let report = reporter.report(&stuck.facts(1, 80));
        unwound += u32::from(has(&report, "is_unwound"));
    }
    // Not each instruction of a C library says where its frame is.
    assert!(unwound >= 150, "{unwound}");
    stuck.end();
}

#[test]
fn one_that_has_ended_leaves_a_report_without_a_stack() {
    let reporter = builder().build();
    let stuck = Stuck::burning();
    let facts = stuck.facts(1, 80);
    stuck.end();
    let deadline = Instant::now() + LONG;
    let report = loop {
        let report = reporter.report(&facts);
        if report.stack.missing().is_some() {
            break report;
        }
        assert!(Instant::now() < deadline);
    };
    assert_eq!(report.stack.missing(), Some("the thread has ended"));
    assert_eq!(report.verdict, StallVerdict::Unknown);
    assert!(report.to_string().contains("no stack: the thread has ended"));
}

#[test]
fn sinks_are_told_and_those_that_panic_harm_nobody() {
    let stuck = Stuck::burning();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stalls.jsonl");
    let lines = JsonLines::append(&path).unwrap();
    let (told_out, told_in) = channel();
    let mut reporter = builder()
        .limits(ReportLimits::new().threshold(Duration::from_millis(50)).per_minute(3))
        .sink(|_: &StallReport| std::panic::resume_unwind(Box::new("a sink that panics")))
        .sink(lines.clone())
        .sink(move |report: &StallReport| told_out.send(report.clone()).unwrap())
        .build();
    for (poll, millis, told) in [
        (1, 20, Told::NotDue),
        (1, 60, Told::Queued),
        (1, 90, Told::NotDue),
        (1, 110, Told::Queued),
        (2, 70, Told::Queued),
        (1, 500, Told::Queued),
        (1, 1000, Told::Queued),
    ] {
        assert_eq!(reporter.tell(&stuck.facts(poll, millis)), told, "{poll} {millis}");
        assert!(reporter.flush(LONG));
    }
    let counts = reporter.counts();
    assert_eq!((counts.told, counts.panics, counts.dropped), (3, 3, 0));
    // The second poll is of the same kind, unless it was found in a function further in or out.
    assert_eq!(counts.merged + counts.suppressed, 2);

    let reports: Vec<_> = told_in.try_iter().collect();
    assert_eq!(reports.len(), 3);
    assert_eq!(reports[0].elapsed, Duration::from_millis(60));
    let text = std::fs::read_to_string(&path).unwrap();
    let json: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.len(), 3);
    assert_eq!(lines.failed(), 0);
    assert_eq!(json[0]["fingerprint"], format!("{:016x}", reports[0].fingerprint));
    assert!(json[0]["culprit"]["file"].as_str().unwrap().ends_with("stall_report.rs"));
    stuck.end();
}

#[test]
fn a_sink_that_never_returns_costs_reports_and_nothing_else() {
    let stuck = Stuck::burning();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let mut reporter = builder()
        .sink(move |_: &StallReport| {
            let _ = released.lock().unwrap().recv();
        })
        .build();
    let deadline = Instant::now() + LONG;
    let mut poll = 0;
    while reporter.counts().dropped < 5 {
        poll += 1;
        assert_ne!(reporter.tell(&stuck.facts(poll, 60)), Told::NotDue);
        assert!(Instant::now() < deadline);
    }
    assert!(!reporter.flush(Duration::from_millis(1)));
    // Reports of one's own still work, and nobody waits for the sink at the end.
    assert!(reporter.report(&stuck.facts(1, 60)).stack.culprit().is_some());
    drop(reporter);
    drop(release);
    stuck.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_poll_on_a_real_worker_is_unwound_through_tokio() {
    let reporter = builder().build();
    let stop = Arc::new(AtomicBool::new(false));
    let (tid_out, tid_in) = channel();
    let stopped = stop.clone();
    let task = tokio::spawn(async move {
        tid_out.send(current_thread_number().unwrap()).unwrap();
        burn_until_stopped(&stopped);
    });
    let tid = tid_in.recv().unwrap();
    let deadline = Instant::now() + LONG;
    let report = loop {
        let report = reporter.report(&StallFacts::new(tid, 1, Duration::from_millis(60)));
        if has(&report, "burn_until_stopped") || Instant::now() > deadline {
            break report;
        }
    };
    // First of all, for a runtime waits for its workers.
    stop.store(true, Release);
    task.await.unwrap();
    assert!(has(&report, "burn_until_stopped"), "{report}");
    let is_tokio = |origin| origin == FrameOrigin::Tokio;
    assert!(report.stack.frames().iter().any(|frame| is_tokio(frame.origin())), "{report}");
    assert!(!report.stack.is_truncated(), "{report}");
}

/// Set for the child: what it does with its own program file first.
const CHILD: &str = "PULSE_TEST_STALL_REPORT_CHILD";

/// The child of the next test; by itself it does nothing.
#[test]
fn child_without_its_program_file() {
    let Ok(program) = std::env::var(CHILD) else { return };
    std::fs::remove_file(program).unwrap();
    let reporter = builder().build();
    let stuck = Stuck::burning();
    let report = stuck.report_when(&reporter, |report| has(report, "burn_deep"));
    println!("{report}");
    stuck.end();
}

#[test]
fn a_program_that_was_deleted_or_replaced_is_read_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("a program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = std::process::Command::new(&program)
        .args(["--exact", "child_without_its_program_file", "--nocapture"])
        .env(CHILD, &program)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if !text.contains("running 1 test") {
        return eprintln!("skipped: under this emulator a program cannot be started by another");
    }
    assert!(output.status.success(), "{text}");
    assert!(text.contains("stall_report::burn_deep"), "{text}");
    assert!(text.contains("tests/stall_report.rs:"), "{text}");
    assert!(!program.exists());
}
