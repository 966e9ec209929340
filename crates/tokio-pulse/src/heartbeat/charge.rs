//! What the watchdog holds against the poll that it accuses, beside the word that says so.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::beat::Snapshot;
use crate::intervene::demote::Demoted;
use crate::watchdog::scan::{Cause, Milestone};

/// The evidence against one poll, and what was done to its thread. Dropping it undoes that.
#[derive(Debug)]
pub(crate) struct Charge {
    /// The poll.
    pub(crate) beat: Snapshot,
    /// When it was seen first, since the start of the runtime.
    pub(crate) since: Duration,
    /// What the thread's CPU clock said then.
    pub(crate) cpu_then: Option<Duration>,
    pub(crate) milestone: Option<Milestone>,
    pub(crate) cause: Cause,
    /// The number of the stall.
    pub(crate) stall: u64,
    pub(crate) _demoted: Option<Demoted>,
}

/// Put there by the watchdog before it accuses, taken by whichever of the two ends the matter: the
/// thread at the end of the poll, or the watchdog when it sees that end.
#[derive(Default)]
pub(crate) struct ChargeSheet(Mutex<Option<Charge>>);

impl ChargeSheet {
    pub(crate) fn put(&self, charge: Charge) {
        let old = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(charge);
        drop(old);
    }

    pub(crate) fn take(&self) -> Option<Charge> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for ChargeSheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChargeSheet")
    }
}
