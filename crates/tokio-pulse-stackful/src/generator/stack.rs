//! Stacks, and those of a thread that wait for their next use.

use std::cell::RefCell;
use std::io;

use corosensei::stack::{DefaultStack, Stack as _};

use crate::current::Section;

/// Of address space; memory is what a task has touched of it.
pub(crate) const DEFAULT_SIZE: usize = 1 << 20;

/// The handler needs its room, and something must be left for the task.
pub(crate) const MIN_SIZE: usize = 64 << 10;

/// Finished stacks that a thread keeps.
const KEPT: usize = 64;

thread_local! {
    static POOL: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

/// One with at least so much room.
pub(crate) fn take(size: usize) -> io::Result<DefaultStack> {
    let size = size.max(MIN_SIZE);
    let _section = Section::enter();
    let fits = |stack: &DefaultStack| stack.base().get() - stack.limit().get() > size;
    let kept = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        let index = pool.iter().rposition(fits)?;
        Some(pool.swap_remove(index))
    });
    kept.ok().flatten().map_or_else(|| DefaultStack::new(size), Ok)
}

pub(crate) fn give_back(stack: DefaultStack) {
    let _section = Section::enter();
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < KEPT {
            pool.push(stack);
        }
    });
}

/// The lowest address, where the guard is, and the highest.
pub(crate) fn bounds(stack: &DefaultStack) -> (usize, usize) {
    (stack.limit().get(), stack.base().get())
}
