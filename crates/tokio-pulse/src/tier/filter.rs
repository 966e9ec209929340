//! Who is certainly not on record: a hash and a load, for the polls of everybody else.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Counters, so that entries can be taken out again. With the default limit of a thousand suspects
/// one poll in four of an innocent task looks into the table for nothing.
const COUNTERS: usize = 4096;

/// A set that may say yes for what it does not hold, and never no for what it does.
///
/// Changed under the locks of the tables it stands for, read without any. A counter that has
/// reached its maximum stays there: after that it says yes forever, which costs time only.
#[derive(Debug)]
pub(crate) struct Filter {
    counters: Box<[AtomicU8]>,
    hasher: RandomState,
}

impl Filter {
    pub(crate) fn new() -> Self {
        Self {
            counters: (0..COUNTERS).map(|_| AtomicU8::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    fn counter(&self, key: impl Hash) -> &AtomicU8 {
        &self.counters[self.hasher.hash_one(key) as usize % COUNTERS]
    }

    pub(crate) fn insert(&self, key: impl Hash) {
        let _ = self.counter(key).fetch_update(Relaxed, Relaxed, |count| count.checked_add(1));
    }

    pub(crate) fn remove(&self, key: impl Hash) {
        let _ = self.counter(key).fetch_update(Relaxed, Relaxed, |count| match count {
            0 | u8::MAX => None,
            count => Some(count - 1),
        });
    }

    #[inline]
    pub(crate) fn may_contain(&self, key: impl Hash) -> bool {
        self.counter(key).load(Relaxed) != 0
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_is_found_until_it_is_taken_out() {
        let filter = Filter::new();
        filter.insert(7);
        filter.insert(7);
        filter.remove(7);
        assert!(filter.may_contain(7));
        filter.remove(7);
        assert!(!filter.may_contain(7));
        filter.remove(7);
        filter.insert(7);
        assert!(filter.may_contain(7));
    }

    #[test]
    fn a_counter_that_is_full_stays_full() {
        let filter = Filter::new();
        for _ in 0..300 {
            filter.insert(7);
        }
        for _ in 0..300 {
            filter.remove(7);
        }
        assert!(filter.may_contain(7));
    }
}
