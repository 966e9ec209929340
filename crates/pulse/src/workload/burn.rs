//! A stretch of CPU work of a known length, with nothing inside that a runtime could hook.

use std::{
    hint::black_box,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// Steps per calibration run: a few milliseconds.
const TRIAL: u64 = 2_000_000;
/// The fastest of so many runs counts: another process can only make a run slower.
const TRIALS: usize = 10;

/// An amount of work that takes a given time on an otherwise idle core.
///
/// It is an amount and not a time: a burn whose thread loses the core takes longer, as real work
/// does, so the number of burns done is a measure of throughput.
#[derive(Clone, Copy, Debug)]
pub struct Burn {
    steps: u64,
}

impl Burn {
    /// The amount of work for `length`. The first call measures this machine, for about 50 ms.
    pub fn lasting(length: Duration) -> Self {
        static NANOS_PER_STEP: OnceLock<f64> = OnceLock::new();
        let nanos_per_step = *NANOS_PER_STEP.get_or_init(measure);
        Self { steps: (length.as_secs_f64() * 1e9 / nanos_per_step) as u64 }
    }

    /// Does the work, starting from `seed`.
    pub fn run(self, seed: u64) -> u64 {
        spin(self.steps, seed)
    }
}

fn measure() -> f64 {
    let fastest = (0..TRIALS)
        .map(|trial| {
            let begun = Instant::now();
            black_box(spin(TRIAL, trial as u64));
            begun.elapsed()
        })
        .min()
        .unwrap_or_default();
    (fastest.as_secs_f64() * 1e9 / TRIAL as f64).max(f64::EPSILON)
}

/// A chain of multiplications (splitmix64): each step waits for the one before.
#[inline(never)]
fn spin(steps: u64, seed: u64) -> u64 {
    let mut state = seed;
    for step in 0..steps {
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9).wrapping_add(step);
    }
    black_box(state)
}
