//! Ten thousand tasks that compute and ten thousand that do not, on one runtime.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{builder, eventually};
use tokio::task::yield_now;

const TASKS: usize = 10_000;
const TURNS: usize = 3;
const LONG: Duration = Duration::from_secs(300);

/// Or at least ten times as long on the wall: some systems' clocks stand still for 10 ms.
fn burn(time: Duration) {
    let clock = tokio_pulse_sys::ThreadCpuClock::of_current_thread().unwrap();
    let (begun, at) = (clock.read().unwrap(), Instant::now());
    while clock.read().unwrap() - begun < time && at.elapsed() < time * 10 {
        std::hint::spin_loop();
    }
}

#[test]
fn nobody_starves_and_nothing_is_left_behind() {
    let runtime = builder(2).build().unwrap();
    let lane = runtime.handle().lane();
    let done = Arc::new(AtomicUsize::new(0));
    let heavy: Vec<_> = (0..TASKS)
        .map(|_| {
            let done = done.clone();
            lane.spawn(async move {
                for _ in 0..TURNS {
                    burn(Duration::from_micros(100));
                    yield_now().await;
                }
                done.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    let light: Vec<_> = (0..TASKS)
        .map(|_| {
            runtime.spawn(async {
                for _ in 0..TURNS {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
        })
        .collect();
    let begun = Instant::now();
    let ended = runtime.block_on(async {
        for task in light.into_iter().chain(heavy) {
            tokio::time::timeout(LONG.saturating_sub(begun.elapsed()), task).await?.unwrap();
        }
        Ok::<(), tokio::time::error::Elapsed>(())
    });
    let metrics = lane.metrics();
    assert!(ended.is_ok(), "after {} of {TASKS}: {metrics:?}", done.load(Ordering::Relaxed));
    assert_eq!(done.load(Ordering::Relaxed), TASKS);
    if common::is_emulated() {
        // Of those that do not compute some may have gone there too, and may have come back.
        assert_eq!(metrics.completed() + metrics.returned(), metrics.admitted(), "{metrics:?}");
    } else {
        assert_eq!(metrics.completed() + metrics.refused(), TASKS as u64, "{metrics:?}");
    }
    // A handle is done before the thread that polled has counted the poll.
    eventually("nothing is left behind", || {
        let metrics = lane.metrics();
        (metrics.queued(), metrics.running()) == (0, 0)
    });
    assert!(metrics.threads() <= 8, "{metrics:?}");
}
