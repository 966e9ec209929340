//! What the user has said of a task: by its builder, or by a rule.

use std::time::Duration;

use tokio::task::Id;

use super::Tier;
use super::manager::TierManager;
use super::record::stretch;
use super::sites::Site;
use super::suspect::Suspect;
use crate::config::{TaskFacts, TierConfig};
use crate::task::{TaskContext, TaskPriority};

/// What the user has said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) priority: TaskPriority,
    /// Instead of the slice of the configuration.
    pub(crate) budget: Option<Duration>,
    /// It never falls below.
    pub(crate) floor: Tier,
}

impl Terms {
    /// How long a poll may take.
    pub(super) fn allowed(self, config: &TierConfig) -> Duration {
        self.budget.unwrap_or_else(|| stretch(config.slice(), config.budget_factor(self.priority)))
    }
}

/// What the user has said of a task: itself, or by a rule. `None` if it is exempt.
pub(super) fn terms(
    config: &TierConfig,
    site: Site,
    context: Option<&TaskContext>,
) -> Option<Terms> {
    let facts = TaskFacts {
        file: site.file,
        line: site.line,
        column: site.column,
        name: context.and_then(TaskContext::name),
        labels: context.map(TaskContext::labels).unwrap_or_default(),
    };
    let rule = config.rule_for(&facts);
    if rule.is_some_and(|rule| rule.is_exempt()) {
        return None;
    }
    let own = context.and_then(TaskContext::priority);
    Some(Terms {
        // A rule is written by whoever runs the program, and has the last word.
        priority: rule.and_then(|rule| rule.priority()).or(own).unwrap_or_default(),
        budget: rule.and_then(|rule| rule.budget()).or(context.and_then(TaskContext::budget)),
        floor: rule.and_then(|rule| rule.tier()).unwrap_or_default(),
    })
}

/// What counts for one task now, as it is shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "for the feature `tokio-console`")]
pub(crate) struct InForce {
    pub(crate) tier: Tier,
    pub(crate) priority: TaskPriority,
    pub(crate) budget: Duration,
}

#[allow(dead_code, reason = "for the feature `tokio-console`")]
impl TierManager {
    /// What counts for a task, on record or not.
    pub(crate) fn in_force_for(
        &self,
        task: Id,
        site: Site,
        context: Option<&TaskContext>,
    ) -> InForce {
        let config = self.config();
        self.on_record(task, &config).unwrap_or_else(|| {
            let terms = terms(&config, site, context).unwrap_or(Terms {
                priority: TaskPriority::default(),
                budget: None,
                floor: Tier::Zero,
            });
            InForce { tier: terms.floor, priority: terms.priority, budget: terms.allowed(&config) }
        })
    }

    /// As [`in_force_for`](Self::in_force_for), for a task of which it was `before`: cheap while the
    /// task is not on record.
    pub(crate) fn in_force_since<'a>(
        &self,
        task: Id,
        before: InForce,
        who: impl FnOnce() -> (Site, Option<&'a TaskContext>),
    ) -> InForce {
        if before.tier == Tier::Zero && !self.may_be_on_record(task) {
            return before;
        }
        let (site, context) = who();
        self.in_force_for(task, site, context)
    }

    fn on_record(&self, task: Id, config: &TierConfig) -> Option<InForce> {
        let of = |suspect: &mut Suspect| {
            suspect.is_judged().then(|| InForce {
                tier: self.in_force(suspect.tier()),
                priority: suspect.terms.priority,
                budget: suspect.terms.allowed(config),
            })
        };
        self.suspects_on_record().with(task, of).flatten()
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::panic::Location;

    use super::*;
    use crate::config::Rule;

    const MS: Duration = Duration::from_millis(1);

    fn imports() -> TaskContext {
        TaskContext {
            name: Some("import".into()),
            priority: Some(TaskPriority::Critical),
            budget: Some(50 * MS),
            ..TaskContext::default()
        }
    }

    #[test]
    fn without_a_rule_the_task_has_what_its_spawner_said() {
        let config = TierConfig::default();
        let terms = terms(&config, Site::of(Location::caller()), Some(&imports())).unwrap();
        let said = (TaskPriority::Critical, Some(50 * MS), Tier::Zero);
        assert_eq!((terms.priority, terms.budget, terms.floor), said);
        assert_eq!(terms.allowed(&config), 50 * MS);
    }

    #[test]
    fn a_rule_has_the_last_word() {
        let rule = Rule::builder()
            .name("import")
            .priority(TaskPriority::Low)
            .budget(2 * MS)
            .tier(Tier::Two)
            .build()
            .unwrap();
        let config = TierConfig::builder().rule(rule).build().unwrap();
        let site = Site::of(Location::caller());
        let ruled = terms(&config, site, Some(&imports())).unwrap();
        let said = (TaskPriority::Low, Some(2 * MS), Tier::Two);
        assert_eq!((ruled.priority, ruled.budget, ruled.floor), said);
        // And says nothing of others.
        let other = terms(&config, site, None).unwrap();
        assert_eq!((other.priority, other.floor), (TaskPriority::default(), Tier::Zero));
        assert_eq!(other.allowed(&config), config.slice());
    }
}
