//! B5 (its rescue part) and B7: how late tasks wake beside hogs, and what the hogs get done.

use std::time::Duration;

use pulse::latencies::Summary;
use pulse::side::{RuntimeOptions, Side};
use pulse::workload::{self, Params};

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::{interleave, pick};
use crate::stats::ratios;

const ROUNDS: usize = 9;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(3);
/// With rescue alone.
const LIMIT_P99_MS: f64 = 15.0;
const LIMIT_BURNS: f64 = 0.97;

#[derive(Clone, Copy)]
enum Run {
    NoHogs,
    Stock,
    Pulse,
}

struct Sample {
    lateness: Summary,
    burns: f64,
    stalls: u64,
    rescued: u64,
}

type Percentile = (&'static str, fn(&Sample) -> f64);

const PERCENTILES: [Percentile; 4] = [
    ("p50", |sample| sample.lateness.p50_ms),
    ("p90", |sample| sample.lateness.p90_ms),
    ("p99", |sample| sample.lateness.p99_ms),
    ("max", |sample| sample.lateness.max_ms),
];

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let variants = [Run::NoHogs, Run::Stock, Run::Pulse];
    let samples = interleave(scale.rounds(ROUNDS), &variants, |run| measure(run, scale))?;
    let [calm, stock, pulse] = &samples[..] else { unreachable!() };

    let mut figures = Vec::new();
    let lower = |name: String, samples: &[f64]| Figure::new(name, "ms", Better::Lower, samples);
    for (what, of) in PERCENTILES {
        figures.push(lower(format!("w8/late-{what}/no-hogs"), &pick(calm, of)));
        figures.push(lower(format!("w8/late-{what}/stock"), &pick(stock, of)));
        let late = lower(format!("w8/late-{what}/pulse"), &pick(pulse, of));
        figures.push(if what == "p99" { late.bar("B5 (rescue)", LIMIT_P99_MS) } else { late });
    }
    let p99 = |samples: &[Sample]| pick(samples, |sample| sample.lateness.p99_ms);
    figures.push(
        Figure::new(
            "w8/late-p99/relative",
            "ratio",
            Better::Lower,
            &ratios(&p99(pulse), &p99(stock)),
        )
        .sides(&p99(stock), &p99(pulse), "ms")
        .tracked(),
    );
    let burns = |samples: &[Sample]| pick(samples, |sample| sample.burns);
    figures.push(
        Figure::new("w8/burns", "ratio", Better::Higher, &ratios(&burns(pulse), &burns(stock)))
            .sides(&burns(stock), &burns(pulse), "burns")
            .bar("B7", LIMIT_BURNS)
            .tracked(),
    );
    let rescued = |sample: &Sample| sample.rescued as f64 / sample.stalls.max(1) as f64;
    figures.push(Figure::new("w8/stalls-rescued", "share", Better::Higher, &pick(pulse, rescued)));
    Ok(figures)
}

fn measure(run: Run, scale: Scale) -> Result<Sample> {
    let (side, hogs) = match run {
        Run::NoHogs => (Side::Stock, 0),
        Run::Stock => (Side::Stock, Params::default().hogs),
        Run::Pulse => (Side::Pulse, Params::default().hogs),
    };
    let params = Params {
        runtime: RuntimeOptions::workers(scale.workers),
        hogs,
        warm_up: WARM_UP,
        measured: scale.time(MEASURED),
        ..Params::default()
    };
    let outcome = workload::run(side, &params)?;
    let figures = outcome.pulse.unwrap_or_default();
    Ok(Sample {
        lateness: outcome.lateness.summary(),
        burns: outcome.burns,
        stalls: figures.stalls,
        rescued: figures.rescued,
    })
}
