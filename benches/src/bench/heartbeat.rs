//! B1 and B2: what the heartbeat adds to a poll, and what timing each poll does.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::interleave;
use crate::stats::{differences, median, ratios};
use crate::subject::{Kind, Subject, Threads};

const ROUNDS: usize = 41;
/// Short, so that a disturbance spoils one round and not the comparison.
const ROUND: Duration = Duration::from_millis(30);
/// A round is the median of so many pieces: one during which the kernel ran somebody else says
/// nothing about a poll. (What the watchdog takes now and then is measured in `idle`.)
const CHUNKS: u64 = 100;
/// To find out how many polls a round has.
const TRIAL: u64 = 200_000;
const LIMIT_NS: f64 = 3.0;
const LIMIT_TIMED_NS: f64 = 25.0;

/// The last two tell apart what the hooks cost and what more workers cost.
const VARIANTS: [Kind; 14] = [
    Kind::Stock,
    Kind::PULSE,
    Kind::Control,
    Kind::EmptyHooks,
    Kind::EmptyHook,
    Kind::EmptyRegistry,
    Kind::PulseSpawned,
    Kind::Timed,
    Kind::TokioTimed,
    Kind::TokioMetrics,
    Kind::PulseNaming,
    Kind::PulseConsole,
    Kind::Pulse { reserve: Some(0) },
    Kind::Blocked(8),
];

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let mut figures = compare(scale, "worker", Threads::Multi(1), &VARIANTS)?;
    // There is no reserve, and blocking the only worker would be the end.
    figures.extend(compare(scale, "current-thread", Threads::Current, &VARIANTS[..12])?);
    Ok(figures)
}

fn compare(scale: Scale, case: &str, threads: Threads, variants: &[Kind]) -> Result<Vec<Figure>> {
    let trial = nanos_per_poll(Kind::Stock, threads, TRIAL)?;
    let polls = (scale.time(ROUND).as_nanos() as f64 / trial) as u64;
    let samples =
        interleave(scale.rounds(ROUNDS), variants, |kind| nanos_per_poll(kind, threads, polls))?;
    let stock = &samples[0];
    let mut figures = Vec::new();
    for (kind, side) in variants.iter().zip(&samples).skip(1) {
        let name = format!("heartbeat/{case}/{kind}-added");
        let added = Figure::new(name, "ns", Better::Lower, &differences(side, stock));
        let added = added.sides(stock, side, "ns");
        figures.push(match *kind {
            Kind::PULSE => added.bar("B1", LIMIT_NS),
            Kind::Timed => added.bar("B2", LIMIT_TIMED_NS),
            _ => added,
        });
    }
    let relative = format!("heartbeat/{case}/pulse-relative");
    let pulse = &samples[1];
    figures.push(
        Figure::new(relative, "ratio", Better::Lower, &ratios(pulse, stock))
            .sides(stock, pulse, "ns")
            .tracked(),
    );
    Ok(figures)
}

/// On a new thread and a new runtime each time: nothing of one measurement sticks to the next, be
/// it where the memory happens to lie or what the thread keeps of runtimes that it ran before.
fn nanos_per_poll(kind: Kind, threads: Threads, polls: u64) -> Result<f64> {
    thread::scope(|scope| {
        let measured = scope.spawn(|| measure(kind, threads, polls)).join();
        measured.map_err(|_| "the measurement panicked")?
    })
}

fn measure(kind: Kind, threads: Threads, polls: u64) -> Result<f64> {
    let subject = Subject::build(kind, threads)?;
    let warm_up = subject.spawn(SelfWaking { left: polls / 10 });
    subject.tokio().block_on(warm_up)?;
    let chunk = (polls / CHUNKS).max(1);
    let task = subject.spawn(async move {
        let mut times = Vec::with_capacity(CHUNKS as usize);
        for _ in 0..CHUNKS {
            let begun = Instant::now();
            SelfWaking { left: chunk }.await;
            times.push(begun.elapsed().as_nanos() as f64);
        }
        times
    });
    let times = subject.tokio().block_on(task)?;
    Ok(median(&times) / chunk as f64)
}

/// Wakes itself and is not ready, so many times.
struct SelfWaking {
    left: u64,
}

impl Future for SelfWaking {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.left == 0 {
            return Poll::Ready(());
        }
        self.left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
