//! The first few of the tasks on record: there may be more than anybody can read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Tier;
use super::manager::TierManager;
use super::report::SuspectReport;
use super::sites::Site;
use super::suspect::Suspect;

/// Which tasks on record, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuspectQuery {
    /// The first so many.
    pub limit: usize,
    /// By what.
    pub order: SuspectOrder,
    /// Only those whose name or spawn site contains it, in upper or lower case; empty: all.
    pub filter: String,
    /// Only those of this tier and above.
    pub min_tier: Tier,
}

/// The order of tasks on record, the worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SuspectOrder {
    /// By tier, then by violations.
    #[default]
    Tier,
    /// By violations.
    Violations,
    /// By CPU time in violations.
    Cpu,
    /// Those that have offended last.
    Recent,
    /// By the longest violation.
    Longest,
}

/// The first of the tasks that a [`SuspectQuery`] asks for.
#[derive(Clone, Debug, Default)]
pub struct SuspectPage {
    /// In the order that was asked for.
    pub suspects: Vec<SuspectReport>,
    /// So many match.
    pub matching: usize,
    /// So many are on record.
    pub total: usize,
}

impl TierManager {
    /// The first of the tasks on record, without a copy of all the others.
    ///
    /// ```
    /// use tokio_pulse::SuspectQuery;
    ///
    /// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
    /// let worst = SuspectQuery { limit: 20, ..SuspectQuery::default() };
    /// assert_eq!(runtime.handle().tiers().query(&worst).total, 0);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn query(&self, query: &SuspectQuery) -> SuspectPage {
        let mut page = SuspectPage::default();
        // The least of those that are kept is on top, and goes when there is a better one. Equals are
        // told apart by when they were found, which is the same for two queries of one record.
        let mut best = BinaryHeap::with_capacity(query.limit.min(1024) + 1);
        let mut found = Vec::new();
        self.suspects_on_record().each(|task, suspect| {
            if !suspect.is_judged() {
                return;
            }
            page.total += 1;
            if !query.matches(suspect) {
                return;
            }
            let key = (query.order.key(suspect), Reverse(page.matching));
            page.matching += 1;
            if best.len() < query.limit {
                best.push(Reverse((key, found.len())));
                found.push((task, suspect.clone()));
            } else if let Some(mut least) = best.peek_mut() {
                let Reverse((least_key, place)) = *least;
                if key > least_key {
                    *least = Reverse((key, place));
                    found[place] = (task, suspect.clone());
                }
            }
        });
        let mut found: Vec<_> = found.into_iter().map(Some).collect();
        let places = best.into_sorted_vec().into_iter().map(|Reverse((_, place))| place);
        page.suspects = places
            .filter_map(|place| found[place].take())
            .map(|(task, suspect)| self.report(task, suspect))
            .collect();
        page
    }
}

impl SuspectQuery {
    fn matches(&self, suspect: &Suspect) -> bool {
        suspect.tier() >= self.min_tier
            && (self.filter.is_empty() || {
                let name = suspect.description.as_ref().and_then(|context| context.name());
                let Site { file, line, column } = suspect.site;
                contains(name.unwrap_or_default(), &self.filter)
                    || contains(file, &self.filter)
                    // Under the lock of others: a text is made only for whom it can match.
                    || (self.filter.contains(':')
                        && contains(&format!("{file}:{line}:{column}"), &self.filter))
            })
    }
}

impl SuspectOrder {
    fn key(self, suspect: &Suspect) -> (u128, u64) {
        match self {
            Self::Tier => (suspect.tier().index() as u128, suspect.violations),
            Self::Violations => (0, suspect.violations),
            Self::Cpu => (suspect.cpu.as_nanos(), 0),
            Self::Recent => (suspect.offended_at.unwrap_or_default().as_nanos(), 0),
            Self::Longest => (suspect.longest.as_nanos(), 0),
        }
    }
}

/// Of ASCII letters, case does not matter.
fn contains(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    wanted.is_empty() || text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_found_anywhere_and_in_any_case() {
        assert!(contains("src/Import.rs:10:5", "import.RS:1"));
        assert!(contains("anything", ""));
        assert!(!contains("short", "shorter"));
    }
}
