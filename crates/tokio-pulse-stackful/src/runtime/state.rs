//! Who may touch a task.
//!
//! ```text
//!   idle --wake--> queued --start--> running --pending--> idle
//!                    ^                  | wake
//!                    +---- pending -- woken         running, woken --complete--> done
//! ```
//!
//! Whoever moves a task to running owns its future until it moves it on; a poll that is set aside
//! stays running. Moving on releases and starting acquires, so that the next owner sees the future
//! as the last one left it.

use std::sync::atomic::Ordering::*;

use crate::sync::AtomicU8;

const IDLE: u8 = 0;
const QUEUED: u8 = 1;
const RUNNING: u8 = 2;
const WOKEN: u8 = 3;
const DONE: u8 = 4;

#[derive(Debug)]
pub(crate) struct State(AtomicU8);

impl State {
    /// To be put into a queue by its maker.
    pub(crate) fn queued() -> Self {
        Self(AtomicU8::new(QUEUED))
    }

    /// Whether the caller must put it into a queue.
    #[must_use]
    pub(crate) fn transition_to_woken(&self) -> bool {
        let woken = self.0.fetch_update(AcqRel, Acquire, |state| match state {
            IDLE => Some(QUEUED),
            RUNNING => Some(WOKEN),
            _ => None,
        });
        woken == Ok(IDLE)
    }

    /// For whoever took it from a queue. Whether it is now the caller's.
    #[must_use]
    pub(crate) fn transition_to_running(&self) -> bool {
        self.0.compare_exchange(QUEUED, RUNNING, Acquire, Relaxed).is_ok()
    }

    /// For the owner: it waits for something. Whether the owner must put it into a queue again.
    #[must_use]
    pub(crate) fn transition_to_pending(&self) -> bool {
        if self.0.compare_exchange(RUNNING, IDLE, AcqRel, Acquire).is_ok() {
            return false;
        }
        self.0.store(QUEUED, Release);
        true
    }

    /// For the owner: there is nothing more to poll.
    pub(crate) fn transition_to_done(&self) {
        self.0.store(DONE, Release);
    }

    /// At shutdown, when no worker is left: takes it whatever it waits for. Not one whose poll is
    /// suspended, or that is over.
    #[must_use]
    pub(crate) fn transition_to_seized(&self) -> bool {
        let seize = |state| (state == IDLE || state == QUEUED).then_some(RUNNING);
        self.0.fetch_update(AcqRel, Acquire, seize).is_ok()
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wake_during_a_poll_is_not_lost() {
        let state = State::queued();
        assert!(!state.transition_to_woken());
        assert!(state.transition_to_running());
        assert!(!state.transition_to_woken());
        assert!(state.transition_to_pending());
        assert!(state.transition_to_running());
        assert!(!state.transition_to_pending());
        assert!(state.transition_to_woken());
        assert!(state.transition_to_seized());
        assert!(!state.transition_to_seized());
        state.transition_to_done();
        assert!(!state.transition_to_woken() && !state.transition_to_running());
    }
}
