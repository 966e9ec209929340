//! Lines that live as long as the process.
//!
//! The poll path finds what it writes to through a thread-local `&'static Line`: a plain load,
//! where an `Arc` there would have a destructor and with it a check, at every poll, that it has
//! not run. The price is that none is ever freed, only used again: as many exist as threads have
//! beaten at the same time.

use std::fmt;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use super::attention::Attention;
use super::beat::Beat;
use super::due::Due;
use super::named::Named;
use super::timing::Timing;
use super::woken::Woken;

/// All that the poll path and the yield points touch, on cache lines of its own: 128 bytes because processors fetch
/// lines in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Line {
    pub(crate) beat: Beat,
    pub(crate) attention: Attention,
    pub(crate) due: Due,
    pub(crate) timing: Timing,
    pub(crate) named: Named,
    pub(crate) woken: Woken,
}

static FREE: Mutex<Vec<&'static Line>> = Mutex::new(Vec::new());

/// A line that goes back to the pool when nobody watches it any more.
pub(crate) struct PooledLine(&'static Line);

impl PooledLine {
    pub(crate) fn take() -> Self {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(match free {
            Some(line) => {
                line.beat.start_over();
                line.attention.start_over();
                line.due.start_over();
                line.timing.start_over();
                line.named.forget();
                line.woken.start_over();
                line
            }
            None => Box::leak(Box::new(Line {
                beat: Beat::new_awake(),
                attention: Attention::none(),
                due: Due::none(),
                timing: Timing::default(),
                named: Named::nobody(),
                woken: Woken::never(),
            })),
        })
    }

    /// For the thread that owns the line, which lets go of it before this guard is dropped.
    pub(crate) fn forever(&self) -> &'static Line {
        self.0
    }
}

impl Deref for PooledLine {
    type Target = Line;

    fn deref(&self) -> &Line {
        self.0
    }
}

impl Drop for PooledLine {
    fn drop(&mut self) {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self.0);
    }
}

impl fmt::Debug for PooledLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
