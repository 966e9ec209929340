//! What the sparklines show.

use std::collections::VecDeque;

use tokio_pulse_proto::v1;

/// Wider than terminals are.
const KEPT: usize = 400;

/// The last values of one figure, one for each update.
#[derive(Debug, Default)]
pub(crate) struct Series(VecDeque<u64>);

impl Series {
    fn push(&mut self, value: u64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    /// The last so many, the oldest first.
    pub(crate) fn last(&self, count: usize) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().skip(self.0.len().saturating_sub(count)).copied()
    }

    pub(crate) fn max(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }
}

/// One value of each for each update.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) delay_ns: Series,
    /// Stalls that began between two updates.
    pub(crate) stalls: Series,
    stalls_before: Option<u64>,
}

impl History {
    /// Once an update, also if nothing has changed: time passes.
    pub(super) fn note(&mut self, overview: &v1::Overview) {
        self.delay_ns.push(overview.scheduling_delay_ns);
        let before = self.stalls_before.replace(overview.stalls).unwrap_or(overview.stalls);
        self.stalls.push(overview.stalls.saturating_sub(before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stalls_are_told_as_what_came_since() {
        let mut history = History::default();
        for stalls in [10, 10, 12, 15, 0] {
            history.note(&v1::Overview { stalls, ..Default::default() });
        }
        assert_eq!(history.stalls.last(10).collect::<Vec<_>>(), [0, 0, 2, 3, 0]);
        assert_eq!(history.stalls.last(2).collect::<Vec<_>>(), [3, 0]);
        for _ in 0..1_000 {
            history.note(&v1::Overview::default());
        }
        assert_eq!(history.delay_ns.last(usize::MAX).count(), KEPT);
    }
}
