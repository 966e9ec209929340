//! How much a task matters to its user.

use std::fmt;
use std::str::FromStr;

use crate::tier::PolicyError;

/// How much a task matters.
///
/// A priority stretches two things, by factors that the configuration can change: the *budget*,
/// which is how long a poll may run before it is a violation (critical 4, high 2, normal 1, low
/// 0.5), and the *patience*, which is how many violations it takes to escalate (the same figures).
///
/// So the more a task matters, the later it is escalated. What an escalation does is to slow a
/// task down for the good of the others, and a critical task is the last that one wants slowed
/// down; that a stall of it hurts nobody else in the meantime is what the rescue is for, which
/// knows no priorities.
///
/// ```
/// use tokio_pulse::TaskPriority;
///
/// assert!(TaskPriority::Critical < TaskPriority::Low);
/// assert_eq!("high".parse::<TaskPriority>().unwrap(), TaskPriority::High);
/// assert_eq!(TaskPriority::default(), TaskPriority::Normal);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TaskPriority {
    /// First of all.
    Critical = 0,
    /// Before most.
    High = 1,
    /// As most.
    #[default]
    Normal = 2,
    /// When there is time.
    Low = 3,
}

impl TaskPriority {
    /// All priorities, most important first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The name in configuration files, metrics and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    #[allow(dead_code, reason = "the configuration is about to use it")]
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for TaskPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TaskPriority {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let expected = "critical, high, normal or low";
        Self::ALL
            .into_iter()
            .find(|priority| priority.as_str() == text)
            .ok_or_else(|| PolicyError::unknown("priority", text, expected))
    }
}
