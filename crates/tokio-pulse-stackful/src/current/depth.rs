//! How deep the thread is in sections without preemption, and whether one is to be made up for.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::*, compiler_fence};

thread_local! {
    // Constants without a destructor: no lazy set-up, so that a handler may read them.
    static DEPTH: AtomicU32 = const { AtomicU32::new(0) };
    static PENDING: AtomicBool = const { AtomicBool::new(false) };
}

/// A function of its own, which no handler leaves in the middle: another poll that ran between the
/// read and the write could change the number.
#[inline(never)]
pub(crate) fn enter_no_preempt() {
    DEPTH.with(|depth| depth.store(depth.load(Relaxed).wrapping_add(1), Relaxed));
    compiler_fence(SeqCst);
}

/// Does not switch.
#[inline(never)]
pub(crate) fn leave_no_preempt() {
    compiler_fence(SeqCst);
    DEPTH.with(|depth| depth.store(depth.load(Relaxed).wrapping_sub(1), Relaxed));
}

pub(super) fn is_no_preempt() -> bool {
    DEPTH.with(|depth| depth.load(Relaxed)) > 0
}

/// Whether a preemption was refused since the poll began or was resumed.
pub(super) fn is_pending() -> bool {
    PENDING.with(|pending| pending.load(Relaxed))
}

pub(super) fn set_pending(pending: bool) {
    PENDING.with(|flag| flag.store(pending, Relaxed));
}

/// No preemption while it lives, and nothing made up for at its end: the caller may be anybody.
#[derive(Debug)]
#[must_use]
pub(crate) struct Section(());

impl Section {
    #[inline]
    pub(crate) fn enter() -> Self {
        enter_no_preempt();
        Self(())
    }
}

impl Drop for Section {
    #[inline]
    fn drop(&mut self) {
        leave_no_preempt();
    }
}
