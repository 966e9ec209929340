//! The table of all keys that hold one value: range, meaning, and where the value is kept.
//!
//! A new key is a line here, a field of [`TierConfig`] and a row of `docs/configuration.md`, which
//! a test prints.

use std::time::Duration;

use super::value::{FromValue, Kind, Value};
use super::{
    ConfigProfile, Demotion, MAX_SLICE, MAX_THREADS, MIN_SLICE, RuntimeSettings, TierConfig,
};
use crate::lane::SchedulingAlgorithm;
use crate::tier::{InterventionAction, TierPolicy, TierPolicyBuilder};

/// What the keys are about, before it is checked as a whole.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) config: TierConfig,
    pub(super) runtime: RuntimeSettings,
}

/// One entry: a key, or the same key of each tier or priority.
pub(super) struct Field {
    /// With an `N` or a `P` in the place of the tier or the priority.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The word for "no value", if there may be none.
    pub(super) unset: Option<&'static str>,
    pub(super) meaning: &'static str,
    pub(super) get: fn(&Draft, usize) -> Value,
    /// Whether the value would do. The kind has been checked before.
    pub(super) set: fn(&mut Draft, usize, &Value) -> bool,
}

const HOUR: Duration = Duration::from_secs(3600);
const TENTH_MS: Duration = Duration::from_micros(100);
const NANOSECOND: Duration = Duration::from_nanos(1);
const ACTIONS: &[&str] = &["monitor", "warn", "yield", "slow-queue", "isolate"];

/// An entry whose value is kept in a field.
macro_rules! field {
    ($name:literal, $kind:expr, $unset:expr, |$draft:ident, $index:ident| $place:expr, $meaning:literal) => {
        Field {
            name: $name,
            kind: $kind,
            unset: $unset,
            meaning: $meaning,
            get: |$draft, $index| {
                let _ = $index;
                Value::from($place)
            },
            set: |$draft, $index, value| {
                let _ = $index;
                put(&mut $place, value)
            },
        }
    };
}

/// An entry whose value is kept in the policy of a tier.
macro_rules! policy {
    ($name:literal, $kind:expr, $unset:expr, $get:ident, $set:ident: $type:ty, $meaning:literal) => {
        Field {
            name: $name,
            kind: $kind,
            unset: $unset,
            meaning: $meaning,
            get: |draft, tier| Value::from(draft.config.tiers[tier].$get()),
            set: |draft, tier, value| {
                let policy = &mut draft.config.tiers[tier];
                change::<$type>(policy, value, TierPolicyBuilder::$set)
            },
        }
    };
}

fn put<T: FromValue>(place: &mut T, value: &Value) -> bool {
    match T::from_value(value) {
        Some(value) => {
            *place = value;
            true
        }
        None => false,
    }
}

fn change<T: FromValue>(
    policy: &mut TierPolicy,
    value: &Value,
    set: fn(TierPolicyBuilder, T) -> TierPolicyBuilder,
) -> bool {
    let changed = T::from_value(value).map(|value| set(policy.to_builder(), value).build());
    match changed {
        Some(Ok(changed)) => {
            *policy = changed;
            true
        }
        _ => false,
    }
}

pub(super) static FIELDS: &[Field] = &[
    field!(
        "profile",
        Kind::Choice(ConfigProfile::WORDS),
        None,
        |draft, _i| draft.config.profile,
        "The set of tier policies to begin with. `custom` is `balanced` under another name."
    ),
    field!(
        "slice",
        Kind::Duration(MIN_SLICE, MAX_SLICE),
        None,
        |draft, _i| draft.config.slice,
        "The longest that a poll may run before it is a violation."
    ),
    field!(
        "runtime.worker_threads",
        Kind::Count(1, MAX_THREADS as u64),
        Some("auto"),
        |draft, _i| draft.runtime.worker_threads,
        "Workers that serve tasks; `auto` is `TOKIO_WORKER_THREADS`, else one a processor. Read at start only."
    ),
    field!(
        "runtime.reserve_workers",
        Kind::Count(0, MAX_THREADS as u64),
        Some("auto"),
        |draft, _i| draft.runtime.reserve_workers,
        "Workers that stand by for stalled ones; `auto` is four a worker, from 8 (32 without `blocking evidence`) to 64. Read at start only."
    ),
    field!(
        "runtime.stack_signal",
        Kind::Count(0, 29),
        Some("urgent"),
        |draft, _i| draft.runtime.stack_signal,
        "The signal by which a stuck thread is asked for its stack: the real-time signal so many above \
         `SIGRTMIN`; `urgent` is `SIGURG`. Read at start only."
    ),
    policy!(
        "tier.N.name", Kind::Name, None, name, name: String,
        "A name for people."
    ),
    policy!(
        "tier.N.action", Kind::Choice(ACTIONS), None, action, action: InterventionAction,
        "What is done to tasks of the tier. Never milder than at the tier below."
    ),
    policy!(
        "tier.N.promote_after_violations", Kind::Count(1, u32::MAX as u64), Some("never"),
        promotion_violations, promote_after_violations: Option<u32>,
        "So many violations at the tier lead to the next."
    ),
    policy!(
        "tier.N.promote_after_cpu", Kind::Duration(NANOSECOND, HOUR), Some("never"),
        promotion_cpu, promote_after_cpu: Option<Duration>,
        "So much CPU time in violations at the tier leads to the next."
    ),
    policy!(
        "tier.N.promote_after_slow_polls", Kind::Count(1, u32::MAX as u64), Some("never"),
        promotion_slow_polls, promote_after_slow_polls: Option<u32>,
        "So many slow polls in a row, neither good nor violations, lead to the next tier."
    ),
    policy!(
        "tier.N.demote_after_good_polls", Kind::Count(1, u32::MAX as u64), None,
        demotion_good_polls, demote_after_good_polls: u32,
        "So many good polls without a violation in between lead to the tier below."
    ),
    policy!(
        "tier.N.minimum_time", Kind::Duration(Duration::ZERO, HOUR), None,
        minimum_time, minimum_time: Duration,
        "But not before a task has been at the tier for so long."
    ),
    policy!(
        "tier.N.good_poll_cpu", Kind::Duration(NANOSECOND, HOUR), None,
        good_poll_cpu, good_poll_cpu: Duration,
        "A poll that used at most so much CPU is a good one. At most the slice."
    ),
    field!(
        "priority.P.budget",
        Kind::Factor(0.01, 1000.0),
        None,
        |draft, priority| draft.config.budgets[priority],
        "Stretches the slice of tasks of the priority."
    ),
    field!(
        "priority.P.patience",
        Kind::Factor(0.01, 1000.0),
        None,
        |draft, priority| draft.config.patience[priority],
        "Stretches what it takes to promote tasks of the priority."
    ),
    field!(
        "suspects.limit",
        Kind::Count(16, 1_000_000),
        None,
        |draft, _i| draft.config.suspects_limit,
        "Tasks on record at most."
    ),
    field!(
        "suspects.forget_after",
        Kind::Duration(Duration::from_millis(100), HOUR),
        None,
        |draft, _i| draft.config.suspects_forget_after,
        "A record that was not touched for so long may be dropped."
    ),
    field!(
        "sites.offenders",
        Kind::Count(1, 1000),
        None,
        |draft, _i| draft.config.sites_offenders,
        "So many tasks of one spawn site must have offended before new ones from there start as suspects."
    ),
    field!(
        "sites.tier",
        Kind::Count(0, 3),
        None,
        |draft, _i| draft.config.sites_tier,
        "The tier at which they start."
    ),
    field!(
        "sites.fade_after",
        Kind::Duration(Duration::from_millis(100), HOUR),
        None,
        |draft, _i| draft.config.sites_fade_after,
        "The half-life of the evidence against a spawn site."
    ),
    field!(
        "sites.limit",
        Kind::Count(16, 65_536),
        None,
        |draft, _i| draft.config.sites_limit,
        "Spawn sites on record at most."
    ),
    field!(
        "gate.permits",
        Kind::Count(1, 1024),
        Some("auto"),
        |draft, _i| draft.config.gate_permits,
        "So many polls of the slow lane run at once; `auto` is twice the number of \
         processors, or that number where the system has no time slices for threads."
    ),
    field!(
        "lane.threads",
        Kind::Count(0, 64),
        Some("auto"),
        |draft, _i| draft.config.lane_threads,
        "Threads of the lane; `auto` is 2 to 8, by processors and by pressure. 0: no lane, and the gate \
         for all."
    ),
    field!(
        "lane.queue",
        Kind::Count(1, 1_000_000),
        None,
        |draft, _i| draft.config.lane_queue,
        "So many tasks may wait for a thread of the lane. One more is run in place."
    ),
    field!(
        "lane.algorithm",
        Kind::Choice(SchedulingAlgorithm::WORDS),
        None,
        |draft, _i| draft.config.lane_algorithm,
        "Who is next on the lane and at the gate."
    ),
    field!(
        "isolation.quota",
        Kind::Duration(Duration::from_millis(1), HOUR),
        Some("off"),
        |draft, _i| draft.config.isolation_quota,
        "CPU time that all tasks of tiers with `isolate` may use together in each period, on threads of \
         their own; `off`: they run on the lane."
    ),
    field!(
        "isolation.period",
        Kind::Duration(Duration::from_millis(1), Duration::from_secs(1)),
        None,
        |draft, _i| draft.config.isolation_period,
        "The period that the quota is for."
    ),
    field!(
        "squeeze.budget",
        Kind::Count(1, 128),
        None,
        |draft, _i| draft.config.squeeze_budget,
        "Operations, of the 128 that Tokio grants a poll, left to tasks at `yield` and above."
    ),
    field!(
        "demotion.mode",
        Kind::Choice(Demotion::WORDS),
        None,
        |draft, _i| draft.config.demotion,
        "How the kernel is asked to prefer others to a thread that runs an offender (from the action `yield` on)."
    ),
    field!(
        "demotion.slice",
        Kind::Duration(TENTH_MS, Duration::from_millis(100)),
        None,
        |draft, _i| draft.config.demotion_slice,
        "The kernel's time slice of such a thread, where `slices` is the way."
    ),
    field!(
        "warn.per_minute",
        Kind::Count(0, 10_000),
        None,
        |draft, _i| draft.config.warnings_per_minute,
        "So many offences are reported a minute; the others are counted."
    ),
    field!(
        "report.threshold",
        Kind::Duration(Duration::from_millis(1), HOUR),
        Some("off"),
        |draft, _i| draft.config.report_threshold,
        "A stall is reported when it has lasted for so long, then after twice that, and so on; `off`: \
         never. Not before the slice is over."
    ),
    field!(
        "report.per_minute",
        Kind::Count(0, 10_000),
        None,
        |draft, _i| draft.config.reports_per_minute,
        "So many stalls are reported a minute; the others are counted."
    ),
    field!(
        "report.name_for",
        Kind::Duration(Duration::ZERO, HOUR),
        Some("always"),
        |draft, _i| draft.config.report_name_for,
        "For so long after a stall that was half as long as a reported one, each poll notes its task, so \
         that the next report names the task while it is stuck; `always`: from the start."
    ),
];
