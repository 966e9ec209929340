//! B12: what the Tower layer adds to a request, beside `tower::load_shed` and what tokio-metrics adds.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio_metrics::{Instrumented, TaskMonitor};
use tokio_pulse::task;
use tokio_pulse_tower::{BudgetLayer, Exhausted, PressureGauge, Rejection, RequestBudget};
use tower::load_shed::LoadShedLayer;
use tower::{Layer, Service};

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::interleave;
use crate::stats::{differences, median};

const ROUNDS: usize = 31;
/// A round is the median of so many pieces, as in `budget`.
const CHUNKS: usize = 50;
/// Long beside two looks at the clock, short beside a time slice of the kernel.
const CHUNK: u64 = 2_000;
const LIMIT_NS: f64 = 50.0;

#[derive(Clone, Copy)]
enum Op {
    /// The service by itself.
    Bare,
    /// With the layer, and nothing for it to do.
    Unlimited,
    /// A budget of polls, of which one is used.
    Polls,
    /// The same, rejected as soon as it is used up.
    PollsReject,
    /// No budget; shed when the runtime is overloaded, which it is not.
    Shed,
    /// A name for each request, and no budget.
    Described,
    /// A budget of CPU time: the clock is read before and after the call, and the same for the poll.
    Cpu,
    /// Turned away at once.
    TurnedAway,
    /// Tower's own, which does not look at the runtime.
    LoadShed,
    /// The request's future instrumented by tokio-metrics, which measures and does nothing.
    TokioMetrics,
}

const ALL: [(Op, &str, Option<f64>); 10] = [
    (Op::Bare, "bare", None),
    (Op::Unlimited, "unlimited", Some(LIMIT_NS)),
    (Op::Polls, "polls", Some(LIMIT_NS)),
    (Op::PollsReject, "polls-reject", Some(LIMIT_NS)),
    (Op::Shed, "shed", Some(LIMIT_NS)),
    (Op::Described, "described", None),
    (Op::Cpu, "cpu", None),
    (Op::TurnedAway, "turned-away", None),
    (Op::LoadShed, "load-shed", None),
    (Op::TokioMetrics, "tokio-metrics", None),
];

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let chunks = if scale.quick { CHUNKS / 10 } else { CHUNKS };
    let mut builder = tokio_pulse::Builder::new_multi_thread();
    let runtime = builder.worker_threads(scale.workers).build()?;
    // So that the gauge may look at its runtime, and its probe is spawned there.
    let _entered = runtime.enter();
    let gauge = PressureGauge::new(runtime.handle());
    let samples = interleave(scale.rounds(ROUNDS), &ALL, |(op, ..)| Ok(nanos(op, &gauge, chunks)))?;
    let bare = &samples[0];
    let figure = |(&(_, name, limit), side): (&(Op, &str, Option<f64>), &Vec<f64>)| {
        let name = format!("tower/{name}");
        let added = Figure::new(name, "ns", Better::Lower, &differences(side, bare));
        let added = added.sides(bare, side, "ns");
        match limit {
            Some(limit) => added.bar("B12", limit),
            None => added,
        }
    };
    Ok(ALL.iter().zip(&samples).skip(1).map(figure).collect())
}

/// For one request.
fn nanos(op: Op, gauge: &PressureGauge, chunks: usize) -> f64 {
    let limited = |budget| BudgetLayer::new(budget).on_reject(answer);
    let unlimited = limited(RequestBudget::UNLIMITED);
    let polls = limited(RequestBudget::of_polls(1_000));
    match op {
        Op::Bare => time(chunks, Bare),
        Op::Unlimited => time(chunks, unlimited.layer(Bare)),
        Op::Polls => time(chunks, polls.layer(Bare)),
        Op::PollsReject => time(chunks, polls.on_exhausted(Exhausted::Reject).layer(Bare)),
        Op::Shed => time(chunks, unlimited.shed(gauge.clone()).layer(Bare)),
        Op::Described => {
            let name = |_: &u64| task::Builder::new().name("GET /report");
            time(chunks, unlimited.describe(name).layer(Bare))
        }
        Op::Cpu => {
            let cpu = limited(RequestBudget::of_cpu(Duration::from_secs(1)));
            time(chunks, cpu.on_exhausted(Exhausted::Reject).layer(Bare))
        }
        Op::TurnedAway => {
            let nothing = limited(RequestBudget::of_polls(0));
            time(chunks, nothing.on_exhausted(Exhausted::Reject).layer(Bare))
        }
        Op::LoadShed => time(chunks, LoadShedLayer::new().layer(Bare)),
        Op::TokioMetrics => time(chunks, Instrument(TaskMonitor::new())),
    }
}

fn answer(_: Rejection) -> u64 {
    0
}

/// Does nothing, without delay.
struct Bare;

impl Service<u64> for Bare {
    type Response = u64;
    type Error = Infallible;
    type Future = Ready<std::result::Result<u64, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(Ok(request))
    }
}

/// Without a layer for it: there is none in tokio-metrics.
struct Instrument(TaskMonitor);

impl Service<u64> for Instrument {
    type Response = u64;
    type Error = Infallible;
    type Future = Instrumented<Ready<std::result::Result<u64, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Bare.poll_ready(cx)
    }

    fn call(&mut self, request: u64) -> Self::Future {
        self.0.instrument(Bare.call(request))
    }
}

fn time<S: Service<u64>>(chunks: usize, mut service: S) -> f64 {
    let mut cx = Context::from_waker(Waker::noop());
    let mut request = |turn: u64| {
        let service = black_box(&mut service);
        let is_ready = service.poll_ready(&mut cx).is_ready();
        let mut response = pin!(service.call(black_box(turn)));
        black_box(is_ready && black_box(&mut response).as_mut().poll(&mut cx).is_ready());
    };
    let mut chunk = || {
        let begun = Instant::now();
        (0..CHUNK).for_each(&mut request);
        begun.elapsed().as_nanos() as f64 / CHUNK as f64
    };
    let times: Vec<f64> = (0..chunks).map(|_| chunk()).collect();
    median(&times)
}
