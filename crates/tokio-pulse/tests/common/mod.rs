//! What the tests on real runtimes share. Conditions are waited for with a deadline that a loaded
//! machine keeps; nothing asserts that something was fast.
#![allow(dead_code, reason = "each test program uses some of it")]

pub(crate) mod hog;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_pulse::config::Rule;
use tokio_pulse::{Builder, Runtime};

/// Longer than any healthy machine needs for anything here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// For tests that disturb each other: one of a program at a time.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn builder(workers: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all();
    builder
}

/// Nobody is judged: each stall is met by the rescue, however often its like has been seen.
pub(crate) fn rescue_only(workers: usize) -> Builder {
    let mut builder = builder(workers);
    builder.rule(Rule::builder().site("*").exempt().build().unwrap());
    builder
}

/// Whether this system tells a thread that sleeps from one that computes or is set aside. Says why it does
/// not.
pub(crate) fn tells_sleepers() -> bool {
    match tokio_pulse_sys::ThreadProbe::of_current_thread() {
        Ok(_) => true,
        Err(reason) => {
            eprintln!("tested in part: {reason}");
            false
        }
    }
}

/// Whether the scripts for other platforms run this under an emulator, where the first turn of every piece
/// of code takes milliseconds of CPU: nobody is innocent by the clock there.
pub(crate) fn is_emulated() -> bool {
    let emulated = std::env::var_os("PULSE_TEST_EMULATED").is_some();
    if emulated {
        eprintln!("tested in part: an emulator makes everybody slow");
    }
    emulated
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A task whose one poll lasts until it is told to end.
pub(crate) struct Stall {
    over: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

impl Stall {
    /// Burns CPU. Returns once the poll runs.
    pub(crate) fn spawn_on(runtime: &Runtime) -> Self {
        Self::spawn(runtime, std::hint::spin_loop)
    }

    /// Sleeps in the kernel. Returns once the poll runs.
    pub(crate) fn blocking_on(runtime: &Runtime) -> Self {
        Self::spawn(runtime, || std::thread::sleep(Duration::from_millis(1_000)))
    }

    fn spawn(runtime: &Runtime, step: fn()) -> Self {
        let stall = Self { over: Arc::default(), ended: Arc::default() };
        let began = Arc::new(AtomicBool::new(false));
        let (over, ended, running) = (stall.over.clone(), stall.ended.clone(), began.clone());
        runtime.spawn(async move {
            running.store(true, Ordering::Relaxed);
            while !over.load(Ordering::Relaxed) {
                step();
            }
            ended.store(true, Ordering::Relaxed);
        });
        eventually("the stalling poll runs", || began.load(Ordering::Relaxed));
        stall
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// A stall never outlives its test, or dropping the runtime would wait for it forever.
impl Drop for Stall {
    fn drop(&mut self) {
        self.end();
    }
}

/// A task that sleeps a millisecond at a time gets `ticks` turns while `stall` goes on.
#[track_caller]
pub(crate) fn ticks_while(runtime: &Runtime, stall: &Stall, ticks: usize) {
    let ticker = runtime.spawn(async move {
        for _ in 0..ticks {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    eventually("the ticker has had its turns", || ticker.is_finished());
    assert!(!stall.is_over(), "the stall was to outlast the ticker");
}
