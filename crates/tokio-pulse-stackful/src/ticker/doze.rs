//! The ticker falls asleep when there is nobody to interrupt: a thread rests, or it runs a poll and
//! nobody waits for it. The first that ends this wakes the ticker.
//!
//! ```text
//!   ticker                                   thread
//!   ------                                   ------
//!   asleep := true                           resting := false, or demand += 1
//!   fence                                    fence
//!   looks at resting and demand of all       looks whether the ticker is asleep
//! ```
//!
//! Each writes before its fence and reads after it, so at least one of the two sees the other: the
//! ticker that it has something to do, and stays awake, or the thread that the ticker is asleep,
//! and wakes it. If both do, the ticker wakes up for nothing.

use std::sync::atomic::Ordering::*;

use crate::sync::{AtomicBool, fence};

#[derive(Debug)]
pub(crate) struct Doze {
    asleep: AtomicBool,
}

impl Doze {
    pub(crate) fn new() -> Self {
        Self { asleep: AtomicBool::new(false) }
    }

    /// For the ticker, before its last look at the threads.
    pub(crate) fn announce(&self) {
        self.asleep.store(true, Relaxed);
        fence(SeqCst);
    }

    /// For the ticker: nobody has woken it.
    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.load(Relaxed)
    }

    /// For the ticker, when it goes on.
    pub(super) fn wake_up(&self) {
        self.asleep.store(false, Relaxed);
    }

    /// For a thread that has stopped resting or made somebody wait: whether it must wake the ticker.
    #[must_use]
    pub(crate) fn must_wake(&self) -> bool {
        fence(SeqCst);
        self.asleep.load(Relaxed) && self.asleep.swap(false, Relaxed)
    }
}
