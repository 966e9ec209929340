//! The lane as the sizer sees it: items come, wait, are taken in batches by threads, and end; ten
//! looks a second.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::lane::sizing::{Limits, Plan, Pressure, Sizer};

/// All simulated times are nanoseconds.
pub(super) const LOOK: u64 = 100_000_000;
/// What a turn costs beside its items.
const TURN: u64 = 5_000;

pub(super) const US: u64 = 1_000;
pub(super) const MS: u64 = 1_000_000;

/// When in the interval an item comes, and what it costs.
pub(super) type Item = (u64, u64);

pub(super) struct Lane {
    sizer: Sizer,
    pub(super) plan: Plan,
    pub(super) processors: usize,
    pub(super) now: u64,
    queue: VecDeque<Item>,
    /// Ends of the turns, and what was in their batches: items and costs together.
    busy: BinaryHeap<Reverse<(u64, u64, u64)>>,
    completed: u64,
    spent: u64,
    rejected: u64,
    pub(super) history: Vec<Plan>,
    pub(super) longest_wait: u64,
}

impl Lane {
    pub(super) fn new(processors: usize) -> Self {
        let sizer = Sizer::new(Limits::default());
        Self {
            plan: sizer.plan,
            sizer,
            processors,
            now: 0,
            queue: VecDeque::new(),
            busy: BinaryHeap::new(),
            completed: 0,
            spent: 0,
            rejected: 0,
            history: Vec::new(),
            longest_wait: 0,
        }
    }

    fn serve(&mut self) {
        while self.busy.len() < self.plan.threads && !self.queue.is_empty() {
            let share = self.queue.len().div_ceil(self.plan.threads);
            let batch = self.plan.batch.min(share);
            let cost: u64 = self.queue.drain(..batch).map(|(_, cost)| cost).sum();
            self.busy.push(Reverse((self.now + TURN + cost, batch as u64, cost)));
        }
    }

    fn run_to(&mut self, end: u64) {
        while let Some(&Reverse((done, items, cost))) = self.busy.peek() {
            if done > end {
                break;
            }
            self.busy.pop();
            self.now = done;
            self.completed += items;
            self.spent += cost;
            self.serve();
        }
        self.now = end;
    }

    /// One interval, with these items in the order of their coming.
    pub(super) fn look(&mut self, items: impl IntoIterator<Item = Item>) {
        let began = self.now;
        for (offset, cost) in items {
            self.run_to(began + offset.min(LOOK - 1));
            if self.queue.len() < self.plan.queue_bound {
                self.queue.push_back((self.now, cost));
                self.serve();
            } else {
                self.rejected += 1;
            }
        }
        self.run_to(began + LOOK);
        let oldest_wait = self.queue.front().map_or(0, |(came, _)| self.now - came);
        self.longest_wait = self.longest_wait.max(oldest_wait);
        let seen = Pressure {
            queued: self.queue.len(),
            oldest_wait: Duration::from_nanos(oldest_wait),
            busy_threads: self.busy.len(),
            threads: self.plan.threads,
            completed: self.completed,
            mean_cost: Duration::from_nanos(self.spent.checked_div(self.completed).unwrap_or(0)),
            rejected: self.rejected,
            since_last: Duration::from_nanos(LOOK),
            processors: self.processors,
        };
        (self.completed, self.spent, self.rejected) = (0, 0, 0);
        self.plan = self.sizer.step(&seen);
        self.history.push(self.plan);
        self.serve();
    }

    /// Steady work for so many looks: what `threads` threads can just do, in items of `cost`.
    pub(super) fn steady(&mut self, threads: f64, cost: u64, looks: usize) {
        let gap = ((cost + TURN) as f64 / threads) as u64;
        let mut next = self.now + gap;
        for _ in 0..looks {
            let (began, mut items) = (self.now, Vec::new());
            while next < began + LOOK {
                items.push((next - began, cost));
                next += gap;
            }
            self.look(items);
        }
    }

    pub(super) fn changes(&self, of: impl Fn(&Plan) -> usize, from: usize) -> usize {
        self.history[from..].windows(2).filter(|pair| of(&pair[0]) != of(&pair[1])).count()
    }

    /// How often it went up after it had gone down.
    pub(super) fn reversals(&self, from: usize) -> Vec<usize> {
        let (mut fell, mut reversals) = (false, Vec::new());
        for (look, pair) in self.history[from..].windows(2).enumerate() {
            fell |= pair[1].threads < pair[0].threads;
            if fell && pair[1].threads > pair[0].threads {
                fell = false;
                reversals.push(look);
            }
        }
        reversals
    }
}

/// Exponential with this mean, of a number that is evenly spread.
pub(super) fn exponential(mean: f64, random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *random;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let share = ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
    (-mean * (1.0 - share).ln()) as u64
}
