//! Loops that make room by themselves.
//!
//! ```sh
//! cargo run -p pulse-examples --example yield_points
//! ```
//!
//! One worker, and nobody to stand in for it. Beside each loop a task wants to run every
//! millisecond; how often it could is what the loop left to it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio_pulse::{BuildError, Builder, preemption_budget};

const LONG: Duration = Duration::from_secs(1);

fn impolite() {
    let begun = Instant::now();
    while begun.elapsed() < LONG {}
}

#[preemption_budget]
fn synchronous() {
    let begun = Instant::now();
    while begun.elapsed() < LONG {}
}

#[preemption_budget(cpu_ms = 2, yield_interval = 64)]
async fn asynchronous() {
    let begun = Instant::now();
    while begun.elapsed() < LONG {}
}

fn ticks_beside(task: impl Future<Output = ()> + Send + 'static) -> Result<u32, BuildError> {
    // A runtime for each: on the same one, what the first loop has done would be held against the place
    // that spawns them.
    let runtime =
        Builder::new_multi_thread().worker_threads(1).reserve_workers(0).enable_all().build()?;
    let ticks = Arc::new(AtomicU32::new(0));
    let counted = ticks.clone();
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            counted.fetch_add(1, Relaxed);
        }
    });
    let beside = runtime.spawn(async move {
        let before = ticks.load(Relaxed);
        task.await;
        ticks.load(Relaxed) - before
    });
    Ok(runtime.block_on(beside).unwrap_or_default())
}

fn main() -> Result<(), BuildError> {
    println!("beside a loop of {LONG:?}: {} ticks", ticks_beside(async { impolite() })?);
    println!("with checkpoints: {} ticks", ticks_beside(async { synchronous() })?);
    println!("with yield points: {} ticks", ticks_beside(asynchronous())?);
    Ok(())
}
