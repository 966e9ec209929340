//! The budget of one task.
//!
//! Each field is one word of its own, and `Relaxed` is enough for all of them: a word publishes no
//! other data, and nobody decides anything by two words that have to agree. A reader on another
//! thread sees values that were there, perhaps a moment ago; right after a
//! [`reset`](TaskBudget::reset) it may see one new word and one old.
//!
//! The task is the only one who spends, so spending is a plain load and a plain store: no locked
//! instruction. That a task wanders between threads changes nothing, because the runtime orders its
//! polls one after the other.

use std::mem::offset_of;
// Not through `crate::sync`: loom's atomics are larger, and there is no protocol here to model.
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::Tier;

/// What a task may do before it should let others run: so many operations, until a deadline.
///
/// **Operations** are whatever the caller counts: polls, turns of a loop, messages.
///
/// **Time is a value.** Deadlines and "now" are nanoseconds since a start that the caller chooses
/// once and keeps to, such as an [`Instant`](std::time::Instant) taken at the beginning; 64 bits of
/// them last for 584 years. A deadline of 0 ([`NO_DEADLINE`](Self::NO_DEADLINE)) never comes. No
/// method reads a clock.
///
/// **One spends, all may look.** Only the task itself, in its polls, calls
/// [`decrement`](Self::decrement) and [`reset`](Self::reset); if two threads did at the same time,
/// one of the two could be lost, and nothing worse. The other methods are for any thread.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tokio_pulse::TaskBudget;
///
/// let start = Instant::now();
/// let now_ns = || start.elapsed().as_nanos() as u64;
/// let slice_ns = Duration::from_secs(3600).as_nanos() as u64;
///
/// let budget = TaskBudget::new(1_000, now_ns() + slice_ns);
/// let mut turns = 0;
/// while budget.decrement() && !budget.is_expired(now_ns()) {
///     turns += 1;
/// }
/// assert_eq!(turns, 1_000);
/// assert_eq!(size_of::<TaskBudget>(), 16);
/// ```
#[derive(Debug)]
// The largest first, so that nothing but the end is padding.
#[repr(C, align(16))]
pub struct TaskBudget {
    deadline_ns: AtomicU64,
    remaining: AtomicU32,
    tier: AtomicU8,
}

const _: () = {
    assert!(size_of::<TaskBudget>() == 16);
    assert!(align_of::<TaskBudget>() == 16);
    assert!(offset_of!(TaskBudget, deadline_ns) == 0);
    assert!(offset_of!(TaskBudget, remaining) == 8);
    assert!(offset_of!(TaskBudget, tier) == 12);
};

impl TaskBudget {
    /// The deadline that never comes, in nanoseconds.
    ///
    /// ```
    /// use tokio_pulse::TaskBudget;
    ///
    /// assert!(!TaskBudget::new(1, TaskBudget::NO_DEADLINE).is_expired(u64::MAX));
    /// ```
    pub const NO_DEADLINE: u64 = 0;

    /// So many operations, until `deadline_ns` nanoseconds after the caller's start; at
    /// [`Tier::Zero`].
    ///
    /// ```
    /// use tokio_pulse::{TaskBudget, Tier};
    ///
    /// let budget = TaskBudget::new(128, 10_000_000);
    /// assert_eq!((budget.remaining(), budget.deadline_ns()), (128, 10_000_000));
    /// assert_eq!(budget.tier(), Tier::Zero);
    /// ```
    pub const fn new(operations: u32, deadline_ns: u64) -> Self {
        Self {
            deadline_ns: AtomicU64::new(deadline_ns),
            remaining: AtomicU32::new(operations),
            tier: AtomicU8::new(Tier::Zero as u8),
        }
    }

    /// Takes one operation off and says whether there was one left to take. Does not go below 0.
    ///
    /// For the task itself only; see the [type](Self).
    ///
    /// ```
    /// use tokio_pulse::TaskBudget;
    ///
    /// let budget = TaskBudget::new(2, TaskBudget::NO_DEADLINE);
    /// assert!(budget.decrement());
    /// assert!(budget.decrement());
    /// assert!(!budget.decrement()); // spent, and stays so
    /// assert_eq!(budget.remaining(), 0);
    /// ```
    #[inline]
    #[must_use = "`false` means that the budget is spent"]
    pub fn decrement(&self) -> bool {
        let Some(left) = self.remaining.load(Relaxed).checked_sub(1) else { return false };
        self.remaining.store(left, Relaxed);
        true
    }

    /// The operations that are left.
    ///
    /// ```
    /// use tokio_pulse::TaskBudget;
    ///
    /// assert_eq!(TaskBudget::new(7, TaskBudget::NO_DEADLINE).remaining(), 7);
    /// ```
    #[inline]
    pub fn remaining(&self) -> u32 {
        self.remaining.load(Relaxed)
    }

    /// Whether there is a deadline and `now_ns`, in nanoseconds since the caller's start, has
    /// reached it.
    ///
    /// ```
    /// use tokio_pulse::TaskBudget;
    ///
    /// let budget = TaskBudget::new(1, 500);
    /// assert!(!budget.is_expired(499));
    /// assert!(budget.is_expired(500));
    /// ```
    #[inline]
    pub fn is_expired(&self, now_ns: u64) -> bool {
        let deadline_ns = self.deadline_ns.load(Relaxed);
        deadline_ns != Self::NO_DEADLINE && now_ns >= deadline_ns
    }

    /// The deadline in nanoseconds since the caller's start; 0 for none.
    ///
    /// ```
    /// use tokio_pulse::TaskBudget;
    ///
    /// assert_eq!(TaskBudget::new(1, TaskBudget::NO_DEADLINE).deadline_ns(), 0);
    /// ```
    #[inline]
    pub fn deadline_ns(&self) -> u64 {
        self.deadline_ns.load(Relaxed)
    }

    /// Begins anew with so many operations, until `deadline_ns` nanoseconds after the caller's
    /// start. The tier stays.
    ///
    /// For the task itself only; see the [type](Self).
    ///
    /// ```
    /// use tokio_pulse::TaskBudget;
    ///
    /// let budget = TaskBudget::new(0, 500);
    /// budget.reset(128, 1_500);
    /// assert!(budget.decrement());
    /// assert!(!budget.is_expired(500));
    /// ```
    #[inline]
    pub fn reset(&self, operations: u32, deadline_ns: u64) {
        self.remaining.store(operations, Relaxed);
        self.deadline_ns.store(deadline_ns, Relaxed);
    }

    /// The tier that was set last.
    ///
    /// ```
    /// use tokio_pulse::{TaskBudget, Tier};
    ///
    /// assert_eq!(TaskBudget::new(1, TaskBudget::NO_DEADLINE).tier(), Tier::Zero);
    /// ```
    #[inline]
    pub fn tier(&self) -> Tier {
        // Nothing but `set_tier` writes it.
        Tier::ALL[usize::from(self.tier.load(Relaxed))]
    }

    /// Notes the tier of the task. Any thread may, and the last one wins.
    ///
    /// ```
    /// use tokio_pulse::{TaskBudget, Tier};
    ///
    /// let budget = TaskBudget::new(1, TaskBudget::NO_DEADLINE);
    /// budget.set_tier(Tier::Two);
    /// assert_eq!(budget.tier(), Tier::Two);
    /// ```
    #[inline]
    pub fn set_tier(&self, tier: Tier) {
        self.tier.store(tier as u8, Relaxed);
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_counts_down_to_nothing_and_stays_there() {
        let budget = TaskBudget::new(3, TaskBudget::NO_DEADLINE);
        assert_eq!([(); 5].map(|()| budget.decrement()), [true, true, true, false, false]);
        assert_eq!(budget.remaining(), 0);
    }

    #[test]
    fn a_deadline_counts_from_its_own_nanosecond_on_and_none_never_does() {
        let expired = |deadline_ns, now_ns| TaskBudget::new(1, deadline_ns).is_expired(now_ns);
        assert!(!expired(1, 0));
        assert!(expired(1, 1));
        assert!(expired(u64::MAX, u64::MAX));
        assert!(!expired(u64::MAX, u64::MAX - 1));
        assert!(!expired(TaskBudget::NO_DEADLINE, u64::MAX));
    }

    #[test]
    fn a_reset_leaves_the_tier_and_a_tier_leaves_the_rest() {
        let budget = TaskBudget::new(0, 5);
        for tier in Tier::ALL {
            budget.set_tier(tier);
            assert_eq!((budget.remaining(), budget.deadline_ns()), (0, 5));
            assert_eq!(budget.tier(), tier);
        }
        budget.reset(9, 70);
        assert_eq!((budget.remaining(), budget.deadline_ns()), (9, 70));
        assert_eq!(budget.tier(), Tier::Three);
    }

    #[test]
    fn others_may_look_while_the_task_spends() {
        let budget = TaskBudget::new(20_000, TaskBudget::NO_DEADLINE);
        std::thread::scope(|scope| {
            scope.spawn(|| while budget.decrement() {});
            let mut last = u32::MAX;
            while last > 0 {
                let seen = budget.remaining();
                assert!(seen <= last);
                last = seen;
                std::thread::yield_now();
            }
        });
    }
}
