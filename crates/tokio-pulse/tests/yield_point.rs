//! Yield points on real runtimes: whoever waits beside a long poll gets its turns because the poll makes
//! room, and not because it is rescued: there is no reserve. What happens when nobody waits is in
//! `nobody_waits.rs`.

mod common;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_pulse::yield_point::{IteratorExt as _, YieldBudget, Yielding};
use tokio_pulse::{Budgeted, Builder, Checkpoint, Runtime, check_and_yield, checkpoint};

/// One worker and nobody to stand in for it.
fn alone() -> Runtime {
    common::builder(1).reserve_workers(0).build().unwrap()
}

/// A task that sleeps a millisecond at a time, and counts.
#[derive(Clone, Default)]
struct Ticker(Arc<AtomicUsize>);

impl Ticker {
    fn start(runtime: &Runtime) -> Self {
        let ticker = Self::default();
        let ticks = ticker.clone();
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                ticks.0.fetch_add(1, Relaxed);
            }
        });
        eventually("the ticker ticks", || ticker.ticks() > 0);
        ticker
    }

    fn ticks(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// Whether it has had so many turns since, or there is no hope any more.
    fn has_had(&self, ticks: usize, since: usize, begun: Instant) -> bool {
        self.ticks() - since >= ticks || begun.elapsed() > PATIENCE
    }
}

/// Runs a task until it ends; it holds the only worker most of the time.
#[track_caller]
fn run<T: Send + 'static>(runtime: &Runtime, task: impl Future<Output = T> + Send + 'static) -> T {
    let task = tokio_pulse::Handle::spawn(runtime.handle(), task);
    eventually("the task ends", || task.is_finished());
    runtime.block_on(task).unwrap()
}

#[test]
fn a_synchronous_loop_with_a_checkpoint_lets_the_others_go_on() {
    let runtime = alone();
    let ticker = Ticker::start(&runtime);
    let ticks = ticker.clone();
    let (handed_over, had) = run(&runtime, async move {
        let (since, begun) = (ticks.ticks(), Instant::now());
        let mut handed_over = 0;
        while !ticks.has_had(20, since, begun) {
            handed_over += usize::from(checkpoint() == Checkpoint::HandedOver);
        }
        (handed_over, ticks.ticks() - since)
    });
    assert!(had >= 20, "{had} ticks in one poll");
    assert_eq!(handed_over, 1, "once a poll");
    let metrics = runtime.handle().metrics();
    let handoffs: u64 = metrics.workers().iter().map(|worker| worker.handoffs()).sum();
    assert_eq!(handoffs, 1);
}

/// What it needs the yield points for: the opposite of the test above.
#[test]
fn without_a_checkpoint_nobody_goes_on() {
    let runtime = alone();
    let ticker = Ticker::start(&runtime);
    let ticks = ticker.clone();
    let had = run(&runtime, async move {
        let (since, begun) = (ticks.ticks(), Instant::now());
        while begun.elapsed() < Duration::from_millis(100) {
            std::hint::spin_loop();
        }
        ticks.ticks() - since
    });
    assert_eq!(had, 0);
}

#[test]
fn the_task_woken_last_goes_on_too() {
    let runtime = alone();
    let answered = run(&runtime, async {
        let answer = Arc::new(AtomicBool::new(false));
        let answering = answer.clone();
        // To the LIFO slot, which nobody else can reach.
        tokio::spawn(async move { answering.store(true, Relaxed) });
        let begun = Instant::now();
        while !answer.load(Relaxed) && begun.elapsed() < PATIENCE {
            checkpoint();
        }
        answer.load(Relaxed)
    });
    assert!(answered);
}

#[test]
fn a_loop_over_what_is_always_ready_lets_the_others_go_on() {
    let runtime = alone();
    let ticker = Ticker::start(&runtime);
    let ticks = ticker.clone();
    let looping = polls_of(async move {
        let (since, begun) = (ticks.ticks(), Instant::now());
        while !ticks.has_had(20, since, begun) {
            check_and_yield().await;
            std::future::ready(()).await;
        }
        ticks.ticks() - since
    });
    let (had, polls) = run(&runtime, looping);
    assert!(had >= 20, "{had} ticks");
    let yields: u64 = runtime.metrics().workers().iter().map(|worker| worker.yields()).sum();
    assert_eq!(yields, polls as u64 - 1, "all polls but the last one end by a yield");
}

/// Counts the polls of its future.
async fn polls_of<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = std::pin::pin!(future);
    let mut polls = 0;
    let output = std::future::poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    });
    (output.await, polls)
}

#[test]
fn a_poll_within_its_slice_is_left_alone() {
    // So long that nothing here outlives it, on the slowest machine.
    let mut builder = common::builder(1);
    let runtime = builder.reserve_workers(0).slice(Duration::from_secs(60)).build().unwrap();
    let (passed, polls) = run(
        &runtime,
        polls_of(async {
            let mut passed = true;
            for _ in 0..100_000 {
                check_and_yield().await;
                passed &= checkpoint() == Checkpoint::Passed;
            }
            passed
        }),
    );
    assert!(passed);
    assert_eq!(polls, 1);
}

#[test]
fn who_yields_in_time_does_not_stall() {
    // With one worker somebody may always wait for it to look at timers and sockets.
    let runtime = common::builder(1).build().unwrap();
    let ((), polls) = run(
        &runtime,
        polls_of(async {
            let (mut yields, begun) = (0, Instant::now());
            while yields < 40 && begun.elapsed() < PATIENCE {
                let ((), polls) = polls_of(check_and_yield()).await;
                yields += polls - 1;
            }
        }),
    );
    assert!(polls > 40, "it was asked");
    // A watchdog that comes late itself finds the slice over. An emulator gives it no precedence.
    let stalls = runtime.handle().metrics().stalls();
    assert!(stalls < 20 || common::is_emulated(), "{stalls} stalls in {polls} polls");
}

#[test]
fn a_yield_that_is_swallowed_is_asked_for_again() {
    let runtime = alone();
    let ticker = Ticker::start(&runtime);
    let asked = run(&runtime, async move {
        let (mut asked, begun) = (0, Instant::now());
        while asked < 3 && begun.elapsed() < PATIENCE {
            // Polled, and dropped if it is not ready.
            let mut check = std::pin::pin!(check_and_yield());
            let once = std::future::poll_fn(|cx| Poll::Ready(check.as_mut().poll(cx).is_pending()));
            asked += usize::from(once.await);
        }
        asked
    });
    drop(ticker);
    assert_eq!(asked, 3);
}

#[test]
fn a_budget_acts_before_anybody_asks() {
    let mut builder = common::builder(1);
    let runtime = builder.reserve_workers(0).slice(Duration::from_secs(60)).build().unwrap();
    let ((), polls) = run(
        &runtime,
        polls_of(async {
            let mut budget = YieldBudget::new().polls(10);
            for _ in 0..100 {
                budget.check_and_yield().await;
            }
        }),
    );
    assert_eq!(polls, 11);

    let handed_over = run(&runtime, async {
        let mut budget = YieldBudget::new().cpu(Duration::from_millis(1));
        let begun = Instant::now();
        let mut handed_over = 0;
        while begun.elapsed() < Duration::from_millis(100) {
            handed_over += usize::from(budget.checkpoint() == Checkpoint::HandedOver);
        }
        handed_over
    });
    assert_eq!(handed_over, 1, "once a poll");

    let ((), polls) = run(
        &runtime,
        polls_of(Budgeted::new(YieldBudget::new().polls(4), async {
            for _ in 0..7 {
                tokio::task::yield_now().await;
            }
        })),
    );
    assert_eq!(polls, 8, "each poll of the task has a slice of its own");
}

#[test]
fn adapters_make_room() {
    let runtime = alone();
    let ticker = Ticker::start(&runtime);
    let ticks = ticker.clone();
    let had = run(&runtime, async move {
        let (since, begun) = (ticks.ticks(), Instant::now());
        (0_u64..).with_checkpoints_every(16).find(|_| ticks.has_had(20, since, begun));
        ticks.ticks() - since
    });
    assert!(had >= 20, "{had} ticks beside an iterator");

    let ticks = ticker.clone();
    let had = run(&runtime, async move {
        let (since, begun) = (ticks.ticks(), Instant::now());
        let mut zeroes = Yielding::new(tokio::io::repeat(0));
        let mut buffer = [0; 64];
        while !ticks.has_had(20, since, begun) {
            // Tokio's own budget must not be what makes room here.
            let read = zeroes.read_exact(&mut buffer);
            tokio::task::unconstrained(read).await.unwrap();
        }
        ticks.ticks() - since
    });
    assert!(had >= 20, "{had} ticks beside a reader");

    let ticks = ticker.clone();
    let had = run(&runtime, async move {
        let (since, begun) = (ticks.ticks(), Instant::now());
        let mut nowhere = Yielding::new(tokio::io::sink());
        while !ticks.has_had(20, since, begun) {
            tokio::task::unconstrained(nowhere.write_all(&[0; 64])).await.unwrap();
        }
        ticks.ticks() - since
    });
    assert!(had >= 20, "{had} ticks beside a writer");
}

#[test]
fn the_pool_is_not_used_up() {
    let mut builder = common::builder(1);
    // Half of it is nothing.
    let runtime = builder.reserve_workers(0).max_blocking_threads(1).build().unwrap();
    let outcome = run(&runtime, async {
        let begun = Instant::now();
        loop {
            match checkpoint() {
                Checkpoint::Passed if begun.elapsed() < PATIENCE => {}
                outcome => break outcome,
            }
        }
    });
    assert_eq!(outcome, Checkpoint::Kept);
}

/// Long enough for the watchdog to see a poll that has outlived its slice.
fn busy(mut step: impl FnMut()) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(100) {
        step();
    }
}

#[test]
fn a_current_thread_runtime_yields_and_keeps_its_worker() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(runtime.spawn(async {
        let begun = Instant::now();
        loop {
            match checkpoint() {
                Checkpoint::Passed if begun.elapsed() < PATIENCE => {}
                outcome => break outcome,
            }
        }
    }));
    assert_eq!(outcome.unwrap(), Checkpoint::Kept);

    let (ticks, counted) = (Ticker::default(), Ticker::default());
    let counting = counted.clone();
    let had = runtime.block_on(runtime.spawn(async move {
        let ticker = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                counting.0.fetch_add(1, Relaxed);
            }
        });
        let begun = Instant::now();
        while !counted.has_had(5, ticks.ticks(), begun) {
            check_and_yield().await;
        }
        ticker.abort();
        counted.ticks()
    }));
    assert!(had.unwrap() >= 5);
}

#[test]
fn where_nobody_watches_nothing_happens() {
    let all_pass = || {
        let mut passed = true;
        let mut budget = YieldBudget::new().cpu(Duration::from_millis(1));
        busy(|| passed &= checkpoint() == Checkpoint::Passed);
        busy(|| passed &= budget.checkpoint() == Checkpoint::Passed);
        passed
    };
    assert!(thread::spawn(all_pass).join().unwrap(), "outside of a runtime");

    let runtime = common::builder(1).build().unwrap();
    assert!(runtime.block_on(async { all_pass() }), "in block_on");
    assert!(runtime.block_on(runtime.spawn_blocking(all_pass)).unwrap(), "in spawn_blocking");
    let local = tokio::task::LocalSet::new();
    let in_local_set = local
        .run_until(async { tokio::task::spawn_local(async move { all_pass() }).await.unwrap() });
    assert!(runtime.block_on(in_local_set), "in a LocalSet");
    let ((), polls) = runtime.block_on(polls_of(async {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(100) {
            check_and_yield().await;
        }
    }));
    assert_eq!(polls, 1);

    let plain = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    assert!(plain.block_on(plain.spawn(async move { all_pass() })).unwrap(), "on a plain runtime");
}

#[cfg(feature = "stream")]
#[test]
fn a_stream_that_is_always_ready_makes_room() {
    use futures_util::StreamExt as _;
    use tokio_pulse::yield_point::StreamExt as _;

    let runtime = alone();
    let ticker = Ticker::start(&runtime);
    let had = run(&runtime, async move {
        let (since, begun) = (ticker.ticks(), Instant::now());
        let endless = futures_util::stream::repeat(()).with_yield_points();
        let enough = endless.take_while(|()| std::future::ready(!ticker.has_had(20, since, begun)));
        enough.for_each(|()| std::future::ready(())).await;
        ticker.ticks() - since
    });
    assert!(had >= 20, "{had} ticks");
}
