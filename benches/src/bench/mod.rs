//! One file for each benchmark. Each takes a [`Scale`] and returns its figures.

pub(crate) mod budget;
pub(crate) mod console;
pub(crate) mod cpu_timer;
pub(crate) mod heartbeat;
pub(crate) mod http;
pub(crate) mod idle;
pub(crate) mod lane;
pub(crate) mod metrics;
pub(crate) mod overload;
mod proc;
pub(crate) mod queue;
pub(crate) mod report;
mod scenarios;
pub(crate) mod scheduler;
pub(crate) mod server;
pub(crate) mod soak;
pub(crate) mod stackful;
pub(crate) mod tiers;
pub(crate) mod tower;
pub(crate) mod w8;
pub(crate) mod yield_point;

use std::time::Duration;

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Short and few rounds, to see that everything runs. Nothing is judged then.
    pub(crate) quick: bool,
    /// Rounds asked for on the command line.
    pub(crate) rounds: Option<usize>,
    /// Workers of each runtime.
    pub(crate) workers: usize,
}

impl Scale {
    fn rounds(self, full: usize) -> usize {
        self.rounds.unwrap_or(if self.quick { 2 } else { full })
    }

    fn time(self, full: Duration) -> Duration {
        if self.quick { full / 10 } else { full }
    }
}
