//! B5, B6 and B7 with graduated intervention: how late tasks wake beside hogs that are known.
//!
//! The warm-up is long enough for each hog to have offended as often as it takes. What happens until
//! then is the rescue's business, and measured in `w8`.

use std::time::{Duration, Instant};

use pulse::latencies::Summary;
use pulse::side::{RuntimeOptions, Side};
use pulse::workload::{self, Params};

use super::{Scale, proc};
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::{interleave, pick};
use crate::stats::{differences, ratios};

const ROUNDS: usize = 7;
/// 64 hogs of 20 ms on two processors are polled every 640 ms each.
const WARM_UP: Duration = Duration::from_secs(6);
/// Of those who have nothing to learn.
const SETTLING: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(3);
/// Beyond the same runtime without hogs.
const LIMIT_P99_MS: f64 = 2.0;
const LIMIT_BURNS: f64 = 0.97;

struct Shape {
    name: &'static str,
    hogs: usize,
    burn: Duration,
}

const SHAPES: [Shape; 3] = [
    Shape { name: "8x100ms", hogs: 8, burn: Duration::from_millis(100) },
    Shape { name: "64x20ms", hogs: 64, burn: Duration::from_millis(20) },
    Shape { name: "8x10ms", hogs: 8, burn: Duration::from_millis(10) },
];

#[derive(Clone, Copy)]
enum Run {
    Calm,
    Stock,
    /// Hogs that know nothing of Pulse: they go through the gate.
    Pulse,
    /// Hogs spawned through Pulse: they run on the lane.
    Lane,
}

struct Sample {
    lateness: Summary,
    burns: f64,
    /// The share of all workers' time that the process burned.
    cpu: f64,
}

pub(crate) fn run(scale: Scale, only: Option<&str>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for shape in SHAPES.iter().filter(|shape| only.is_none_or(|part| shape.name.contains(part))) {
        figures.extend(compare(scale, shape)?);
    }
    Ok(figures)
}

fn compare(scale: Scale, shape: &Shape) -> Result<Vec<Figure>> {
    let variants = [Run::Calm, Run::Stock, Run::Pulse, Run::Lane];
    let samples = interleave(scale.rounds(ROUNDS), &variants, |run| measure(run, shape, scale))?;
    let [calm, stock, pulse, lane] = &samples[..] else { unreachable!() };
    let of = |path: &str, samples| figures(&format!("{}/{path}", shape.name), calm, stock, samples);
    let stock_p99 = pick(stock, |sample| sample.lateness.p99_ms);
    let name = format!("tiers/{}/late-p99-stock", shape.name);
    let mut all = vec![Figure::new(name, "ms", Better::Lower, &stock_p99)];
    all.extend(of("gate", pulse));
    all.extend(of("lane", lane));
    Ok(all)
}

fn figures(name: &str, calm: &[Sample], stock: &[Sample], subject: &[Sample]) -> [Figure; 7] {
    let name = |what: &str| format!("tiers/{name}/{what}");
    let p99 = |samples: &[Sample]| pick(samples, |sample| sample.lateness.p99_ms);
    let p50 = pick(subject, |sample| sample.lateness.p50_ms);
    let max = pick(subject, |sample| sample.lateness.max_ms);
    let burns = |samples: &[Sample]| pick(samples, |sample| sample.burns);
    let lower = |what: &str, values: &[f64]| Figure::new(name(what), "ms", Better::Lower, values);
    let relative = ratios(&p99(subject), &p99(stock));
    let kept = ratios(&burns(subject), &burns(stock));
    // On stock Tokio the probes hardly run at all, and the hogs have their share as well.
    let left = pick(calm, |sample| 1.0 - sample.cpu);
    [
        lower("late-p50", &p50),
        lower("late-p99", &p99(subject)),
        lower("late-max", &max),
        lower("late-p99-beyond-calm", &differences(&p99(subject), &p99(calm)))
            .sides(&p99(calm), &p99(subject), "ms")
            .bar("B5/B6", LIMIT_P99_MS),
        Figure::new(name("late-p99-relative"), "ratio", Better::Lower, &relative)
            .sides(&p99(stock), &p99(subject), "ms")
            .tracked(),
        Figure::new(name("burns"), "ratio", Better::Higher, &kept)
            .sides(&burns(stock), &burns(subject), "burns")
            .bar("B7", LIMIT_BURNS)
            .tracked(),
        Figure::new(
            name("burns-of-what-probes-leave"),
            "ratio",
            Better::Higher,
            &ratios(&kept, &left),
        )
        .sides(&left, &kept, "share"),
    ]
}

fn measure(run: Run, shape: &Shape, scale: Scale) -> Result<Sample> {
    let (side, hogs) = match run {
        Run::Calm => (Side::Pulse, 0),
        Run::Stock => (Side::Stock, shape.hogs),
        Run::Pulse | Run::Lane => (Side::Pulse, shape.hogs),
    };
    let params = Params {
        runtime: RuntimeOptions::workers(scale.workers),
        hogs,
        burn: shape.burn,
        movable: matches!(run, Run::Lane),
        warm_up: scale.time(if let Run::Pulse | Run::Lane = run { WARM_UP } else { SETTLING }),
        measured: scale.time(MEASURED),
        ..Params::default()
    };
    let (begun, before) = (Instant::now(), proc::cpu_of_process()?);
    let outcome = workload::run(side, &params)?;
    let capacity = begun.elapsed() * u32::try_from(scale.workers)?;
    let cpu = (proc::cpu_of_process()? - before).div_duration_f64(capacity);
    Ok(Sample { lateness: outcome.lateness.summary(), burns: outcome.burns, cpu })
}
