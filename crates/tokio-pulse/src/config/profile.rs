//! Sets of policies to choose from.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::tier::InterventionAction::{self, Isolate, Monitor, SlowQueue, Warn, Yield};
use crate::tier::{PolicyError, TierPolicy};

/// How soon, and how hard, Pulse steps in. Sets the policies of the tiers; all else is the same.
///
/// ```
/// use tokio_pulse::{ConfigProfile, TierConfig};
///
/// let config = TierConfig::profile(ConfigProfile::Permissive);
/// assert_eq!(config.tiers()[0].promotion_violations(), Some(3));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConfigProfile {
    /// One offence is enough for each step, and the last is isolation.
    Aggressive,
    /// Warned, then made to yield, then into the slow lane.
    #[default]
    Balanced,
    /// Many offences to each step, and no slow lane at all.
    Permissive,
    /// The values of `Balanced`, for a configuration that goes its own way from there.
    Custom,
}

impl ConfigProfile {
    /// All profiles.
    pub const ALL: [Self; 4] = [Self::Aggressive, Self::Balanced, Self::Permissive, Self::Custom];
    pub(super) const WORDS: &[&str] = &["aggressive", "balanced", "permissive", "custom"];

    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// The tier that a task ends at has no way up, so that nothing is counted towards one there.
    pub(super) fn policies(self) -> [TierPolicy; 4] {
        let lines = match self {
            Self::Aggressive => AGGRESSIVE,
            Self::Balanced | Self::Custom => BALANCED,
            Self::Permissive => PERMISSIVE,
        };
        lines.map(Line::policy)
    }
}

/// One tier of a profile.
struct Line {
    name: &'static str,
    action: InterventionAction,
    violations: Option<u32>,
    /// CPU time in violations; one very long poll counts like several.
    cpu_ms: Option<u64>,
    good_polls: u32,
    sentence_ms: u64,
}

const fn line(
    name: &'static str,
    action: InterventionAction,
    up: Option<(u32, u64)>,
    good_polls: u32,
    sentence_ms: u64,
) -> Line {
    let (violations, cpu_ms) = match up {
        Some((violations, cpu_ms)) => (Some(violations), Some(cpu_ms)),
        None => (None, None),
    };
    Line { name, action, violations, cpu_ms, good_polls, sentence_ms }
}

const AGGRESSIVE: [Line; 4] = [
    line("watched", Monitor, Some((1, 100)), 50, 5_000),
    line("yielding", Yield, Some((1, 100)), 50, 5_000),
    line("slow lane", SlowQueue, Some((1, 100)), 50, 5_000),
    line("isolated", Isolate, None, 50, 30_000),
];

const BALANCED: [Line; 4] = [
    line("watched", Monitor, Some((1, 100)), 20, 1_000),
    line("warned", Warn, Some((1, 100)), 20, 1_000),
    line("yielding", Yield, Some((2, 100)), 20, 1_000),
    line("slow lane", SlowQueue, None, 20, 10_000),
];

const PERMISSIVE: [Line; 4] = [
    line("watched", Monitor, Some((3, 500)), 10, 500),
    line("counted", Monitor, Some((5, 1_000)), 10, 500),
    line("warned", Warn, Some((10, 2_000)), 10, 500),
    line("yielding", Yield, None, 10, 2_000),
];

impl Line {
    fn policy(self) -> TierPolicy {
        TierPolicy::builder(self.name)
            .action(self.action)
            .promote_after_violations(self.violations)
            .promote_after_cpu(self.cpu_ms.map(Duration::from_millis))
            .demote_after_good_polls(self.good_polls)
            .minimum_time(Duration::from_millis(self.sentence_ms))
            .build()
            .expect("the lines above are constants, and a test builds them all")
    }
}

impl fmt::Display for ConfigProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ConfigProfile {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let expected = "aggressive, balanced, permissive or custom";
        Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == text)
            .ok_or_else(|| PolicyError::unknown("profile", text, expected))
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;
    use crate::config::TierConfig;

    #[test]
    fn every_profile_is_valid_and_named() {
        for profile in ConfigProfile::ALL {
            let config = TierConfig::profile(profile);
            assert_eq!(config.to_builder().build().unwrap(), config);
            assert_eq!(profile.as_str().parse(), Ok(profile));
            assert!(config.tiers()[3].promotion_violations().is_none());
        }
        assert!("Balanced".parse::<ConfigProfile>().is_err());
    }

    #[test]
    fn a_sterner_profile_is_never_milder_at_any_tier() {
        let [stern, middle, mild] =
            [ConfigProfile::Aggressive, ConfigProfile::Balanced, ConfigProfile::Permissive]
                .map(ConfigProfile::policies);
        for (sterner, milder) in stern.iter().zip(&middle).chain(middle.iter().zip(&mild)) {
            assert!(sterner.action() >= milder.action());
            assert!(sterner.promotion_violations() <= milder.promotion_violations());
            assert!(sterner.minimum_time() >= milder.minimum_time());
            assert!(sterner.demotion_good_polls() >= milder.demotion_good_polls());
        }
    }
}
