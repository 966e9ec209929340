//! Polls that wait for each other are reported with their stacks, in a process of their own that
//! hangs as it should.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod common;

use std::env;
use std::hint::black_box;
use std::io::Read;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{
    PreemptSafeMutex, PreemptiveRuntime, TaskSettings, set_deadlock_hook, suspected_deadlocks,
};

const CHILD: &str = "STACKFUL_DEADLOCK_CHILD";
/// The child reads its debug information first, which takes long where it is emulated.
const PATIENCE: Duration = Duration::from_secs(300);

fn runtime(workers: usize) -> PreemptiveRuntime {
    let builder = PreemptiveRuntime::builder().worker_threads(workers);
    builder.quantum(Duration::from_micros(500)).build().unwrap()
}

fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Runs a test of this file again, in a process that is stopped when its error output has the last
/// of the words, and returns that output.
fn report_of(test: &str, last: &str) -> String {
    let mut child = common::this_program()
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let report = read_until(&mut child, last);
    child.kill().unwrap();
    child.wait().unwrap();
    report
}

fn read_until(child: &mut Child, last: &str) -> String {
    let mut errors = child.stderr.take().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = errors.read(&mut part) {
            let _ = sender.send(part[..length].to_vec());
        }
    });
    let (began, mut all) = (Instant::now(), Vec::new());
    while began.elapsed() < PATIENCE {
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(part) => all.extend(part),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if String::from_utf8_lossy(&all).contains(last) {
            break;
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[inline(never)]
fn holds_the_lock(lock: &Mutex<u64>, held: &AtomicBool) {
    let mut guard = lock.lock().unwrap();
    held.store(true, Relaxed);
    loop {
        *guard = black_box(*guard + 1);
    }
}

#[inline(never)]
fn waits_for_the_lock(lock: &Mutex<u64>, held: &AtomicBool) -> u64 {
    while !held.load(Relaxed) {
        black_box(());
    }
    *lock.lock().unwrap() + 1
}

#[test]
fn two_polls_of_one_thread() {
    if !is_child() {
        let report = report_of("two_polls_of_one_thread", "PreemptSafeMutex");
        for part in [
            "'holder' was set aside",
            "'waiter' waits for a lock",
            "holds_the_lock",
            "waits_for_the_lock",
        ] {
            assert!(report.contains(part), "{part}: {report}");
        }
        return;
    }
    let runtime = runtime(1);
    let lock = Arc::new((Mutex::new(0), AtomicBool::new(false)));
    let held = lock.clone();
    let settings = TaskSettings::default().name("holder");
    // SAFETY: it breaks the contract on purpose: a lock is held while it computes.
    let _holder =
        unsafe { runtime.spawn_with(settings, async move { holds_the_lock(&held.0, &held.1) }) };
    let settings = TaskSettings::default().name("waiter");
    // SAFETY: as above.
    let waiter = unsafe {
        runtime.spawn_with(settings, async move { waits_for_the_lock(&lock.0, &lock.1) })
    };
    let _ = waiter.join();
}

#[inline(never)]
fn takes_both(
    first: &PreemptSafeMutex<u64>,
    second: &PreemptSafeMutex<u64>,
    both: &AtomicU32,
) -> u64 {
    let first = first.lock().unwrap();
    both.fetch_add(1, SeqCst);
    while both.load(SeqCst) < 2 {
        black_box(());
    }
    *first + *second.lock().unwrap()
}

#[test]
fn two_locks_in_two_orders() {
    if !is_child() {
        let report = report_of("two_locks_in_two_orders", "END");
        for part in ["'forwards' waits", "'backwards' waits", "HOOK 2"] {
            assert!(report.contains(part), "{part}: {report}");
        }
        assert_eq!(report.matches("takes_both").count(), 2, "{report}");
        return;
    }
    set_deadlock_hook(|report| eprintln!("{report}\nHOOK {} END", report.polls.len()));
    let runtime = runtime(2);
    let locks = Arc::new((PreemptSafeMutex::new(1), PreemptSafeMutex::new(2), AtomicU32::new(0)));
    let tasks = ["forwards", "backwards"].into_iter().enumerate().map(|(worker, name)| {
        let locks = locks.clone();
        let settings = TaskSettings::default().name(name).worker(worker);
        // SAFETY: the locks are not left; that it hangs is what is tested.
        unsafe {
            runtime.spawn_with(settings, async move {
                match worker {
                    0 => takes_both(&locks.0, &locks.1, &locks.2),
                    _ => takes_both(&locks.1, &locks.0, &locks.2),
                }
            })
        }
    });
    let tasks: Vec<_> = tasks.collect();
    tasks.into_iter().for_each(|task| _ = task.join());
}

#[test]
fn a_lone_poll_that_waits_is_nobodys_deadlock() {
    if is_child() {
        return;
    }
    let runtime = runtime(1);
    let lock = Arc::new(PreemptSafeMutex::new(0));
    let held = lock.lock().unwrap();
    let waiting = lock.clone();
    // SAFETY: it waits for another thread.
    let waiter = unsafe { runtime.spawn(async move { *waiting.lock().unwrap() }) };
    thread::sleep(Duration::from_millis(2_500));
    drop(held);
    assert_eq!(waiter.join().unwrap(), 0);
    assert_eq!(suspected_deadlocks(), 0);
}
