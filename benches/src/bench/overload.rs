//! E5: an axum server with more requests than it can serve. How long those wait that are served, and
//! how long the others for being told so; beside `tower::load_shed`.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::http::StatusCode;
use axum::routing::get;
use clap::ValueEnum;
use pulse::latencies::Summary;
use pulse::load::{Class, OpenPlan, Target, open_loop};
use tokio_pulse::Handle;
use tokio_pulse_sys::ThreadScheduling;
use tokio_pulse_tower::{BudgetLayer, Exhausted, PressureGauge, RequestBudget, ServiceUnavailable};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;

use super::Scale;
use super::server::{PATH, Server};
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::{interleave, pick};
use crate::stats::differences;

const ROUNDS: usize = 7;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(2);
/// Three times what two processors can do, less what the load itself takes.
const OVERLOAD: f64 = 1_500.0;
/// A fifth of it.
const CALM: f64 = 100.0;
/// What a request costs: pieces of so long, with a yield after each.
const PIECES: u32 = 8;
const PIECE: Duration = Duration::from_micros(500);
/// Of the generator's threads, where the kernel lets one choose: they stand for clients elsewhere, which
/// would not wait for a processor of the server.
const GENERATOR_SLICE: Duration = Duration::from_micros(100);
const LIMIT_TURNED_AWAY_MS: f64 = 1.0;

/// Who turns requests away.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shedding {
    Nobody,
    /// `tower::load_shed` above a limit of two requests a worker.
    LoadShedTight,
    /// The same above a limit of 32.
    LoadShedWide,
    /// The gauge, by the delay of tasks.
    Delay,
    /// The gauge, by the depth of the slow lane, where all requests run from the beginning.
    Lane,
}

const ALL: [Shedding; 5] = [
    Shedding::Nobody,
    Shedding::LoadShedTight,
    Shedding::LoadShedWide,
    Shedding::Delay,
    Shedding::Lane,
];

impl Shedding {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::LoadShedTight => "load-shed-tight",
            Self::LoadShedWide => "load-shed-wide",
            Self::Delay => "delay",
            Self::Lane => "lane",
        }
    }

    /// Called on the server's runtime.
    pub(crate) fn router(self, workers: usize) -> Router {
        let router = Router::new().route(PATH, get(heavy));
        let gauge = || PressureGauge::builder(&Handle::current());
        let millis = Duration::from_millis;
        let load_shed = |limit| {
            ServiceBuilder::new()
                .layer(HandleErrorLayer::new(|_| async { StatusCode::SERVICE_UNAVAILABLE }))
                .load_shed()
                // The other one would be made anew for each request: axum applies layers late.
                .layer(GlobalConcurrencyLimitLayer::new(limit))
        };
        match self {
            Self::Nobody => router,
            Self::LoadShedTight => router.layer(load_shed(2 * workers)),
            Self::LoadShedWide => router.layer(load_shed(32 * workers)),
            Self::Delay => {
                let gauge = gauge().delay(millis(5), millis(2)).interval(millis(1)).build();
                let gauge = gauge.expect("limits in order");
                let layer = BudgetLayer::new(RequestBudget::UNLIMITED).shed(gauge);
                router.layer(layer.on_reject(ServiceUnavailable))
            }
            Self::Lane => {
                // Who is let in waits for one other at most, on top of those that run.
                let gauge = gauge().ignore_delay().lane_depth(1, 0);
                // Each request looks: a burst within an interval would be let in as a whole.
                let gauge = gauge.interval(Duration::ZERO).build().expect("limits in order");
                let layer = BudgetLayer::new(RequestBudget::of_cpu(Duration::ZERO))
                    .on_exhausted(Exhausted::SlowLane)
                    .shed(gauge);
                router.layer(layer.on_reject(ServiceUnavailable))
            }
        }
    }
}

async fn heavy() -> &'static str {
    for _ in 0..PIECES {
        let began = Instant::now();
        while began.elapsed() < PIECE {
            std::hint::spin_loop();
        }
        tokio::task::yield_now().await;
    }
    "ok"
}

#[derive(Clone, Copy)]
struct Load {
    shedding: Shedding,
    per_second: f64,
}

struct Sample {
    served: Summary,
    turned_away: Summary,
    /// From when they were sent, and not from when they should have been.
    once_sent: Summary,
    /// Of those that were turned away, once sent.
    within_limit: f64,
    /// Neither served nor turned away, of all.
    lost: f64,
    /// Of the generator.
    lag_p99_ms: f64,
    seconds: f64,
}

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let overload = |shedding| Load { shedding, per_second: OVERLOAD };
    // The layer beside itself, without an overload.
    let calm = Load { shedding: Shedding::Lane, per_second: CALM };
    let loads: Vec<Load> = ALL.into_iter().map(overload).chain([calm]).collect();
    let mut seed = 0;
    let samples = interleave(scale.rounds(ROUNDS), &loads, |load| {
        // All of one round get the same arrivals.
        seed += 1;
        measure(load, scale, (seed - 1) / loads.len() as u64)
    })?;
    let mut all: Vec<_> =
        loads.iter().zip(&samples).flat_map(|(load, samples)| figures(*load, samples)).collect();
    all.extend(beyond_calm(&loads, &samples));
    Ok(all)
}

/// What the overload costs those that are let in.
fn beyond_calm(loads: &[Load], samples: &[Vec<Sample>]) -> Option<Figure> {
    let p99 = |is_wanted: fn(&Load) -> bool| {
        let index = loads.iter().position(is_wanted)?;
        Some(pick(&samples[index], |sample| sample.served.p99_ms))
    };
    let calm = p99(|load| load.per_second == CALM)?;
    let lane = p99(|load| load.per_second != CALM && matches!(load.shedding, Shedding::Lane))?;
    let beyond = differences(&lane, &calm);
    let name = "overload/lane/served-p99-beyond-calm";
    Some(Figure::new(name, "ms", Better::Lower, &beyond).sides(&calm, &lane, "ms"))
}

fn figures(load: Load, samples: &[Sample]) -> Vec<Figure> {
    let is_calm = load.per_second == CALM;
    let word = if is_calm { "lane-calm" } else { load.shedding.word() };
    let figure = |what, unit, better, of: fn(&Sample) -> f64| {
        Figure::new(format!("overload/{word}/{what}"), unit, better, &pick(samples, of))
    };
    let mut figures = vec![
        figure("served", "per s", Better::Higher, |s| s.served.count as f64 / s.seconds),
        figure("served-p50", "ms", Better::Lower, |s| s.served.p50_ms),
        figure("served-p99", "ms", Better::Lower, |s| s.served.p99_ms),
    ];
    if !is_calm && !matches!(load.shedding, Shedding::Nobody) {
        // Before that the server has not heard of them: the rest is the generator's, which is on the same
        // processors.
        let p99 = figure("turned-away-once-sent-p99", "ms", Better::Lower, |s| s.once_sent.p99_ms);
        figures.extend([
            figure("turned-away-p99", "ms", Better::Lower, |s| s.turned_away.p99_ms),
            figure("turned-away", "per s", Better::Lower, |s| {
                s.turned_away.count as f64 / s.seconds
            }),
            figure("turned-away-p50", "ms", Better::Lower, |s| s.turned_away.p50_ms),
            figure("turned-away-once-sent-p50", "ms", Better::Lower, |s| s.once_sent.p50_ms),
            match load.shedding {
                Shedding::Lane => p99.bar("E5", LIMIT_TURNED_AWAY_MS),
                _ => p99,
            },
            figure("turned-away-in-1ms", "share", Better::Higher, |s| s.within_limit),
        ]);
    }
    figures.extend([
        figure("lost", "share", Better::Lower, |s| s.lost),
        figure("generator-lag-p99", "ms", Better::Lower, |s| s.lag_p99_ms),
    ]);
    figures
}

/// Requests leave when it is time, whatever became of those before, and their latency counts from then.
fn measure(load: Load, scale: Scale, seed: u64) -> Result<Sample> {
    let server = Server::start_heavy(load.shedding, scale.workers)?;
    let measured = scale.time(MEASURED);
    let classes = vec![Class { target: Target::get(PATH), per_second: load.per_second }];
    let plan = OpenPlan { warm_up: WARM_UP, seed, ..OpenPlan::new(server.addr, classes, measured) };
    // Its threads inherit the slice. A refusal of the kernel shows in the lag.
    let scheduling = ThreadScheduling::of_current_thread().ok();
    let set_slice = |slice| scheduling.map(|thread| thread.set_slice(slice));
    set_slice(Some(GENERATOR_SLICE));
    let outcome = open_loop(&plan, &AtomicBool::new(false));
    set_slice(None);
    let outcome = outcome?;
    let [requests] = &outcome.classes[..] else { return Err("no class of requests".into()) };
    let (served, turned_away) = (requests.latencies.summary(), requests.turned_away.summary());
    let once_sent = &requests.turned_away_once_sent;
    let lost = requests.errors - turned_away.count;
    let all = (served.count + requests.errors).max(1);
    Ok(Sample {
        within_limit: once_sent.share_within(Duration::from_millis(1)),
        once_sent: once_sent.summary(),
        lost: lost as f64 / all as f64,
        lag_p99_ms: outcome.lag.summary().p99_ms,
        seconds: measured.as_secs_f64(),
        served,
        turned_away,
    })
}
