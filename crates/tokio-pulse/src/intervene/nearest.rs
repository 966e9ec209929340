//! Of those whose turn comes next, the one that can go on where a processor has just become free.
//!
//! The kernel wakes a thread where it last ran, unless it finds an idle processor. Whoever wakes it at the end of
//! its own poll is still running, so its processor is not idle yet; a moment later it is, while the thread
//! that was woken waits for its turn on another. Kernels mend that late, some milliseconds later, or not at
//! all. So a few are taken from the fair queue ahead of time, and the first of these that last ran on the
//! processor of whoever leaves goes before the others.
//!
//! Nobody is passed over more often than there are places here: then it goes first, wherever it ran.

use std::collections::VecDeque;

/// Those who are next, in the order of the queue that they come from.
#[derive(Debug)]
pub(crate) struct Nearest<T> {
    next: VecDeque<Candidate<T>>,
}

#[derive(Debug)]
struct Candidate<T> {
    item: T,
    /// Where its thread ran when it began to wait.
    processor: Option<u32>,
    passed_over: usize,
}

impl<T> Nearest<T> {
    pub(crate) fn new() -> Self {
        Self { next: VecDeque::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.next.len()
    }

    pub(crate) fn push(&mut self, item: T, processor: Option<u32>) {
        self.next.push_back(Candidate { item, processor, passed_over: 0 });
    }

    /// The first one that last ran `here`, or the first at all. `places`: so often may each be passed over.
    pub(crate) fn take(&mut self, here: Option<u32>, places: usize) -> Option<T> {
        let is_owed = |candidate: &Candidate<T>| candidate.passed_over >= places;
        let is_near = |candidate: &Candidate<T>| here.is_some() && candidate.processor == here;
        let owed = self.next.iter().position(is_owed);
        let chosen = owed.or_else(|| self.next.iter().position(is_near)).unwrap_or(0);
        for candidate in self.next.iter_mut().take(chosen) {
            candidate.passed_over += 1;
        }
        self.next.remove(chosen).map(|candidate| candidate.item)
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    fn of(processors: &[Option<u32>]) -> Nearest<usize> {
        let mut nearest = Nearest::new();
        for (item, processor) in processors.iter().enumerate() {
            nearest.push(item, *processor);
        }
        nearest
    }

    fn all(mut nearest: Nearest<usize>, here: Option<u32>) -> Vec<usize> {
        std::iter::from_fn(|| nearest.take(here, 4)).collect()
    }

    #[test]
    fn those_that_ran_here_go_first_and_otherwise_the_order_stays() {
        let processors = [Some(1), Some(0), Some(1), Some(0)];
        assert_eq!(all(of(&processors), Some(0)), [1, 3, 0, 2]);
        assert_eq!(all(of(&processors), Some(1)), [0, 2, 1, 3]);
        assert_eq!(all(of(&processors), Some(2)), [0, 1, 2, 3]);
    }

    #[test]
    fn where_the_system_does_not_tell_the_order_stays() {
        assert_eq!(all(of(&[Some(1), None, Some(0)]), None), [0, 1, 2]);
        assert_eq!(all(of(&[None, None, None]), None), [0, 1, 2]);
    }

    #[test]
    fn nobody_is_passed_over_for_good() {
        let mut nearest = of(&[Some(1), Some(1)]);
        for turn in 0..3 {
            nearest.push(10 + turn, Some(0));
        }
        let order: Vec<_> = (0..6)
            .map(|turn| {
                nearest.push(20 + turn, Some(0));
                nearest.take(Some(0), 3).unwrap()
            })
            .collect();
        assert_eq!(order, [10, 11, 12, 0, 1, 20]);
    }
}
