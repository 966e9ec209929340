//! The tasks on record, a bounded number of them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::Id;

use super::Tier;
use super::filter::Filter;
use super::suspect::{Standing, Suspect};

/// A suspect takes its shard's lock twice a poll; so many shards keep two of them apart mostly.
const SHARDS: usize = 16;

/// What was set by hand is kept for so long after the last poll of its task. It may have ended since:
/// nobody is told of that.
const BY_HAND: Duration = Duration::from_secs(3600);

/// The table. What is forgotten when it is full: within the shard of the newcomer, the suspect that
/// nobody has set anything for, with the mildest standing and tier, and of these the one that has not been heard of for longest.
#[derive(Debug)]
pub(crate) struct Suspects {
    shards: Box<[Mutex<HashMap<Id, Suspect>>]>,
    hasher: RandomState,
}

impl Suspects {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    fn index(&self, id: Id) -> usize {
        self.hasher.hash_one(id) as usize % SHARDS
    }

    fn shard(&self, index: usize) -> MutexGuard<'_, HashMap<Id, Suspect>> {
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `f` on a suspect; `None` if the task is none.
    pub(crate) fn with<R>(&self, id: Id, f: impl FnOnce(&mut Suspect) -> R) -> Option<R> {
        self.shard(self.index(id)).get_mut(&id).map(f)
    }

    /// Puts a task on record and runs `f` on it. `limit`: how many suspects there may be in all.
    pub(crate) fn with_or_insert<R>(
        &self,
        id: Id,
        limit: usize,
        filter: &Filter,
        new: impl FnOnce() -> Suspect,
        f: impl FnOnce(&mut Suspect) -> R,
    ) -> R {
        let index = self.index(id);
        let mut shard = self.shard(index);
        if !shard.contains_key(&id) {
            while shard.len() >= share(limit, index) {
                let Some(least) = least(&shard) else { break };
                shard.remove(&least);
                filter.remove(least);
            }
            filter.insert(id);
        }
        f(shard.entry(id).or_insert_with(new))
    }

    pub(crate) fn remove(&self, id: Id, filter: &Filter) {
        if self.shard(self.index(id)).remove(&id).is_some() {
            filter.remove(id);
        }
    }

    /// Forgets those that were not heard of since then.
    pub(crate) fn forget_before(&self, then: Duration, filter: &Filter) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|id, suspect| {
                let kept_for = if suspect.by_hand.is_some() { BY_HAND } else { Duration::ZERO };
                let keep = suspect.touched.saturating_add(kept_for) >= then;
                if !keep {
                    filter.remove(id);
                }
                keep
            });
        }
    }

    /// Those against whom something is held, or from whom something is feared.
    pub(crate) fn judged(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
            .map(|shard| shard.values().filter(|suspect| suspect.is_judged()).count())
            .sum()
    }

    /// How many of those are at each tier.
    pub(crate) fn by_tier(&self) -> [usize; Tier::ALL.len()] {
        let mut tiers = [0; Tier::ALL.len()];
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for suspect in shard.values().filter(|suspect| suspect.is_judged()) {
                tiers[suspect.tier().index()] += 1;
            }
        }
        tiers
    }

    /// Shows all of them, a shard at a time under its lock.
    pub(super) fn each(&self, mut f: impl FnMut(Id, &Suspect)) {
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.iter().for_each(|(id, suspect)| f(*id, suspect));
        }
    }

    /// A copy, for people.
    pub(crate) fn list(&self) -> Vec<(Id, Suspect)> {
        let mut list = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            list.extend(shard.iter().map(|(id, suspect)| (*id, suspect.clone())));
        }
        list
    }
}

/// How many of `limit` a shard may have; together they have no more. One at least, for a newcomer is put
/// on record in any case; the configuration takes no limit below the number of shards.
fn share(limit: usize, index: usize) -> usize {
    (limit / SHARDS + usize::from(index < limit % SHARDS)).max(1)
}

fn least(shard: &HashMap<Id, Suspect>) -> Option<Id> {
    let weight = |suspect: &Suspect| {
        let standing = match suspect.standing {
            Standing::Acquitted | Standing::Exempt => 0,
            Standing::Probation { .. } => 1,
            Standing::Offender => 2,
        };
        (suspect.by_hand.is_some(), standing, suspect.record.tier(), suspect.touched)
    };
    shard.iter().min_by_key(|(_, suspect)| weight(suspect)).map(|(id, _)| *id)
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::panic::Location;

    use super::super::sites::Site;
    use super::super::terms::terms;
    use super::*;
    use crate::config::TierConfig;

    const S: Duration = Duration::from_secs(1);

    /// Of tasks that have been.
    fn ids(n: usize) -> Vec<Id> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        (0..n).map(|_| runtime.spawn(async {}).id()).collect()
    }

    fn suspect(standing: Standing, tier: Tier, touched: Duration) -> Suspect {
        let site = Site::of(Location::caller());
        let terms = terms(&TierConfig::default(), site, None).unwrap();
        Suspect::new(tier, site, standing, terms, touched)
    }

    #[test]
    fn there_are_never_more_than_the_limit_and_as_many_as_that() {
        for limit in [16, 17, 31, 1000] {
            let (suspects, filter) = (Suspects::new(), Filter::new());
            for id in ids(10 * limit) {
                let new = || suspect(Standing::Offender, Tier::One, S);
                suspects.with_or_insert(id, limit, &filter, new, |_| ());
                assert!(suspects.list().len() <= limit, "{limit}");
            }
            assert_eq!(suspects.list().len(), limit);
        }
    }

    #[test]
    fn the_mildest_is_forgotten_first_and_of_these_the_oldest() {
        // In the order in which they are to go.
        let mildest_first = [
            suspect(Standing::Acquitted, Tier::Three, 9 * S),
            suspect(Standing::Probation { polls: 0 }, Tier::Three, 8 * S),
            suspect(Standing::Offender, Tier::One, 3 * S),
            suspect(Standing::Offender, Tier::One, 4 * S),
            suspect(Standing::Offender, Tier::Two, S),
        ];
        let ids = ids(mildest_first.len());
        let order = ids.clone();
        let mut shard: HashMap<_, _> = ids.into_iter().zip(mildest_first).collect();
        let forgotten = std::iter::from_fn(|| {
            let id = least(&shard)?;
            shard.remove(&id);
            Some(id)
        });
        assert_eq!(forgotten.collect::<Vec<_>>(), order);
    }

    #[test]
    fn who_was_not_heard_of_is_forgotten_also_by_the_filter() {
        let (suspects, filter) = (Suspects::new(), Filter::new());
        let ids = ids(2);
        for (id, touched) in ids.iter().zip([S, 3 * S]) {
            let new = || suspect(Standing::Offender, Tier::One, touched);
            suspects.with_or_insert(*id, 16, &filter, new, |_| ());
        }
        suspects.forget_before(2 * S, &filter);
        let left: Vec<_> = suspects.list().into_iter().map(|(id, _)| id).collect();
        assert_eq!(left, [ids[1]]);
        assert!(filter.may_contain(ids[1]));
        suspects.forget_before(4 * S, &filter);
        assert!(ids.iter().all(|id| !filter.may_contain(*id)));
    }
}
