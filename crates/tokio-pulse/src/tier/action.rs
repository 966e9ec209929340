//! What is done to the tasks of a tier.

use std::fmt;
use std::str::FromStr;

use super::PolicyError;

/// What is done to the tasks of a tier, mildest first. Each includes what the milder ones do,
/// except that only a tier with `Warn` or more warns.
///
/// The rescue of the other tasks is not part of it: workers are taken over whatever the tier.
///
/// ```
/// use tokio_pulse::InterventionAction;
///
/// assert!(InterventionAction::Warn < InterventionAction::SlowQueue);
/// assert_eq!("slow-queue".parse::<InterventionAction>().unwrap(), InterventionAction::SlowQueue);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum InterventionAction {
    /// The polls are measured; nothing else changes.
    Monitor = 0,
    /// Offences are reported, so many a minute.
    Warn = 1,
    /// The task has less of Tokio's cooperative budget, so that it yields sooner; and its worker
    /// is handed over before each poll, so that nobody waits behind it. The kernel prefers others
    /// to the thread that goes on with it.
    Yield = 2,
    /// Moreover, as many such polls run at once as there are permits, in the order of a fair queue;
    /// tasks that were spawned through Pulse go to the slow lane instead, which has a queue of the same kind.
    SlowQueue = 3,
    /// As `SlowQueue`, and the thread is demoted by niceness as well, where that can be taken back. On the slow
    /// lane, where a quota is set, the task's polls run within that.
    Isolate = 4,
}

impl InterventionAction {
    const ALL: [Self; 5] = [Self::Monitor, Self::Warn, Self::Yield, Self::SlowQueue, Self::Isolate];

    /// The name in configuration files, metrics and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Warn => "warn",
            Self::Yield => "yield",
            Self::SlowQueue => "slow-queue",
            Self::Isolate => "isolate",
        }
    }
}

impl fmt::Display for InterventionAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for InterventionAction {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let expected = "monitor, warn, yield, slow-queue or isolate";
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| PolicyError::unknown("action", text, expected))
    }
}
