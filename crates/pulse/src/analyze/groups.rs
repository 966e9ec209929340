//! Stalls of the same origin, and what they cost together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::advice::{self, Advice};
use super::input::Stall;
use super::line::{Frame, Verdict};

/// The stalls of tasks from one place that were stuck in one function.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) spawned_at: Option<&'a str>,
    pub(super) function: Option<String>,
    pub(super) stalls: Vec<&'a Stall>,
}

/// Stalls by spawn site and first own function, the costliest first.
pub(super) fn of(stalls: &[Stall]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known = HashMap::new();
    for stall in stalls {
        let function = stall.samples.iter().find_map(|s| s.culprit.as_ref()).map(Frame::name);
        let spawned_at = stall.spawned_at();
        let index = *known.entry((spawned_at, function.clone())).or_insert_with(|| {
            groups.push(Group { spawned_at, function, stalls: Vec::new() });
            groups.len() - 1
        });
        groups[index].stalls.push(stall);
    }
    // Stable, so that equals stay in the order of the file.
    groups.sort_by_key(|group| std::cmp::Reverse(group.total_us()));
    groups
}

impl Group<'_> {
    pub(super) fn total_us(&self) -> u64 {
        self.stalls.iter().fold(0, |sum, stall| sum.saturating_add(stall.lasted_us()))
    }

    pub(super) fn longest_us(&self) -> u64 {
        self.stalls.iter().map(|stall| stall.lasted_us()).max().unwrap_or(0)
    }

    pub(super) fn samples(&self) -> usize {
        self.stalls.iter().map(|stall| stall.samples.len()).sum()
    }

    /// Stalls of the same kind that were not reported.
    pub(super) fn merged(&self) -> u64 {
        let samples = self.stalls.iter().flat_map(|stall| &stall.samples);
        samples.fold(0, |sum, sample| sum.saturating_add(sample.repeated))
    }

    /// Microseconds by verdict.
    pub(super) fn verdicts(&self) -> BTreeMap<Verdict, u64> {
        let mut verdicts = BTreeMap::new();
        for stall in &self.stalls {
            for sample in &stall.samples {
                let time: &mut u64 = verdicts.entry(sample.verdict).or_default();
                *time = time.saturating_add(stall.share_us());
            }
        }
        verdicts
    }

    /// Where the culprits are, as `file:line`.
    pub(super) fn places(&self) -> BTreeSet<String> {
        let samples = self.stalls.iter().flat_map(|stall| &stall.samples);
        let place = |frame: &Frame| {
            let file = frame.file.as_ref()?;
            Some(frame.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}")))
        };
        samples.filter_map(|sample| sample.culprit.as_ref().and_then(place)).collect()
    }

    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.stalls.iter().filter_map(|stall| stall.task_name()).collect()
    }

    pub(super) fn calls(&self) -> BTreeSet<&str> {
        let samples = self.stalls.iter().flat_map(|stall| &stall.samples);
        samples.filter_map(|sample| sample.system_call.as_deref()).collect()
    }

    pub(super) fn advice(&self) -> Vec<Advice> {
        advice::of(self)
    }
}
