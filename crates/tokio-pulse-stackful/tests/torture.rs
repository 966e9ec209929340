//! Ordinary code, preempted all the time: it allocates, formats, hashes, sorts, locks, prints, panics
//! and catches. Nothing may crash, hang or come out wrong.

use std::alloc::System;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{
    PreemptSafeAlloc, PreemptSafeMutex, PreemptiveRuntime, Refusal, TaskSettings, checkpoint,
};

#[global_allocator]
static ALLOCATOR: PreemptSafeAlloc<System> = PreemptSafeAlloc::new(System);

thread_local! {
    /// Read and written in one go, as the contract demands.
    static TURNS: Cell<u64> = const { Cell::new(0) };
}

/// Long enough to be interrupted while its caller, the standard library, holds a lock.
struct Slow(u64);

impl fmt::Display for Slow {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..200_000).for_each(|n| _ = black_box(n ^ self.0));
        Ok(())
    }
}

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A number that depends on the seed only, whatever happens in between.
fn work(seed: u64, shared: &PreemptSafeMutex<u64>) -> u64 {
    let mut numbers = Numbers(seed | 1);
    let mut sum = 0_u64;
    let mut words = HashMap::new();
    let mut sorted = BTreeMap::new();
    for n in 0..200 {
        let number = numbers.next();
        words.insert(format!("{number:x}-{n}"), vec![number; 1 + n % 50]);
        sorted.insert(number, Box::new(n));
        TURNS.with(|turns| turns.set(turns.get() + 1));
    }
    *shared.lock().unwrap() += 1;
    let mut all: Vec<u64> = words.values().flatten().copied().collect();
    all.sort_unstable();
    sum = all.iter().fold(sum, |sum, number| sum.rotate_left(5) ^ number);
    sum = sorted.iter().fold(sum, |sum, (number, n)| sum.wrapping_mul(31) ^ number ^ **n as u64);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let held = vec![String::from("dropped by the panic"); 10];
        assert!(sum == 0 && held.is_empty(), "{sum}");
    }));
    let message = caught.unwrap_err();
    sum ^= message.downcast_ref::<String>().unwrap().len() as u64;
    checkpoint();
    sum
}

fn torture(duration: Duration, workers: usize) {
    let runtime = PreemptiveRuntime::builder()
        .worker_threads(workers)
        .quantum(Duration::from_micros(100))
        .build()
        .unwrap();
    let shared = Arc::new(PreemptSafeMutex::new(0));
    let rounds = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let tasks = (1..=8_u64).map(|seed| {
        let (shared, rounds) = (shared.clone(), rounds.clone());
        let settings = TaskSettings::default();
        let settings = if seed % 2 == 0 { settings.pinned() } else { settings };
        // SAFETY: the lock is one that is not preempted, the thread-local is not held, and the
        // standard library's locks are seen on the call chain.
        unsafe {
            runtime.spawn_with(settings, async move {
                let expected = work(seed, &shared);
                while began.elapsed() < duration {
                    assert_eq!(work(seed, &shared), expected);
                    print!("{}", Slow(seed));
                    rounds.fetch_add(1, Relaxed);
                    tokio::task::yield_now().await;
                }
            })
        }
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.join().unwrap();
    }
    let metrics = runtime.metrics();
    let refusals = Refusal::ALL.map(|reason| (reason, metrics.refusals(reason)));
    eprintln!("{} preemptions, {} yields, {refusals:?}", metrics.preemptions(), metrics.yields());
    assert!(rounds.load(Relaxed) > 0 && metrics.preemptions() > 0, "{refusals:?}");
    assert!(metrics.refusals(Refusal::Caller) > 0, "{refusals:?}");
    assert_eq!(*shared.lock().unwrap(), rounds.load(Relaxed) + 8);
}

fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let expected = std::thread::current().name().is_some_and(|name| name.starts_with("pre"));
        if !expected || !info.location().is_some_and(|at| at.file().ends_with("torture.rs")) {
            eprintln!("{info}");
        }
    }));
}

#[test]
fn ordinary_code_survives() {
    quiet_panics();
    torture(Duration::from_secs(4), 1);
    torture(Duration::from_secs(4), 2);
}

/// For an evening: `cargo test --release --test torture -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn ordinary_code_survives_for_long() {
    quiet_panics();
    torture(Duration::from_secs(300), 2);
}
