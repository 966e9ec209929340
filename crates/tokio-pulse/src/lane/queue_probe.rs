//! A fair queue as the benchmarks reach it. No public API: it may change at any time.

use super::SchedulingAlgorithm;
use super::queue::{FairQueue, Flow};
use crate::task::TaskPriority;

/// A queue of numbers, each pushed for the flow of its own number or of another.
#[derive(Debug)]
pub struct QueueProbe(Box<dyn FairQueue<u64>>);

impl QueueProbe {
    /// An empty queue.
    pub fn new(algorithm: SchedulingAlgorithm, seed: u64) -> Self {
        Self(algorithm.queue(seed))
    }

    /// Queues an item of a flow.
    pub fn push(&mut self, flow: u64, priority: TaskPriority, item: u64) {
        self.0.push(Flow { id: flow, priority }, item);
    }

    /// Who is next.
    pub fn pop(&mut self) -> Option<(u64, TaskPriority, u64)> {
        self.0.pop().map(|(flow, item)| (flow.id, flow.priority, item))
    }

    /// What a run has cost, in nanoseconds.
    pub fn charge(&mut self, flow: u64, priority: TaskPriority, cpu_nanos: u64) {
        self.0.charge(Flow { id: flow, priority }, cpu_nanos);
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
