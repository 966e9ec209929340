//! The function by which tests fail on a long poll.

mod common;

use std::error::Error as _;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use common::builder;
use tokio_pulse::testing::{self, LongPolls, MaxPollError};

const MAX_POLL: Duration = Duration::from_millis(5);

#[inline(never)]
fn holds_its_worker() {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(150) {
        black_box((0..1_000_u64).sum::<u64>());
    }
}

#[track_caller]
fn long_polls<T: std::fmt::Debug>(result: Result<T, MaxPollError>) -> LongPolls {
    match result {
        Err(MaxPollError::LongPolls(polls)) => polls,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_long_poll_is_an_error_with_its_place_and_its_origin() {
    // In an emulator the workers' own start is long too. That has no spawn site.
    let slow_start = common::is_emulated();
    let its_report = |polls: &LongPolls| {
        let mut reports = polls.reports().iter();
        reports.position(|report| !slow_start || report.spawned_at.is_some())
    };
    let (mut tries, line) = (0, line!() + 3);
    let (polls, text) = loop {
        let result = testing::within(&mut builder(2), MAX_POLL, async {
            tokio_pulse::spawn(async { holds_its_worker() }).await.unwrap();
        });
        let polls = long_polls(result);
        let text = polls.to_string();
        tries += 1;
        // On a busy machine the thread may not have answered before the end.
        let has_answered = !text.contains("no stack: the thread has not answered in time");
        if has_answered && its_report(&polls).is_some() || tries == 20 || !cfg!(target_os = "linux")
        {
            break (polls, text);
        }
    };
    assert!(polls.count() >= 1);
    assert!(text.contains("polls took longer than 5ms"), "{text}");
    if cfg!(target_os = "linux") {
        assert!(polls.longest() >= MAX_POLL, "{text}");
        let report = &polls.reports()[its_report(&polls).unwrap_or_default()];
        // While it went on, not only at its end.
        let site = report.spawned_at.unwrap_or_else(|| panic!("no spawn site: {text}"));
        assert!(site.file().ends_with("tests/testing.rs") && site.line() == line, "{text}");
        assert!(report.task_id.is_some(), "{text}");
    }
    #[cfg(all(feature = "stacks", target_os = "linux", target_arch = "x86_64"))]
    assert!(text.contains("holds_its_worker"), "{text}");
}

/// One that never ends, in a task that the body does not wait for.
#[test]
fn a_poll_that_goes_on_is_an_error_too_and_is_not_waited_for() {
    let over = Arc::new(AtomicBool::new(false));
    let is_over = over.clone();
    let result = testing::within(&mut builder(2), MAX_POLL, async move {
        tokio_pulse::spawn(async move {
            while !is_over.load(Relaxed) {
                std::hint::spin_loop();
            }
        });
        let handle = tokio_pulse::Handle::current();
        while handle.metrics().stalls_in_progress() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(long_polls(result).count() >= 1);
    over.store(true, Relaxed);
}

#[test]
fn polls_that_are_short_pass_with_their_output() {
    let output = testing::within(&mut builder(2), Duration::from_secs(60), async { 7 });
    assert_eq!(output.unwrap(), 7);
}

#[test]
#[should_panic = "as it should"]
fn a_panic_of_the_body_goes_on() {
    let _ = testing::within(&mut builder(1), MAX_POLL, async { panic!("as it should") });
}

#[test]
fn a_runtime_that_cannot_be_built_is_an_error() {
    let error = testing::within(&mut builder(0), MAX_POLL, async {}).unwrap_err();
    assert!(matches!(error, MaxPollError::Build(_)), "{error}");
    assert!(error.source().is_some() && error.to_string().contains("building"));
}
