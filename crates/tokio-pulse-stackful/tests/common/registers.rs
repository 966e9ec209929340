//! What the tests of registers share, whatever the processor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::time::{Duration, Instant};

use tokio_pulse_stackful::PreemptiveRuntime;

const PREEMPTIONS: u64 = 2_000;
/// Long beside the code around it, so that most interruptions hit the loop.
pub(crate) const TURNS: u64 = 50_000;

macro_rules! each_of_32 {
    ($before:literal, $between:literal, $after:literal) => {
        each_of_32!(@ $before, $between, $after,
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
            16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)
    };
    (@ $before:literal, $between:literal, $after:literal, $($n:literal)*) => {
        concat!($($before, $n, $between, $n, $after, "\n"),*)
    };
}

/// Has four tasks check again and again while they are preempted, thousands of times in all, and fails if
/// there were not so many before the deadline.
///
/// # Safety
///
/// `check` computes, and nothing else: it may be interrupted anywhere.
pub(crate) unsafe fn survive_preemptions(deadline: Duration, check: fn(u8)) {
    let runtime = PreemptiveRuntime::builder()
        .worker_threads(1)
        .quantum(Duration::from_micros(100))
        .build()
        .unwrap();
    let runtime = Arc::new(runtime);
    let checked = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let tasks = (1..=4_u8).map(|seed| {
        let (watched, checked) = (runtime.clone(), checked.clone());
        // SAFETY: it computes, by contract.
        unsafe {
            runtime.spawn(async move {
                while watched.metrics().preemptions() < PREEMPTIONS && began.elapsed() < deadline {
                    for _ in 0..20 {
                        check(seed);
                        checked.fetch_add(1, Relaxed);
                    }
                }
            })
        }
    });
    let tasks: Vec<_> = tasks.collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
    let metrics = runtime.metrics();
    assert!(metrics.preemptions() >= PREEMPTIONS, "{metrics:?}");
    assert!(checked.load(Relaxed) > 0);
    eprintln!("{} preemptions, {} checks", metrics.preemptions(), checked.load(Relaxed));
}
