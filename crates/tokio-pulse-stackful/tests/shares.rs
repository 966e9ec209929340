//! Who gets how much of a thread. The exact shares are a benchmark's: `pulse-bench stackful`.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{
    PreemptiveJoinHandle, PreemptiveRuntime, Priority, TaskSettings, thread_metrics,
};

fn runtime(quantum: Duration) -> PreemptiveRuntime {
    PreemptiveRuntime::builder().worker_threads(1).quantum(quantum).build().unwrap()
}

struct Loop {
    task: PreemptiveJoinHandle<()>,
    turns: Arc<AtomicU64>,
}

/// Counts its turns for ever.
fn spawn_loop(runtime: &PreemptiveRuntime, over: &Arc<AtomicBool>, settings: TaskSettings) -> Loop {
    let turns = Arc::new(AtomicU64::new(0));
    let (over, counting) = (over.clone(), turns.clone());
    let count = async move {
        while !over.load(Relaxed) {
            counting.store(black_box(counting.load(Relaxed) + 1), Relaxed);
        }
    };
    // SAFETY: it computes.
    let task = unsafe { runtime.spawn_with(settings, count) };
    Loop { task, turns }
}

/// The shares of loops, in percent, when they are stopped.
fn shares(over: &AtomicBool, loops: Vec<Loop>) -> Vec<f64> {
    over.store(true, Relaxed);
    let turns: Vec<_> = loops.iter().map(|of| of.turns.load(Relaxed) as f64).collect();
    loops.into_iter().for_each(|of| of.task.join().unwrap());
    let all: f64 = turns.iter().sum();
    turns.iter().map(|turns| turns * 100.0 / all).collect()
}

fn wait_for_preemptions(runtime: &PreemptiveRuntime, count: u64) {
    let began = Instant::now();
    while runtime.metrics().preemptions() < count {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", runtime.metrics());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn four_loops_and_a_ticker() {
    const QUANTUM: Duration = Duration::from_millis(2);
    let runtime = runtime(QUANTUM);
    let over = Arc::new(AtomicBool::new(false));
    let loops = (0..4).map(|_| spawn_loop(&runtime, &over, TaskSettings::default())).collect();
    let critical = TaskSettings::default().priority(Priority::Critical);
    let ticking = over.clone();
    let ticker = async move {
        let mut late = Vec::new();
        while !ticking.load(Relaxed) {
            let asleep = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            late.push(asleep.elapsed().saturating_sub(Duration::from_millis(1)));
        }
        late.sort_unstable();
        late
    };
    // SAFETY: it awaits, and holds nothing in between.
    let ticker = unsafe { runtime.spawn_with(critical, ticker) };
    wait_for_preemptions(&runtime, 1_000);
    let shares = shares(&over, loops);
    assert!(shares.iter().all(|share| (15.0..35.0).contains(share)), "{shares:?}");
    let late = ticker.join().unwrap();
    // Of a machine that is shared, only the better half of the ticks is told.
    assert!(late[late.len() / 2] < 10 * QUANTUM, "{:?}", late[late.len() / 2]);
}

#[test]
fn a_longer_quantum_is_a_larger_share() {
    let runtime = runtime(Duration::from_millis(1));
    let over = Arc::new(AtomicBool::new(false));
    let long = TaskSettings::default().quantum(Duration::from_millis(50));
    let loops = [TaskSettings::default(), long];
    let loops = loops.map(|settings| spawn_loop(&runtime, &over, settings)).into();
    wait_for_preemptions(&runtime, 300);
    let shares = shares(&over, loops);
    // Fifty times as large, were it not for timers that come late: on a machine that is shared by as
    // long as the kernel's time slices.
    assert!(shares[1] > 1.5 * shares[0], "{shares:?}");
}

#[test]
fn the_least_important_has_its_turns() {
    let runtime = runtime(Duration::from_millis(1));
    let over = Arc::new(AtomicBool::new(false));
    let levels = [Priority::Critical, Priority::High, Priority::Normal, Priority::Low];
    let settings = levels.map(|priority| TaskSettings::default().priority(priority));
    let loops = settings.map(|settings| spawn_loop(&runtime, &over, settings)).into();
    wait_for_preemptions(&runtime, 500);
    let shares = shares(&over, loops);
    assert!(shares.iter().all(|share| *share > 0.5), "{shares:?}");
    assert!(shares[0] > 50.0, "{shares:?}");
}

#[test]
fn a_thread_without_a_generator_has_no_statistics() {
    assert_eq!(thread_metrics().preemptions(), 0);
}
