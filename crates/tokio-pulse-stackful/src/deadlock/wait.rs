//! Since when a thread's poll waits for one lock, as far as its signals have seen.
//!
//! Written by the thread's handler, read by the ticker. The three words are not read at one moment:
//! a wait that ends in between leaves a younger `since` or another `beat` behind, and so never looks
//! older than it is.

use std::sync::atomic::Ordering::*;

use crate::sync::AtomicU64;

#[derive(Debug)]
pub(crate) struct Wait {
    /// Of the lock; 0 while the poll does not wait.
    address: AtomicU64,
    since_ns: AtomicU64,
    beat: AtomicU64,
}

impl Wait {
    pub(crate) fn new() -> Self {
        Self { address: AtomicU64::new(0), since_ns: AtomicU64::new(0), beat: AtomicU64::new(0) }
    }

    /// For the handler: what the stretch of this beat waits for.
    pub(crate) fn note(&self, beat: u64, address: Option<u64>, now: u64) {
        let address = address.unwrap_or(0);
        if address == self.address.load(Relaxed)
            && (address == 0 || beat == self.beat.load(Relaxed))
        {
            return;
        }
        self.since_ns.store(now, Relaxed);
        self.beat.store(beat, Release);
        self.address.store(address, Release);
    }

    /// For the ticker: how long the stretch of this beat has waited.
    pub(crate) fn age_ns(&self, beat: u64, now: u64) -> Option<u64> {
        let waits = self.address.load(Acquire) != 0 && self.beat.load(Acquire) == beat;
        waits.then(|| now.saturating_sub(self.since_ns.load(Relaxed)))
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wait_begins_anew_with_another_lock_or_poll() {
        let wait = Wait::new();
        assert_eq!(wait.age_ns(1, 5), None);
        wait.note(1, Some(8), 10);
        wait.note(1, Some(8), 20);
        assert_eq!(wait.age_ns(1, 30), Some(20));
        assert_eq!(wait.age_ns(3, 30), None);
        wait.note(3, Some(8), 40);
        assert_eq!(wait.age_ns(3, 50), Some(10));
        wait.note(3, Some(16), 60);
        assert_eq!(wait.age_ns(3, 61), Some(1));
        wait.note(3, None, 70);
        assert_eq!(wait.age_ns(3, 80), None);
    }
}
