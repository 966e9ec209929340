//! B10: what yield points cost when there is nothing to do, beside those of Tokio and tokio-metrics.

use std::future::ready;
use std::hint::black_box;
use std::time::{Duration, Instant};

use tokio::task::coop;
use tokio_metrics::TaskMonitor;
use tokio_pulse::yield_point::{IteratorExt as _, YieldBudget};
use tokio_pulse::{Builder, Runtime, check_and_yield, checkpoint};

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::interleave;
use crate::stats::{differences, median};

const ROUNDS: usize = 31;
/// A round is the median of so many pieces: one during which the kernel ran somebody else says
/// nothing about a yield point.
const CHUNKS: usize = 50;
/// Long beside two looks at the clock, short beside a time slice of the kernel.
const CHUNK: u64 = 20_000;
const LIMIT_NS: f64 = 2.0;
/// Longer than all of it: nobody asks for anything.
const SLICE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq)]
enum Op {
    /// The loop by itself.
    Empty,
    CheckAndYield,
    Checkpoint,
    /// On a thread that nobody watches.
    CheckpointOutside,
    /// Looks at each 64th turn.
    Interval,
    Polls,
    /// Reads the clock at each turn.
    Cpu,
    /// Reads the clock at each 64th turn.
    CpuInterval,
    Iterator,
    ConsumeBudget,
    HasBudgetRemaining,
    /// A future of its own for each turn: what it takes to see a poll from outside.
    TokioMetrics,
}

const ALL: [(Op, &str, Option<f64>); 12] = [
    (Op::Empty, "empty", None),
    (Op::CheckAndYield, "check-and-yield", Some(LIMIT_NS)),
    (Op::Checkpoint, "checkpoint", Some(LIMIT_NS)),
    (Op::CheckpointOutside, "checkpoint-outside", None),
    (Op::Interval, "budget-interval-64", None),
    (Op::Polls, "budget-polls", None),
    (Op::Cpu, "budget-cpu", None),
    (Op::CpuInterval, "budget-cpu-interval-64", None),
    (Op::Iterator, "with-checkpoints", None),
    (Op::ConsumeBudget, "tokio-consume-budget", None),
    (Op::HasBudgetRemaining, "tokio-has-budget-remaining", None),
    (Op::TokioMetrics, "tokio-metrics-instrument", None),
];

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let chunks = if scale.quick { CHUNKS / 10 } else { CHUNKS };
    let runtime = Builder::new_multi_thread().worker_threads(1).slice(SLICE).build()?;
    let samples =
        interleave(scale.rounds(ROUNDS), &ALL, |(op, ..)| in_a_task(&runtime, op, chunks))?;
    let empty = &samples[0];
    let figure = |(&(_, name, limit), side): (&(Op, &str, Option<f64>), &Vec<f64>)| {
        let name = format!("yield-point/{name}");
        let added = Figure::new(name, "ns", Better::Lower, &differences(side, empty));
        let added = added.sides(empty, side, "ns");
        match limit {
            Some(limit) => added.bar("B10", limit),
            None => added,
        }
    };
    Ok(ALL.iter().zip(&samples).skip(1).map(figure).collect())
}

/// Nanoseconds for one, in a task and in one poll. Without Tokio's budget: a yield that this asks for
/// is no matter of the yield point.
fn in_a_task(runtime: &Runtime, op: Op, chunks: usize) -> Result<f64> {
    if op == Op::CheckpointOutside {
        return Ok(outside(chunks));
    }
    let task = runtime.spawn(coop::unconstrained(nanos(op, chunks)));
    Ok(runtime.block_on(task)?)
}

/// The median of so many pieces of a loop around an expression. Written out, for a closure that
/// returns futures would not let its caller be spawned.
macro_rules! time {
    ($chunks:expr $(, $op:expr)?) => {{
        let mut times = Vec::with_capacity($chunks);
        for _ in 0..$chunks {
            let begun = Instant::now();
            for turn in 0..CHUNK {
                black_box(turn);
                $($op;)?
            }
            times.push(begun.elapsed().as_nanos() as f64 / CHUNK as f64);
        }
        median(&times)
    }};
}

fn outside(chunks: usize) -> f64 {
    time!(chunks, black_box(checkpoint()))
}

async fn nanos(op: Op, chunks: usize) -> f64 {
    match op {
        Op::Empty => time!(chunks),
        Op::CheckAndYield => time!(chunks, check_and_yield().await),
        Op::Checkpoint | Op::CheckpointOutside => outside(chunks),
        Op::Interval => budgeted(chunks, YieldBudget::new().interval(64)).await,
        Op::Polls => budgeted(chunks, YieldBudget::new().polls(u32::MAX)).await,
        Op::Cpu => budgeted(chunks, YieldBudget::new().cpu(SLICE)).await,
        Op::CpuInterval => budgeted(chunks, YieldBudget::new().cpu(SLICE).interval(64)).await,
        Op::Iterator => {
            let mut turns = (0_u64..).with_checkpoints();
            time!(chunks, black_box(turns.next()))
        }
        Op::ConsumeBudget => time!(chunks, coop::consume_budget().await),
        Op::HasBudgetRemaining => time!(chunks, black_box(coop::has_budget_remaining())),
        Op::TokioMetrics => {
            let monitor = TaskMonitor::new();
            time!(chunks, monitor.instrument(ready(())).await)
        }
    }
}

async fn budgeted(chunks: usize, mut budget: YieldBudget) -> f64 {
    time!(chunks, budget.check_and_yield().await)
}
