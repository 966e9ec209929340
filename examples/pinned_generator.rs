//! Pinning a generator: a task that is interrupted in most of its polls has one to itself, so that
//! its preemptions do not cost the worker its own.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example pinned_generator
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{PreemptiveRuntime, TaskSettings};

const QUANTUM: Duration = Duration::from_millis(1);
const POLLS: u32 = 20;

/// Long polls with a pause after each.
async fn compute_and_pause(seed: u64) -> u64 {
    let mut sum = seed;
    for _ in 0..POLLS {
        let began = Instant::now();
        while began.elapsed() < 5 * QUANTUM {
            sum = (0..10_000).fold(sum, |sum, n| black_box(sum.rotate_left(3) ^ n));
        }
        tokio::time::sleep(QUANTUM).await;
    }
    sum
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = PreemptiveRuntime::builder().worker_threads(1).quantum(QUANTUM).build()?;
    for pinned in [false, true] {
        let before = runtime.metrics().preemptions();
        let tasks: Vec<_> = (0..4)
            .map(|seed| {
                let settings = TaskSettings::default().name(format!("task {seed}"));
                // Pinned, each poll is a resumption of the task's generator. Not pinned, it runs in
                // the worker's loop, and each first preemption of a poll takes the worker's generator
                // along and has the worker make a new one.
                let settings = if pinned { settings.pinned() } else { settings };
                // SAFETY: it computes; over its awaits it holds nothing of its thread's.
                unsafe { runtime.spawn_with(settings, compute_and_pause(seed)) }
            })
            .collect();
        let began = Instant::now();
        for task in tasks {
            task.join()?;
        }
        let preemptions = runtime.metrics().preemptions() - before;
        let how = if pinned { "pinned" } else { "not pinned" };
        println!("{how}: {preemptions} preemptions, {:?}", began.elapsed());
    }
    Ok(())
}
