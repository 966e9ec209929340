//! Four endless loops and a ticker share one thread; one of the loops has its generator to itself.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example fair_loops
//! ```

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{PreemptiveRuntime, Priority, TaskSettings};

const QUANTUM: Duration = Duration::from_millis(2);
const TIME: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = PreemptiveRuntime::builder().worker_threads(1).quantum(QUANTUM).build()?;
    let over = Arc::new(AtomicBool::new(false));

    let loops: Vec<_> = (0..4)
        .map(|number| {
            let turns = Arc::new(AtomicU64::new(0));
            let (over, counting) = (over.clone(), turns.clone());
            let settings = TaskSettings::default().name(format!("loop {number}"));
            let settings = if number == 0 { settings.pinned() } else { settings };
            let endless = async move {
                while !over.load(Relaxed) {
                    counting.store(black_box(counting.load(Relaxed) + 1), Relaxed);
                }
            };
            // SAFETY: it computes; it holds no lock, and nothing of its thread's.
            (unsafe { runtime.spawn_with(settings, endless) }, turns)
        })
        .collect();

    let ticking = over.clone();
    let critical = TaskSettings::default().name("ticker").priority(Priority::Critical);
    let ticker = async move {
        let mut worst = Duration::ZERO;
        while !ticking.load(Relaxed) {
            let asleep = Instant::now();
            tokio::time::sleep(TICK).await;
            worst = worst.max(asleep.elapsed().saturating_sub(TICK));
        }
        worst
    };
    // SAFETY: it awaits, and holds nothing of its thread's.
    let ticker = unsafe { runtime.spawn_with(critical, ticker) };

    thread::sleep(TIME);
    over.store(true, Relaxed);
    let turns: Vec<u64> = loops.iter().map(|(_, turns)| turns.load(Relaxed)).collect();
    let all: u64 = turns.iter().sum();
    for (number, turns) in turns.iter().enumerate() {
        println!("loop {number} had {:.1} %", *turns as f64 * 100.0 / all as f64);
    }
    for (task, _) in loops {
        task.join()?;
    }
    println!("the ticker was {:?} late at worst; the quantum is {QUANTUM:?}", ticker.join()?);
    println!("{} preemptions", runtime.metrics().preemptions());
    Ok(())
}
