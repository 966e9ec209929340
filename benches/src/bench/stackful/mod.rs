//! B13: from the timer to the switch, and back again. G2: what an unpreempted poll pays. How four
//! endless loops share a thread, and what a suspended poll holds.

#![allow(unsafe_code, reason = "spawning a preemptible task is unsafe")]

mod loops;
mod memory;
mod unpreempted;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tokio_pulse_stackful::{Histogram, Metrics, PreemptiveRuntime, probe};

use self::loops::Shares;
use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::stats::differences;

const ROUNDS: usize = 11;
const QUANTUM: Duration = Duration::from_millis(1);
/// Of one round.
const TIME: Duration = Duration::from_secs(2);
const SIGNALS: u32 = 20_000;

const LIMIT_P50_US: f64 = 25.0;
const LIMIT_P99_US: f64 = 100.0;
const LIMIT_RESUME_NS: f64 = 200.0;

/// Of the run with four loops and a ticker.
const SHARE_TIME: Duration = Duration::from_secs(10);
const SHARE_ROUNDS: usize = 3;
const LIMIT_SHARE: (f64, f64) = (23.0, 27.0);
const LIMIT_LATE_US: f64 = 2.0 * QUANTUM.as_micros() as f64;

const SUSPENDED: usize = 2_000;

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let rounds = scale.rounds(ROUNDS);
    // First, since it is only slow once.
    let set_up = [probe::set_up()?.as_secs_f64() * 1e3];
    let suspended = [memory::suspended_kib(if scale.quick { SUSPENDED / 10 } else { SUSPENDED })?];
    let shares: Vec<_> = (0..rounds.min(SHARE_ROUNDS))
        .map(|_| loops::share(scale.time(SHARE_TIME)))
        .collect::<Result<_>>()?;
    let alone: Vec<f64> = (0..rounds.min(SHARE_ROUNDS))
        .map(|_| loops::late_alone_us(scale.time(SHARE_TIME)))
        .collect::<Result<_>>()?;
    let [unpreempted, unpreempted_polls, unpreempted_timer] = unpreempted::figures(scale)?;
    let (mut metrics, mut signals) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        metrics.push(preempt(scale.time(TIME))?);
        signals.push(probe::signal_round_trip(SIGNALS)?.as_nanos() as f64);
    }
    let series = |of: fn(&Metrics) -> &Histogram, share: f64, unit_ns: f64| {
        let quantile = |metrics| of(metrics).quantile(share).map(|time| time.as_nanos() as f64);
        metrics.iter().filter_map(quantile).map(|ns| ns / unit_ns).collect::<Vec<f64>>()
    };
    let lower = |name: &str, unit, samples: &[f64]| {
        Figure::new(format!("stackful/{name}"), unit, Better::Lower, samples)
    };
    let share = |of: fn(&Shares) -> f64| shares.iter().map(of).collect::<Vec<f64>>();
    let late_p99 = share(|run| run.late_p99_us);
    Ok(vec![
        lower("timer-to-switch/p50", "us", &series(Metrics::latency, 0.5, 1e3))
            .bar("B13", LIMIT_P50_US),
        lower("timer-to-switch/p99", "us", &series(Metrics::latency, 0.99, 1e3))
            .bar("B13", LIMIT_P99_US),
        lower("delivery/p50", "us", &series(Metrics::delivery, 0.5, 1e3)),
        lower("delivery/p99", "us", &series(Metrics::delivery, 0.99, 1e3)),
        lower("decision/p50", "us", &series(Metrics::decision, 0.5, 1e3)),
        lower("decision/p99", "us", &series(Metrics::decision, 0.99, 1e3)),
        lower("resume/p50", "ns", &series(Metrics::resume, 0.5, 1.0)).bar("B13", LIMIT_RESUME_NS),
        lower("signal-round-trip", "ns", &signals),
        unpreempted,
        unpreempted_polls,
        unpreempted_timer,
        Figure::new("stackful/share/least", "%", Better::Higher, &share(|run| run.least))
            .bar("G3", LIMIT_SHARE.0),
        lower("share/most", "%", &share(|run| run.most)).bar("G3", LIMIT_SHARE.1),
        lower("ticker-late/p50", "us", &share(|run| run.late_p50_us)),
        lower("ticker-late/p99", "us", &late_p99).bar("G3", LIMIT_LATE_US),
        lower("ticker-late/p99-beyond-alone", "us", &differences(&late_p99, &alone))
            .sides(&alone, &late_p99, "us")
            .bar("G3", LIMIT_LATE_US),
        lower("suspended-poll", "KiB", &suspended),
        lower("set-up", "ms", &set_up),
    ])
}

/// Four endless loops on one worker.
fn preempt(time: Duration) -> Result<Metrics> {
    let runtime = PreemptiveRuntime::builder().worker_threads(1).quantum(QUANTUM).build()?;
    let over = Arc::new(AtomicBool::new(false));
    let hogs = [(); 4].map(|()| {
        let over = over.clone();
        // SAFETY: it computes; it holds no lock, and nothing of its thread's.
        unsafe {
            runtime.spawn(async move {
                while !over.load(Relaxed) {
                    black_box(compute(1_000));
                }
            })
        }
    });
    thread::sleep(time);
    over.store(true, Relaxed);
    for hog in hogs {
        hog.join()?;
    }
    Ok(runtime.metrics())
}

#[inline(never)]
fn compute(turns: u64) -> u64 {
    (0..turns).fold(0, |sum, turn| black_box(sum ^ turn))
}
