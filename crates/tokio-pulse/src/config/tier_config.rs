//! One configuration of the graduated intervention.

use std::time::Duration;

use super::{ConfigProfile, DEFAULT_SLICE, Demotion, Rule, TaskFacts, TierConfigBuilder, document};
use crate::isolation::TaskIsolation;
use crate::lane::SchedulingAlgorithm;
use crate::stall_report::ReportLimits;
use crate::task::TaskPriority;
use crate::tier::{Tier, TierPolicy};

/// The factors of critical, high, normal and low tasks.
const FACTORS: [f64; 4] = [4.0, 2.0, 1.0, 0.5];
/// Some hundred bytes each: enough suspects for any program, and no memory to speak of.
const SUSPECTS: usize = 1024;
/// Long enough for a task that works once a minute to meet its record again.
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// One bad task is an accident, three are the code.
const OFFENDERS: u32 = 3;
const FADE_AFTER: Duration = Duration::from_secs(60);
/// Programs have more spawn sites than this, but not as many that offend.
const SITES: usize = 256;
/// A sixteenth of what Tokio grants.
const SQUEEZED_BUDGET: u8 = 8;
/// So many that only a program that spawns without end reaches it: who waits on the lane bothers
/// nobody, and who is turned away holds a worker.
const LANE_QUEUE: usize = 65_536;
/// The kernel's own.
const ISOLATION_PERIOD: Duration = Duration::from_millis(100);
/// Many times that of a worker, and no more: a thread keeps its deadline for as long as it does not
/// sleep, also after it got its short slice back.
const DEMOTED_SLICE: Duration = Duration::from_millis(20);
/// As much as a person reads.
const WARNINGS_PER_MINUTE: u32 = 5;

/// Everything that the graduated intervention goes by: valid as a whole, and never changed.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::{ConfigProfile, TierConfig};
///
/// let config = TierConfig::profile(ConfigProfile::Aggressive)
///     .to_builder()
///     .slice(Duration::from_millis(5))
///     .suspects_limit(4096)
///     .build()?;
/// assert_eq!(config.slice(), Duration::from_millis(5));
///
/// let error = config.to_builder().suspects_limit(1).build().unwrap_err();
/// assert!(error.to_string().starts_with("suspects.limit is 1"));
/// # Ok::<(), tokio_pulse::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TierConfig {
    pub(super) profile: ConfigProfile,
    pub(super) slice: Duration,
    pub(super) tiers: [TierPolicy; 4],
    pub(super) budgets: [f64; 4],
    pub(super) patience: [f64; 4],
    pub(super) suspects_limit: usize,
    pub(super) suspects_forget_after: Duration,
    pub(super) sites_offenders: u32,
    pub(super) sites_tier: Tier,
    pub(super) sites_fade_after: Duration,
    pub(super) sites_limit: usize,
    pub(super) gate_permits: Option<usize>,
    pub(super) squeeze_budget: u8,
    pub(super) lane_threads: Option<usize>,
    pub(super) lane_queue: usize,
    pub(super) isolation_quota: Option<Duration>,
    pub(super) isolation_period: Duration,
    pub(super) lane_algorithm: SchedulingAlgorithm,
    pub(super) demotion: Demotion,
    pub(super) demotion_slice: Duration,
    pub(super) warnings_per_minute: u32,
    pub(super) report_threshold: Option<Duration>,
    pub(super) reports_per_minute: u32,
    pub(super) report_name_for: Option<Duration>,
    pub(super) rules: Vec<Rule>,
}

impl TierConfig {
    /// A profile as it stands.
    pub fn profile(profile: ConfigProfile) -> Self {
        Self {
            profile,
            slice: DEFAULT_SLICE,
            tiers: profile.policies(),
            budgets: FACTORS,
            patience: FACTORS,
            suspects_limit: SUSPECTS,
            suspects_forget_after: FORGET_AFTER,
            sites_offenders: OFFENDERS,
            sites_tier: Tier::Two,
            sites_fade_after: FADE_AFTER,
            sites_limit: SITES,
            gate_permits: None,
            squeeze_budget: SQUEEZED_BUDGET,
            lane_threads: None,
            lane_queue: LANE_QUEUE,
            isolation_quota: None,
            isolation_period: ISOLATION_PERIOD,
            lane_algorithm: SchedulingAlgorithm::default(),
            demotion: Demotion::Auto,
            demotion_slice: DEMOTED_SLICE,
            warnings_per_minute: WARNINGS_PER_MINUTE,
            report_threshold: Some(ReportLimits::THRESHOLD),
            reports_per_minute: ReportLimits::PER_MINUTE,
            report_name_for: Some(ReportLimits::NAME_FOR),
            rules: Vec::new(),
        }
    }

    /// A builder that starts from the default profile.
    pub fn builder() -> TierConfigBuilder {
        Self::default().to_builder()
    }

    /// A builder that starts from this configuration.
    pub fn to_builder(&self) -> TierConfigBuilder {
        TierConfigBuilder(self.clone())
    }

    /// The profile that it started from.
    pub fn base_profile(&self) -> ConfigProfile {
        self.profile
    }

    /// The longest that a poll may run before it is a violation.
    pub fn slice(&self) -> Duration {
        self.slice
    }

    /// The policies, by tier.
    pub fn tiers(&self) -> &[TierPolicy; 4] {
        &self.tiers
    }

    /// The policy of one tier.
    pub fn policy(&self, tier: Tier) -> &TierPolicy {
        &self.tiers[tier.index()]
    }

    /// Stretches the slice of tasks of that priority.
    pub fn budget_factor(&self, priority: TaskPriority) -> f64 {
        self.budgets[priority.index()]
    }

    /// Stretches what it takes to promote tasks of that priority.
    pub fn patience(&self, priority: TaskPriority) -> f64 {
        self.patience[priority.index()]
    }

    /// Tasks on record at most.
    pub fn suspects_limit(&self) -> usize {
        self.suspects_limit
    }

    /// A record that was not touched for so long may be dropped.
    pub fn suspects_forget_after(&self) -> Duration {
        self.suspects_forget_after
    }

    /// So many tasks of a spawn site must have offended before new ones from there start at
    /// [`sites_tier`](Self::sites_tier).
    pub fn sites_offenders(&self) -> u32 {
        self.sites_offenders
    }

    /// Where tasks of an offending spawn site start.
    pub fn sites_tier(&self) -> Tier {
        self.sites_tier
    }

    /// The half-life of the evidence against a spawn site.
    pub fn sites_fade_after(&self) -> Duration {
        self.sites_fade_after
    }

    /// Spawn sites on record at most.
    pub fn sites_limit(&self) -> usize {
        self.sites_limit
    }

    /// So many polls of the slow lane run at once; `None`: twice as many as there are
    /// processors.
    pub fn gate_permits(&self) -> Option<usize> {
        self.gate_permits
    }

    /// Operations of Tokio's cooperative budget left to tasks at `yield` and above.
    pub fn squeeze_budget(&self) -> u8 {
        self.squeeze_budget
    }

    /// Threads of the lane; `None`: from 2 to 8, by processors and by pressure. 0: there is no lane, and
    /// all tasks of the tier go to the gate.
    pub fn lane_threads(&self) -> Option<usize> {
        self.lane_threads
    }

    pub(crate) fn lane_enabled(&self) -> bool {
        self.lane_threads != Some(0)
    }

    /// Tasks that may wait for a thread of the lane; one more is run in place.
    pub fn lane_queue(&self) -> usize {
        self.lane_queue
    }

    /// The CPU time that all isolated tasks may use together in each period; `None`: there is no
    /// quota, and they run with the other offenders, on threads that step back further.
    pub fn isolation_quota(&self) -> Option<Duration> {
        self.isolation_quota
    }

    /// The period that the quota is for.
    pub fn isolation_period(&self) -> Duration {
        self.isolation_period
    }

    /// Both of them. Their ranges are those of the system.
    pub(crate) fn isolation(&self) -> Option<TaskIsolation> {
        let quota = self.isolation_quota?;
        TaskIsolation::builder().quota(quota).period(self.isolation_period).build().ok()
    }

    /// Who is next on the lane and at the gate.
    pub fn lane_algorithm(&self) -> SchedulingAlgorithm {
        self.lane_algorithm
    }

    /// How threads of the slow lane step back.
    pub fn demotion(&self) -> Demotion {
        self.demotion
    }

    /// The kernel's time slice of such a thread, where [`Demotion::Slices`] is the way.
    pub fn demotion_slice(&self) -> Duration {
        self.demotion_slice
    }

    /// So many offences are reported a minute.
    pub fn warnings_per_minute(&self) -> u32 {
        self.warnings_per_minute
    }

    /// A stall is reported when it has lasted for so long; `None`: never.
    pub fn report_threshold(&self) -> Option<Duration> {
        self.report_threshold
    }

    /// So many stalls are reported a minute.
    pub fn reports_per_minute(&self) -> u32 {
        self.reports_per_minute
    }

    /// For how long after a stall each poll notes its task; `None`: always.
    pub fn report_name_for(&self) -> Option<Duration> {
        self.report_name_for
    }

    /// How much is reported; `None`: nothing.
    pub(crate) fn report_limits(&self) -> Option<ReportLimits> {
        let limits =
            ReportLimits::new().per_minute(self.reports_per_minute).name_for(self.report_name_for);
        self.report_threshold.map(|threshold| limits.threshold(threshold))
    }

    /// The rules, in the order in which they are tried.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The first rule that matches a task.
    pub fn rule_for(&self, task: &TaskFacts<'_>) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.matches(task))
    }

    /// The configuration as a TOML file, comments included, that gives it back when read.
    pub fn to_toml(&self) -> String {
        document::of_config(self)
    }
}

impl Default for TierConfig {
    fn default() -> Self {
        Self::profile(ConfigProfile::default())
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;
    use crate::tier::InterventionAction::{Isolate, Monitor};

    fn action(tier: Tier, action: crate::InterventionAction) -> TierConfigBuilder {
        let config = TierConfig::default();
        let policy = config.policy(tier).to_builder().action(action).build().unwrap();
        config.to_builder().tier_policy(tier, policy)
    }

    #[test]
    fn actions_must_not_get_milder_with_the_tier() {
        let error = action(Tier::One, Isolate).build().unwrap_err();
        assert_eq!(error.key(), Some("tier.2.action"));
        assert!(error.to_string().contains("tier.1.action, which is isolate"), "{error}");
        assert!(action(Tier::Three, Monitor).build().is_err());
        assert!(action(Tier::Three, Isolate).build().is_ok());
        assert!(action(Tier::One, Monitor).build().is_ok());
    }

    #[test]
    fn a_good_poll_is_at_most_a_slice() {
        let ms = Duration::from_millis;
        let config = TierConfig::default();
        let lax = config.policy(Tier::Two).to_builder().good_poll_cpu(ms(11)).build().unwrap();
        let error = config.to_builder().tier_policy(Tier::Two, lax).build().unwrap_err();
        assert_eq!(
            error.to_string(),
            "tier.2.good_poll_cpu is 11ms; give at most the slice, which is 10ms"
        );
        // The shortest slice goes with the default policies.
        assert!(TierConfig::builder().slice(ms(1)).build().is_ok());
    }

    #[test]
    fn priorities_have_their_factors() {
        let config = TierConfig::builder()
            .budget_factor(TaskPriority::Low, 0.25)
            .patience(TaskPriority::Critical, 9.0)
            .build()
            .unwrap();
        assert_eq!(TaskPriority::ALL.map(|p| config.budget_factor(p)), [4.0, 2.0, 1.0, 0.25]);
        assert_eq!(TaskPriority::ALL.map(|p| config.patience(p)), [9.0, 2.0, 1.0, 0.5]);
        for factor in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            let builder = TierConfig::builder().patience(TaskPriority::High, factor);
            assert_eq!(builder.build().unwrap_err().key(), Some("priority.high.patience"));
        }
    }

    #[test]
    fn it_is_cheap_to_share() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<std::sync::Arc<TierConfig>>();
    }
}
