//! `PreemptiveRuntime`: fairness, priorities, affinity, Tokio inside, panics, aborts, shutdown.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::thread;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{
    NoPreempt, PreemptiveBuilder, PreemptiveRuntime, Priority, Refusal, TaskSettings, abandoned,
    checkpoint,
};

const PATIENCE: Duration = Duration::from_secs(60);

fn one_worker() -> PreemptiveBuilder {
    PreemptiveRuntime::builder().worker_threads(1).quantum(Duration::from_micros(500))
}

/// Computes until the flag is set, and counts.
fn spin_until(done: &AtomicBool, turns: &AtomicU64) {
    while !done.load(Relaxed) {
        turns.store(black_box(turns.load(Relaxed) + 1), Relaxed);
    }
}

fn wait_for(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "it never came");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn endless_loops_share_a_thread() {
    let runtime = one_worker().build().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let turns: Vec<_> = (0..4).map(|_| Arc::new(AtomicU64::new(0))).collect();
    let tasks = turns.iter().map(|turns| {
        let (done, turns) = (done.clone(), turns.clone());
        // SAFETY: it computes.
        unsafe { runtime.spawn(async move { spin_until(&done, &turns) }) }
    });
    let tasks: Vec<_> = tasks.collect();
    wait_for(|| runtime.metrics().preemptions() > 400);
    done.store(true, Relaxed);
    tasks.into_iter().for_each(|task| task.join().unwrap());
    let turns: Vec<_> = turns.iter().map(|turns| turns.load(Relaxed)).collect();
    let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
    // Exact shares are for a quiet machine; see `examples/fair_loops.rs`.
    assert!(*least > most / 4, "{turns:?}");
}

#[test]
fn tokio_is_there_beside_an_endless_loop() {
    let runtime = one_worker().build().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let spinning = done.clone();
    // SAFETY: it computes.
    let hog = unsafe { runtime.spawn(async move { spin_until(&spinning, &AtomicU64::new(0)) }) };
    // SAFETY: it awaits, and holds nothing in between.
    let ticker = unsafe {
        runtime.spawn(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let accepted = tokio::spawn(async move { listener.accept().await.is_ok() });
            let _stream = tokio::net::TcpStream::connect(address).await.unwrap();
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            accepted.await.unwrap()
        })
    };
    assert!(ticker.join().unwrap());
    done.store(true, Relaxed);
    hog.join().unwrap();
}

#[test]
fn nobody_is_preempted_for_nobody() {
    let runtime = one_worker().build().unwrap();
    // SAFETY: it computes.
    let alone = unsafe {
        runtime.spawn(async {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(50) {}
        })
    };
    alone.join().unwrap();
    assert_eq!(runtime.metrics().preemptions(), 0);
}

#[test]
fn pinned_tasks_are_preempted_and_polled_again() {
    let runtime = one_worker().build().unwrap();
    let polls = Arc::new(AtomicU64::new(0));
    let tasks = (0..4_u32).map(|_| {
        let polls = polls.clone();
        let pinned = TaskSettings::default().pinned();
        // SAFETY: it computes.
        unsafe {
            runtime.spawn_with(pinned, async move {
                for _ in 0..10 {
                    let began = Instant::now();
                    let mut turns = 0_u64;
                    while began.elapsed() < Duration::from_millis(5) {
                        (0..1_000).for_each(|_| turns = black_box(turns + 1));
                    }
                    polls.fetch_add(1, Relaxed);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        }
    });
    let tasks: Vec<_> = tasks.collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
    assert_eq!(polls.load(Relaxed), 40);
    assert!(runtime.metrics().preemptions() > 0);
}

#[test]
fn the_important_get_most_and_the_rest_something() {
    let runtime = one_worker().build().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let spawn = |priority| {
        let turns = Arc::new(AtomicU64::new(0));
        let (done, counting) = (done.clone(), turns.clone());
        let settings = TaskSettings::default().priority(priority);
        // SAFETY: it computes.
        let task =
            unsafe { runtime.spawn_with(settings, async move { spin_until(&done, &counting) }) };
        (task, turns)
    };
    let (low, low_turns) = spawn(Priority::Low);
    let (high, high_turns) = spawn(Priority::Critical);
    wait_for(|| low_turns.load(Relaxed) > 0 && runtime.metrics().preemptions() > 200);
    done.store(true, Relaxed);
    low.join().unwrap();
    high.join().unwrap();
    let (low, high) = (low_turns.load(Relaxed), high_turns.load(Relaxed));
    assert!(high > 2 * low, "{high} to {low}");
}

#[test]
fn tasks_stay_on_their_worker() {
    let runtime = PreemptiveRuntime::builder().worker_threads(2).build().unwrap();
    for worker in 0..2 {
        let settings = TaskSettings::default().worker(worker);
        // SAFETY: it awaits, and holds nothing in between.
        let task = unsafe {
            runtime.spawn_with(settings, async {
                let mut names = Vec::new();
                for _ in 0..10 {
                    names.push(thread::current().name().unwrap_or("").to_owned());
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                names
            })
        };
        let names = task.join().unwrap();
        assert!(names.iter().all(|name| *name == format!("preemptive-{worker}")), "{names:?}");
    }
}

#[test]
fn a_guard_holds_off_and_its_end_makes_up_for_it() {
    let runtime = Arc::new(one_worker().build().unwrap());
    let (other, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (seen, guarded_over) = (other.clone(), over.clone());
    let watched = runtime.clone();
    // SAFETY: it computes.
    let guarded = unsafe {
        runtime.spawn(async move {
            let guard = NoPreempt::new();
            let before = seen.load(Relaxed);
            let began = Instant::now();
            while watched.metrics().refusals(Refusal::Guarded) == 0 && began.elapsed() < PATIENCE {}
            let untouched = before == seen.load(Relaxed);
            drop(guard);
            guarded_over.store(true, Relaxed);
            untouched
        })
    };
    let done = over.clone();
    // SAFETY: it computes.
    let spinner = unsafe { runtime.spawn(async move { spin_until(&done, &other) }) };
    assert!(guarded.join().unwrap());
    spinner.join().unwrap();
    let metrics = runtime.metrics();
    assert!(metrics.refusals(Refusal::Guarded) > 0, "{metrics:?}");
    assert!(metrics.yields() > 0, "{metrics:?}");
}

#[test]
fn a_checkpoint_without_a_runtime_does_nothing() {
    assert!(!checkpoint());
}

#[test]
fn a_panic_ends_its_task_only() {
    let runtime = one_worker().build().unwrap();
    // SAFETY: it panics.
    let bad = unsafe { runtime.spawn(async { panic!("as it should") }) };
    let error = bad.join().unwrap_err();
    assert!(error.is_panic());
    assert_eq!(*error.try_into_panic().unwrap().downcast::<&str>().unwrap(), "as it should");
    // SAFETY: it does nothing.
    assert_eq!(unsafe { runtime.spawn(async { 7 }) }.join().unwrap(), 7);
}

#[test]
fn an_aborted_task_ends_with_its_poll() {
    let runtime = one_worker().build().unwrap();
    // SAFETY: it waits.
    let task = unsafe { runtime.spawn(std::future::pending::<()>()) };
    task.abort();
    assert!(task.join().unwrap_err().is_cancelled());
}

#[test]
fn shutdown_lets_go_of_what_waits_and_gives_up_what_never_ends() {
    struct Dropped(Arc<AtomicU64>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    let before = abandoned();
    let dropped = Arc::new(AtomicU64::new(0));
    let runtime = one_worker().shutdown_patience(Duration::from_millis(50)).build().unwrap();
    for pinned in [false, true] {
        let held = Dropped(dropped.clone());
        let settings = if pinned { TaskSettings::default().pinned() } else { Default::default() };
        // SAFETY: it waits.
        drop(unsafe {
            runtime.spawn_with(settings, async move {
                let _held = held;
                std::future::pending::<()>().await;
            })
        });
    }
    let turns = Arc::new(AtomicU64::new(0));
    for _ in 0..2 {
        let (held, counting) = (Dropped(dropped.clone()), turns.clone());
        // SAFETY: it computes.
        drop(unsafe {
            runtime.spawn(async move {
                let _held = held;
                spin_until(&AtomicBool::new(false), &counting);
            })
        });
    }
    wait_for(|| turns.load(Relaxed) > 1_000 && runtime.metrics().preemptions() > 4);
    drop(runtime);
    assert_eq!(dropped.load(Relaxed), 2);
    assert_eq!(abandoned() - before, 2);
}

#[test]
fn thousands_are_suspended_at_once() {
    const TASKS: u64 = 2_000;
    let runtime = one_worker().quantum(Duration::from_micros(100)).build().unwrap();
    let (begun, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let tasks = (0..TASKS).map(|_| {
        let (begun, done) = (begun.clone(), done.clone());
        // SAFETY: it computes.
        unsafe {
            runtime.spawn(async move {
                begun.fetch_add(1, Relaxed);
                spin_until(&done, &AtomicU64::new(0));
            })
        }
    });
    let tasks: Vec<_> = tasks.collect();
    wait_for(|| begun.load(Relaxed) == TASKS);
    done.store(true, Relaxed);
    tasks.into_iter().for_each(|task| task.join().unwrap());
}
