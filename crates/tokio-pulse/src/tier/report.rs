//! What people get to read of suspects and sites.

use std::fmt;
use std::time::Duration;

use tokio::task::Id;

use super::by_hand::TaskTerms;
use super::manager::TierManager;
use super::sites::{History, Site};
use super::suspect::{Standing, Suspect};
use super::{InterventionAction, Tier};
use crate::task::TaskPriority;

impl TierManager {
    /// The tasks on record, worst first.
    pub fn suspects(&self) -> Vec<SuspectReport> {
        let mut list: Vec<_> = self
            .suspect_list()
            .into_iter()
            .filter(|(_, suspect)| suspect.is_judged())
            .map(|(task, suspect)| self.report(task, suspect))
            .collect();
        list.sort_by_key(|report| std::cmp::Reverse((report.tier(), report.violations())));
        list
    }

    pub(super) fn report(&self, task: Id, suspect: Suspect) -> SuspectReport {
        let config = self.config();
        let in_force = self.in_force(suspect.tier());
        SuspectReport {
            task,
            in_force,
            action: config.policy(in_force).action(),
            budget: suspect.terms.allowed(&config),
            age: suspect.offended_at.map(|then| self.now().saturating_sub(then)),
            suspect,
        }
    }

    /// The places in the source where offenders were spawned, worst first: a bounded number of
    /// them, and for each what it has cost and what to do about it.
    ///
    /// ```
    /// # #[tokio_pulse::main]
    /// # async fn main() {
    /// for site in tokio_pulse::Handle::current().tiers().spawn_sites() {
    ///     println!("{site}");
    /// }
    /// # }
    /// ```
    pub fn spawn_sites(&self) -> Vec<SiteReport> {
        let mut list: Vec<_> = self
            .site_list()
            .into_iter()
            .map(|(site, history)| SiteReport { site, history })
            .collect();
        list.sort_by_key(|report| std::cmp::Reverse(report.history.violations));
        list
    }
}

/// A task on record, at the moment of the call.
#[derive(Clone, Debug)]
pub struct SuspectReport {
    task: Id,
    in_force: Tier,
    action: InterventionAction,
    budget: Duration,
    age: Option<Duration>,
    suspect: Suspect,
}

impl SuspectReport {
    /// The task.
    pub fn task_id(&self) -> Id {
        self.task
    }

    /// Its name, or that of the part of it that offended last.
    pub fn name(&self) -> Option<&str> {
        self.suspect.description.as_ref().and_then(|context| context.name())
    }

    /// The [id](crate::task::Group::id) of its group, such as that of one request.
    pub fn group_id(&self) -> Option<u64> {
        let context = self.suspect.description.as_ref()?;
        context.group().map(|group| group.id())
    }

    /// How far it has been escalated.
    pub fn tier(&self) -> Tier {
        self.suspect.tier()
    }

    /// What it counts for: one tier more while an alert escalates.
    pub fn tier_in_force(&self) -> Tier {
        self.in_force
    }

    /// What is done to its polls, of those that are expected to offend.
    pub fn action(&self) -> InterventionAction {
        self.action
    }

    /// Its labels, or those of the part of it that offended last.
    pub fn labels(&self) -> &[(String, String)] {
        self.suspect.description.as_ref().map(|context| context.labels()).unwrap_or_default()
    }

    /// How long its polls may take.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// CPU time in its violations.
    pub fn cpu(&self) -> Duration {
        self.suspect.cpu
    }

    /// The longest violation.
    pub fn longest(&self) -> Duration {
        self.suspect.longest
    }

    /// For how long it has not offended; `None` if it never has.
    pub fn last_violation_age(&self) -> Option<Duration> {
        self.age
    }

    /// Whether it can run on the lane: it was spawned through Pulse.
    pub fn is_movable(&self) -> bool {
        self.suspect.movable
    }

    /// What somebody has set for it with [`TierManager::set_task`].
    pub fn set_by_hand(&self) -> Option<TaskTerms> {
        self.suspect.by_hand
    }

    /// Its proven violations.
    pub fn violations(&self) -> u64 {
        self.suspect.violations
    }

    /// What it was said to matter.
    pub fn priority(&self) -> TaskPriority {
        self.suspect.terms.priority
    }

    /// Whether it is here only because of where it was spawned.
    pub fn is_on_probation(&self) -> bool {
        matches!(self.suspect.standing, Standing::Probation { .. })
    }

    /// Where it was spawned: file, line and column.
    pub fn spawned_at(&self) -> (&'static str, u32, u32) {
        let Site { file, line, column } = self.suspect.site;
        (file, line, column)
    }
}

/// What has come from one place in the source, since the runtime began.
///
/// Displays as one line with the advice.
#[derive(Clone, Debug)]
pub struct SiteReport {
    site: Site,
    history: History,
}

/// What would help with the tasks of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Most of its violations were spent asleep in the kernel: use an async counterpart of the
    /// call that blocks, or move it to `spawn_blocking`.
    DoNotBlock,
    /// Most of its violations burned CPU: move the work to `spawn_blocking` or a thread pool, or
    /// break it up with `yield_now`.
    MoveComputation,
}

impl SiteReport {
    /// The file, as the compiler was given it.
    pub fn file(&self) -> &'static str {
        self.site.file
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.site.line
    }

    /// The column, from 1.
    pub fn column(&self) -> u32 {
        self.site.column
    }

    /// Different tasks that have offended.
    pub fn offenders(&self) -> u64 {
        self.history.offenders
    }

    /// Their violations.
    pub fn violations(&self) -> u64 {
        self.history.violations
    }

    /// CPU time burned in violations.
    pub fn cpu(&self) -> Duration {
        self.history.cpu
    }

    /// The longest violation.
    pub fn longest(&self) -> Duration {
        self.history.longest
    }

    /// Whether new tasks from here are on probation now.
    pub fn is_suspect(&self) -> bool {
        self.history.is_suspect()
    }

    /// What to do about it.
    pub fn advice(&self) -> Advice {
        if self.history.blocked * 2 > self.history.violations {
            Advice::DoNotBlock
        } else {
            Advice::MoveComputation
        }
    }
}

impl fmt::Display for SiteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let History { offenders, violations, cpu, longest, .. } = &self.history;
        write!(
            f,
            "{}: violations {violations}, tasks {offenders}, CPU {cpu:.1?}, longest {longest:.1?}: \
             {}",
            self.site,
            self.advice()
        )
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DoNotBlock => {
                "it blocks its thread; use an async counterpart, or move it to spawn_blocking"
            }
            Self::MoveComputation => {
                "it computes for long; move that to spawn_blocking, or yield in between"
            }
        })
    }
}
