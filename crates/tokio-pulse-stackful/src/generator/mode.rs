//! What a generator holds, and what it does when a poll ends.
//!
//! A generator is a stack with something on it. There are two kinds of tasks, and so two kinds of
//! generators to begin with:
//!
//! * The **worker's** own generator runs the worker's loop. Tasks that are not pinned are polled
//!   right there: a poll that is not preempted costs no switch at all.
//! * A **pinned** task has a generator to itself, from its first poll to its end, in *Poll* mode: it
//!   holds a loop of polls and is resumed once for each.
//!
//! A preemption turns either into *Switch* mode: it now holds one interrupted poll, and is resumed
//! until that ends. The worker's generator is thereby *promoted* to the task that it was polling, and
//! the worker makes itself a new one. When the interrupted poll ends, a promoted generator has
//! nothing left to hold: its loop has been taken over by its successor. A pinned one goes back to
//! its loop.
//!
//! ```text
//!                      preempted                          poll ends: finish
//!     Worker ------------------------------> Switch ------------------------> (stack to the pool)
//!       ^  |                                  ^  |
//!       +--+ poll ends: next task             +--+ preempted
//!
//!                      preempted
//!     Poll --------------------------------> PollSwitch
//!       ^  |  <------------------------------  ^  |
//!       +--+    poll ends: suspend             +--+ preempted
//!     poll ends: suspend
//! ```
//!
//! The mode is written by the thread that the generator lives on, and by its signal handler only
//! while a task is being polled, when nothing else of this crate runs. There is no third party.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

const WORKER: u8 = 0;
const POLL: u8 = 1;
const SWITCH: u8 = 2;
const POLL_SWITCH: u8 = 3;

/// The mode of one generator.
#[derive(Debug)]
pub(crate) struct Mode(AtomicU8);

/// What the generator does after a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Next {
    /// It goes on with the worker's next task.
    Continue,
    /// It suspends itself until its task is polled again.
    Suspend,
    /// It ends.
    Finish,
}

impl Mode {
    /// Holds a worker's loop.
    pub(crate) fn worker() -> Self {
        Self(AtomicU8::new(WORKER))
    }

    /// Holds the poll loop of one task.
    pub(crate) fn poll() -> Self {
        Self(AtomicU8::new(POLL))
    }

    /// Holds one poll.
    pub(crate) fn switch() -> Self {
        Self(AtomicU8::new(SWITCH))
    }

    /// The poll that it holds is interrupted.
    pub(crate) fn transition_to_switch(&self) {
        let mode = match self.0.load(Relaxed) {
            WORKER | SWITCH => SWITCH,
            _ => POLL_SWITCH,
        };
        self.0.store(mode, Relaxed);
    }

    /// The poll that it holds has ended.
    pub(crate) fn transition_to_poll_ended(&self) -> Next {
        match self.0.load(Relaxed) {
            WORKER => Next::Continue,
            SWITCH => Next::Finish,
            _ => {
                self.0.store(POLL, Relaxed);
                Next::Suspend
            }
        }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_workers_generator_is_promoted_once_and_then_ends() {
        let mode = Mode::worker();
        assert_eq!(mode.transition_to_poll_ended(), Next::Continue);
        mode.transition_to_switch();
        mode.transition_to_switch();
        assert_eq!(mode.transition_to_poll_ended(), Next::Finish);
    }

    #[test]
    fn a_pinned_generator_goes_back_to_its_loop() {
        let mode = Mode::poll();
        for _ in 0..2 {
            assert_eq!(mode.transition_to_poll_ended(), Next::Suspend);
            mode.transition_to_switch();
        }
        assert_eq!(mode.transition_to_poll_ended(), Next::Suspend);
        let once = Mode::switch();
        assert_eq!(once.transition_to_poll_ended(), Next::Finish);
    }
}
