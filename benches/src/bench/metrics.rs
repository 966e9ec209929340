//! O3: what an update of a histogram costs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tokio_pulse::HistogramProbe;

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::interleave;
use crate::stats::{differences, median};

const ROUNDS: usize = 31;
/// A round is the median of so many pieces: one during which the kernel ran somebody else says
/// nothing about an update.
const CHUNKS: usize = 50;
/// Long beside two looks at the clock, short beside a time slice of the kernel.
const CHUNK: u64 = 20_000;
const LIMIT_NS: f64 = 10.0;

#[derive(Clone, Copy, PartialEq)]
enum Op {
    /// The loop by itself.
    Empty,
    /// Always the same duration.
    Same,
    /// Durations of all sizes, one after the other.
    Mixed,
    /// As one of many writers, while there is no other.
    Shared,
}

const ALL: [(Op, &str, Option<f64>); 4] = [
    (Op::Empty, "empty", None),
    (Op::Same, "update", Some(LIMIT_NS)),
    (Op::Mixed, "update-mixed", Some(LIMIT_NS)),
    // For polls that have made system calls already.
    (Op::Shared, "update-shared", None),
];

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let chunks = if scale.quick { CHUNKS / 10 } else { CHUNKS };
    let histogram = HistogramProbe::default();
    let samples =
        interleave(scale.rounds(ROUNDS), &ALL, |(op, ..)| Ok(nanos(op, &histogram, chunks)))?;
    let empty = &samples[0];
    let figure = |(&(_, name, limit), side): (&(Op, &str, Option<f64>), &Vec<f64>)| {
        let name = format!("metrics/{name}");
        let added = Figure::new(name, "ns", Better::Lower, &differences(side, empty));
        let added = added.sides(empty, side, "ns");
        match limit {
            Some(limit) => added.bar("O3", limit),
            None => added,
        }
    };
    Ok(ALL.iter().zip(&samples).skip(1).map(figure).collect())
}

/// For one update. The histogram and the duration pass through `black_box` each time.
fn nanos(op: Op, histogram: &HistogramProbe, chunks: usize) -> f64 {
    let update = |time: Duration| black_box(histogram).record(black_box(time));
    match op {
        Op::Empty => time(chunks, |turn| _ = black_box(turn)),
        Op::Same => time(chunks, |_| update(Duration::from_micros(12_345))),
        Op::Mixed => time(chunks, |turn| update(Duration::from_nanos(1 << (turn % 36)))),
        Op::Shared => time(chunks, |_| {
            black_box(histogram).record_shared(black_box(Duration::from_micros(12_345)));
        }),
    }
}

#[inline(always)]
fn time(chunks: usize, mut op: impl FnMut(u64)) -> f64 {
    let mut chunk = || {
        let begun = Instant::now();
        (0..CHUNK).for_each(&mut op);
        begun.elapsed().as_nanos() as f64 / CHUNK as f64
    };
    let times: Vec<f64> = (0..chunks).map(|_| chunk()).collect();
    median(&times)
}
