//! How the watchdog sleeps while the runtime is idle, and is never asleep while it is not.
//!
//! Two words, each written by one side and read by the other:
//!
//! ```text
//!   worker, leaving Tokio's park          watchdog, nothing to watch
//!     W1  beat    <- AWAKE                  D1  dozing <- true
//!     W2  fence(SeqCst)                     D2  fence(SeqCst)
//!     W3  dozing?  then wake the watchdog   D3  anybody AWAKE?  then stay up
//! ```
//!
//! The fences are totally ordered. If W2 comes first, D3 sees the worker; if D2 comes first, W3
//! sees the watchdog. Both may see each other, which costs a needless wake. Neither seeing the
//! other is impossible, and that is the only outcome that would hurt: a stall nobody watches.
//!
//! Accepted: a worker may find `dozing` set just after the watchdog was woken by another; the swap
//! lets one of them pay for the wake.

use crate::sync::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst, fence};

#[derive(Debug)]
pub(crate) struct Doze(AtomicBool);

impl Doze {
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Worker: call after the beat shows the thread awake. True: the caller must unpark the
    /// watchdog.
    #[must_use]
    pub(crate) fn must_wake(&self) -> bool {
        fence(SeqCst);
        self.0.load(Relaxed) && self.0.swap(false, Relaxed)
    }

    /// Watchdog: call before the last look at the beats.
    pub(crate) fn announce(&self) {
        self.0.store(true, Relaxed);
        fence(SeqCst);
    }

    /// Watchdog: awake again, by whatever cause.
    pub(crate) fn withdraw(&self) {
        self.0.store(false, Relaxed);
    }
}
