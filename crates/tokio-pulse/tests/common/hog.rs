//! Tasks that offend as long as one likes, on runtimes that judge soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::{JoinHandle, yield_now};
use tokio_pulse::{Builder, Runtime, Tier, TierConfig};

use super::builder;

/// A multiple of the slice, so that a burst is a violation on any machine.
pub(crate) const BURST: Duration = Duration::from_millis(30);

/// Without a lane: here everybody is treated as a task that others have spawned.
pub(crate) fn judging(workers: usize) -> Builder {
    let mut builder = builder(workers);
    builder.tier_config(TierConfig::builder().lane_threads(0).build().unwrap());
    builder.slice(Duration::from_millis(5));
    builder
}

pub(crate) fn burn(time: Duration) {
    // CPU time: on a loaded machine the wall clock would end a burst before it has burned anything.
    let clock = tokio_pulse_sys::ThreadCpuClock::of_current_thread().unwrap();
    let begun = clock.read().unwrap();
    while clock.read().unwrap() - begun < time {
        std::hint::spin_loop();
    }
}

/// Of a poll that is to be a violation: what a coarse clock may have jumped by is no proof.
pub(crate) fn burst() -> Duration {
    BURST + 2 * tokio_pulse_sys::ThreadCpuClock::grain()
}

/// Offends in each poll until it is told to behave; ends when it is told to end.
pub(crate) struct Hog {
    pub(crate) behave: Arc<AtomicBool>,
    pub(crate) end: Arc<AtomicBool>,
    pub(crate) polls: Arc<AtomicUsize>,
    pub(crate) task: JoinHandle<()>,
}

impl Hog {
    pub(crate) fn spawn_on(runtime: &Runtime) -> Self {
        Self::spawn(|future| runtime.spawn(future))
    }

    pub(crate) fn spawn(
        spawn: impl FnOnce(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> JoinHandle<()>,
    ) -> Self {
        let flag = || Arc::new(AtomicBool::new(false));
        let (behave, end, polls) = (flag(), flag(), Arc::new(AtomicUsize::new(0)));
        let (behaves, ends, counted) = (behave.clone(), end.clone(), polls.clone());
        let task = spawn(Box::pin(async move {
            while !ends.load(Ordering::Relaxed) {
                if behaves.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                } else {
                    burn(burst());
                    yield_now().await;
                }
                counted.fetch_add(1, Ordering::Relaxed);
            }
        }));
        Self { behave, end, polls, task }
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn tier_of(runtime: &Runtime, hog: &Hog) -> Tier {
    runtime.handle().tiers().tier_of(hog.task.id())
}

/// Sleeps on its worker for six slices at a time, until it is over.
#[track_caller]
pub(crate) fn sleeper(runtime: &Runtime) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let over = Arc::new(AtomicBool::new(false));
    let ends = over.clone();
    let task = runtime.spawn(async move {
        while !ends.load(Ordering::Relaxed) {
            std::thread::sleep(BURST);
            yield_now().await;
        }
    });
    (over, task)
}
