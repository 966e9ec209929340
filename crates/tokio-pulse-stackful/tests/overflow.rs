//! A task that overflows its stack is named, and ends the process.

mod common;

use std::env;
use std::hint::black_box;

use tokio_pulse_stackful::{PreemptiveRuntime, TaskSettings};

const CHILD: &str = "STACKFUL_OVERFLOW_CHILD";

#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if frame[0] == u64::MAX { 0 } else { deeper(depth + 1) + black_box(frame)[1] }
}

#[test]
fn an_overflow_is_reported_with_the_tasks_name() {
    if env::var_os(CHILD).is_some() {
        let runtime = PreemptiveRuntime::builder().worker_threads(1).build().unwrap();
        let settings = TaskSettings::default().name("bottomless");
        // SAFETY: it computes, until the guard page ends it.
        let task = unsafe { runtime.spawn_with(settings, async { deeper(0) }) };
        panic!("{:?}", task.join());
    }
    let output = common::this_program()
        .args(["--exact", "an_overflow_is_reported_with_the_tasks_name", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains("task 'bottomless' has overflowed its stack"), "{errors}");
}

#[test]
fn deep_stacks_are_preempted_and_come_back() {
    #[inline(never)]
    fn down(depth: u32) -> u64 {
        if depth == 0 {
            return (0..200_000_u64).fold(0, |sum, n| black_box(sum + n));
        }
        down(depth - 1) + black_box(u64::from(depth))
    }
    let runtime = PreemptiveRuntime::builder()
        .worker_threads(1)
        .quantum(std::time::Duration::from_micros(100))
        .build()
        .unwrap();
    let tasks = (0..2).map(|_| {
        // SAFETY: it computes.
        unsafe { runtime.spawn(async { (0..50).map(|_| down(500)).sum::<u64>() }) }
    });
    let tasks: Vec<_> = tasks.collect();
    let sums: Vec<_> = tasks.into_iter().map(|task| task.join().unwrap()).collect();
    assert_eq!(sums[0], 50 * (199_999 * 100_000 + 500 * 501 / 2));
    assert_eq!(sums[0], sums[1]);
    assert!(runtime.metrics().preemptions() > 0, "{:?}", runtime.metrics());
}
