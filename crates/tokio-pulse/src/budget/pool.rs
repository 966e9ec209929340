//! Budgets that are used again.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::slab::{PooledBudget, Slab};

/// More tasks than most services have at one time, in 1 MiB.
const DEFAULT_LIMIT: usize = 65_536;
/// So that a slip of the caller does not ask for a list of slabs that fits no memory.
const MAX_LIMIT: usize = 1 << 24;

/// Hands out [`TaskBudget`](super::TaskBudget)s, so that a task needs no allocation for its own.
///
/// # Memory
///
/// Budgets are made by the slab: 1,024 of them in one allocation of 16.6 kB (16 bytes a budget, a
/// bit each for who is taken, and the head of the allocation). The first is made when it is needed,
/// and the pool grows by one at a time up to its [`limit`](Self::limit). Slabs stay until the pool
/// and all its budgets are dropped, so the memory is that of the most tasks that there ever were at
/// one time. A new pool is a list of 16 bytes for each slab that it may have, 1 KiB by default.
///
/// A task pays 16 bytes for the budget and 16 for the [`PooledBudget`], the handle that it keeps. A
/// `TaskBudget` inside of the future is half of that, and will do wherever only the task itself
/// looks at it.
///
/// # When it is full
///
/// [`take`](Self::take) says `None`, and the caller goes without a budget. It looked at every slab
/// to find that out, which takes longer the more there are.
///
/// # Threads
///
/// Any thread may take, and a budget may be dropped on any. There is no lock, except that who needs
/// a new slab waits for whoever is just making it.
///
/// ```
/// use tokio_pulse::{BudgetPool, TaskBudget};
///
/// let pool = BudgetPool::new();
/// let one = pool.take(128, TaskBudget::NO_DEADLINE).expect("room for 65,536");
/// let other = pool.take(64, 10_000_000).expect("room for 65,536");
/// assert_eq!((one.remaining(), other.remaining()), (128, 64));
/// assert_eq!(pool.in_use(), 2);
/// drop((one, other));
/// assert_eq!(pool.in_use(), 0);
/// ```
pub struct BudgetPool {
    slabs: Box<[OnceLock<Arc<Slab>>]>,
    /// Where a free budget was found last: the next is likely to be there too. A hint and nothing
    /// more, so `Relaxed` will do and lost updates do no harm.
    hint: AtomicUsize,
}

impl BudgetPool {
    /// For up to 65,536 budgets at a time: 1 MiB when all are in use.
    ///
    /// ```
    /// use tokio_pulse::BudgetPool;
    ///
    /// let pool = BudgetPool::new();
    /// assert_eq!((pool.limit(), pool.capacity()), (65_536, 0));
    /// ```
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// For up to so many budgets at a time, rounded up to whole slabs of 1,024 and down to
    /// 16,777,216. A limit of 0 makes a pool that never has any.
    ///
    /// ```
    /// use tokio_pulse::{BudgetPool, TaskBudget};
    ///
    /// assert_eq!(BudgetPool::with_limit(1_500).limit(), 2_048);
    /// assert!(BudgetPool::with_limit(0).take(128, TaskBudget::NO_DEADLINE).is_none());
    /// ```
    pub fn with_limit(budgets: usize) -> Self {
        let slabs = budgets.min(MAX_LIMIT).div_ceil(Slab::BUDGETS);
        Self { slabs: (0..slabs).map(|_| OnceLock::new()).collect(), hint: AtomicUsize::new(0) }
    }

    /// A budget that nobody else has, of so many operations, until `deadline_ns` nanoseconds after
    /// the caller's start, at [`Tier::Zero`](crate::Tier::Zero). `None` when the pool is
    /// [full](Self#when-it-is-full).
    ///
    /// Allocates when every slab is in use and there may be another one.
    ///
    /// ```
    /// use tokio_pulse::{BudgetPool, TaskBudget};
    ///
    /// let pool = BudgetPool::with_limit(1_024);
    /// let take = || pool.take(128, TaskBudget::NO_DEADLINE);
    /// let all: Vec<_> = std::iter::from_fn(take).collect();
    /// assert_eq!(all.len(), 1_024);
    /// assert!(take().is_none());
    /// drop(all);
    /// assert!(take().is_some());
    /// ```
    pub fn take(&self, operations: u32, deadline_ns: u64) -> Option<PooledBudget> {
        let budget = match self.find() {
            Some(budget) => budget,
            None => self.grow()?,
        };
        budget.reset(operations, deadline_ns);
        budget.set_tier(crate::Tier::Zero);
        Some(budget)
    }

    /// How many budgets there can be at one time.
    ///
    /// ```
    /// use tokio_pulse::BudgetPool;
    ///
    /// assert_eq!(BudgetPool::with_limit(4_096).limit(), 4_096);
    /// ```
    pub fn limit(&self) -> usize {
        self.slabs.len() * Slab::BUDGETS
    }

    /// How many budgets have been made so far, in use or not.
    ///
    /// ```
    /// use tokio_pulse::{BudgetPool, TaskBudget};
    ///
    /// let pool = BudgetPool::new();
    /// drop(pool.take(128, TaskBudget::NO_DEADLINE));
    /// assert_eq!(pool.capacity(), 1_024);
    /// ```
    pub fn capacity(&self) -> usize {
        self.made().count() * Slab::BUDGETS
    }

    /// How many budgets are in use; about, while other threads take and give back. Looks at every
    /// slab.
    ///
    /// ```
    /// use tokio_pulse::{BudgetPool, TaskBudget};
    ///
    /// let pool = BudgetPool::new();
    /// let budget = pool.take(128, TaskBudget::NO_DEADLINE);
    /// assert_eq!(pool.in_use(), 1);
    /// drop(budget);
    /// assert_eq!(pool.in_use(), 0);
    /// ```
    pub fn in_use(&self) -> usize {
        self.made().map(|slab| slab.taken()).sum()
    }

    /// Looks through the slabs that are there, the likeliest first.
    fn find(&self) -> Option<PooledBudget> {
        let hint = self.hint.load(Relaxed);
        (hint..self.slabs.len()).chain(0..hint).find_map(|index| {
            let budget = self.slabs[index].get()?.take()?;
            if index != hint {
                self.hint.store(index, Relaxed);
            }
            Some(budget)
        })
    }

    /// Looks once more, and makes the first slab that is missing. Should others take all of that
    /// one in the meantime, it goes on to the next.
    #[cold]
    fn grow(&self) -> Option<PooledBudget> {
        self.slabs.iter().find_map(|slab| slab.get_or_init(Slab::new).take())
    }

    fn made(&self) -> impl Iterator<Item = &Arc<Slab>> {
        self.slabs.iter().filter_map(OnceLock::get)
    }
}

impl Default for BudgetPool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BudgetPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetPool")
            .field("in_use", &self.in_use())
            .field("capacity", &self.capacity())
            .field("limit", &self.limit())
            .finish()
    }
}
