//! What a tier does, and what leads out of it.

use std::fmt;
use std::time::Duration;

use super::InterventionAction;

/// Longer names would only be cut by whoever shows them.
const MAX_NAME: usize = 32;
/// Longer than this nobody would wait for a demotion.
pub(crate) const MAX_TIME: Duration = Duration::from_secs(3600);

/// The rules of one tier.
///
/// Made by [`TierPolicy::builder`], which refuses what would make no sense.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::{InterventionAction, TierPolicy};
///
/// let policy = TierPolicy::builder("heavy")
///     .action(InterventionAction::SlowQueue)
///     .promote_after_violations(3)
///     .demote_after_good_polls(50)
///     .minimum_time(Duration::from_secs(1))
///     .build()?;
/// assert_eq!(policy.name(), "heavy");
/// # Ok::<(), tokio_pulse::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierPolicy {
    name: String,
    action: InterventionAction,
    promote_violations: Option<u32>,
    promote_cpu: Option<Duration>,
    promote_slow_polls: Option<u32>,
    demote_good_polls: u32,
    minimum_time: Duration,
    good_poll_cpu: Duration,
}

impl TierPolicy {
    /// Starts from: monitor; up after 1 violation, whatever its CPU time; down after 20 good polls
    /// of at most 1 ms and 1 s at the tier.
    pub fn builder(name: impl Into<String>) -> TierPolicyBuilder {
        TierPolicyBuilder(Self {
            name: name.into(),
            action: InterventionAction::Monitor,
            promote_violations: Some(1),
            promote_cpu: None,
            promote_slow_polls: None,
            demote_good_polls: 20,
            minimum_time: Duration::from_secs(1),
            good_poll_cpu: Duration::from_millis(1),
        })
    }

    /// A builder that starts from this policy.
    pub fn to_builder(&self) -> TierPolicyBuilder {
        TierPolicyBuilder(self.clone())
    }

    /// For people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is done to tasks at this tier.
    pub fn action(&self) -> InterventionAction {
        self.action
    }

    /// So many violations at this tier lead to the next; `None`: their number never does.
    pub fn promotion_violations(&self) -> Option<u32> {
        self.promote_violations
    }

    /// So much CPU time in violations at this tier leads to the next; `None`: it never does.
    pub fn promotion_cpu(&self) -> Option<Duration> {
        self.promote_cpu
    }

    /// So many slow polls in a row lead to the next tier; `None`: they never do. A poll is slow
    /// when it used more CPU than a good one and less than a violation.
    pub fn promotion_slow_polls(&self) -> Option<u32> {
        self.promote_slow_polls
    }

    /// So many good polls without a violation in between lead to the tier below.
    pub fn demotion_good_polls(&self) -> u32 {
        self.demote_good_polls
    }

    /// But not before the task has been at this tier for so long.
    pub fn minimum_time(&self) -> Duration {
        self.minimum_time
    }

    /// A poll that used at most so much CPU is a good one.
    pub fn good_poll_cpu(&self) -> Duration {
        self.good_poll_cpu
    }
}

/// Builds a [`TierPolicy`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct TierPolicyBuilder(TierPolicy);

impl TierPolicyBuilder {
    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Sets what is done to tasks at this tier.
    pub fn action(mut self, action: InterventionAction) -> Self {
        self.0.action = action;
        self
    }

    /// Sets how many violations lead to the next tier; `None` for never.
    pub fn promote_after_violations(mut self, violations: impl Into<Option<u32>>) -> Self {
        self.0.promote_violations = violations.into();
        self
    }

    /// Sets how much CPU time in violations leads to the next tier; `None` for never.
    pub fn promote_after_cpu(mut self, cpu: impl Into<Option<Duration>>) -> Self {
        self.0.promote_cpu = cpu.into();
        self
    }

    /// Sets how many slow polls in a row lead to the next tier; `None` for never.
    pub fn promote_after_slow_polls(mut self, polls: impl Into<Option<u32>>) -> Self {
        self.0.promote_slow_polls = polls.into();
        self
    }

    /// Sets how many good polls lead to the tier below.
    pub fn demote_after_good_polls(mut self, polls: u32) -> Self {
        self.0.demote_good_polls = polls;
        self
    }

    /// Sets how long a task stays at this tier at least.
    pub fn minimum_time(mut self, time: Duration) -> Self {
        self.0.minimum_time = time;
        self
    }

    /// Sets how much CPU a good poll uses at most.
    pub fn good_poll_cpu(mut self, cpu: Duration) -> Self {
        self.0.good_poll_cpu = cpu;
        self
    }

    /// Checks the policy.
    ///
    /// # Errors
    ///
    /// When a threshold is 0 (`None` switches one off), a time is out of range, or the name is
    /// empty, longer than 32 bytes or not printable.
    pub fn build(self) -> Result<TierPolicy, PolicyError> {
        let policy = self.0;
        let printable = !policy.name.chars().any(char::is_control);
        if policy.name.is_empty() || policy.name.len() > MAX_NAME || !printable {
            let found = format!("{:?}", policy.name);
            return Err(PolicyError::new("name", found, "1 to 32 printable bytes"));
        }
        let at_least_one = |what, count: Option<u32>| match count {
            Some(0) => Err(PolicyError::new(what, "0".into(), "at least 1, or none for never")),
            _ => Ok(()),
        };
        at_least_one("promote_after_violations", policy.promote_violations)?;
        at_least_one("promote_after_slow_polls", policy.promote_slow_polls)?;
        at_least_one("demote_after_good_polls", Some(policy.demote_good_polls))?;
        let positive = |what, time: Duration| {
            if time.is_zero() || time > MAX_TIME {
                Err(PolicyError::new(what, format!("{time:?}"), "above 0 and at most 1 hour"))
            } else {
                Ok(())
            }
        };
        positive("promote_after_cpu", policy.promote_cpu.unwrap_or(MAX_TIME))?;
        positive("good_poll_cpu", policy.good_poll_cpu)?;
        if policy.minimum_time > MAX_TIME {
            let found = format!("{:?}", policy.minimum_time);
            return Err(PolicyError::new("minimum_time", found, "at most 1 hour"));
        }
        Ok(policy)
    }
}

/// A value that makes no sense in a policy: which, what was given, and what would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    what: &'static str,
    found: String,
    expected: &'static str,
}

impl PolicyError {
    pub(crate) fn new(what: &'static str, found: String, expected: &'static str) -> Self {
        Self { what, found, expected }
    }

    pub(crate) fn unknown(what: &'static str, found: &str, expected: &'static str) -> Self {
        Self::new(what, format!("{found:?}"), expected)
    }

    /// The name of the setting.
    pub fn setting(&self) -> &'static str {
        self.what
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; give {}", self.what, self.found, self.expected)
    }
}

impl std::error::Error for PolicyError {}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let build = |change: fn(TierPolicyBuilder) -> TierPolicyBuilder| {
            change(TierPolicy::builder("x")).build().map_err(|error| error.setting())
        };
        assert_eq!(build(|b| b.name("")), Err("name"));
        assert_eq!(build(|b| b.name("a\nb")), Err("name"));
        assert_eq!(build(|b| b.name("x".repeat(33))), Err("name"));
        assert_eq!(build(|b| b.promote_after_violations(0)), Err("promote_after_violations"));
        assert_eq!(build(|b| b.promote_after_slow_polls(0)), Err("promote_after_slow_polls"));
        assert_eq!(build(|b| b.promote_after_cpu(Duration::ZERO)), Err("promote_after_cpu"));
        assert_eq!(build(|b| b.demote_after_good_polls(0)), Err("demote_after_good_polls"));
        assert_eq!(build(|b| b.good_poll_cpu(Duration::ZERO)), Err("good_poll_cpu"));
        assert_eq!(build(|b| b.minimum_time(Duration::MAX)), Err("minimum_time"));
        assert!(build(|b| b.promote_after_violations(None).minimum_time(Duration::ZERO)).is_ok());
    }
}
