//! Which of a few budgets are taken: one word, one bit for each.
//!
//! A bit is set by whoever takes the budget and cleared by the same owner, so there is no ABA
//! problem: a word that looks the same is the same. Rejected: a list of free budgets linked through
//! the budgets themselves. It finds one in constant time over all slabs, and needs either a lock
//! around it or a counter against ABA beside its head.

use crate::sync::{AtomicUsize, Ordering};

const ALL_TAKEN: usize = usize::MAX;

/// The word.
#[derive(Debug)]
pub(super) struct Slots(AtomicUsize);

impl Slots {
    pub(super) const COUNT: usize = usize::BITS as usize;

    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Takes the lowest that is free; `None` when all are taken.
    pub(super) fn take(&self) -> Option<usize> {
        // Adding 1 turns the lowest clear bit on (and those below it off, which the `|` mends).
        let with_one_more = |taken| (taken != ALL_TAKEN).then(|| taken | (taken + 1));
        // `Acquire` pairs with `give_back`: what the last owner wrote to the budget comes before
        // what the next one writes, and so does not come back.
        let before =
            self.0.fetch_update(Ordering::Acquire, Ordering::Relaxed, with_one_more).ok()?;
        Some(before.trailing_ones() as usize)
    }

    /// For the one who took it, once.
    pub(super) fn give_back(&self, slot: usize) {
        let bit = 1 << slot;
        let before = self.0.fetch_and(!bit, Ordering::Release);
        debug_assert!(before & bit != 0, "a budget came back that was not taken");
    }

    /// How many are taken at the moment.
    pub(super) fn taken(&self) -> usize {
        self.0.load(Ordering::Relaxed).count_ones() as usize
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_one_is_next_until_none_is() {
        let slots = Slots::new();
        let all: Vec<_> = (0..Slots::COUNT).map(|_| slots.take().unwrap()).collect();
        assert!(all.iter().copied().eq(0..Slots::COUNT));
        assert_eq!((slots.take(), slots.taken()), (None, Slots::COUNT));
        for slot in [Slots::COUNT - 1, 3, 17] {
            slots.give_back(slot);
        }
        let again = [(); 4].map(|()| slots.take());
        assert_eq!(again, [Some(3), Some(17), Some(Slots::COUNT - 1), None]);
    }
}

#[cfg(all(test, pulse_loom))]
mod models {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// Two want one of the last two, again and again: nobody owns one together with another, which
    /// loom checks through the cells, and what an owner did is over when the next one begins.
    #[test]
    fn loom_a_slot_has_one_owner_at_a_time() {
        loom::model(|| {
            let slots = Slots::new();
            let left = 2;
            let first = Slots::COUNT - left;
            (0..first).for_each(|_| _ = slots.take().unwrap());
            let cells: Vec<_> = (0..left).map(|_| UnsafeCell::new(())).collect();
            let shared = Arc::new((slots, cells));
            let work = move |(slots, cells): &(Slots, Vec<UnsafeCell<()>>)| {
                for _ in 0..2 {
                    let slot = slots.take().unwrap();
                    cells[slot - first].with_mut(|_| ());
                    slots.give_back(slot);
                }
            };
            let other = {
                let shared = shared.clone();
                thread::spawn(move || work(&shared))
            };
            work(&shared);
            other.join().unwrap();
            assert_eq!(shared.0.taken(), first);
        });
    }
}
