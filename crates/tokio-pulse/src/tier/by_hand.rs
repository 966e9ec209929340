//! What somebody sets for one task while it runs.
//!
//! It is kept with the task's record, comes on top of all rules, and is gone with the record: see
//! [`TierManager::set_task`].

use std::fmt;
use std::time::Duration;

use tokio::task::Id;

use super::Tier;
use super::manager::TierManager;
use super::report::SuspectReport;
use super::suspect::Suspect;
use super::terms::{Terms, terms};
use crate::config::{ConfigError, SiteTerms};
use crate::task::TaskPriority;

/// What somebody sets for one task; what is `None` is as the rules and its spawner say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskTerms {
    /// Where it is from now on, and below which it does not fall by itself. At [`Tier::Zero`] its record
    /// is cleared.
    pub tier: Option<Tier>,
    /// Its priority.
    pub priority: Option<TaskPriority>,
    /// How long a poll may take.
    pub budget: Option<Duration>,
}

impl TaskTerms {
    /// What holds for the task, if `terms` do without this.
    pub(super) fn upon(self, terms: Terms) -> Terms {
        Terms {
            priority: self.priority.unwrap_or(terms.priority),
            budget: self.budget.or(terms.budget),
            floor: self.tier.unwrap_or(terms.floor),
        }
    }
}

/// The task is not on record: only those are that have offended, or are feared to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOnRecord;

impl fmt::Display for NotOnRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task is not on record; set what is to hold for its spawn site instead")
    }
}

impl std::error::Error for NotOnRecord {}

impl TierManager {
    /// Sets tier, priority and budget of a task on record, from its next poll on. It comes on top of all
    /// rules and of what was set before; `TaskTerms::default()` takes back what was.
    ///
    /// It is kept for as long as the task is polled at least once an hour. When the record is full of
    /// such tasks, the one that was not polled for longest is forgotten.
    ///
    /// # Errors
    ///
    /// When the task is not on record, or exempt by a rule.
    pub fn set_task(&self, task: Id, set: TaskTerms) -> Result<SuspectReport, NotOnRecord> {
        let (config, now) = (self.config(), self.now());
        let change = |suspect: &mut Suspect| {
            let context = suspect.description.as_deref();
            // `None`: exempt since a moment ago.
            let terms = terms(&config, suspect.site, context)?;
            suspect.is_judged().then(|| {
                suspect.set_by_hand(set, terms, now);
                suspect.clone()
            })
        };
        let changed = self.suspects_on_record().with(task, change).flatten();
        changed.map(|suspect| self.report(task, suspect)).ok_or(NotOnRecord)
    }

    /// The task on record with that number, which is how ids are written.
    pub fn suspect_numbered(&self, number: u64) -> Option<SuspectReport> {
        let number = number.to_string();
        let mut found = None;
        self.suspects_on_record().each(|task, suspect| {
            if found.is_none() && suspect.is_judged() && task.to_string() == number {
                found = Some((task, suspect.clone()));
            }
        });
        found.map(|(task, suspect)| self.report(task, suspect))
    }

    /// As [`ConfigHandle::set`](crate::ConfigHandle::set), in force at once.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_config<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), ConfigError> {
        self.config_handle().set(values)?;
        self.tidy(self.now());
        Ok(())
    }

    /// As [`ConfigHandle::set_since`](crate::ConfigHandle::set_since), in force at once.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_config_since<'a>(
        &self,
        revision: u64,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), ConfigError> {
        self.config_handle().set_since(revision, values)?;
        self.tidy(self.now());
        Ok(())
    }

    /// As [`ConfigHandle::set_site`](crate::ConfigHandle::set_site), in force at once.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_site(&self, pattern: &str, terms: Option<SiteTerms>) -> Result<(), ConfigError> {
        self.config_handle().set_site(pattern, terms)?;
        self.tidy(self.now());
        Ok(())
    }
}
