//! The end of each stall that was reported is told, once, whatever became of its poll.
#![cfg(all(feature = "stacks", target_os = "linux", tokio_unstable))]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{builder, eventually, rescue_only};
use tokio_pulse::config::Rule;
use tokio_pulse::stall_report::{ReportLimits, ReportSink, StallEnd, StallReport};
use tokio_pulse::{Builder, Runtime, Tier};

/// What is told of each stall.
#[derive(Default)]
struct Told {
    reports: u32,
    ends: Vec<StallEnd>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<HashMap<u64, Told>>>);

impl ReportSink for Log {
    fn report(&self, report: &StallReport) {
        self.0.lock().unwrap().entry(report.stall).or_default().reports += 1;
    }

    fn ended(&self, end: &StallEnd) {
        self.0.lock().unwrap().entry(end.stall).or_default().ends.push(end.clone());
    }
}

impl Log {
    /// Each stall is reported, soon.
    fn of(mut builder: Builder) -> (Runtime, Self) {
        let log = Self::default();
        let limits = ReportLimits::new().threshold(Duration::from_millis(20)).per_minute(1000);
        (builder.report_sink(log.clone()).stall_reports(limits).build().unwrap(), log)
    }

    fn stalls(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn all_have_ended_once(&self) {
        eventually("each end is told", || {
            let told = self.0.lock().unwrap();
            told.values().all(|told| told.reports > 0 && told.ends.len() == 1)
        });
    }

    fn ends(&self) -> Vec<StallEnd> {
        self.0.lock().unwrap().values().flat_map(|told| told.ends.clone()).collect()
    }
}

/// For the stack of each `KIND` is another: of one kind only the first is told.
#[inline(never)]
fn stuck_until<const KIND: usize>(over: impl Fn() -> bool) {
    while !over() {
        std::hint::spin_loop();
    }
    std::hint::black_box(KIND);
}

/// In one poll, until a stall more is told, or until it is clear that none will be.
fn hold_worker<const KIND: usize>(log: &Log) {
    let (before, timer) = (log.stalls(), tokio_pulse::CpuTimer::start());
    stuck_until::<KIND>(|| log.stalls() > before || timer.elapsed() > Duration::from_millis(300));
}

const KINDS: [fn(&Log); 8] = [
    hold_worker::<0>,
    hold_worker::<1>,
    hold_worker::<2>,
    hold_worker::<3>,
    hold_worker::<4>,
    hold_worker::<5>,
    hold_worker::<6>,
    hold_worker::<7>,
];

/// One task whose every poll is too long.
fn offend(runtime: &Runtime, log: &Log) {
    let log = log.clone();
    let context = runtime.enter();
    let offender = tokio_pulse::task::Builder::new().name("offender").spawn(async move {
        for kind in KINDS {
            kind(&log);
            tokio::task::yield_now().await;
        }
    });
    drop(context);
    runtime.block_on(offender).unwrap();
}

/// Lets the poll go on also when its test fails: dropping a runtime waits for its polls.
#[derive(Default)]
struct GoOn(Arc<AtomicBool>);

impl Drop for GoOn {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

fn at(tier: Tier) -> Builder {
    let mut builder = builder(2);
    builder.rule(Rule::builder().site("*").tier(tier).build().unwrap());
    builder
}

#[test]
fn of_a_task_that_becomes_known_by_its_stalls() {
    let (runtime, log) = Log::of(builder(2));
    offend(&runtime, &log);
    assert!(log.stalls() > 0);
    log.all_have_ended_once();
}

/// Its polls are treated, and hold their worker all the same.
#[test]
fn of_a_known_task_that_is_only_warned_of() {
    let (runtime, log) = Log::of(at(Tier::One));
    offend(&runtime, &log);
    assert!(log.stalls() > 0);
    log.all_have_ended_once();
}

/// Its polls give their worker away before they begin: no stall, and so no end.
#[test]
fn of_a_known_task_that_gives_its_worker_away() {
    let (runtime, log) = Log::of(at(Tier::Two));
    offend(&runtime, &log);
    log.all_have_ended_once();
}

/// The poll goes on, but holds up nobody any more: that is the end of the stall.
#[test]
fn of_a_poll_that_gives_its_worker_away_while_it_is_stuck() {
    let (runtime, log) = Log::of(rescue_only(2));
    let (told, go_on) = (log.clone(), GoOn::default());
    let gone_on = go_on.0.clone();
    let task = runtime.spawn(async move {
        stuck_until::<8>(|| told.stalls() > 0);
        tokio::task::block_in_place(|| stuck_until::<9>(|| gone_on.load(Acquire)));
    });
    eventually("it is reported", || log.stalls() > 0);
    log.all_have_ended_once();
    assert!(!task.is_finished());
    drop(go_on);
    runtime.block_on(task).unwrap();
    log.all_have_ended_once();
    assert!(log.ends().iter().all(|end| end.lasted >= Duration::from_millis(20)));
}
