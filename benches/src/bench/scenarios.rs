//! The scenarios, after those in `benches/rt_multi_threaded.rs` of Tokio; the code is ours.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};

use crate::Result;

const SPAWNS: usize = 10_000;
const YIELDING_TASKS: usize = 200;
const YIELDS: usize = 1_000;
const PINGS: usize = 1_000;
const CHAIN: usize = 1_000;
/// What a poll of the background tasks takes.
const SPIN: Duration = Duration::from_micros(10);

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Load beside the measured one, until the guard is dropped.
    pub(crate) background: Option<fn(&Handle, usize) -> Background>,
    pub(crate) run: fn(&Runtime) -> Result<()>,
    /// New runtimes that a round takes the mean of. More than one where each runtime settles into
    /// a pace of its own, as when there are more busy threads than processors.
    pub(crate) runtimes: u32,
}

impl Scenario {
    const fn new(name: &'static str, run: fn(&Runtime) -> Result<()>) -> Self {
        Self { name, background: None, run, runtimes: 1 }
    }

    const fn beside(self, load: fn(&Handle, usize) -> Background) -> Self {
        Self { background: Some(load), runtimes: 4, ..self }
    }
}

pub(crate) const ALL: [Scenario; 8] = [
    Scenario::new("spawn-many-local", spawn_many_local),
    Scenario::new("spawn-many-on-worker", spawn_many_on_worker),
    Scenario::new("spawn-many-remote-idle", spawn_many_remote),
    Scenario::new("spawn-many-remote-busy-yield", spawn_many_remote).beside(busy_yielding),
    Scenario::new("spawn-many-remote-busy-spawn", spawn_fewer_remote).beside(busy_spawning),
    Scenario::new("yield-many", yield_many),
    Scenario::new("ping-pong", ping_pong),
    Scenario::new("chained-spawn", chained_spawn),
];

/// Spawns from inside `block_on`, as Tokio's benchmark of this name does.
fn spawn_many_local(runtime: &Runtime) -> Result<()> {
    let (countdown, done) = Countdown::new(SPAWNS);
    runtime.block_on(async move {
        for _ in 0..SPAWNS {
            tokio::spawn(countdown.clone().step());
        }
        Ok(done.recv()?)
    })
}

/// Spawns from a task, so onto the worker's own queue.
fn spawn_many_on_worker(runtime: &Runtime) -> Result<()> {
    let (countdown, done) = Countdown::new(SPAWNS);
    runtime.spawn(async move {
        for _ in 0..SPAWNS {
            tokio::spawn(countdown.clone().step());
        }
    });
    Ok(done.recv()?)
}

/// Spawns from outside, and waits for each task.
fn spawn_many_remote(runtime: &Runtime) -> Result<()> {
    spawn_remote(runtime, SPAWNS)
}

/// A tenth, because workers with work of their own look at the shared queue only now and then.
fn spawn_fewer_remote(runtime: &Runtime) -> Result<()> {
    spawn_remote(runtime, SPAWNS / 10)
}

fn spawn_remote(runtime: &Runtime, tasks: usize) -> Result<()> {
    let tasks: Vec<JoinHandle<()>> = (0..tasks).map(|_| runtime.spawn(async {})).collect();
    runtime.block_on(async {
        for task in tasks {
            task.await?;
        }
        Ok(())
    })
}

fn yield_many(runtime: &Runtime) -> Result<()> {
    let (countdown, done) = Countdown::new(YIELDING_TASKS);
    for _ in 0..YIELDING_TASKS {
        let countdown = countdown.clone();
        runtime.spawn(async move {
            for _ in 0..YIELDS {
                yield_now().await;
            }
            countdown.step().await;
        });
    }
    Ok(done.recv()?)
}

fn ping_pong(runtime: &Runtime) -> Result<()> {
    let (countdown, done) = Countdown::new(PINGS);
    runtime.spawn(async move {
        for _ in 0..PINGS {
            let countdown = countdown.clone();
            tokio::spawn(async move {
                let (ping, pinged) = oneshot::channel();
                let (pong, ponged) = oneshot::channel();
                tokio::spawn(async move {
                    if pinged.await.is_ok() {
                        let _ = pong.send(());
                    }
                });
                let _ = ping.send(());
                if ponged.await.is_ok() {
                    countdown.step().await;
                }
            });
        }
    });
    Ok(done.recv()?)
}

fn chained_spawn(runtime: &Runtime) -> Result<()> {
    fn link(left: usize, done: mpsc::SyncSender<()>) {
        if left == 0 {
            let _ = done.send(());
        } else {
            tokio::spawn(async move { link(left - 1, done) });
        }
    }
    let (sender, done) = mpsc::sync_channel(1);
    runtime.spawn(async move { link(CHAIN, sender) });
    Ok(done.recv()?)
}

/// Tells when the last of many tasks is done.
#[derive(Clone)]
struct Countdown {
    left: Arc<AtomicUsize>,
    done: mpsc::SyncSender<()>,
}

impl Countdown {
    fn new(tasks: usize) -> (Self, mpsc::Receiver<()>) {
        let (done, receiver) = mpsc::sync_channel(1);
        (Self { left: Arc::new(AtomicUsize::new(tasks)), done }, receiver)
    }

    async fn step(self) {
        if self.left.fetch_sub(1, Relaxed) == 1 {
            let _ = self.done.send(());
        }
    }
}

/// Ends the background load when it is dropped.
pub(crate) struct Background(Arc<AtomicBool>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Two tasks for each worker that spin and yield: a worker looks at other work first.
pub(crate) fn busy_yielding(runtime: &Handle, workers: usize) -> Background {
    let over = Arc::new(AtomicBool::new(false));
    for _ in 0..2 * workers {
        let over = over.clone();
        runtime.spawn(async move {
            while !over.load(Relaxed) {
                yield_now().await;
                spin();
            }
        });
    }
    Background(over)
}

/// Two tasks for each worker that spin and spawn their successor, which goes before other work.
fn busy_spawning(runtime: &Handle, workers: usize) -> Background {
    fn successor(runtime: &Handle, over: Arc<AtomicBool>) {
        if !over.load(Relaxed) {
            let next = runtime.clone();
            runtime.spawn(async move {
                spin();
                successor(&next, over);
            });
        }
    }
    let over = Arc::new(AtomicBool::new(false));
    for _ in 0..2 * workers {
        successor(runtime, over.clone());
    }
    Background(over)
}

fn spin() {
    let begun = Instant::now();
    while begun.elapsed() < SPIN {
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_comes_to_its_end() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        for scenario in &ALL {
            let _load = scenario.background.map(|begin| begin(runtime.handle(), 2));
            (scenario.run)(&runtime).unwrap();
        }
    }
}
