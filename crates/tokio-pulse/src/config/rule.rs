//! What holds for certain tasks, without a change to the code that spawns them.

use std::fmt;
use std::time::Duration;

use super::glob::{Pattern, SitePattern, is_printable};
use super::{ConfigError, MAX_SLICE, MIN_SLICE, duration};
use crate::task::TaskPriority;
use crate::tier::Tier;

/// What holds for the tasks that it matches. The first matching rule of a configuration counts,
/// and no other.
///
/// A rule has conditions, which must all hold, and effects; at least one of each.
///
/// ```
/// use tokio_pulse::{Tier, TierConfig, config::{Rule, TaskFacts}};
///
/// let rule = Rule::builder().site("src/report.rs").tier(Tier::Two).build()?;
/// let config = TierConfig::builder().rule(rule).build()?;
///
/// let task = TaskFacts { file: "app/src/report.rs", line: 12, column: 5, name: None, labels: &[] };
/// assert_eq!(config.rule_for(&task).unwrap().tier(), Some(Tier::Two));
/// # Ok::<(), tokio_pulse::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(super) site: Option<SitePattern>,
    pub(super) name: Option<Pattern>,
    pub(super) labels: Vec<(String, String)>,
    priority: Option<TaskPriority>,
    tier: Option<Tier>,
    budget: Option<Duration>,
    exempt: bool,
    pub(super) by_hand: bool,
}

/// What is known of a task.
#[derive(Clone, Copy, Debug)]
pub struct TaskFacts<'a> {
    /// Where it was spawned; empty when that is not known, and then no site matches.
    pub file: &'a str,
    /// The line there, counted from 1.
    pub line: u32,
    /// The column there, counted from 1.
    pub column: u32,
    /// The name that its spawner gave it.
    pub name: Option<&'a str>,
    /// The labels that its spawner gave it, as keys and values.
    pub labels: &'a [(String, String)],
}

impl Rule {
    /// A builder without conditions and effects.
    pub fn builder() -> RuleBuilder {
        RuleBuilder::default()
    }

    /// Whether all conditions hold.
    pub fn matches(&self, task: &TaskFacts<'_>) -> bool {
        let site = self.site.as_ref();
        let name = self.name.as_ref();
        site.is_none_or(|site| site.matches(task.file, task.line, task.column))
            && name.is_none_or(|name| task.name.is_some_and(|found| name.matches(found)))
            && self.labels.iter().all(|label| task.labels.contains(label))
    }

    /// The pattern of the spawn sites that it is for.
    pub fn site(&self) -> Option<&str> {
        self.site.as_ref().map(SitePattern::as_str)
    }

    /// The pattern of the names that it is for.
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(Pattern::as_str)
    }

    /// The labels that a task must have.
    pub fn labels(&self) -> &[(String, String)] {
        &self.labels
    }

    /// Somebody has set it while the runtime ran: [`ConfigHandle::set_site`](super::ConfigHandle::set_site).
    pub fn is_set_by_hand(&self) -> bool {
        self.by_hand
    }

    /// The priority of these tasks.
    pub fn priority(&self) -> Option<TaskPriority> {
        self.priority
    }

    /// Where these tasks start, and below which they never fall.
    pub fn tier(&self) -> Option<Tier> {
        self.tier
    }

    /// How long their polls may take, in place of the common slice and of what the priority makes
    /// of it.
    pub fn budget(&self) -> Option<Duration> {
        self.budget
    }

    /// They are never escalated.
    pub fn is_exempt(&self) -> bool {
        self.exempt
    }
}

/// As in a log: conditions, an arrow, effects.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.labels.iter().map(|(key, value)| format!("label {key}={value}"));
        let conditions = (self.site.iter().map(|site| format!("site {site}")))
            .chain(self.name.iter().map(|name| format!("name {name}")))
            .chain(labels);
        let effects = (self.priority.iter().map(|priority| format!("priority {priority}")))
            .chain(self.tier.iter().map(|tier| format!("tier {tier}")))
            .chain(self.budget.iter().map(|budget| format!("budget {}", duration::text(*budget))))
            .chain(self.exempt.then(|| "exempt".to_owned()));
        let join = |words: Vec<String>| words.join(", ");
        write!(f, "{} -> {}", join(conditions.collect()), join(effects.collect()))
    }
}

/// Builds a [`Rule`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build`"]
pub struct RuleBuilder {
    site: Option<String>,
    name: Option<String>,
    labels: Vec<(String, String)>,
    priority: Option<TaskPriority>,
    tier: Option<Tier>,
    budget: Option<Duration>,
    exempt: bool,
}

impl RuleBuilder {
    /// Matches tasks spawned there: `src/heavy.rs`, `heavy.rs:10`, `jobs/*.rs:*`.
    ///
    /// `*` stands for any run of characters. The pattern begins at any folder of the path, and ends
    /// behind the file, the line or the column. `\` and `/` are the same.
    pub fn site(mut self, pattern: impl Into<String>) -> Self {
        self.site = Some(pattern.into());
        self
    }

    /// Matches tasks whose whole name is like this, `*` standing for any run of characters.
    pub fn name(mut self, pattern: impl Into<String>) -> Self {
        self.name = Some(pattern.into());
        self
    }

    /// Matches tasks with this label. Each call adds a label that a task must have.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((key.into(), value.into()));
        self
    }

    /// Sets their priority.
    pub fn priority(mut self, priority: TaskPriority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sets where they start, and below which they never fall.
    pub fn tier(mut self, tier: Tier) -> Self {
        self.tier = Some(tier);
        self
    }

    /// Sets their slice, in place of the common one.
    pub fn budget(mut self, slice: Duration) -> Self {
        self.budget = Some(slice);
        self
    }

    /// Never escalates them.
    pub fn exempt(mut self) -> Self {
        self.exempt = true;
        self
    }

    /// Checks the rule.
    ///
    /// # Errors
    ///
    /// When it has no condition or no effect, when a pattern or label is empty, longer than 512
    /// bytes or not printable, when the budget is no slice, or when it exempts and sets a tier.
    pub fn build(self) -> Result<Rule, ConfigError> {
        const PATTERN: &str = "a pattern of 1 to 512 printable bytes";
        const LABEL: &str = "labels of the form \"key=value\", each key once";
        if self.site.is_none() && self.name.is_none() && self.labels.is_empty() {
            let expected = "at least one of site, name and label";
            return Err(ConfigError::value("rule", "without a condition", expected));
        }
        if !self.has_effect() {
            let expected = "at least one of priority, tier, budget and exempt";
            return Err(ConfigError::value("rule", "without an effect", expected));
        }
        let refuse = |key: &str, found: &str, expected: &str| {
            ConfigError::value(format!("rule.{key}"), format!("{found:?}"), expected)
        };
        let site = self.site.as_deref().map(|text| SitePattern::new(text).ok_or(("site", text)));
        let name = self.name.as_deref().map(|text| Pattern::new(text).ok_or(("name", text)));
        let pattern = |(key, text): (&str, &str)| refuse(key, text, PATTERN);
        let site = site.transpose().map_err(pattern)?;
        let name = name.transpose().map_err(pattern)?;
        for (at, (key, value)) in self.labels.iter().enumerate() {
            let twice = self.labels[..at].iter().any(|(earlier, _)| earlier == key);
            // A key with `=` could not be told from its value in a file.
            if twice || key.contains('=') || !is_printable(key) || !is_printable(value) {
                return Err(refuse("label", &format!("{key}={value}"), LABEL));
            }
        }
        if let Some(budget) =
            self.budget.filter(|budget| *budget < MIN_SLICE || *budget > MAX_SLICE)
        {
            let (min, max) = (duration::text(MIN_SLICE), duration::text(MAX_SLICE));
            let expected = format!("a duration from {min} to {max}, as in \"10ms\"");
            return Err(ConfigError::value("rule.budget", duration::text(budget), expected));
        }
        if self.exempt && self.tier.is_some() {
            let expected = "one of the two: exempt tasks have no tier";
            return Err(ConfigError::value("rule.exempt", "beside a tier", expected));
        }
        Ok(Rule {
            site,
            name,
            labels: self.labels,
            priority: self.priority,
            tier: self.tier,
            budget: self.budget,
            exempt: self.exempt,
            by_hand: false,
        })
    }

    fn has_effect(&self) -> bool {
        self.priority.is_some() || self.tier.is_some() || self.budget.is_some() || self.exempt
    }
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "rule_tests.rs"]
mod tests;
