//! Functions under the attribute make room.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tokio_pulse::preemption_budget;

use crate::common::{PATIENCE, builder, eventually};

/// How often it is pending, outside of any runtime, where nobody asks.
fn yields(future: impl Future) -> usize {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    std::iter::from_fn(|| future.as_mut().poll(&mut cx).is_pending().then_some(())).count()
}

#[preemption_budget(polls = 4)]
async fn every_fourth_turn(turns: u32) {
    for _ in 0..turns {}
}

#[preemption_budget(polls = 2, yield_interval = 5)]
async fn every_tenth_turn(turns: u32) {
    let mut left = turns;
    while left > 0 {
        left -= 1;
        continue;
    }
}

#[preemption_budget(polls = 4)]
async fn turns_of_all_loops(turns: u32) {
    for _ in 0..turns {
        let mut left = 1;
        loop {
            left -= 1;
            if left == 0 {
                break;
            }
        }
    }
}

#[preemption_budget]
async fn when_asked(turns: u32) {
    for _ in 0..turns {}
}

#[preemption_budget(cpu_ms = 1)]
async fn by_the_clock() {
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[async_trait::async_trait]
trait Turns {
    async fn take(&self, turns: u32) -> u32;

    #[preemption_budget(polls = 2)]
    async fn take_twice<'a>(&self, turns: &'a u32) -> &'a u32
    where
        Self: Sync,
    {
        for _ in 0..2 {
            self.take(*turns).await;
        }
        turns
    }
}

struct Player;

#[async_trait::async_trait]
impl Turns for Player {
    #[preemption_budget(polls = 4)]
    async fn take(&self, turns: u32) -> u32 {
        let mut taken = 0;
        for _ in 0..turns {
            taken += 1;
        }
        taken
    }
}

#[test]
fn methods_of_the_crate_async_trait_yield() {
    let player: &dyn Turns = &Player;
    assert_eq!(yields(async { assert_eq!(player.take(8).await, 8) }), 2);
    assert_eq!(yields(async { assert_eq!(*Player.take_twice(&4).await, 4) }), 3);
}

#[test]
fn arguments_say_when() {
    assert_eq!(yields(every_fourth_turn(3)), 0);
    assert_eq!(yields(every_fourth_turn(8)), 2);
    assert_eq!(yields(every_tenth_turn(35)), 3);
    assert_eq!(yields(turns_of_all_loops(8)), 4);
    assert_eq!(yields(when_asked(100_000)), 0);
    assert_eq!(yields(by_the_clock()), 1);
}

#[preemption_budget]
async fn polite(ticks: &AtomicUsize, begun: Instant) {
    while ticks.load(Relaxed) < 20 && begun.elapsed() < PATIENCE {}
}

#[preemption_budget(yield_interval = 16)]
fn polite_and_synchronous(ticks: &AtomicUsize, begun: Instant) {
    while ticks.load(Relaxed) < 20 && begun.elapsed() < PATIENCE {}
}

/// On one worker, with nobody to stand in for it.
#[test]
fn others_go_on_beside_the_loops() {
    for synchronous in [false, true] {
        let runtime = builder(1).reserve_workers(0).build().unwrap();
        let ticks = Arc::new(AtomicUsize::new(0));
        let (ticking, watched) = (ticks.clone(), ticks.clone());
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                ticking.fetch_add(1, Relaxed);
            }
        });
        let task = runtime.spawn(async move {
            match synchronous {
                false => polite(&watched, Instant::now()).await,
                true => polite_and_synchronous(&watched, Instant::now()),
            }
        });
        eventually("the loop ends", || task.is_finished());
        assert!(ticks.load(Relaxed) >= 20, "synchronous: {synchronous}");
    }
}
