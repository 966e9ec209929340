//! B3: the scenarios of Tokio's own multi-thread benchmarks.

use std::time::{Duration, Instant};

use super::Scale;
use super::scenarios::{self, Scenario};
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::interleave;
use crate::stats::{geometric_means, median, ratios};
use crate::subject::{Kind, Subject, Threads};

const ROUNDS: usize = 21;
const ROUND: Duration = Duration::from_millis(60);
const LIMIT: f64 = 0.99;

/// Which runtimes are measured beside stock Tokio and Pulse as it comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra {
    pub(crate) control: bool,
    pub(crate) reserves: Vec<usize>,
    pub(crate) blocked: Vec<usize>,
    /// Only scenarios with this in their name.
    pub(crate) only: Option<String>,
}

impl Extra {
    fn variants(&self) -> Vec<Kind> {
        let mut variants = vec![Kind::Stock, Kind::PULSE];
        if self.control {
            variants.extend([Kind::Control, Kind::EmptyHooks]);
        }
        variants.extend(self.reserves.iter().map(|&n| Kind::Pulse { reserve: Some(n) }));
        variants.extend(self.blocked.iter().map(|&n| Kind::Blocked(n)));
        variants
    }
}

pub(crate) fn run(scale: Scale, extra: &Extra) -> Result<Vec<Figure>> {
    let variants = extra.variants();
    let mut all_ratios: Vec<Vec<Vec<f64>>> = vec![Vec::new(); variants.len()];
    let mut figures = Vec::new();
    let wanted = |s: &&Scenario| extra.only.as_ref().is_none_or(|part| s.name.contains(part));
    for scenario in scenarios::ALL.iter().filter(wanted) {
        let trial = micros_per_run(scenario, Kind::Stock, scale, 3)?;
        let round = scale.time(ROUND).as_micros() as f64 / f64::from(scenario.runtimes);
        let repeats = (round / trial).ceil() as u32;
        let samples = interleave(scale.rounds(ROUNDS), &variants, |kind| {
            micros_per_run(scenario, kind, scale, repeats.max(2))
        })?;
        for (index, kind) in variants.iter().enumerate().skip(1) {
            // Time of stock by time of the other: above 1 the other is faster.
            let ratio = ratios(&samples[0], &samples[index]);
            let name = format!("scheduler/{}/{kind}", scenario.name);
            figures.push(judged(*kind, name, &ratio).sides(&samples[0], &samples[index], "us"));
            all_ratios[index].push(ratio);
        }
    }
    for (kind, ratios) in variants.iter().zip(&all_ratios).skip(1) {
        if !ratios.is_empty() {
            let name = format!("scheduler/geometric-mean/{kind}");
            figures.push(judged(*kind, name, &geometric_means(ratios)));
        }
    }
    Ok(figures)
}

/// Only Pulse as it comes has to keep to the bar.
fn judged(kind: Kind, name: String, ratio: &[f64]) -> Figure {
    let figure = Figure::new(name, "ratio", Better::Higher, ratio);
    if kind == Kind::PULSE { figure.bar("B3", LIMIT).tracked() } else { figure }
}

/// The mean over new runtimes of the median of `repeats` runs on each.
fn micros_per_run(scenario: &Scenario, kind: Kind, scale: Scale, repeats: u32) -> Result<f64> {
    let mut sum = 0.0;
    for _ in 0..scenario.runtimes {
        sum += micros_on_one_runtime(scenario, kind, scale, repeats)?;
    }
    Ok(sum / f64::from(scenario.runtimes))
}

fn micros_on_one_runtime(
    scenario: &Scenario,
    kind: Kind,
    scale: Scale,
    repeats: u32,
) -> Result<f64> {
    let subject = Subject::build(kind, Threads::Multi(scale.workers))?;
    let _background = scenario.background.map(|begin| begin(subject.handle(), scale.workers));
    (scenario.run)(subject.tokio())?;
    let mut times = Vec::new();
    for _ in 0..repeats {
        let begun = Instant::now();
        (scenario.run)(subject.tokio())?;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(&times))
}
