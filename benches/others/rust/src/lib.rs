//! Endless loops that share a thread: for how long each has it, and how long it takes from the last
//! instruction of one to the first of the next. The same for every system.

use std::arch::x86_64::_rdtsc;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

pub const LOOPS: usize = 4;
const KEPT: usize = 1 << 16;
const NOBODY: usize = LOOPS;

/// All of it is written by one thread, and read when that does not matter any more.
static OWNER: AtomicUsize = AtomicUsize::new(NOBODY);
static SINCE: [AtomicU64; LOOPS + 1] = [const { AtomicU64::new(0) }; LOOPS + 1];
static LAST: [AtomicU64; LOOPS + 1] = [const { AtomicU64::new(0) }; LOOPS + 1];
static CHANGES: AtomicUsize = AtomicUsize::new(0);
static STRETCHES: [AtomicU64; KEPT] = [const { AtomicU64::new(0) }; KEPT];
static GAPS: [AtomicU64; KEPT] = [const { AtomicU64::new(0) }; KEPT];
/// Loops whose arithmetic came out wrong.
static WRONG: AtomicU64 = AtomicU64::new(0);

fn now() -> u64 {
    // SAFETY: every x86-64 processor has it.
    unsafe { _rdtsc() }
}

/// About a microsecond of arithmetic, whose result is known.
#[inline(never)]
fn compute(turns: u64) -> u64 {
    (0..turns).fold(0, |sum, turn| black_box(sum) + turn)
}

/// Never ends, and calls nothing but its own arithmetic.
pub fn endless(me: usize) {
    const TURNS: u64 = 1_000;
    loop {
        if compute(black_box(TURNS)) != TURNS * (TURNS - 1) / 2 {
            WRONG.fetch_add(1, Relaxed);
        }
        let before = OWNER.load(Relaxed);
        if before != me {
            let came = now();
            let change = CHANGES.fetch_add(1, Relaxed);
            if before != NOBODY && change < KEPT {
                let left = LAST[before].load(Relaxed);
                GAPS[change].store(came.saturating_sub(left), Relaxed);
                STRETCHES[change].store(left.saturating_sub(SINCE[before].load(Relaxed)), Relaxed);
            }
            SINCE[me].store(came, Relaxed);
            OWNER.store(me, Relaxed);
        }
        LAST[me].store(now(), Relaxed);
    }
}

/// Waits, prints a line, and ends the process with everything in it.
pub fn report(system: &str, time: Duration) -> ! {
    let (began, ticks) = (Instant::now(), now());
    thread::sleep(time);
    let ticks = (now() - ticks) as f64 / (began.elapsed().as_secs_f64() * 1e6);
    let changes = CHANGES.load(Relaxed);
    println!(
        "{system}: {changes} changes of {LOOPS} loops in {:.1} s, {} wrong results; \
         stretch {}; from one to the next {}",
        time.as_secs_f64(),
        WRONG.load(Relaxed),
        quantiles(&STRETCHES, changes, ticks),
        quantiles(&GAPS, changes, ticks),
    );
    std::process::exit(0);
}

fn quantiles(samples: &[AtomicU64], len: usize, ticks_per_us: f64) -> String {
    // The first change has nobody before it.
    let samples = samples[..len.min(KEPT)].iter().skip(1);
    let mut samples: Vec<u64> = samples.map(|sample| sample.load(Relaxed)).collect();
    samples.sort_unstable();
    if samples.is_empty() {
        return "none".to_owned();
    }
    let at = |share: f64| samples[(samples.len() as f64 * share) as usize] as f64 / ticks_per_us;
    format!("p50 {:.0} us, p99 {:.0} us", at(0.5), at(0.99))
}

/// The first argument in seconds, or 10.
pub fn time() -> Duration {
    let seconds = std::env::args().nth(1).map_or(10.0, |time| time.parse().expect("seconds"));
    Duration::from_secs_f64(seconds)
}
