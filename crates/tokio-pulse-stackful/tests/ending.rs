//! Polls that nobody has use for any more are unwound at their next checkpoint.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{
    NoPreempt, Preemptible, PreemptiveRuntime, Settings, TaskSettings, abandoned, checkpoint,
};

const PATIENCE: Duration = Duration::from_secs(60);

struct Dropped(Arc<AtomicU64>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Never ends, and holds two things that must be dropped.
async fn endless(drops: Arc<AtomicU64>, turns: Arc<AtomicU64>) {
    let _outer = Dropped(drops.clone());
    inner(&drops, &turns);
}

#[inline(never)]
fn inner(drops: &Arc<AtomicU64>, turns: &AtomicU64) {
    let _inner = Dropped(drops.clone());
    loop {
        turns.store(black_box(turns.load(Relaxed) + 1), Relaxed);
        drop(NoPreempt::new());
        (0..10_000_u64).for_each(|n| _ = black_box(n));
        checkpoint();
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
fn a_dropped_poll_is_unwound() {
    let (drops, turns) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let settings = Settings::default().quantum(Duration::from_millis(1));
    // SAFETY: it computes.
    let poll = unsafe { Preemptible::with_settings(endless(drops.clone(), turns), settings) };
    let mut poll = poll.unwrap().into();
    let poll: &mut Option<_> = &mut poll;
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(poll.as_mut().unwrap()).poll(&mut context).is_pending());
    assert_eq!(drops.load(SeqCst), 0);
    let before = abandoned();
    *poll = None;
    assert_eq!((drops.load(SeqCst), abandoned()), (2, before));
}

#[test]
fn an_aborted_poll_is_unwound() {
    let builder = PreemptiveRuntime::builder().worker_threads(1);
    let runtime = builder.quantum(Duration::from_millis(1)).build().unwrap();
    for pinned in [false, true] {
        let settings = TaskSettings::default();
        let settings = if pinned { settings.pinned() } else { settings };
        let spawn = || {
            let (drops, turns) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let future = endless(drops.clone(), turns.clone());
            // SAFETY: it computes.
            (unsafe { runtime.spawn_with(settings.clone(), future) }, drops, turns)
        };
        // Two, so that somebody waits and both are preempted.
        let tasks = [spawn(), spawn()];
        wait_for(|| tasks.iter().all(|(_, _, turns)| turns.load(Relaxed) > 0));
        tasks.iter().for_each(|(task, ..)| task.abort());
        for (task, drops, _) in tasks {
            // The second one waits for nobody any more; a third keeps it on its toes.
            // SAFETY: it does nothing.
            let other = unsafe { runtime.spawn(async {}) };
            assert!(task.join().unwrap_err().is_cancelled());
            assert_eq!(drops.load(SeqCst), 2);
            other.join().unwrap();
        }
    }
}

#[test]
fn shutdown_unwinds_what_is_suspended() {
    let before = abandoned();
    let builder = PreemptiveRuntime::builder().worker_threads(1).shutdown_patience(PATIENCE);
    let runtime = builder.quantum(Duration::from_millis(1)).build().unwrap();
    let drops = Arc::new(AtomicU64::new(0));
    let turns: Vec<_> = (0..4).map(|_| Arc::new(AtomicU64::new(0))).collect();
    for (number, turns) in turns.iter().enumerate() {
        let settings = TaskSettings::default();
        let settings = if number % 2 == 0 { settings.pinned() } else { settings };
        let future = endless(drops.clone(), turns.clone());
        // SAFETY: it computes.
        drop(unsafe { runtime.spawn_with(settings, future) });
    }
    wait_for(|| turns.iter().all(|turns| turns.load(Relaxed) > 0));
    drop(runtime);
    assert_eq!((drops.load(SeqCst), abandoned()), (8, before));
}
