//! What an alert can be about.

use std::fmt;

/// What an alert compares with its thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AlertSignal {
    /// Slow polls among all polls of the rule's window, from 0 to 1, as
    /// [`PreemptionMetrics::slow_polls`](crate::PreemptionMetrics::slow_polls) counts them. 0 while
    /// there were fewer than 20 polls. Without `--cfg tokio_unstable` only polls of tasks spawned
    /// through Pulse count as such.
    SlowPollRatio,
    /// Stalls that began in the rule's window, for a minute of it.
    StallsPerMinute,
    /// Polls in the rule's window that were proven to have taken more than their budget, for a minute
    /// of it.
    ViolationsPerMinute,
    /// Stalls in progress, as a part of the reserve: at 1 nobody is left to take over. 1 also when the
    /// reserve has run out since the last look. Without a reserve 1 as soon as there is a stall.
    ReserveInUse,
    /// For how long a task that is ready waits before it is polled, in seconds. While a rule asks for
    /// it, an empty task is spawned at each look.
    SchedulingDelay,
}

impl AlertSignal {
    /// Its name, as metrics and events have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SlowPollRatio => "slow_poll_ratio",
            Self::StallsPerMinute => "stalls_per_minute",
            Self::ViolationsPerMinute => "violations_per_minute",
            Self::ReserveInUse => "reserve_in_use",
            Self::SchedulingDelay => "scheduling_delay_seconds",
        }
    }
}

impl fmt::Display for AlertSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
