//! Long loops beside a ticker, on one worker that nobody stands in for.

mod common;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use common::eventually;
use tokio_pulse::{check_and_yield, checkpoint};

const LONG: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(1);
/// The pace of a ticker beside a loop that yields is that of the slice.
const SLICE: Duration = Duration::from_millis(2);
/// On a machine that does nothing else it is some thousands, and without yield points none.
const ENOUGH: usize = 1_000;
/// Where timers come late by themselves (each 15.6 ms on Windows, which does not tell who sleeps either, and some
/// tens of milliseconds in an emulator): this part of what a ticker gets that is alone.
const PART_OF_CALM: usize = 5;

fn enough() -> usize {
    if common::tells_sleepers() && !common::is_emulated() {
        return ENOUGH;
    }
    let calm = ticks_beside(async { tokio::time::sleep(LONG / 10).await }) * 10;
    ENOUGH.min(calm / PART_OF_CALM).max(1)
}

/// How often a ticker had its turn beside the task, while it ran.
fn ticks_beside(task: impl Future<Output = ()> + Send + 'static) -> usize {
    let runtime = common::builder(1).reserve_workers(0).slice(SLICE).build().unwrap();
    let ticks = Arc::new(AtomicUsize::new(0));
    let (ticking, seen) = (ticks.clone(), ticks.clone());
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(TICK).await;
            ticking.fetch_add(1, Relaxed);
        }
    });
    eventually("the ticker ticks", || ticks.load(Relaxed) > 0);
    let beside = runtime.spawn(async move {
        let before = seen.load(Relaxed);
        task.await;
        seen.load(Relaxed) - before
    });
    eventually("the loop ends", || beside.is_finished());
    runtime.block_on(beside).unwrap()
}

fn is_over(begun: Instant) -> bool {
    begun.elapsed() >= LONG
}

#[test]
fn beside_a_synchronous_loop_with_a_checkpoint_a_ticker_keeps_its_pace() {
    let ticks = ticks_beside(async {
        let begun = Instant::now();
        while !is_over(begun) {
            checkpoint();
        }
    });
    let enough = enough();
    assert!(ticks >= enough, "{ticks} ticks in {LONG:?}, not {enough}");
}

#[cfg(feature = "stream")]
#[test]
fn beside_a_loop_over_a_stream_that_is_always_ready_it_does_too() {
    use futures_util::StreamExt as _;

    let ticks = ticks_beside(async {
        let begun = Instant::now();
        let mut items = futures_util::stream::repeat(());
        while let Some(()) = items.next().await {
            if is_over(begun) {
                break;
            }
            check_and_yield().await;
        }
    });
    let enough = enough();
    assert!(ticks >= enough, "{ticks} ticks in {LONG:?}, not {enough}");
}

/// What the two above are for.
#[test]
fn beside_a_loop_without_them_it_stands_still() {
    let ticks = ticks_beside(async {
        let begun = Instant::now();
        while begun.elapsed() < LONG / 20 {}
    });
    assert_eq!(ticks, 0);
}
