//! CPU hogs beside timer probes: how late does a task wake while others hold the workers?
//!
//! Each hog burns CPU for a while in one poll, yields once, and does it again. Each probe sleeps
//! for a millisecond and notes how much later than that it woke.

mod burn;

pub use burn::Burn;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::task::yield_now;

use crate::{
    Error,
    latencies::Latencies,
    side::{PulseFigures, RuntimeOptions, Side, SideRuntime},
};

/// What a probe sleeps: the shortest time Tokio's timer knows.
pub const PROBE_SLEEP: Duration = Duration::from_millis(1);

/// The size of the workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// The runtime to build.
    pub runtime: RuntimeOptions,
    /// Tasks that hold a worker; 0 is the undisturbed run to compare with.
    pub hogs: usize,
    /// How much work a hog does in one poll.
    pub burn: Duration,
    /// Hogs are spawned through Pulse, so that it can move them to the lane.
    pub movable: bool,
    /// Tasks that sleep and note how late they wake.
    pub probes: usize,
    /// Not measured, first.
    pub warm_up: Duration,
    /// Measured, then.
    pub measured: Duration,
}

impl Default for Params {
    /// W8: 2 workers, 8 hogs of 100 ms, 16 probes, for 5 s after a second of warm-up.
    fn default() -> Self {
        Self {
            runtime: RuntimeOptions::workers(2),
            hogs: 8,
            burn: Duration::from_millis(100),
            movable: false,
            probes: 16,
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(5),
        }
    }
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How late the probes woke.
    pub lateness: Latencies,
    /// Burns done while the measurement lasted, of all hogs.
    pub burns: f64,
    /// What Tokio-Pulse counted; `None` on stock Tokio.
    pub pulse: Option<PulseFigures>,
}

impl Outcome {
    /// Adds another round.
    pub fn merge(&mut self, other: &Self) {
        self.lateness.merge(&other.lateness);
        self.burns += other.burns;
        self.pulse = PulseFigures::sum(self.pulse, other.pulse);
    }
}

/// An [`Outcome`] as one process tells it to another.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OutcomeLine {
    lateness: Vec<(u64, u64)>,
    burns: f64,
    pulse: Option<PulseFigures>,
}

impl From<&Outcome> for OutcomeLine {
    fn from(outcome: &Outcome) -> Self {
        let lateness = outcome.lateness.buckets();
        Self { lateness, burns: outcome.burns, pulse: outcome.pulse }
    }
}

impl From<OutcomeLine> for Outcome {
    fn from(line: OutcomeLine) -> Self {
        let lateness = Latencies::from_buckets(&line.lateness);
        Self { lateness, burns: line.burns, pulse: line.pulse }
    }
}

/// Builds the runtime of that side, runs the workload on it and takes it down again.
///
/// # Errors
/// When the runtime cannot be built, or a task of the workload panics.
pub fn run(side: Side, params: &Params) -> Result<Outcome, Error> {
    let burn = Burn::lasting(params.burn);
    let runtime = SideRuntime::build(side, &params.runtime)?;
    let from = Instant::now() + params.warm_up;
    let window = Arc::new(Window { from, to: from + params.measured });
    let probes: Vec<_> = (0..params.probes).map(|_| runtime.spawn(probe(window.clone()))).collect();
    let hogs: Vec<_> = (0..params.hogs)
        .map(|id| {
            let hog = hog(window.clone(), burn, id as u64);
            if params.movable { runtime.spawn_movable(hog) } else { runtime.spawn(hog) }
        })
        .collect();

    let (lateness, burns) = runtime
        .block_on(async {
            let mut lateness = Latencies::new();
            for probe in probes {
                lateness.merge(&probe.await?);
            }
            let mut burns = 0.0;
            for hog in hogs {
                burns += hog.await?;
            }
            Ok((lateness, burns))
        })
        .map_err(|error: tokio::task::JoinError| Error::Workload(error.to_string()))?;
    Ok(Outcome { lateness, burns, pulse: runtime.figures() })
}

/// The time that is measured.
struct Window {
    from: Instant,
    to: Instant,
}

impl Window {
    fn is_over(&self) -> bool {
        Instant::now() >= self.to
    }

    /// The share of `begun..ended` that lies in the window.
    fn share(&self, begun: Instant, ended: Instant) -> f64 {
        let inside = ended.min(self.to).saturating_duration_since(begun.max(self.from));
        let whole = ended.saturating_duration_since(begun);
        if whole.is_zero() { 0.0 } else { inside.as_secs_f64() / whole.as_secs_f64() }
    }
}

async fn probe(window: Arc<Window>) -> Latencies {
    let mut lateness = Latencies::new();
    while !window.is_over() {
        let begun = Instant::now();
        tokio::time::sleep(PROBE_SLEEP).await;
        // The last sleep may end long after the window. It counts: it began inside.
        if begun >= window.from {
            lateness.record(begun.elapsed().saturating_sub(PROBE_SLEEP));
        }
    }
    lateness
}

/// Returns its burns, those across the window's ends in part: with few and long burns, whole
/// numbers would make a ratio of two runs jump.
async fn hog(window: Arc<Window>, burn: Burn, id: u64) -> f64 {
    let mut burns = 0.0;
    let mut state = id;
    while !window.is_over() {
        let begun = Instant::now();
        state = burn.run(state);
        burns += window.share(begun, Instant::now());
        yield_now().await;
    }
    burns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(hogs: usize) -> Params {
        Params {
            hogs,
            burn: Duration::from_millis(5),
            probes: 2,
            warm_up: Duration::from_millis(20),
            measured: Duration::from_secs(1),
            ..Params::default()
        }
    }

    #[test]
    fn both_sides_have_probes_and_burns() {
        for side in [Side::Stock, Side::Pulse] {
            let outcome = run(side, &short(2)).unwrap();
            assert!(!outcome.lateness.is_empty(), "{side}: {outcome:?}");
            assert!(outcome.burns > 0.0, "{side}: {outcome:?}");
            assert_eq!(outcome.pulse.is_some(), side == Side::Pulse);
        }
    }

    #[test]
    fn without_hogs_there_are_no_burns() {
        assert_eq!(run(Side::Stock, &short(0)).unwrap().burns, 0.0);
    }

    #[test]
    fn a_burn_across_an_end_counts_in_part() {
        let from = Instant::now();
        let ms = Duration::from_millis;
        let window = Window { from: from + ms(100), to: from + ms(200) };
        let share = |begun, ended| window.share(from + ms(begun), from + ms(ended));
        assert!((share(50, 150) - 0.5).abs() < 1e-9);
        assert!((share(120, 180) - 1.0).abs() < 1e-9);
        assert!((share(175, 275) - 0.25).abs() < 1e-9);
        assert_eq!(share(0, 50), 0.0);
        assert_eq!(share(120, 120), 0.0);
    }

    #[test]
    fn an_outcome_survives_the_way_between_processes() {
        let outcome = run(Side::Stock, &short(1)).unwrap();
        let line = serde_json::to_string(&OutcomeLine::from(&outcome)).unwrap();
        let back = Outcome::from(serde_json::from_str::<OutcomeLine>(&line).unwrap());
        assert_eq!(back.lateness.summary(), outcome.lateness.summary());
        assert!((back.burns - outcome.burns).abs() < 1e-9);
    }
}
