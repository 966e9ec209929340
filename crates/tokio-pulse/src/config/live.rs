//! Reading and changing the configuration in force by the names of its keys.

use std::sync::Arc;
use std::time::Duration;

use super::layers::{Assignment, lay};
use super::provenance::Provenance;
use super::{ConfigError, ConfigHandle, Origin, Rule, Setting, TierConfig, keys};
use crate::task::TaskPriority;
use crate::tier::Tier;

/// Rules are tried one after the other for each poll that is judged.
const MAX_SITES: usize = 64;

/// The configuration at one moment, for people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConfigView {
    /// The values.
    pub config: Arc<TierConfig>,
    /// Each key, in the order of the documentation. Of those that are read at start only, what the
    /// runtime was started with.
    pub settings: Vec<Setting>,
    /// Grows with each change.
    pub revision: u64,
}

/// What is to hold for the tasks of a spawn site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteTerms {
    /// Where they start, and below which they never fall.
    pub tier: Option<Tier>,
    /// Their priority.
    pub priority: Option<TaskPriority>,
    /// Their slice, in place of the common one.
    pub budget: Option<Duration>,
    /// They are never escalated; not beside a tier.
    pub exempt: bool,
}

impl ConfigHandle {
    /// The configuration with the origin of each value.
    pub fn view(&self) -> ConfigView {
        let updating = self.updating();
        let config = self.current();
        let (settings, revision) = (updating.settings(&config), updating.revision());
        ConfigView { config, settings, revision }
    }

    /// Grows with each change of the configuration.
    pub fn revision(&self) -> u64 {
        self.updating().revision()
    }

    /// Sets any number of keys, all of them or none, by names and values as in the environment.
    ///
    /// Another profile takes the place of all values that nobody has set by themselves.
    ///
    /// ```
    /// use tokio_pulse::{ConfigHandle, TierConfig};
    ///
    /// let handle = ConfigHandle::new(TierConfig::default());
    /// handle.set([("slice", "5ms"), ("lane.threads", "2")])?;
    /// let refused = handle.set([("slice", "20ms"), ("lane.threads", "many")]).unwrap_err();
    /// assert_eq!(refused.key(), Some("lane.threads"));
    /// assert_eq!(handle.current().slice().as_millis(), 5);
    /// # Ok::<(), tokio_pulse::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a key does not exist or is read at start only, when a value would not do, and when the
    /// values do not go together; nothing has changed then.
    pub fn set<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), ConfigError> {
        self.set_upon(None, values)
    }

    /// As [`set`](Self::set), if nobody has changed anything since the [revision](Self::revision) that was
    /// looked at: of several who do so at a time one succeeds.
    ///
    /// ```
    /// use tokio_pulse::{ConfigHandle, TierConfig};
    ///
    /// let handle = ConfigHandle::new(TierConfig::default());
    /// let seen = handle.revision();
    /// handle.set_since(seen, [("slice", "5ms")])?;
    /// assert!(handle.set_since(seen, [("slice", "20ms")]).unwrap_err().is_outdated());
    /// # Ok::<(), tokio_pulse::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As of [`set`](Self::set), and when somebody has.
    pub fn set_since<'a>(
        &self,
        revision: u64,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), ConfigError> {
        self.set_upon(Some(revision), values)
    }

    fn set_upon<'a>(
        &self,
        expected: Option<u64>,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), ConfigError> {
        let mut updating = self.updating();
        must_be_at(expected, &updating)?;
        let resolved = laid_upon(&updating, &self.load(), values)?;
        updating.adopt(&resolved);
        self.publish(&mut updating, resolved.config);
        Ok(())
    }

    /// What [`set`](Self::set) would come to. Changes nothing.
    ///
    /// # Errors
    ///
    /// As of [`set`](Self::set).
    pub fn try_set<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<ConfigView, ConfigError> {
        self.try_set_since(None, values)
    }

    /// What [`set_since`](Self::set_since) would come to, or [`set`](Self::set) without a revision. Changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// As of those.
    pub fn try_set_since<'a>(
        &self,
        revision: Option<u64>,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<ConfigView, ConfigError> {
        let updating = self.updating();
        must_be_at(revision, &updating)?;
        let resolved = laid_upon(&updating, &self.load(), values)?;
        Ok(ConfigView {
            config: Arc::new(resolved.config),
            settings: resolved.settings,
            revision: updating.revision(),
        })
    }

    /// Sets what holds for the tasks of a spawn site, by a rule in front of all others; of all that was
    /// set before for the same pattern, nothing holds any more. `None` takes the rule away.
    ///
    /// Like all updates it is gone when a file is read again.
    ///
    /// ```
    /// use tokio_pulse::{ConfigHandle, Tier, TierConfig, config::SiteTerms};
    ///
    /// let handle = ConfigHandle::new(TierConfig::default());
    /// let heavy = SiteTerms { tier: Some(Tier::Two), ..SiteTerms::default() };
    /// handle.set_site("src/report.rs:10:5", Some(heavy))?;
    /// assert_eq!(handle.current().rules()[0].tier(), Some(Tier::Two));
    /// handle.set_site("src/report.rs:10:5", None)?;
    /// assert!(handle.current().rules().is_empty());
    /// # Ok::<(), tokio_pulse::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the pattern or a value would not do, when nothing is set, and when there are 64 such rules.
    pub fn set_site(&self, pattern: &str, terms: Option<SiteTerms>) -> Result<(), ConfigError> {
        let rule = terms.map(|terms| terms.rule(pattern)).transpose()?;
        let mut updating = self.updating();
        let mut config = TierConfig::clone(&self.load());
        config.rules.retain(|rule| !(rule.is_set_by_hand() && rule.site() == Some(pattern)));
        if let Some(rule) = rule {
            if config.rules.iter().filter(|rule| rule.is_set_by_hand()).count() >= MAX_SITES {
                let expected = format!("rules for at most {MAX_SITES} sites; take one away first");
                return Err(ConfigError::value("rule", "one more", expected));
            }
            config.rules.insert(0, rule);
        }
        self.publish_changed(&mut updating, config);
        Ok(())
    }

    /// What [`set_site`](Self::set_site) has set for that pattern.
    pub fn site_terms(&self, pattern: &str) -> Option<SiteTerms> {
        let config = self.load();
        let mut by_hand = config.rules.iter().filter(|rule| rule.is_set_by_hand());
        let rule = by_hand.find(|rule| rule.site() == Some(pattern))?;
        Some(SiteTerms {
            tier: rule.tier(),
            priority: rule.priority(),
            budget: rule.budget(),
            exempt: rule.is_exempt(),
        })
    }
}

fn must_be_at(expected: Option<u64>, now: &Provenance) -> Result<(), ConfigError> {
    match expected.filter(|&expected| expected != now.revision()) {
        Some(expected) => Err(ConfigError::outdated(expected, now.revision())),
        None => Ok(()),
    }
}

/// What somebody has set stays, and what is set now comes on top.
fn laid_upon<'a>(
    before: &Provenance,
    config: &TierConfig,
    values: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<super::Resolved, ConfigError> {
    let draft = before.draft(config);
    let kept = keys::all().iter().filter(|key| before.origin(key).is_explicit());
    let mut assignments: Vec<_> = kept
        .map(|key| Assignment { key, value: key.get(&draft), origin: before.origin(key).clone() })
        .collect();
    for (name, text) in values {
        let key = keys::find(name)?;
        if key.is_start_only() {
            return Err(ConfigError::start_only(name));
        }
        assignments.push(Assignment { key, value: key.parse(text)?, origin: Origin::Update });
    }
    lay(assignments, config.rules.clone())
}

impl SiteTerms {
    fn rule(self, pattern: &str) -> Result<Rule, ConfigError> {
        let mut builder = Rule::builder().site(pattern);
        if let Some(tier) = self.tier {
            builder = builder.tier(tier);
        }
        if let Some(priority) = self.priority {
            builder = builder.priority(priority);
        }
        if let Some(budget) = self.budget {
            builder = builder.budget(budget);
        }
        if self.exempt {
            builder = builder.exempt();
        }
        let mut rule = builder.build()?;
        rule.by_hand = true;
        Ok(rule)
    }
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "live_tests.rs"]
mod tests;
