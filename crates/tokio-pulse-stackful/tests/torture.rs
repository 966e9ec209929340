//! Ordinary code, preempted all the time: it allocates, formats, hashes, sorts, locks, logs, prints,
//! panics and catches. Nothing may crash, hang or come out wrong.
//!
//! `STACKFUL_TORTURE` is how many preemptions to force, 3,000 without it. A million takes minutes:
//!
//! ```sh
//! STACKFUL_TORTURE=1000000 cargo test --release -p tokio-pulse-stackful --test torture -- --nocapture
//! ```

use std::alloc::System;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::env;
use std::fmt;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{
    PreemptSafeAlloc, PreemptSafeMutex, PreemptiveRuntime, Refusal, TaskSettings, checkpoint,
};

#[global_allocator]
static ALLOCATOR: PreemptSafeAlloc<System> = PreemptSafeAlloc::new(System);

const FEW: u64 = 3_000;
/// As long as something happens at all.
const PATIENCE: Duration = Duration::from_secs(60);

thread_local! {
    /// Read and written in one go, as the contract demands.
    static TURNS: Cell<u64> = const { Cell::new(0) };
}

/// What was logged; its lock is a plain one, which `log`'s being on the call chain protects.
static LOGGED: Mutex<(u64, u64)> = Mutex::new((0, 0));

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut logged = LOGGED.lock().unwrap();
        logged.0 += 1;
        logged.1 = logged.1.wrapping_add(checksum(record.args().to_string().as_bytes()));
    }

    fn flush(&self) {}
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Long enough to be interrupted while its caller, the standard library, holds a lock.
struct Slow(u64);

impl fmt::Display for Slow {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..20_000).for_each(|n| _ = black_box(n ^ self.0));
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
    log::info!("{seed}: {sum:x}");
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let held = vec![String::from("dropped by the panic"); 10];
        assert!(sum == 0 && held.is_empty(), "{sum}");
    }));
    let message = caught.unwrap_err();
    sum ^= message.downcast_ref::<String>().unwrap().len() as u64;
    checkpoint();
    sum
}

/// Without a call: most preemptions happen here.
fn compute(seed: u64) -> u64 {
    (0..30_000_u64).fold(seed, |sum, n| black_box(sum.rotate_left(7) ^ n))
}

/// What all tasks of one run share.
struct Run {
    over: AtomicBool,
    rounds: AtomicU64,
    shared: PreemptSafeMutex<u64>,
}

async fn rounds(seed: u64, run: Arc<Run>) -> u64 {
    let expected = (work(seed, &run.shared), compute(seed));
    while !run.over.load(Relaxed) {
        assert_eq!((work(seed, &run.shared), compute(seed)), expected);
        print!("{}", Slow(seed));
        run.rounds.fetch_add(1, Relaxed);
        tokio::task::yield_now().await;
    }
    expected.0 ^ expected.1
}

fn torture(preemptions: u64, workers: usize) {
    let runtime = PreemptiveRuntime::builder()
        .worker_threads(workers)
        .quantum(Duration::from_micros(100))
        .build()
        .unwrap();
    let run = Arc::new(Run {
        over: AtomicBool::new(false),
        rounds: AtomicU64::new(0),
        shared: PreemptSafeMutex::new(0),
    });
    let logged = *LOGGED.lock().unwrap();
    let tasks = (1..=8_u64).map(|seed| {
        let settings = TaskSettings::default();
        let settings = if seed % 2 == 0 { settings.pinned() } else { settings };
        // SAFETY: the lock is one that is not left, the thread-local is not held, and the standard
        // library's and the logger's locks are seen on the call chain.
        unsafe { runtime.spawn_with(settings, rounds(seed, run.clone())) }
    });
    let tasks: Vec<_> = tasks.collect();
    let (mut last, mut moved) = (0, Instant::now());
    while runtime.metrics().preemptions() < preemptions && moved.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(10));
        let rounds = run.rounds.load(Relaxed);
        if rounds != last {
            (last, moved) = (rounds, Instant::now());
        }
    }
    run.over.store(true, Relaxed);
    let sums = tasks.into_iter().map(|task| task.join().unwrap());
    let sum = sums.fold(0_u64, |all, sum| all.rotate_left(1) ^ sum);
    let metrics = runtime.metrics();
    let refusals = Refusal::ALL.map(|reason| (reason, metrics.refusals(reason)));
    let rounds = run.rounds.load(Relaxed);
    eprintln!(
        "{workers} workers: {} preemptions and {} yields in {rounds} rounds, checksum {sum:016x}, \
         refusals {refusals:?}",
        metrics.preemptions(),
        metrics.yields()
    );
    assert!(metrics.preemptions() >= preemptions, "{refusals:?}");
    assert!(metrics.refusals(Refusal::Caller) > 0, "{refusals:?}");
    let all = rounds + 8;
    assert_eq!(*run.shared.lock().unwrap(), all);
    assert_eq!(LOGGED.lock().unwrap().0 - logged.0, all);
}

fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let expected = thread::current().name().is_some_and(|name| name.starts_with("pre"));
        if !expected || !info.location().is_some_and(|at| at.file().ends_with("torture.rs")) {
            eprintln!("{info}");
        }
    }));
}

#[test]
fn ordinary_code_survives() {
    quiet_panics();
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let count = env::var("STACKFUL_TORTURE").map_or(FEW, |count| count.parse().unwrap());
    torture(count.div_ceil(2), 1);
    torture(count.div_ceil(2), 2);
}
