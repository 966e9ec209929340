//! B4: an axum server under load.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use pulse::load::{Class, ClosedPlan, OpenPlan, Target, closed_loop, open_loop};
use pulse::side::Side;

use super::Scale;
use super::server::{PATH, Server};
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::{interleave, pick};
use crate::stats::ratios;

const ROUNDS: usize = 31;
const WARM_UP: Duration = Duration::from_millis(200);
/// Short, so that a disturbance spoils one round and not the comparison.
const MEASURED: Duration = Duration::from_millis(500);
/// Enough to keep two workers busy, and far below what the system allows.
const CONNECTIONS: usize = 32;
/// Moderate: the latency of a machine that is not saturated.
const RATE: f64 = 2_000.0;
const LIMIT_THROUGHPUT: f64 = 0.99;
const LIMIT_P99: f64 = 1.01;

struct Sample {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// Requests without a good answer, of all. They have no latency, so they are shown.
    failed: f64,
}

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let mut seed = 0;
    let samples = interleave(scale.rounds(ROUNDS), &[Side::Stock, Side::Pulse], |side| {
        // Two in a row are one round, and both sides of it get the same arrivals.
        seed += 1;
        measure(side, scale, (seed - 1) / 2)
    })?;
    let [stock, pulse] = &samples[..] else { unreachable!() };
    let figure = |name: &str, better, of: fn(&Sample) -> f64, unit: &str| {
        let (stock, pulse) = (pick(stock, of), pick(pulse, of));
        Figure::new(name, "ratio", better, &ratios(&pulse, &stock))
            .sides(&stock, &pulse, unit)
            .tracked()
    };
    let failed = |side: &str, samples: &[Sample]| {
        let shares = pick(samples, |sample| sample.failed);
        Figure::new(format!("http/failed/{side}"), "share", Better::Lower, &shares)
    };
    Ok(vec![
        figure("http/throughput", Better::Higher, |s| s.per_second, "per s")
            .bar("B4", LIMIT_THROUGHPUT),
        figure("http/latency-p50", Better::Lower, |s| s.p50_us, "us"),
        figure("http/latency-p99", Better::Lower, |s| s.p99_us, "us").bar("B4", LIMIT_P99),
        failed("stock", stock),
        failed("pulse", pulse),
    ])
}

fn measure(side: Side, scale: Scale, seed: u64) -> Result<Sample> {
    let server = Server::start(side, scale.workers)?;
    let measured = scale.time(MEASURED);
    let closed = closed_loop(&ClosedPlan {
        warm_up: WARM_UP,
        ..ClosedPlan::new(server.addr, Target::get(PATH), CONNECTIONS, measured)
    })?;
    let classes = vec![Class { target: Target::get(PATH), per_second: RATE }];
    let plan = OpenPlan { warm_up: WARM_UP, seed, ..OpenPlan::new(server.addr, classes, measured) };
    let open = open_loop(&plan, &AtomicBool::new(false))?;
    let [health] = &open.classes[..] else { return Err("no class of requests".into()) };
    let failed = closed.errors + health.errors;
    let all = failed + closed.completed + health.completed;
    let micros = |percentile| health.latencies.percentile(percentile).as_secs_f64() * 1e6;
    Ok(Sample {
        per_second: closed.per_second(),
        p50_us: micros(50.0),
        p99_us: micros(99.0),
        failed: failed as f64 / all.max(1) as f64,
    })
}
