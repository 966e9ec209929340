//! B11: what the slow lane pays to find out who is next, with 100,000 tasks queued.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use tokio_pulse::{QueueProbe, SchedulingAlgorithm, TaskPriority};

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::{interleave, pick};
use crate::stats::median;

const ROUNDS: usize = 15;
/// Each its own flow, with one item: what finds the least in the processor's caches.
const QUEUED: u64 = 100_000;
/// A round is the median of so many pieces, as in `budget`.
const CHUNKS: usize = 50;
/// Few beside those that are queued, many beside two looks at the clock.
const CHUNK: usize = 2_000;
const LIMIT_NS: f64 = 100.0;

/// For one operation, in nanoseconds.
struct Sample {
    /// Who is next.
    pop: f64,
    charge: f64,
    push: f64,
    /// The three of them, one after the other for each task.
    decision: f64,
}

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let chunks = if scale.quick { CHUNKS / 10 } else { CHUNKS };
    let benches = SchedulingAlgorithm::ALL.map(|algorithm| RefCell::new(Bench::new(algorithm)));
    let variants: Vec<usize> = (0..benches.len()).collect();
    let samples = interleave(scale.rounds(ROUNDS), &variants, |index| {
        Ok(benches[index].borrow_mut().sample(chunks))
    })?;
    let mut figures = Vec::new();
    for (algorithm, samples) in SchedulingAlgorithm::ALL.iter().zip(&samples) {
        let figure = |what, of: fn(&Sample) -> f64| {
            let name = format!("queue/{algorithm}/{what}");
            Figure::new(name, "ns", Better::Lower, &pick(samples, of))
        };
        figures.push(figure("pop", |sample| sample.pop));
        figures.push(figure("charge", |sample| sample.charge));
        figures.push(figure("push", |sample| sample.push));
        figures.push(figure("decision", |sample| sample.decision).bar("B11", LIMIT_NS));
    }
    Ok(figures)
}

struct Bench {
    queue: QueueProbe,
    popped: Vec<(u64, TaskPriority)>,
    /// So that costs differ from run to run.
    runs: u64,
}

impl Bench {
    fn new(algorithm: SchedulingAlgorithm) -> Self {
        let mut queue = QueueProbe::new(algorithm, 1);
        for flow in 0..QUEUED {
            queue.push(flow, TaskPriority::ALL[(flow % 4) as usize], flow);
        }
        let mut bench = Self { queue, popped: Vec::with_capacity(CHUNK), runs: 0 };
        // Everybody has run, and nobody waits in the order of their numbers any more.
        (0..4 * QUEUED).for_each(|_| bench.decide());
        bench
    }

    fn sample(&mut self, chunks: usize) -> Sample {
        let mut times: [Vec<f64>; 4] = Default::default();
        for _ in 0..chunks {
            let pieces: [fn(&mut Self); 4] = [Self::pop, Self::charge, Self::push, Self::decisions];
            for (piece, times) in pieces.into_iter().zip(&mut times) {
                let begun = Instant::now();
                piece(self);
                times.push(begun.elapsed().as_nanos() as f64 / CHUNK as f64);
            }
            assert_eq!(self.queue.len() as u64, QUEUED);
        }
        let [pop, charge, push, decision] = times.map(|times| median(&times));
        Sample { pop, charge, push, decision }
    }

    fn pop(&mut self) {
        self.popped.clear();
        for _ in 0..CHUNK {
            let popped = black_box(&mut self.queue).pop();
            self.popped.extend(popped.map(|(flow, priority, _)| (flow, priority)));
        }
    }

    fn charge(&mut self) {
        for index in 0..self.popped.len() {
            let (flow, priority) = self.popped[index];
            let cost = self.cost();
            black_box(&mut self.queue).charge(flow, priority, cost);
        }
    }

    fn push(&mut self) {
        for (flow, priority) in self.popped.drain(..) {
            black_box(&mut self.queue).push(flow, priority, flow);
        }
    }

    fn decisions(&mut self) {
        (0..CHUNK).for_each(|_| self.decide());
    }

    fn decide(&mut self) {
        if let Some((flow, priority, item)) = black_box(&mut self.queue).pop() {
            let cost = self.cost();
            self.queue.charge(flow, priority, cost);
            self.queue.push(flow, priority, item);
        }
    }

    /// 10 to 20 ms: what brings a task to the slow lane.
    fn cost(&mut self) -> u64 {
        self.runs = self.runs.wrapping_add(1);
        10_000_000 + self.runs.wrapping_mul(7_919) % 10_000_000
    }
}
