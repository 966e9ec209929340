//! Timed polls on real runtimes.
#![cfg(feature = "poll-times")]

mod common;

use std::time::Duration;

use common::{builder, eventually};

use tokio_pulse::{Builder, Histogram, Runtime};

const LONG: Duration = Duration::from_millis(40);

fn poll_time(runtime: &Runtime) -> Histogram {
    runtime.handle().preemption_metrics().poll_time().clone()
}

/// Of so many polls, by how many at least were as long.
fn at_least(times: &Histogram, long: Duration) -> u64 {
    let bounds = Histogram::bounds();
    let reached = bounds.iter().position(|bound| *bound >= long).unwrap();
    times.buckets()[reached..].iter().sum()
}

fn a_long_poll_and_many_short_ones(mut builder: Builder) {
    let runtime = builder.poll_times(true).build().unwrap();
    let task = runtime.spawn(async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        std::thread::sleep(LONG);
    });
    runtime.block_on(task).unwrap();
    // The end of a poll is noted after its task is done.
    eventually("the long poll is told", || at_least(&poll_time(&runtime), LONG) >= 1);
    let times = poll_time(&runtime);
    assert!(times.count() >= 101 && times.sum() >= LONG, "{times:?}");
    // A machine that is short of processors makes some of them long, not all.
    assert!(at_least(&times, LONG) < 50, "{times:?}");
}

#[test]
fn on_workers() {
    a_long_poll_and_many_short_ones(builder(2));
}

#[test]
fn on_a_current_thread_runtime_where_main_is_no_poll() {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    a_long_poll_and_many_short_ones(builder);
}

#[test]
fn threads_that_have_ended_count_as_well() {
    let mut builder = builder(1);
    builder.thread_keep_alive(Duration::from_millis(1));
    let runtime = builder.poll_times(true).build().unwrap();
    for round in 1..=3 {
        // The worker goes to another thread, and this one ends.
        let task = runtime.spawn(async {
            tokio::task::block_in_place(|| std::thread::sleep(LONG));
        });
        runtime.block_on(task).unwrap();
        eventually("it is told", || at_least(&poll_time(&runtime), LONG) >= round);
    }
}

#[test]
fn nothing_is_measured_unless_it_was_asked_for() {
    let runtime = builder(1).build().unwrap();
    runtime.block_on(runtime.spawn(async {})).unwrap();
    assert_eq!(poll_time(&runtime).count(), 0);
}
