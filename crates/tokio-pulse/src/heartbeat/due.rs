//! The watchdog's request that the running poll of one thread make room: a single word, which the
//! yield points in the user's code look at. 0 means that nothing is asked.
//!
//! It holds the whole beat of the poll that is meant. So it never has to be cleared on the poll path:
//! when the next poll begins the beat moves on, and what the word asks is void. A yield point finds 0
//! all but once a slice, and compares the two words only when it does not.
//!
//! The watchdog alone sets it; it and the thread clear it. `Relaxed` is enough, for it publishes
//! nothing. Accepted: the thread may clear a request that was made just now, while it clears a void
//! one. The watchdog asks again at its next look.

use super::beat::Snapshot;
use crate::sync::{AtomicUsize, Ordering::Relaxed};

#[derive(Debug)]
pub(crate) struct Due(AtomicUsize);

impl Due {
    pub(crate) fn none() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Watchdog: the poll with this beat is to make room.
    pub(crate) fn ask(&self, poll: Snapshot) {
        self.0.store(poll.word(), Relaxed);
    }

    /// Watchdog: what was asked is over. Without poll hooks the beat alone does not tell.
    pub(crate) fn withdraw(&self) {
        if self.is_asked() {
            self.0.store(0, Relaxed);
        }
    }

    /// Thread: whether there is a request at all.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    /// Thread: takes the request away, and says whether it meant the poll with this beat.
    #[cold]
    #[inline(never)]
    #[must_use]
    pub(crate) fn take(&self, poll: Snapshot) -> bool {
        let asked = self.0.load(Relaxed);
        self.0.store(0, Relaxed);
        asked == poll.word()
    }

    /// Another thread has taken this over.
    pub(crate) fn start_over(&self) {
        self.0.store(0, Relaxed);
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
        assert!(due.take(beat.snapshot()));
        assert!(!due.is_asked());
    }

    #[test]
    fn the_next_poll_finds_it_void() {
        let (beat, due) = (Beat::new_awake(), Due::none());
        beat.tick();
        due.ask(beat.snapshot());
        beat.tick();
        assert!(due.is_asked());
        assert!(!due.take(beat.snapshot()));
        assert!(!due.is_asked());
    }

    #[test]
    fn neither_an_inner_poll_nor_the_rest_of_the_outer_one_takes_it_for_itself() {
        let (beat, due) = (Beat::new_awake(), Due::none());
        beat.enter_poll();
        due.ask(beat.snapshot());
        let outer = beat.snapshot();
        beat.enter_poll();
        assert!(!due.take(beat.snapshot()));
        due.ask(outer);
        beat.exit_poll();
        assert!(!due.take(beat.snapshot()));
    }
}
