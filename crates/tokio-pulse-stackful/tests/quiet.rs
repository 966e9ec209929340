//! The ticker costs a processor next to nothing while nobody is to be interrupted. A process to
//! itself: its ticks are counted.
#![cfg(target_os = "linux")]

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::thread;
use std::time::Duration;

use tokio_pulse_stackful::PreemptiveRuntime;

/// How often the ticker's thread went to sleep.
fn naps() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let is_ticker = |task: &std::path::PathBuf| {
        fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "pulse-quantum")
    };
    let ticker = tasks.into_iter().find(is_ticker).expect("a ticker");
    let status = fs::read_to_string(ticker.join("status")).unwrap();
    let naps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    naps.unwrap().trim().parse().unwrap()
}

#[test]
fn a_poll_that_nobody_waits_behind_is_left_alone() {
    let quantum = Duration::from_millis(1);
    let runtime = PreemptiveRuntime::builder().worker_threads(1).quantum(quantum).build().unwrap();
    let (begun, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (beginning, running) = (begun.clone(), over.clone());
    let endless = async move {
        beginning.store(true, Relaxed);
        while !running.load(Relaxed) {
            black_box(());
        }
    };
    // SAFETY: it computes.
    let endless = unsafe { runtime.spawn(endless) };
    while !begun.load(Relaxed) {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(100));
    let before = naps();
    thread::sleep(Duration::from_secs(1));
    let naps = naps() - before;
    // Four looks whether it is blocked, each of which wakes the ticker for some more; thousands, if
    // it were timed.
    assert!(naps < 200, "{naps} in a second");

    // SAFETY: it does nothing.
    let other = unsafe { runtime.spawn(async {}) };
    other.join().unwrap();
    assert!(runtime.metrics().preemptions() > 0);
    over.store(true, Relaxed);
    endless.join().unwrap();
}
