//! G2: what a task pays that nobody interrupts, in CPU time of the whole process: the timer's thread is in it, and
//! what other programs took meanwhile is not.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use tokio_pulse_stackful::PreemptiveRuntime;

use super::{QUANTUM, compute};
use crate::Result;
use crate::bench::Scale;
use crate::bench::proc::{cpu_of_process, usage_of_threads};
use crate::figure::{Better, Figure};
use crate::rounds::interleave;
use crate::stats::ratios;

const ROUNDS: usize = 101;
/// Of one round, which takes some 50 quanta.
const TURNS: u64 = 200_000_000;
/// Of one poll of a task that yields, which takes some 10 us.
const POLL_TURNS: u64 = 40_000;

const LIMIT: f64 = 0.99;
const LIMIT_TIMER: f64 = 1.0;
const TIMER: &str = "pulse-quantum";

/// Where the task runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Bare,
    Runtime,
}

const SIDES: [Side; 2] = [Side::Bare, Side::Runtime];

pub(super) fn figures(scale: Scale) -> Result<[Figure; 3]> {
    let turns = if scale.quick { TURNS / 10 } else { TURNS };
    let figure = |name: &str, measure: fn(Side, u64) -> Result<f64>| -> Result<Figure> {
        let samples = interleave(scale.rounds(ROUNDS), &SIDES, |side| measure(side, turns))?;
        let ratios = ratios(&samples[0], &samples[1]);
        let figure = Figure::new(name, "ratio", Better::Higher, &ratios);
        Ok(figure.sides(&samples[0], &samples[1], "ms"))
    };
    let timer =
        (0..scale.rounds(ROUNDS)).map(|_| timer_percent(turns)).collect::<Result<Vec<_>>>()?;
    Ok([
        figure("stackful/unpreempted", one_poll)?.bar("G2", LIMIT),
        figure("stackful/unpreempted-polls", many_polls)?,
        Figure::new("stackful/unpreempted/timer", "%", Better::Lower, &timer)
            .bar("G2", LIMIT_TIMER),
    ])
}

/// What the timer's thread takes meanwhile, of what the poll does: all that there is beside the poll's own code,
/// and not subject to how fast the processor is at the moment.
fn timer_percent(turns: u64) -> Result<f64> {
    let before = usage_of_threads(TIMER)?.cpu;
    let all = one_poll(Side::Runtime, turns)?;
    let timer = (usage_of_threads(TIMER)?.cpu - before).as_secs_f64() * 1e3;
    Ok(timer * 100.0 / (all - timer))
}

/// One long poll, beside the same function on a thread of its own.
fn one_poll(side: Side, turns: u64) -> Result<f64> {
    let timed = move || {
        let before = cpu_of_process()?;
        black_box(compute(turns));
        milliseconds_since(before)
    };
    match side {
        Side::Bare => thread::spawn(timed).join().map_err(|_| "the thread panicked")?,
        Side::Runtime => on_runtime(async move { timed() }),
    }
}

/// A task that yields, beside the same on Tokio's current-thread runtime.
fn many_polls(side: Side, turns: u64) -> Result<f64> {
    let timed = async move {
        let before = cpu_of_process()?;
        for _ in 0..turns / POLL_TURNS {
            black_box(compute(POLL_TURNS));
            tokio::task::yield_now().await;
        }
        milliseconds_since(before)
    };
    match side {
        Side::Bare => {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            let on_thread = move || runtime.block_on(async { tokio::spawn(timed).await });
            let joined = thread::spawn(on_thread).join().map_err(|_| "the thread panicked")?;
            joined?
        }
        Side::Runtime => on_runtime(timed),
    }
}

fn milliseconds_since(before: Duration) -> Result<f64> {
    Ok(cpu_of_process()?.saturating_sub(before).as_secs_f64() * 1e3)
}

fn on_runtime(task: impl Future<Output = Result<f64>> + Send + 'static) -> Result<f64> {
    let runtime = PreemptiveRuntime::builder().worker_threads(1).quantum(QUANTUM).build()?;
    // SAFETY: it computes and yields; it holds no lock, and nothing of its thread's.
    unsafe { runtime.spawn(task) }.join()?
}
