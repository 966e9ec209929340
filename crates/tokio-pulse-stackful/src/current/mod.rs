//! What runs on this thread, and whether it may be set aside now.
//!
//! Two kinds of code read and write this: the thread itself, and its signal handler. A handler runs
//! between two instructions of the thread, so that plain loads and stores of atomics are enough, with
//! compiler fences where the order counts.
//!
//! * `seat`: the thread's part, from its first generator to its end.
//! * `scope`: what is known of one generator, and which poll runs on it.
//! * `depth`: sections without preemption, and the preemption that is to be made up for.
//! * `decide`: whether the interrupted poll may be left, or why not.
//! * `switch`: leaving it, from the handler or at a safe point.

mod decide;
mod depth;
mod scope;
mod seat;
mod switch;

pub(crate) use decide::Interrupted;
pub(crate) use depth::{Section, enter_no_preempt, leave_no_preempt};
pub(crate) use scope::Scope;
pub(crate) use scope::Subject;
pub(crate) use seat::{mark_region, overflowed, slot, swap_scope};
pub(crate) use switch::{Ended, note_resumption, on_tick, safe_point, yield_if_pending};

/// The size of the guard at a stack's end, as far as a fault is taken for an overflow of it. On Windows it
/// holds the pages that move as the stack grows, and those that are kept for who handles the overflow. On
/// macOS it is the larger of the two sizes of pages.
const GUARD: usize = if cfg!(windows) {
    32 << 10
} else if cfg!(target_os = "macos") {
    16 << 10
} else {
    4 << 10
};
