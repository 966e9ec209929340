//! Where offenders come from.
//!
//! A site is a place in the source where tasks are spawned. Each task that offends for the first
//! time is evidence against its site, each task on probation that behaves is evidence for it, and
//! both fade with time. A site is suspect while enough tasks speak against it, and at least as
//! many as speak for it: a server spawns all its connections at one place, and a few heavy ones
//! must not put all others on probation for long.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::filter::Filter;
use crate::watchdog::scan::Cause;

/// A place in the source, by what it says: two copies of one location are one site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Site {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Site {
    pub(crate) fn of(location: &'static Location<'static>) -> Self {
        Self { file: location.file(), line: location.line(), column: location.column() }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What makes a site suspect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threshold {
    pub(crate) offenders: u32,
    pub(crate) half_life: Duration,
    /// How many sites are remembered.
    pub(crate) limit: usize,
}

/// What is known of one site.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Tasks that speak against it and for it, faded.
    against: f64,
    in_favour: f64,
    faded_at: Duration,
    /// When a task from here offended last.
    offended_at: Duration,
    suspect: bool,
    /// For people; these do not fade.
    pub(crate) offenders: u64,
    pub(crate) violations: u64,
    pub(crate) blocked: u64,
    pub(crate) cpu: Duration,
    pub(crate) longest: Duration,
}

impl History {
    fn fade(&mut self, now: Duration, half_life: Duration) {
        let elapsed = now.saturating_sub(self.faded_at).as_secs_f64();
        let factor = 0.5f64.powf(elapsed / half_life.as_secs_f64());
        self.against *= factor;
        self.in_favour *= factor;
        self.faded_at = now;
    }

    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect
    }
}

/// One proven violation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Violation {
    pub(crate) cpu: Duration,
    pub(crate) lasted: Duration,
    pub(crate) cause: Cause,
    /// It is the first of its task.
    pub(crate) first: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Sites(Mutex<HashMap<Site, History>>);

impl Sites {
    fn lock(&self) -> MutexGuard<'_, HashMap<Site, History>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_suspect(&self, site: Site) -> bool {
        self.lock().get(&site).is_some_and(|history| history.suspect)
    }

    pub(crate) fn offended(
        &self,
        site: Site,
        violation: Violation,
        threshold: Threshold,
        now: Duration,
        filter: &Filter,
    ) {
        let mut sites = self.lock();
        if !sites.contains_key(&site) {
            while sites.len() >= threshold.limit {
                let Some(least) = least(&sites) else { break };
                if sites.remove(&least).is_some_and(|history| history.suspect) {
                    filter.remove(least);
                }
            }
        }
        let history =
            sites.entry(site).or_insert_with(|| History { faded_at: now, ..History::default() });
        history.fade(now, threshold.half_life);
        history.violations += 1;
        history.offended_at = now;
        history.blocked += u64::from(violation.cause == Cause::Blocked);
        history.cpu += violation.cpu;
        history.longest = history.longest.max(violation.lasted);
        if violation.first {
            history.offenders += 1;
            history.against += 1.0;
        }
        judge(site, history, threshold, filter);
    }

    /// A poll of a task on probation was a good one. `weight`: its part of what a task's good
    /// behaviour counts.
    pub(crate) fn behaved(
        &self,
        site: Site,
        weight: f64,
        threshold: Threshold,
        now: Duration,
        filter: &Filter,
    ) {
        if let Some(history) = self.lock().get_mut(&site) {
            history.fade(now, threshold.half_life);
            history.in_favour += weight;
            judge(site, history, threshold, filter);
        }
    }

    /// Lets the evidence fade, and says how many sites are suspect.
    pub(crate) fn fade(&self, threshold: Threshold, now: Duration, filter: &Filter) -> usize {
        let mut suspects = 0;
        for (site, history) in self.lock().iter_mut() {
            history.fade(now, threshold.half_life);
            judge(*site, history, threshold, filter);
            suspects += usize::from(history.suspect);
        }
        suspects
    }

    /// A copy, for people.
    pub(crate) fn list(&self) -> Vec<(Site, History)> {
        self.lock().iter().map(|(site, history)| (*site, history.clone())).collect()
    }
}

/// Evidence of `n` tasks makes a site suspect; once suspect it stays so until half of that is left,
/// or until more speaks for it than against it.
fn judge(site: Site, history: &mut History, threshold: Threshold, filter: &Filter) {
    // Against rounding: three tasks within a second are three, though the first has faded a little.
    let enough = f64::from(threshold.offenders) * if history.suspect { 0.5 } else { 0.9 };
    let suspect = history.against >= enough && history.against >= history.in_favour;
    if suspect && !history.suspect {
        filter.insert(site);
    } else if !suspect && history.suspect {
        filter.remove(site);
    }
    history.suspect = suspect;
}

fn least(sites: &HashMap<Site, History>) -> Option<Site> {
    let weight = |history: &History| (history.suspect, history.offended_at);
    sites.iter().min_by_key(|(_, history)| weight(history)).map(|(site, _)| *site)
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    const SITE: Site = Site { file: "a.rs", line: 1, column: 2 };
    const THRESHOLD: Threshold =
        Threshold { offenders: 3, half_life: Duration::from_secs(60), limit: 2 };
    const FIRST: Violation = Violation {
        cpu: Duration::from_millis(20),
        lasted: Duration::from_millis(25),
        cause: Cause::Computing,
        first: true,
    };

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn suspect_after(violations: &[Violation]) -> (Sites, Filter) {
        let (sites, filter) = (Sites::default(), Filter::new());
        for (at, violation) in violations.iter().enumerate() {
            sites.offended(SITE, *violation, THRESHOLD, secs(at as u64), &filter);
        }
        (sites, filter)
    }

    #[test]
    fn enough_different_tasks_make_a_site_suspect_and_one_task_never_does() {
        let again = Violation { first: false, ..FIRST };
        let (sites, filter) = suspect_after(&[FIRST, again, again, again, again, FIRST]);
        assert!(!sites.is_suspect(SITE) && !filter.may_contain(SITE));
        sites.offended(SITE, FIRST, THRESHOLD, secs(7), &filter);
        assert!(sites.is_suspect(SITE) && filter.may_contain(SITE));
    }

    #[test]
    fn the_memory_fades() {
        let (sites, filter) = suspect_after(&[FIRST; 3]);
        assert_eq!(sites.fade(THRESHOLD, secs(30), &filter), 1);
        assert_eq!(sites.fade(THRESHOLD, secs(300), &filter), 0);
        assert!(!filter.may_contain(SITE));
        let (_, history) = &sites.list()[0];
        assert_eq!((history.offenders, history.violations), (3, 3));
        assert_eq!(history.cpu, Duration::from_millis(60));
    }

    #[test]
    fn innocents_speak_for_their_site() {
        let (sites, filter) = suspect_after(&[FIRST; 3]);
        for _ in 0..4 {
            sites.behaved(SITE, 1.0, THRESHOLD, secs(3), &filter);
        }
        assert!(!sites.is_suspect(SITE) && !filter.may_contain(SITE));
    }

    #[test]
    fn only_so_many_sites_are_remembered_and_suspects_longest() {
        let (sites, filter) = suspect_after(&[FIRST; 3]);
        for line in 10..20 {
            let site = Site { line, ..SITE };
            sites.offended(site, FIRST, THRESHOLD, secs(4), &filter);
        }
        assert_eq!(sites.list().len(), 2);
        assert!(sites.is_suspect(SITE));
    }
}
