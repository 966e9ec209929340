//! Beats that live as long as the process.
//!
//! The poll path finds its beat through a thread-local `&'static Beat`: a plain load, where an
//! `Arc` there would have a destructor and with it a check, at every poll, that it has not run.
//! The price is that a beat is never freed, only used again: as many exist as threads have beaten
//! at the same time.

use std::fmt;
use std::ops::Deref;
use std::sync::Mutex;

use super::beat::Beat;
use crate::sync::lock;

static FREE: Mutex<Vec<&'static Beat>> = Mutex::new(Vec::new());

/// A beat that goes back to the pool when nobody watches it any more.
pub(crate) struct PooledBeat(&'static Beat);

impl PooledBeat {
    pub(crate) fn take() -> Self {
        let free = lock(&FREE).pop();
        let beat = free.unwrap_or_else(|| Box::leak(Box::new(Beat::new_awake())));
        beat.start_over();
        Self(beat)
    }

    /// For the thread that owns the beat, which lets go of it before this guard is dropped.
    pub(crate) fn forever(&self) -> &'static Beat {
        self.0
    }
}

impl Deref for PooledBeat {
    type Target = Beat;

    fn deref(&self) -> &Beat {
        self.0
    }
}

impl Drop for PooledBeat {
    fn drop(&mut self) {
        lock(&FREE).push(self.0);
    }
}

impl fmt::Debug for PooledBeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
