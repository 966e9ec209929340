//! Budgets by the thousand in one allocation, and the handle to one of them.
//!
//! Eight budgets share a line. Two tasks that run on two workers at the same moment would slow each
//! other down by writing to one line, so slots that are handed out one after the other lie on
//! different lines: slots 0 to 127 are the first column of all lines, the next 128 the second, and
//! so on. Only with more tasks than a slab has lines do tasks share any, and then it rarely is two
//! of the few that run at one time.

use std::array;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::TaskBudget;
use super::slots::Slots;

/// In bytes: two cache lines, because processors fetch them in pairs.
const LINE: usize = 128;
const COLUMNS: usize = LINE / size_of::<TaskBudget>();
/// Makes 16 KiB of budgets: all that a small program needs, and little beside a thousand tasks.
const LINES: usize = 128;
const WORDS: usize = Slab::BUDGETS / Slots::COUNT;

#[derive(Debug)]
#[repr(align(128))]
struct Line([TaskBudget; COLUMNS]);

#[derive(Debug)]
pub(super) struct Slab {
    lines: [Line; LINES],
    words: [Slots; WORDS],
}

// What the documentation of the pool says about memory; loom's atomics are larger.
#[cfg(not(pulse_loom))]
const _: () = assert!(size_of::<Slab>() == 16 * Slab::BUDGETS + Slab::BUDGETS / 8);

impl Slab {
    pub(super) const BUDGETS: usize = LINES * COLUMNS;

    pub(super) fn new() -> Arc<Self> {
        let unused = || TaskBudget::new(0, TaskBudget::NO_DEADLINE);
        Arc::new(Self {
            lines: array::from_fn(|_| Line(array::from_fn(|_| unused()))),
            words: array::from_fn(|_| Slots::new()),
        })
    }

    /// One that nobody has, as its last owner left it; `None` when each word was full at the moment
    /// it was looked at.
    pub(super) fn take(self: &Arc<Self>) -> Option<PooledBudget> {
        let slot = self.words.iter().enumerate().find_map(|(index, word)| {
            let bit = word.take()?;
            Some(index * Slots::COUNT + bit)
        })?;
        Some(PooledBudget { slab: self.clone(), slot: slot as u32 })
    }

    pub(super) fn taken(&self) -> usize {
        self.words.iter().map(Slots::taken).sum()
    }
}

/// A [`TaskBudget`] out of a [`BudgetPool`](super::BudgetPool), which goes back when this is
/// dropped. 16 bytes, in an `Option` too.
///
/// It may outlive its pool, and be dropped on any thread.
///
/// ```
/// use tokio_pulse::{BudgetPool, TaskBudget};
///
/// let pool = BudgetPool::new();
/// let budget = pool.take(2, TaskBudget::NO_DEADLINE).expect("an empty pool");
/// assert!(budget.decrement());
/// drop(budget);
/// assert_eq!(pool.in_use(), 0);
/// ```
#[must_use = "a budget goes back to its pool when it is dropped"]
pub struct PooledBudget {
    slab: Arc<Slab>,
    // Alone beside the pointer, so that the two are returned in registers. With line and column in
    // its place they would go through memory, and taking one and giving it back last longer.
    slot: u32,
}

const _: () = assert!(size_of::<Option<PooledBudget>>() <= 16);

impl Deref for PooledBudget {
    type Target = TaskBudget;

    #[inline]
    fn deref(&self) -> &TaskBudget {
        let slot = self.slot as usize;
        &self.slab.lines[slot % LINES].0[slot / LINES]
    }
}

impl Drop for PooledBudget {
    fn drop(&mut self) {
        let slot = self.slot as usize;
        self.slab.words[slot / Slots::COUNT].give_back(slot % Slots::COUNT);
    }
}

impl fmt::Debug for PooledBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn line(budget: &PooledBudget) -> usize {
        std::ptr::from_ref::<TaskBudget>(budget).addr() / LINE
    }

    #[test]
    fn the_first_of_a_slab_have_a_line_each_and_then_all_are_used() {
        let slab = Slab::new();
        let all: Vec<_> = std::iter::from_fn(|| slab.take()).collect();
        assert_eq!((all.len(), slab.taken()), (Slab::BUDGETS, Slab::BUDGETS));
        let lines = |budgets: &[PooledBudget]| budgets.iter().map(line).collect::<HashSet<_>>();
        assert_eq!(lines(&all[..LINES]).len(), LINES);
        assert_eq!(lines(&all).len(), LINES);
        drop(all);
        assert_eq!(slab.taken(), 0);
    }
}
