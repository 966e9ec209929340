//! What is denied is denied when the compiler has inlined it, too: the program's debug information,
//! which a test has, tells. An optimised one needs `CARGO_PROFILE_RELEASE_DEBUG=limited`.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{Coverage, PreemptiveRuntime, Refusal, exclude_code};

const PATIENCE: Duration = Duration::from_secs(60);

mod pool {
    /// Its instructions are its caller's, whatever the level of optimisation.
    #[inline(always)]
    pub(super) fn with(body: impl FnOnce()) {
        body();
        std::hint::black_box(());
    }
}

fn refusals(runtime: &PreemptiveRuntime) -> u64 {
    let metrics = runtime.metrics();
    metrics.refusals(Refusal::Caller) + metrics.refusals(Refusal::Code)
}

/// Computes without a call into the standard library.
#[inline(always)]
fn spin(done: impl Fn() -> bool) {
    while !done() {
        for n in 0..10_000_u64 {
            black_box(n);
        }
    }
}

/// Code that holds something, and the place where it is called: the closure is inlined into the
/// pool's function, and that into this one, if anything is.
#[inline(never)]
fn hold(over: &AtomicBool) {
    pool::with(|| spin(|| over.load(Relaxed)));
}

#[test]
fn inlined_code_is_not_preempted_where_it_is_denied() {
    let told =
        cfg!(debug_assertions) || option_env!("CARGO_PROFILE_RELEASE_DEBUG") == Some("limited");
    if !told {
        eprintln!("not tested: this build has no more than line tables");
        return;
    }
    exclude_code("inlined::pool::").unwrap();
    let runtime = PreemptiveRuntime::builder()
        .worker_threads(1)
        .quantum(Duration::from_micros(200))
        .coverage(Coverage::Described)
        .build()
        .unwrap();
    let runtime = Arc::new(runtime);
    let (over, others) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let holding = over.clone();
    // SAFETY: it computes.
    let holding = unsafe { runtime.spawn(async move { hold(&holding) }) };
    let counting = others.clone();
    // SAFETY: it computes.
    let waiting = unsafe { runtime.spawn(async move { counting.fetch_add(1, Relaxed) }) };
    let began = Instant::now();
    while refusals(&runtime) < 20 && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (preemptions, ran) = (runtime.metrics().preemptions(), others.load(Relaxed));
    over.store(true, Relaxed);
    holding.join().unwrap();
    waiting.join().unwrap();
    assert!(refusals(&runtime) >= 20, "{:?}", runtime.metrics());
    assert_eq!((preemptions, ran), (0, 0), "the pool was left while it was in use");

    // The same loop elsewhere is preempted.
    let watched = runtime.clone();
    // SAFETY: it computes.
    let free = unsafe {
        runtime.spawn(async move {
            let began = Instant::now();
            while watched.metrics().preemptions() == 0 && began.elapsed() < PATIENCE {
                let mut rounds = 0;
                let rounds = std::cell::Cell::from_mut(&mut rounds);
                spin(|| rounds.replace(rounds.get() + 1) > 100);
            }
        })
    };
    // SAFETY: it does nothing.
    let waiting = unsafe { runtime.spawn(async {}) };
    free.join().unwrap();
    waiting.join().unwrap();
    assert!(runtime.metrics().preemptions() > 0, "{:?}", runtime.metrics());
}
