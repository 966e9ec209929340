//! The lane under a crowd: 10,000 tasks that compute beside 10,000 that wake now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use pulse::latencies::Latencies;
use pulse::workload::Burn;
use tokio::task::yield_now;

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::{interleave, pick};
use crate::stats::differences;

const ROUNDS: usize = 7;
const TASKS: usize = 10_000;
/// Of one turn: with two processors each of them has had one after five seconds.
const BURN: Duration = Duration::from_millis(1);
/// All light tasks together are a few per cent of one processor.
const SLEEP: Duration = Duration::from_millis(1_000);
const MEASURED: Duration = Duration::from_secs(10);
const LIMIT_P99_MS: f64 = 5.0;

struct Sample {
    p99_ms: f64,
    without_turn: f64,
    turns: f64,
    refused: f64,
}

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let crowds = [0, TASKS];
    let samples = interleave(scale.rounds(ROUNDS), &crowds, |heavy| measure(heavy, scale))?;
    let [alone, beside] = &samples[..] else { unreachable!() };
    let p99 = |samples: &[Sample]| pick(samples, |sample| sample.p99_ms);
    let lower = |name: &str, unit, values: &[f64]| Figure::new(name, unit, Better::Lower, values);
    Ok(vec![
        lower("lane/light-p99-beyond-alone", "ms", &differences(&p99(beside), &p99(alone)))
            .sides(&p99(alone), &p99(beside), "ms")
            .bar("lane", LIMIT_P99_MS),
        lower("lane/heavy-without-a-turn", "tasks", &pick(beside, |sample| sample.without_turn)),
        Figure::new(
            "lane/heavy-turns",
            "turns",
            Better::Higher,
            &pick(beside, |sample| sample.turns),
        ),
        lower("lane/refused", "tasks", &pick(beside, |sample| sample.refused)),
    ])
}

fn measure(heavy: usize, scale: Scale) -> Result<Sample> {
    let runtime = tokio_pulse::Builder::new_multi_thread()
        .worker_threads(scale.workers)
        .enable_all()
        .build()?;
    let lane = runtime.handle().lane();
    let (burn, stop) = (Burn::lasting(BURN), Arc::new(AtomicBool::new(false)));
    let turns: Arc<[AtomicUsize]> = (0..heavy).map(|_| AtomicUsize::new(0)).collect();
    for id in 0..heavy {
        let (stop, turns) = (stop.clone(), turns.clone());
        lane.spawn(async move {
            let mut state = id as u64;
            while !stop.load(Relaxed) {
                state = burn.run(state);
                turns[id].fetch_add(1, Relaxed);
                yield_now().await;
            }
        });
    }
    let until = Instant::now() + scale.time(MEASURED);
    let light: Vec<_> = (0..TASKS as u32)
        .map(|id| {
            runtime.spawn(async move {
                let mut late = Latencies::new();
                // Not all at once.
                tokio::time::sleep(SLEEP * id / TASKS as u32).await;
                while Instant::now() < until {
                    let wake = Instant::now() + SLEEP;
                    tokio::time::sleep_until(wake.into()).await;
                    late.record(wake.elapsed());
                }
                late
            })
        })
        .collect();
    let late = runtime.block_on(async {
        let mut all = Latencies::new();
        for task in light {
            all.merge(&task.await?);
        }
        Ok::<_, tokio::task::JoinError>(all)
    })?;
    let taken: Vec<_> = turns.iter().map(|turns| turns.load(Relaxed)).collect();
    let refused = lane.metrics().refused() as f64;
    stop.store(true, Relaxed);
    runtime.shutdown_background();
    Ok(Sample {
        p99_ms: late.summary().p99_ms,
        without_turn: taken.iter().filter(|&&turns| turns == 0).count() as f64,
        turns: taken.iter().sum::<usize>() as f64,
        refused,
    })
}
