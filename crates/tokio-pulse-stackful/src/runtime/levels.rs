//! Who is next: the highest priority, but nobody is passed over for ever.

use std::collections::VecDeque;

/// How important a task is among those of its runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Priority {
    /// Before all others.
    Critical = 0,
    /// Before most.
    High = 1,
    /// As most.
    #[default]
    Normal = 2,
    /// When there is time.
    Low = 3,
}

pub(crate) const LEVELS: usize = 4;

/// After so many turns that others got before it, a level gets one.
const PATIENCE: u32 = 16;

/// Queues by priority, each in the order of arrival.
#[derive(Debug)]
pub(crate) struct Levels<T>([VecDeque<(u64, T)>; LEVELS]);

impl<T> Default for Levels<T> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<T> Levels<T> {
    pub(crate) fn push(&mut self, priority: Priority, arrival: u64, item: T) {
        self.0[priority as usize].push_back((arrival, item));
    }

    fn front(&self, level: usize) -> Option<u64> {
        self.0[level].front().map(|&(arrival, _)| arrival)
    }

    fn pop(&mut self, level: usize) -> Option<T> {
        self.0[level].pop_front().map(|(_, item)| item)
    }
}

/// Which queue an item came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Shared,
    Local,
}

/// One worker's memory of whom it passed over.
#[derive(Debug, Default)]
pub(crate) struct Picker {
    passed: [u32; LEVELS],
}

impl Picker {
    /// The next of a worker's own queue and the shared one; within a level, who came first.
    pub(crate) fn pick<T>(
        &mut self,
        shared: &mut Levels<T>,
        local: &mut Levels<T>,
    ) -> Option<(Source, T)> {
        let waiting: [bool; LEVELS] = std::array::from_fn(|level| {
            shared.front(level).is_some() || local.front(level).is_some()
        });
        let waits = |&level: &usize| waiting[level];
        let impatient = (0..LEVELS).filter(waits).filter(|&level| self.passed[level] >= PATIENCE);
        let level = impatient.max_by_key(|&level| self.passed[level]);
        let level = level.or_else(|| (0..LEVELS).find(waits))?;
        for other in (0..LEVELS).filter(waits) {
            self.passed[other] = if other == level { 0 } else { self.passed[other] + 1 };
        }
        let source = match (shared.front(level), local.front(level)) {
            (Some(shared), Some(local)) if local < shared => Source::Local,
            (None, _) => Source::Local,
            _ => Source::Shared,
        };
        let queue = if source == Source::Shared { shared } else { local };
        queue.pop(level).map(|item| (source, item))
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_important_come_first_and_the_rest_in_time() {
        let (mut shared, mut local) = (Levels::default(), Levels::default());
        let mut picker = Picker::default();
        local.push(Priority::Low, 0, 'l');
        let mut turns = Vec::new();
        for arrival in 1..=40 {
            shared.push(Priority::Critical, arrival, 'c');
            turns.extend(picker.pick(&mut shared, &mut local).map(|(_, item)| item));
        }
        assert_eq!(turns.iter().position(|&item| item == 'l'), Some(PATIENCE as usize));
        assert_eq!(turns.len(), 40);
    }

    #[test]
    fn within_a_level_who_came_first() {
        let (mut shared, mut local) = (Levels::default(), Levels::default());
        shared.push(Priority::Normal, 2, 2);
        local.push(Priority::Normal, 1, 1);
        local.push(Priority::Normal, 3, 3);
        let mut picker = Picker::default();
        let order: Vec<_> =
            std::iter::from_fn(|| picker.pick(&mut shared, &mut local).map(|(_, item)| item))
                .collect();
        assert_eq!(order, [1, 2, 3]);
    }
}
