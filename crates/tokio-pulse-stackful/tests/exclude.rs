//! Code that was excluded is not preempted, nor what it calls.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{PreemptiveRuntime, Refusal, exclude_code};

const PATIENCE: Duration = Duration::from_secs(60);

mod pool {
    #[inline(never)]
    pub(super) fn with(body: &dyn Fn()) {
        body();
        // Not a jump to the body.
        std::hint::black_box(());
    }
}

/// The compiler may make the body a part of its caller.
fn refusals(runtime: &PreemptiveRuntime) -> u64 {
    let metrics = runtime.metrics();
    metrics.refusals(Refusal::Caller) + metrics.refusals(Refusal::Code)
}

#[test]
fn what_is_excluded_is_not_preempted() {
    exclude_code("exclude::pool::").unwrap();
    let runtime = PreemptiveRuntime::builder()
        .worker_threads(1)
        .quantum(Duration::from_micros(200))
        .build()
        .unwrap();
    assert!(exclude_code("exclude::late::").is_err());
    let runtime = Arc::new(runtime);
    let watched = runtime.clone();
    let excluded = async move {
        let began = Instant::now();
        pool::with(&|| {
            // It may have been preempted on its way here.
            let before = watched.metrics().preemptions();
            while refusals(&watched) < 3 && began.elapsed() < PATIENCE {
                (0..10_000_u64).for_each(|n| _ = black_box(n));
            }
            assert_eq!(watched.metrics().preemptions(), before);
        });
    };
    // SAFETY: it computes.
    let excluded = unsafe { runtime.spawn(excluded) };
    // Somebody has to wait, or nobody is interrupted.
    // SAFETY: it does nothing.
    let waiting = unsafe { runtime.spawn(async {}) };
    excluded.join().unwrap();
    waiting.join().unwrap();
    assert!(refusals(&runtime) >= 3);
}
