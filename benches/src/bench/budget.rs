//! T1, T2: what the operations of a task's budget and of their pool cost.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use tokio_pulse::{BudgetPool, PooledBudget, TaskBudget};

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::interleave;
use crate::stats::{differences, median};

const ROUNDS: usize = 31;
/// A round is the median of so many pieces: one during which the kernel ran somebody else says
/// nothing about an operation.
const CHUNKS: usize = 50;
/// Long beside two looks at the clock, short beside a time slice of the kernel.
const CHUNK: u64 = 20_000;
/// What each poll would pay.
const LIMIT_NS: f64 = 2.0;
/// What each task would pay.
const LIMIT_POOL_NS: f64 = 20.0;

#[derive(Clone, Copy, PartialEq)]
enum Op {
    /// The loop by itself.
    Empty,
    Decrement,
    IsExpired,
    Reset,
    /// `decrement` by way of the handle.
    PooledDecrement,
    TakeAndReturn,
    /// From a pool with nothing left.
    TakeInVain,
    /// While another thread does the same to the budget that the pool gave out next.
    DecrementBesidePooled,
    /// While another thread does the same to the next 16 bytes.
    DecrementBesideAdjacent,
    /// While another thread does the same to the same pool.
    TakeAndReturnBeside,
}

const ALL: [(Op, &str, Option<f64>); 10] = [
    (Op::Empty, "empty", None),
    (Op::Decrement, "decrement", Some(LIMIT_NS)),
    (Op::IsExpired, "is-expired", Some(LIMIT_NS)),
    (Op::Reset, "reset", Some(LIMIT_NS)),
    (Op::PooledDecrement, "pooled-decrement", Some(LIMIT_NS)),
    (Op::TakeAndReturn, "take-and-return", Some(LIMIT_POOL_NS)),
    (Op::TakeInVain, "take-in-vain", None),
    (Op::DecrementBesidePooled, "decrement-beside-pooled", None),
    (Op::DecrementBesideAdjacent, "decrement-beside-adjacent", None),
    (Op::TakeAndReturnBeside, "take-and-return-beside", None),
];

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let bench = Bench::new(if scale.quick { CHUNKS / 10 } else { CHUNKS });
    let samples = interleave(scale.rounds(ROUNDS), &ALL, |(op, ..)| Ok(bench.nanos(op)))?;
    let empty = &samples[0];
    let figure = |(&(_, name, limit), side): (&(Op, &str, Option<f64>), &Vec<f64>)| {
        let name = format!("budget/{name}");
        let added = Figure::new(name, "ns", Better::Lower, &differences(side, empty));
        let added = added.sides(empty, side, "ns");
        match limit {
            Some(limit) => added.bar("T1", limit),
            None => added,
        }
    };
    Ok(ALL.iter().zip(&samples).skip(1).map(figure).collect())
}

struct Bench {
    chunks: usize,
    pool: BudgetPool,
    /// Two neighbours in time.
    pooled: [PooledBudget; 2],
    /// Two neighbours in memory, on one cache line.
    adjacent: Pair,
    full: BudgetPool,
    _taken: Vec<PooledBudget>,
}

#[repr(align(64))]
struct Pair([TaskBudget; 2]);

impl Bench {
    fn new(chunks: usize) -> Self {
        let (pool, full) = (BudgetPool::new(), BudgetPool::new());
        let unlimited = || TaskBudget::new(u32::MAX, TaskBudget::NO_DEADLINE);
        let pooled = [(); 2].map(|()| take(&pool).expect("a new pool"));
        let taken = std::iter::from_fn(|| take(&full)).collect();
        let adjacent = Pair([unlimited(), unlimited()]);
        Self { chunks, pool, pooled, adjacent, full, _taken: taken }
    }

    /// For one operation. The budget and the result pass through `black_box` each time, as a number
    /// does in the empty loop, so that nothing is left out or kept in a register.
    fn nanos(&self, op: Op) -> f64 {
        let [pooled, next_pooled] = &self.pooled;
        let [budget, next] = &self.adjacent.0;
        match op {
            Op::Empty => self.time(|turn| _ = black_box(turn)),
            Op::Decrement => self.time_decrement(budget),
            Op::IsExpired => {
                // With a deadline that is not reached: what nearly every look finds.
                budget.reset(u32::MAX, u64::MAX);
                self.time(|turn| _ = black_box(black_box(budget).is_expired(turn)))
            }
            Op::Reset => self.time(|turn| black_box(budget).reset(u32::MAX, turn)),
            Op::PooledDecrement => {
                pooled.reset(u32::MAX, TaskBudget::NO_DEADLINE);
                self.time(|_| _ = black_box(black_box(pooled).decrement()))
            }
            Op::TakeAndReturn => self.time_take(&self.pool),
            Op::TakeInVain => self.time_take(&self.full),
            Op::DecrementBesidePooled => {
                beside(|| spend(next_pooled), || self.time_decrement(pooled))
            }
            Op::DecrementBesideAdjacent => beside(|| spend(next), || self.time_decrement(budget)),
            Op::TakeAndReturnBeside => {
                beside(|| drop(black_box(take(&self.pool))), || self.time_take(&self.pool))
            }
        }
    }

    fn time_decrement(&self, budget: &TaskBudget) -> f64 {
        budget.reset(u32::MAX, TaskBudget::NO_DEADLINE);
        self.time(|_| _ = black_box(black_box(budget).decrement()))
    }

    fn time_take(&self, pool: &BudgetPool) -> f64 {
        self.time(|_| drop(black_box(take(black_box(pool)))))
    }

    #[inline(always)]
    fn time(&self, mut op: impl FnMut(u64)) -> f64 {
        let mut chunk = || {
            let begun = Instant::now();
            (0..CHUNK).for_each(&mut op);
            begun.elapsed().as_nanos() as f64 / CHUNK as f64
        };
        let times: Vec<f64> = (0..self.chunks).map(|_| chunk()).collect();
        median(&times)
    }
}

fn take(pool: &BudgetPool) -> Option<PooledBudget> {
    pool.take(u32::MAX, TaskBudget::NO_DEADLINE)
}

fn spend(budget: &TaskBudget) {
    if !black_box(budget).decrement() {
        budget.reset(u32::MAX, TaskBudget::NO_DEADLINE);
    }
}

/// Measures while another thread does something all the time.
fn beside(other: impl Fn() + Sync, measure: impl FnOnce() -> f64) -> f64 {
    let (begun, over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                (0..1_000).for_each(|_| other());
                begun.store(true, Relaxed);
            }
        });
        while !begun.load(Relaxed) {
            thread::yield_now();
        }
        let nanos = measure();
        over.store(true, Relaxed);
        nanos
    })
}
