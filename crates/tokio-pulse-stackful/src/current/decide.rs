//! Whether the poll that runs may be left now, or why not.

use std::sync::atomic::{Ordering::*, compiler_fence};

use super::scope::Scope;
use super::seat::Seat;
use super::{GUARD, depth};
use crate::chain::Chain;
use crate::metrics::Refusal;
use crate::platform::{self, Registers, Walker};

/// What the handler and the code after it may still use of a stack.
const HANDLER_ROOM: usize = 32 << 10;

/// What was interrupted.
pub(crate) struct Interrupted {
    pub(crate) registers: Registers,
    /// The signals it blocks.
    pub(crate) mask: u64,
    /// The lock that it waits for in the kernel, by its address.
    pub(crate) waits_for: Option<u64>,
    /// The innermost calls are this crate's, asking for the switch.
    pub(crate) asked: bool,
}

impl Seat {
    /// The generator to leave, or why not. Cheap reasons come first.
    pub(super) fn decide(&self, interrupted: &Interrupted) -> Result<&Scope, Refusal> {
        let scope = self.scope().ok_or(Refusal::Runtime)?;
        let root = scope.root.load(Relaxed);
        if root == 0 {
            return Err(Refusal::Runtime);
        }
        if depth::is_no_preempt() {
            return Err(Refusal::Guarded);
        }
        let marked = scope.marked.load(Relaxed);
        if marked && scope.regions.load(Relaxed) == 0 {
            return Err(Refusal::Unmarked);
        }
        // Reads an atomic and a constant-initialised thread-local without a destructor. The count
        // is raised before the unwinder starts and lowered after it has stopped.
        if std::thread::panicking() {
            return Err(Refusal::Panicking);
        }
        if interrupted.waits_for.is_some() {
            return Err(Refusal::Blocked);
        }
        if interrupted.mask != self.mask {
            return Err(Refusal::Mask);
        }
        let stack = interrupted.registers.stack();
        if !scope.has(stack) {
            return Err(Refusal::ForeignStack);
        }
        if stack - scope.stack.0 < HANDLER_ROOM + GUARD {
            return Err(Refusal::StackLow);
        }
        let described = scope.described.load(Relaxed);
        let chain = Chain { end: scope.stack.1, root, marked, described, asked: interrupted.asked };
        self.with_walker(|walker| platform::check(walker, &interrupted.registers, chain))
            .unwrap_or(Err(Refusal::Runtime))
            .map(|()| scope)
    }

    /// `None` while somebody else uses the walker: a handler that interrupted it, or was interrupted.
    pub(super) fn with_walker<T>(&self, body: impl FnOnce(&mut Walker) -> T) -> Option<T> {
        if self.walking.load(Relaxed) {
            return None;
        }
        self.walking.store(true, Relaxed);
        compiler_fence(SeqCst);
        // SAFETY: this thread's only, and `walking` keeps a handler that comes meanwhile away from
        // it. Nothing in `body` leaves this stack.
        let result = body(unsafe { &mut *self.walker.get() });
        compiler_fence(SeqCst);
        self.walking.store(false, Relaxed);
        Some(result)
    }
}
