//! How a [`TierConfig`] is put together by a program.

use std::time::Duration;

use super::{ConfigError, Demotion, Rule, TierConfig, check};
use crate::lane::SchedulingAlgorithm;
use crate::task::TaskPriority;
use crate::tier::{Tier, TierPolicy};

/// Builds a [`TierConfig`]. Ranges are those of `docs/configuration.md`.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct TierConfigBuilder(pub(super) TierConfig);

impl TierConfigBuilder {
    /// Sets the longest that a poll may run before it is a violation.
    pub fn slice(mut self, slice: Duration) -> Self {
        self.0.slice = slice;
        self
    }

    /// Sets the policy of a tier.
    pub fn tier_policy(mut self, tier: Tier, policy: TierPolicy) -> Self {
        self.0.tiers[tier.index()] = policy;
        self
    }

    /// Sets what the slice of tasks of a priority is stretched by.
    pub fn budget_factor(mut self, priority: TaskPriority, factor: f64) -> Self {
        self.0.budgets[priority.index()] = factor;
        self
    }

    /// Sets what the thresholds of tasks of a priority are stretched by.
    pub fn patience(mut self, priority: TaskPriority, factor: f64) -> Self {
        self.0.patience[priority.index()] = factor;
        self
    }

    /// Sets how many tasks are on record at most.
    pub fn suspects_limit(mut self, limit: usize) -> Self {
        self.0.suspects_limit = limit;
        self
    }

    /// Sets how long a record is kept that nothing touches.
    pub fn suspects_forget_after(mut self, time: Duration) -> Self {
        self.0.suspects_forget_after = time;
        self
    }

    /// Sets how many tasks of a spawn site make it an offending one.
    pub fn sites_offenders(mut self, tasks: u32) -> Self {
        self.0.sites_offenders = tasks;
        self
    }

    /// Sets where tasks of an offending spawn site start.
    pub fn sites_tier(mut self, tier: Tier) -> Self {
        self.0.sites_tier = tier;
        self
    }

    /// Sets the half-life of the evidence against a spawn site.
    pub fn sites_fade_after(mut self, time: Duration) -> Self {
        self.0.sites_fade_after = time;
        self
    }

    /// Sets how many spawn sites are on record at most.
    pub fn sites_limit(mut self, limit: usize) -> Self {
        self.0.sites_limit = limit;
        self
    }

    /// Sets how many polls of the slow lane run at once; `None` for two a processor, or one where
    /// the system has no time slices for threads.
    pub fn gate_permits(mut self, permits: impl Into<Option<usize>>) -> Self {
        self.0.gate_permits = permits.into();
        self
    }

    /// Sets the number of threads of the lane; `None` for 2 to 8, by processors and by pressure, and 0
    /// for no lane.
    pub fn lane_threads(mut self, threads: impl Into<Option<usize>>) -> Self {
        self.0.lane_threads = threads.into();
        self
    }

    /// Sets how many tasks may wait for a thread of the lane.
    pub fn lane_queue(mut self, tasks: usize) -> Self {
        self.0.lane_queue = tasks;
        self
    }

    /// Sets the CPU time that all isolated tasks may use together in each period; `None` for no quota.
    pub fn isolation_quota(mut self, quota: impl Into<Option<Duration>>) -> Self {
        self.0.isolation_quota = quota.into();
        self
    }

    /// Sets the period that the quota is for.
    pub fn isolation_period(mut self, period: Duration) -> Self {
        self.0.isolation_period = period;
        self
    }

    /// Sets who is next on the lane and at the gate.
    pub fn lane_algorithm(mut self, algorithm: SchedulingAlgorithm) -> Self {
        self.0.lane_algorithm = algorithm;
        self
    }

    /// Sets how many of Tokio's 128 operations a poll tasks at `yield` and above have.
    pub fn squeeze_budget(mut self, operations: u8) -> Self {
        self.0.squeeze_budget = operations;
        self
    }

    /// Sets how threads of the slow lane step back.
    pub fn demotion(mut self, demotion: Demotion) -> Self {
        self.0.demotion = demotion;
        self
    }

    /// Sets the kernel's time slice of threads of the slow lane.
    pub fn demotion_slice(mut self, slice: Duration) -> Self {
        self.0.demotion_slice = slice;
        self
    }

    /// Sets how many offences are reported a minute.
    pub fn warnings_per_minute(mut self, warnings: u32) -> Self {
        self.0.warnings_per_minute = warnings;
        self
    }

    /// Sets after how long a stall is reported; `None`: never.
    pub fn report_threshold(mut self, threshold: Option<Duration>) -> Self {
        self.0.report_threshold = threshold;
        self
    }

    /// Sets how many stalls are reported a minute.
    pub fn reports_per_minute(mut self, reports: u32) -> Self {
        self.0.reports_per_minute = reports;
        self
    }

    /// Sets for how long after a stall each poll notes its task; `None`: always.
    pub fn report_name_for(mut self, time: Option<Duration>) -> Self {
        self.0.report_name_for = time;
        self
    }

    /// Adds a rule behind those there are.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.0.rules.push(rule);
        self
    }

    /// Sets all rules.
    pub fn rules(mut self, rules: Vec<Rule>) -> Self {
        self.0.rules = rules;
        self
    }

    /// Checks the configuration as a whole.
    ///
    /// # Errors
    ///
    /// When a value is out of range, an action is milder than that of the tier below, or a good
    /// poll may be longer than the slice.
    pub fn build(self) -> Result<TierConfig, ConfigError> {
        check::whole(self.0)
    }
}
