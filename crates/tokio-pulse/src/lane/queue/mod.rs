//! Fair queues: who of those that wait is next, by weight and by measured cost.
//!
//! Plain data structures without clock, lock or thread. What they promise and why they are as they
//! are is in `README.md`, beside this file.
//!
//! ```text
//!   fair.rs     what all queues have in common: items, estimates, the critical newcomer
//!   flows.rs    the flows that are known, their items, and which of them is forgotten
//!   account.rs  what is kept of one flow
//!   order.rs    what an algorithm has to answer
//!   credit.rs · lottery.rs · rounds.rs · levels.rs   the algorithms
//!   time.rs     virtual time, for all but rounds
//!   random.rs   the numbers of the lottery
//! ```

mod account;
mod credit;
mod fair;
mod flows;
mod levels;
mod lottery;
mod order;
mod random;
mod rounds;
#[cfg(all(test, not(pulse_loom)))]
mod tests;
mod time;

use std::fmt;

use super::SchedulingAlgorithm;
use crate::task::TaskPriority;
use credit::Credit;
use fair::Fair;
use levels::Levels;
use lottery::Lottery;
use rounds::Rounds;

/// Whose turn is counted together: a task, or a group of tasks.
///
/// The same id with another priority is another flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flow {
    pub(crate) id: u64,
    pub(crate) priority: TaskPriority,
}

impl Flow {
    /// The weight as a power of two: 8, 4, 2, 1.
    fn weight_bits(self) -> u32 {
        3 - self.priority as u32
    }

    fn weight(self) -> u64 {
        1 << self.weight_bits()
    }
}

/// A queue that shares CPU time among flows. First in, first out within each of them.
pub(crate) trait FairQueue<T>: Send + fmt::Debug {
    /// Queues an item behind those of its flow.
    fn push(&mut self, flow: Flow, item: T);

    /// Who is next. Until it is charged, the flow is held to cost what it did on average.
    fn pop(&mut self) -> Option<(Flow, T)>;

    /// What the run of an item that was popped has cost. Each of them is to be charged once.
    fn charge(&mut self, flow: Flow, cpu_nanos: u64);

    /// How many items wait.
    fn len(&self) -> usize;

    /// Whether none waits.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl SchedulingAlgorithm {
    /// An empty queue. The same seed and the same calls lead to the same order.
    pub(crate) fn queue<T: Send + 'static>(self, seed: u64) -> Box<dyn FairQueue<T>> {
        match self {
            Self::CreditBased => Box::new(Fair::new(Credit::default())),
            Self::Lottery => Box::new(Fair::new(Lottery::new(seed))),
            Self::DeficitRoundRobin => Box::new(Fair::new(Rounds::default())),
            Self::MultiLevel => Box::new(Fair::new(Levels::default())),
        }
    }
}

/// The least that a run costs, in nanoseconds: to choose and to switch takes time too. Without it a
/// flow whose runs are free would always be next.
const MIN_COST: u64 = 1_000;
/// The most that a run costs: 10 s. Who has waited for that long is not told to wait on.
const MAX_COST: u64 = 10_000_000_000;
/// What a flow may use at a time, times its weight: 1 ms. Also the most that it can save up.
const QUANTUM: u64 = 1_000_000;
/// So many critical newcomers in a row are served first while others wait.
const FIRST_IN_A_ROW: u32 = 8;
/// Flows without anything that waits, of which something is remembered.
const REMEMBERED: usize = 4_096;
