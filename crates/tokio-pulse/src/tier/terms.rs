//! What the user has said of a task: by its builder, or by a rule.

use std::time::Duration;

use super::Tier;
use super::sites::Site;
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
