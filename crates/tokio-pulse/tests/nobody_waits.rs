//! Yield points on a runtime where an idle worker could serve whoever comes: nobody waits, so nobody
//! yields; and who waits unseen has its turn all the same. Each test computes all the time, and what it sees
//! depends on whether it may: one at a time.

mod common;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, alone, eventually};
use tokio::task::JoinHandle;
use tokio_pulse::yield_point::YieldBudget;
use tokio_pulse::{Checkpoint, Runtime, check_and_yield, checkpoint};

const SLICE: Duration = Duration::from_millis(5);
/// Of these many, and shorter than the time for which a poll goes on at most.
const STRETCH: Duration = Duration::from_millis(80);
/// On a busy machine an idle worker may be seen awake that was only woken to look around. Then somebody
/// may wait, and the yield is right.
const TRIES: usize = 50;

fn runtime(workers: usize) -> Runtime {
    common::builder(workers).slice(SLICE).reserve_workers(0).build().unwrap()
}

/// Runs the task until it ends, and says how often it was polled.
#[track_caller]
fn polls_of(runtime: &Runtime, task: impl Future<Output = ()> + Send + 'static) -> usize {
    let polls = Arc::new(AtomicUsize::new(0));
    let counting = polls.clone();
    let task = runtime.spawn(async move {
        let mut task = pin!(task);
        poll_fn(|cx| {
            counting.fetch_add(1, Relaxed);
            task.as_mut().poll(cx)
        })
        .await;
    });
    eventually("the task ends", || task.is_finished());
    polls.load(Relaxed)
}

async fn compute(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        check_and_yield().await;
    }
}

/// The fewest yields of several tries.
#[track_caller]
fn fewest(enough: usize, mut yields: impl FnMut() -> usize) -> usize {
    let mut fewest = usize::MAX;
    for _ in 0..TRIES {
        fewest = fewest.min(yields());
        if fewest <= enough {
            break;
        }
    }
    fewest
}

/// Where the system does not tell whom it sets aside, a poll to which it does that counts as a stall, and a
/// poll that does makes room whoever waits.
fn may_be_accused() -> bool {
    !common::tells_sleepers()
}

#[test]
fn a_lone_task_does_not_yield() {
    let _alone = alone();
    let runtime = runtime(4);
    let yields = fewest(0, || polls_of(&runtime, compute(STRETCH)) - 1);
    assert!(yields == 0 || may_be_accused(), "{yields}");
    // It was asked, and has answered: nothing else keeps a poll of 16 slices from being a stall.
    let stalls = runtime.metrics().stalls();
    assert!(stalls < 10 || may_be_accused(), "{stalls} stalls");
}

/// What the tests here would see if yield points did not ask who waits.
#[test]
fn without_an_idle_worker_it_does() {
    let _alone = alone();
    let runtime = runtime(1);
    let most =
        (0..TRIES).map(|_| polls_of(&runtime, compute(STRETCH)) - 1).find(|yields| *yields >= 4);
    assert!(most.is_some());
}

#[test]
fn idle_tasks_cost_one_yield() {
    let _alone = alone();
    let runtime = runtime(4);
    for _ in 0..100 {
        runtime.spawn(std::future::pending::<()>());
    }
    // The first: nobody knows whether one of them has yielded on this worker before.
    let yields = fewest(1, || polls_of(&runtime, compute(STRETCH)) - 1);
    if cfg!(tokio_unstable) {
        assert!(yields <= 1 || may_be_accused(), "{yields}");
    }
}

#[test]
fn a_lone_loop_with_checkpoints_keeps_its_worker() {
    let _alone = alone();
    let runtime = runtime(4);
    let handovers = || {
        let handed_over = Arc::new(AtomicUsize::new(0));
        let counting = handed_over.clone();
        polls_of(&runtime, async move {
            let begun = Instant::now();
            while begun.elapsed() < 2 * STRETCH {
                if checkpoint() == Checkpoint::HandedOver {
                    counting.fetch_add(1, Relaxed);
                }
            }
        });
        handed_over.load(Relaxed)
    };
    let fewest = fewest(0, handovers);
    assert!(fewest == 0 || may_be_accused(), "{fewest} handovers");
}

/// Each task that it wakes is taken to the slot that nobody else can reach.
#[test]
fn who_is_woken_by_the_poll_that_goes_on_is_served() {
    let _alone = alone();
    const TIMES: usize = 20;
    // So many that some are idle while others are still on their way to those that were woken.
    let runtime = runtime(8);
    for _ in 0..100 {
        runtime.spawn(std::future::pending::<()>());
    }
    let waking = async {
        for _ in 0..TIMES {
            let served = Arc::new(AtomicBool::new(false));
            let serving = served.clone();
            tokio::spawn(async move { serving.store(true, Relaxed) });
            let begun = Instant::now();
            while !served.load(Relaxed) {
                assert!(begun.elapsed() < PATIENCE);
                check_and_yield().await;
            }
        }
    };
    // How often it yields is not asserted: where the idle workers get no processor, somebody does wait in
    // the queue, each time.
    polls_of(&runtime, waking);
}

#[test]
fn tickers_go_on_beside_it() {
    let _alone = alone();
    let runtime = runtime(2);
    let ticks = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        let ticking = ticks.clone();
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                ticking.fetch_add(1, Relaxed);
            }
        });
    }
    let seen = ticks.clone();
    polls_of(&runtime, async move {
        let begun = Instant::now();
        while seen.load(Relaxed) < 1_000 {
            assert!(begun.elapsed() < PATIENCE);
            check_and_yield().await;
        }
    });
}

#[test]
fn the_timer_of_its_own_task_is_looked_at() {
    let _alone = alone();
    let runtime = runtime(2);
    polls_of(&runtime, async {
        let timed = tokio::time::timeout(Duration::from_millis(20), compute(PATIENCE)).await;
        assert!(timed.is_err());
    });
}

#[test]
fn an_abort_ends_it() {
    let _alone = alone();
    let runtime = runtime(2);
    let task = runtime.spawn(compute(2 * PATIENCE));
    thread::sleep(4 * SLICE);
    task.abort();
    eventually("the task ends", || task.is_finished());
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
}

#[track_caller]
fn ends_with(runtime: Runtime, task: &JoinHandle<()>) {
    let dropping = thread::spawn(move || drop(runtime));
    eventually("the runtime ends", || dropping.is_finished());
    assert!(task.is_finished());
}

/// Also one that is asked by nobody, since the watch has ended.
#[test]
fn the_end_of_the_runtime_ends_it() {
    let _alone = alone();
    for workers in [1, 2] {
        let runtime = runtime(workers);
        let task = runtime.spawn(compute(2 * PATIENCE));
        thread::sleep(4 * SLICE);
        ends_with(runtime, &task);
    }
}

/// And one on a thread that nobody has seen before the watch ends.
#[test]
fn the_end_of_the_runtime_ends_it_on_a_thread_that_comes_late() {
    if cfg!(not(tokio_unstable)) {
        eprintln!("skipped: without poll hooks nobody sees a thread before it has parked");
        return;
    }
    let _alone = alone();
    let (late, go) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (waiting, may_go) = (late.clone(), go.clone());
    let mut builder = common::builder(1);
    builder.reserve_workers(0).on_thread_start(move || {
        waiting.store(true, Relaxed);
        eventually("the watch has ended", || may_go.load(Relaxed));
    });
    let runtime = builder.build().unwrap();
    let task = runtime.spawn(compute(2 * PATIENCE));
    eventually("the worker is about to start", || late.load(Relaxed));
    let handle = runtime.handle().clone();
    let dropping = thread::spawn(move || drop(runtime));
    eventually("the watch ends", || !handle.is_watching());
    // The watchdog's thread ends after that, within moments.
    thread::sleep(20 * SLICE);
    go.store(true, Relaxed);
    eventually("the runtime ends", || dropping.is_finished());
    assert!(task.is_finished());
}

/// And one on the lane.
#[test]
fn the_end_of_the_runtime_ends_it_on_the_lane() {
    let _alone = alone();
    let runtime = runtime(1);
    let begun = Arc::new(AtomicBool::new(false));
    let begins = begun.clone();
    let task = runtime.handle().lane().spawn(async move {
        begins.store(true, Relaxed);
        compute(2 * PATIENCE).await;
    });
    eventually("the poll runs", || begun.load(Relaxed));
    ends_with(runtime, &task);
}

#[test]
fn a_budget_that_is_spent_yields_all_the_same() {
    let _alone = alone();
    let runtime = runtime(2);
    let polls = polls_of(&runtime, async {
        let mut budget = YieldBudget::new().polls(10);
        for _ in 0..100 {
            budget.check_and_yield().await;
        }
    });
    assert!(polls >= 11, "{polls}");
}
