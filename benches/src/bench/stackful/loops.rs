//! Four endless loops and a ticker on one thread: who gets how much, and how late the ticker is.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{PreemptiveRuntime, Priority, TaskSettings};

use super::QUANTUM;
use crate::Result;

const LOOPS: usize = 4;
const TICK: Duration = Duration::from_millis(1);

/// What came of one run.
pub(super) struct Shares {
    /// The smallest and the largest share of the loops, in percent.
    pub(super) least: f64,
    pub(super) most: f64,
    /// How much later than asked the ticks came, in microseconds.
    pub(super) late_p50_us: f64,
    pub(super) late_p99_us: f64,
}

/// The 99th percentile of the ticker's lateness with nothing beside it, in microseconds: what the machine does to it.
pub(super) fn late_alone_us(time: Duration) -> Result<f64> {
    Ok(share_among::<0>(time)?.late_p99_us)
}

pub(super) fn share(time: Duration) -> Result<Shares> {
    share_among::<LOOPS>(time)
}

fn share_among<const LOOPS: usize>(time: Duration) -> Result<Shares> {
    let runtime = PreemptiveRuntime::builder().worker_threads(1).quantum(QUANTUM).build()?;
    let over = Arc::new(AtomicBool::new(false));
    let turns: [Arc<AtomicU64>; LOOPS] = std::array::from_fn(|_| Arc::default());
    let loops = turns.each_ref().map(|turns| {
        let (over, turns) = (over.clone(), turns.clone());
        // SAFETY: it computes; it holds no lock, and nothing of its thread's.
        unsafe {
            runtime.spawn(async move {
                while !over.load(Relaxed) {
                    turns.store(black_box(turns.load(Relaxed) + 1), Relaxed);
                }
            })
        }
    });
    let ticking = over.clone();
    let ticker = async move {
        let mut late = Vec::new();
        while !ticking.load(Relaxed) {
            let asleep = Instant::now();
            tokio::time::sleep(TICK).await;
            late.push(asleep.elapsed().saturating_sub(TICK));
        }
        late.sort_unstable();
        late
    };
    let critical = TaskSettings::default().priority(Priority::Critical);
    // SAFETY: it awaits, and holds nothing in between.
    let ticker = unsafe { runtime.spawn_with(critical, ticker) };
    thread::sleep(time);
    over.store(true, Relaxed);
    let turns = turns.map(|turns| turns.load(Relaxed) as f64);
    for task in loops {
        task.join()?;
    }
    let late = ticker.join()?;
    let all: f64 = turns.iter().sum();
    let shares = turns.map(|turns| turns * 100.0 / all);
    let late_us = |share: f64| {
        let index = (late.len() as f64 * share) as usize;
        late.get(index).map_or(f64::NAN, |late| late.as_secs_f64() * 1e6)
    };
    Ok(Shares {
        least: shares.iter().copied().fold(f64::INFINITY, f64::min),
        most: shares.iter().copied().fold(0.0, f64::max),
        late_p50_us: late_us(0.5),
        late_p99_us: late_us(0.99),
    })
}
