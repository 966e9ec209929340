//! The ticker falls asleep when all threads rest, and the first that begins something wakes it.
//!
//! ```text
//!   ticker                                   thread
//!   ------                                   ------
//!   asleep := true                           resting := false
//!   fence                                    fence
//!   looks whether all rest                   looks whether the ticker is asleep
//! ```
//!
//! Each writes before its fence and reads after it, so at least one of the two sees the other: the
//! ticker that some thread does not rest, and stays awake, or the thread that the ticker is asleep,
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

    /// For a thread that has stopped resting: whether it must wake the ticker.
    #[must_use]
    pub(crate) fn must_wake(&self) -> bool {
        fence(SeqCst);
        self.asleep.load(Relaxed) && self.asleep.swap(false, Relaxed)
    }
}
