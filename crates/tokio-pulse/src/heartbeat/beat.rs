//! The heartbeat of one thread: a single word, written by that thread alone.
//!
//! ```text
//!   bit 0..8    depth     bracketed polls that are running, one inside the other
//!   bit 8       RESERVE   the running poll is ballast: it waits on purpose
//!   bit 9       AWAKE     the thread has left Tokio's park and not entered it again
//!   bit 10..    sequence  polls
//! ```
//!
//! There are two ways to beat. A worker of the multi-thread scheduler only **ticks**, before each
//! poll: between its polls it looks for the next one or goes to the park, neither of which takes
//! long, so that a worker which is awake and does not tick is stuck in a poll. Where a thread may
//! leave the runtime without a park, as the one thread of a current-thread runtime does when
//! `block_on` returns, polls are **bracketed**, and the depth says whether one is running.
//!
//! One writer means that a transition is a plain load, an addition and a plain store: no locked
//! instruction and no clock on the poll path. Readers see a consistent picture because the whole
//! picture is one word. `Relaxed` is enough for all of it: the word publishes no other data. The
//! one place where order between two words matters, falling asleep, has its fence in
//! [`doze`](crate::watchdog::doze).

use crate::sync::{AtomicUsize, Ordering::Relaxed};

const DEPTH_ONE: usize = 1;
const DEPTH_MASK: usize = 0xff;
const RESERVE: usize = 1 << 8;
const AWAKE: usize = 1 << 9;
const SEQUENCE_ONE: usize = 1 << 10;

/// The word. Every method that changes it may be called by the owning thread only.
#[derive(Debug)]
pub(crate) struct Beat(AtomicUsize);

impl Beat {
    /// A thread that has just been seen for the first time, outside of Tokio's park.
    pub(crate) fn new_awake() -> Self {
        Self(AtomicUsize::new(AWAKE))
    }

    /// Another thread has taken this beat over.
    pub(crate) fn start_over(&self) {
        self.0.store(AWAKE, Relaxed);
    }

    /// A poll begins; nobody will say that it has ended.
    #[inline]
    pub(crate) fn tick(&self) {
        self.0.store(self.0.load(Relaxed).wrapping_add(SEQUENCE_ONE), Relaxed);
    }

    #[inline]
    pub(crate) fn enter_poll(&self) {
        let word = self.0.load(Relaxed);
        debug_assert!(word & DEPTH_MASK != DEPTH_MASK, "polls nested beyond the counter");
        self.0.store(word.wrapping_add(DEPTH_ONE), Relaxed);
    }

    #[inline]
    pub(crate) fn exit_poll(&self) {
        let word = self.0.load(Relaxed);
        debug_assert!(word & DEPTH_MASK != 0, "a poll ended that had not begun");
        self.0.store(word.wrapping_add(SEQUENCE_ONE - DEPTH_ONE), Relaxed);
    }

    pub(crate) fn park(&self) {
        self.0.store(self.0.load(Relaxed) & !AWAKE, Relaxed);
    }

    pub(crate) fn unpark(&self) {
        self.0.store(self.0.load(Relaxed) | AWAKE, Relaxed);
    }

    pub(crate) fn join_reserve(&self) {
        self.0.store(self.0.load(Relaxed) | RESERVE, Relaxed);
    }

    pub(crate) fn leave_reserve(&self) {
        self.0.store(self.0.load(Relaxed) & !RESERVE, Relaxed);
    }

    /// What any thread may see of it.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.load(Relaxed))
    }
}

/// The word at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(usize);

impl Snapshot {
    pub(crate) fn in_poll(self) -> bool {
        self.0 & DEPTH_MASK != 0
    }

    pub(crate) fn in_reserve(self) -> bool {
        self.0 & RESERVE != 0
    }

    pub(crate) fn is_awake(self) -> bool {
        self.0 & AWAKE != 0
    }

    /// Polls on this thread, counted as they begin or as they end; wraps after 2^54 of them (2^22
    /// on 32-bit targets).
    pub(crate) fn polls(self) -> usize {
        self.0 / SEQUENCE_ONE
    }

    /// Those that run included.
    pub(crate) fn polls_begun(self) -> usize {
        self.polls() + usize::from(self.in_poll())
    }

    /// What tells the poll that runs from others: the count and the depth.
    pub(crate) fn poll(self) -> usize {
        self.0 & !(RESERVE | AWAKE)
    }

    /// All of it. Not 0 while a poll runs: the thread is awake, or the depth says so.
    pub(crate) fn word(self) -> usize {
        self.0
    }

    #[cfg(all(test, not(pulse_loom)))]
    pub(crate) fn from_parts(polls: usize, in_poll: bool, awake: bool, reserve: bool) -> Self {
        let flag = |on: bool, bit: usize| if on { bit } else { 0 };
        Self(
            (polls * SEQUENCE_ONE)
                | flag(in_poll, DEPTH_ONE)
                | flag(awake, AWAKE)
                | flag(reserve, RESERVE),
        )
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_nested_poll_keeps_the_outer_one_open() {
        let beat = Beat::new_awake();
        beat.enter_poll();
        beat.enter_poll();
        beat.exit_poll();
        assert!(beat.snapshot().in_poll());
        assert_eq!(beat.snapshot().polls(), 1);
        beat.exit_poll();
        assert!(!beat.snapshot().in_poll());
        assert_eq!(beat.snapshot().polls(), 2);
    }

    #[test]
    fn a_tick_counts_and_changes_nothing_else() {
        let beat = Beat::new_awake();
        beat.tick();
        assert_eq!(beat.snapshot(), Snapshot::from_parts(1, false, true, false));
    }

    #[test]
    fn flags_survive_polls_and_each_other() {
        let beat = Beat::new_awake();
        beat.enter_poll();
        beat.join_reserve();
        assert!(beat.snapshot().in_reserve() && beat.snapshot().is_awake());
        beat.leave_reserve();
        beat.exit_poll();
        beat.park();
        assert_eq!(beat.snapshot(), Snapshot::from_parts(1, false, false, false));
        beat.unpark();
        assert_eq!(beat.snapshot(), Snapshot::from_parts(1, false, true, false));
    }

    #[test]
    fn the_counter_wraps_without_touching_the_flags() {
        let last = usize::MAX / SEQUENCE_ONE;
        let beat = Beat(AtomicUsize::new(Snapshot::from_parts(last, false, true, false).0));
        beat.enter_poll();
        beat.exit_poll();
        assert_eq!(beat.snapshot(), Snapshot::from_parts(0, false, true, false));
    }
}
