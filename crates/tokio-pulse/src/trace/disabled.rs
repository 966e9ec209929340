//! Without the feature `tracing`: nothing.

use std::time::Duration;

use super::{Offender, Outcome, TreatedPoll};
use crate::alert::AlertEvent;
use crate::stall_report::{StallEnd, StallReport};
use crate::watchdog::scan::Cause;

pub(crate) fn stall_began(_thread: &str, _cause: Cause, _elapsed: Duration, _rescued: bool) {}

pub(crate) fn stall_ended(_thread: &str, _lasted: Duration) {}

pub(crate) fn reserve_ran_out(_reserve: usize, _missing: usize) {}

pub(crate) fn lane_full(_bound: usize, _suppressed: u64) {}

pub(crate) fn offender(_: &Offender<'_>) {}

#[derive(Debug)]
pub(crate) struct Intervention;

const _: () = assert!(size_of::<Intervention>() == 0);

impl Intervention {
    #[inline(always)]
    pub(crate) fn begin(_: impl FnOnce() -> TreatedPoll) -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn end(self, _: Outcome) {}
}

pub(crate) fn stall_report(_: &StallReport) {}

pub(crate) fn alert(_: &AlertEvent) {}

pub(crate) fn stall_end(_: &StallEnd) {}

pub(crate) fn wants_stall_reports() -> bool {
    false
}
