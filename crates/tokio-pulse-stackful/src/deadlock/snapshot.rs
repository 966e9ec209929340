//! One picture, handed from a thread's signal handler to the ticker.
//!
//! ```text
//!   empty --want (ticker)--> wanted --begin (handler)--> being drawn --+--> drawn --take (ticker)--> empty
//!                                                                      +--> empty, if nothing waits
//! ```
//!
//! The ticker reads the picture in `drawn` only, the handler writes it in `being drawn` only, and
//! each state has one of the two to leave it. The handler's release and the ticker's acquire order
//! the picture between them.

use std::cell::UnsafeCell;
use std::sync::atomic::Ordering::*;

use super::picture::{Picture, PollPicture};
use crate::sync::AtomicU8;

const EMPTY: u8 = 0;
const WANTED: u8 = 1;
const DRAWING: u8 = 2;
const DRAWN: u8 = 3;

pub(crate) struct SnapshotCell {
    state: AtomicU8,
    picture: UnsafeCell<Picture>,
}

// SAFETY: the picture is touched by whoever the state gives it to, one at a time.
unsafe impl Sync for SnapshotCell {}

/// A picture that is being drawn.
pub(crate) struct Snapshot<'a>(&'a SnapshotCell);

impl SnapshotCell {
    pub(crate) fn new() -> Self {
        Self { state: AtomicU8::new(EMPTY), picture: UnsafeCell::new(Picture::EMPTY) }
    }

    /// For the ticker: the next handler is to draw one.
    pub(crate) fn want(&self) {
        let _ = self.state.compare_exchange(EMPTY, WANTED, Relaxed, Relaxed);
    }

    /// For the ticker: the one that was drawn.
    pub(crate) fn take(&self) -> Option<Picture> {
        if self.state.load(Acquire) != DRAWN {
            return None;
        }
        // SAFETY: drawn, and only the ticker, which this is, leaves that state.
        let picture = unsafe { (*self.picture.get()).clone() };
        self.state.store(EMPTY, Release);
        Some(picture)
    }

    /// For the handler, if one is wanted.
    pub(crate) fn begin(&self) -> Option<Snapshot<'_>> {
        // Acquire: after the last one was taken.
        if self.state.compare_exchange(WANTED, DRAWING, Acquire, Relaxed).is_err() {
            return None;
        }
        // SAFETY: this handler moved it to `being drawn`, and nobody else leaves that state; another
        // handler on top of this one finds nothing wanted.
        unsafe { (*self.picture.get()).clear() };
        Some(Snapshot(self))
    }
}

impl Snapshot<'_> {
    pub(crate) fn add(&mut self, draw: impl FnOnce(&mut PollPicture)) {
        // SAFETY: as in `begin`; `self` is the only one.
        unsafe { (*self.0.picture.get()).add(draw) };
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // SAFETY: as in `begin`.
        let drawn = unsafe { (*self.0.picture.get()).count() } > 0;
        self.0.state.store(if drawn { DRAWN } else { EMPTY }, Release);
    }
}
