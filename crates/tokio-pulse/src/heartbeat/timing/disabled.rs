//! Without the feature `poll-times`: nothing makes a clock, so nothing is ever measured.

use crate::metrics::histogram::Histogram;

#[derive(Clone, Debug)]
#[allow(dead_code, reason = "there is none without the feature")]
pub(crate) struct PollClock;

#[derive(Debug, Default)]
pub(crate) struct Timing {}

impl Timing {
    pub(crate) fn begin(&self, _clock: &PollClock) {}

    pub(crate) fn end(&self, _clock: &PollClock) {}

    pub(crate) fn times(&self) -> Histogram {
        Histogram::default()
    }

    pub(crate) fn start_over(&self) {}
}
