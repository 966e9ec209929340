//! The watchdog's request that the running poll of one thread make room, and the thread's answer that
//! it need not: two words, of which the yield points in the user's code look at the first. 0 means that
//! nothing is asked.
//!
//! `asked` holds the whole beat of the poll that is meant. So it never has to be cleared on the poll path:
//! when the next poll begins the beat moves on, and what the word asks is void. A yield point finds 0
//! all but once a slice, and compares the two words only when it does not.
//!
//! The watchdog alone sets it; it and the thread clear it. `Relaxed` is enough, for it publishes
//! nothing; the exchanges are stronger because loom knows an order of writes only where one happens before
//! the other. What the thread clears is what it has seen: the watchdog's last request is not made again.
//!
//! `answers` is written by the thread alone. It moves when a yield point has met a request and goes on,
//! because nobody waits. To the watchdog that is progress, as if the poll had ended and another begun.

use super::beat::Snapshot;
use crate::sync::{AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};

/// Asked of every poll from here on. No beat is equal to it: no 255 polls run one inside the other.
const FOR_GOOD: usize = usize::MAX;

#[derive(Debug)]
pub(crate) struct Due {
    asked: AtomicUsize,
    answers: AtomicUsize,
}

/// What a yield point finds when it looks closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Nothing, or it was for a poll that is over.
    Void,
    /// It means the poll that runs.
    Met,
    /// The runtime is about to end: whoever does not make room keeps it from that.
    ForGood,
}

impl Due {
    pub(crate) fn none() -> Self {
        Self { asked: AtomicUsize::new(0), answers: AtomicUsize::new(0) }
    }

    /// Watchdog: the poll with this beat is to make room.
    pub(crate) fn ask(&self, poll: Snapshot) {
        self.asked.store(poll.word(), Relaxed);
    }

    /// Watchdog, as its last act: every poll is to make room.
    pub(crate) fn ask_for_good(&self) {
        self.asked.swap(FOR_GOOD, AcqRel);
    }

    /// Watchdog: what was asked is over. Without poll hooks the beat alone does not tell.
    pub(crate) fn withdraw(&self) {
        if self.is_asked() {
            self.asked.store(0, Relaxed);
        }
    }

    /// Watchdog: moves when a poll goes on after a request.
    pub(crate) fn answers(&self) -> usize {
        self.answers.load(Relaxed)
    }

    /// Thread: whether there is a request at all.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Relaxed) != 0
    }

    /// Thread: takes the request away, and says whether it meant the poll with this beat.
    #[must_use]
    pub(crate) fn take(&self, poll: Snapshot) -> Request {
        match self.asked.swap(0, AcqRel) {
            FOR_GOOD => {
                // After that one the watchdog sets nothing more, and nobody else looks in between.
                self.asked.store(FOR_GOOD, Relaxed);
                Request::ForGood
            }
            asked if asked == poll.word() => Request::Met,
            _ => Request::Void,
        }
    }

    /// Thread: goes on.
    pub(crate) fn answer(&self) {
        self.answers.store(self.answers().wrapping_add(1), Relaxed);
    }

    /// Another thread has taken this over.
    pub(crate) fn start_over(&self) {
        self.asked.store(0, Relaxed);
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;
    use crate::heartbeat::beat::Beat;

    #[test]
    fn a_request_is_met_once_by_the_poll_that_it_means() {
        let (beat, due) = (Beat::new_awake(), Due::none());
        beat.tick();
        assert!(!due.is_asked());
        due.ask(beat.snapshot());
        assert!(due.is_asked());
        assert_eq!(due.take(beat.snapshot()), Request::Met);
        assert!(!due.is_asked());
    }

    #[test]
    fn the_next_poll_finds_it_void() {
        let (beat, due) = (Beat::new_awake(), Due::none());
        beat.tick();
        due.ask(beat.snapshot());
        beat.tick();
        assert!(due.is_asked());
        assert_eq!(due.take(beat.snapshot()), Request::Void);
        assert!(!due.is_asked());
    }

    #[test]
    fn neither_an_inner_poll_nor_the_rest_of_the_outer_one_takes_it_for_itself() {
        let (beat, due) = (Beat::new_awake(), Due::none());
        beat.enter_poll();
        due.ask(beat.snapshot());
        let outer = beat.snapshot();
        beat.enter_poll();
        assert_eq!(due.take(beat.snapshot()), Request::Void);
        due.ask(outer);
        beat.exit_poll();
        assert_eq!(due.take(beat.snapshot()), Request::Void);
    }

    #[test]
    fn what_is_asked_for_good_stays() {
        let (beat, due) = (Beat::new_awake(), Due::none());
        due.ask_for_good();
        for _ in 0..2 {
            beat.tick();
            assert!(due.is_asked());
            assert_eq!(due.take(beat.snapshot()), Request::ForGood);
        }
    }
}
