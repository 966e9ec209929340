//! Leaving a poll: from the signal handler, or at a safe point that it came to by itself.

use std::panic::resume_unwind;
use std::sync::atomic::{Ordering::*, compiler_fence};

use super::decide::Interrupted;
use super::depth;
use super::scope::Scope;
use super::seat::{Seat, seat};
use crate::deadlock::{PollPicture, Snapshot};
use crate::generator::Stop;
use crate::metrics::Refusal;
use crate::platform::{self, Registers};

/// What a poll is unwound with when its task has no more use for it.
pub(crate) struct Ended;

/// Notes when a generator was resumed.
///
/// # Safety
///
/// `scope` is valid, belongs to a generator of this thread, and does not run.
pub(crate) unsafe fn note_resumption(scope: *const Scope) {
    // SAFETY: only this thread touches it, and not now, as the caller says.
    unsafe { *(*scope).resumed_at.get() = platform::now_ns() };
}

/// In the signal handler: sets the interrupted poll aside if that is safe. Returns when it is
/// resumed, or at once.
pub(crate) fn on_tick(interrupted: &Interrupted) {
    let came = platform::now_ns();
    let Some(seat) = seat() else { return };
    let (slot, counters) = (&seat.slot, seat.slot.counters());
    slot.note_wait(interrupted.waits_for, came);
    if let Some(mut snapshot) = slot.snapshot().begin() {
        seat.describe(interrupted, &mut snapshot);
    }
    let Some(asked_at) = slot.request() else {
        if !slot.take_look() {
            counters.refused(Refusal::Late);
        }
        return slot.signal_handled();
    };
    match seat.decide(interrupted) {
        Ok(scope) => {
            slot.take_request();
            let now = platform::now_ns();
            counters.preempted(now.saturating_sub(asked_at), now.saturating_sub(came));
            // The interrupted registers, its errno and its floating point control are put back by
            // the handler's end and the kernel.
            slot.signal_handled();
            leave(scope, seat, interrupted.registers);
        }
        Err(refusal) => {
            counters.refused(refusal);
            depth::set_pending(true);
            slot.signal_handled();
        }
    }
}

/// Outside of a handler: makes up for a refused preemption if the caller's chain allows it. Returns
/// whether the poll was set aside, and resumed, in between.
#[inline(never)]
pub(crate) fn yield_if_pending() -> bool {
    if !depth::is_pending() {
        return false;
    }
    let Some(seat) = seat() else { return false };
    let registers = Registers::here();
    let here = Interrupted { registers, mask: seat.mask, waits_for: None, asked: true };
    let scope = match seat.decide(&here) {
        Ok(scope) => scope,
        Err(refusal) => {
            seat.slot.counters().refused(refusal);
            return false;
        }
    };
    seat.slot.take_request();
    seat.slot.counters().yielded();
    let (errno, float) = (platform::Errno::save(), platform::FloatControl::save());
    leave(scope, seat, registers);
    float.restore();
    errno.restore();
    true
}

/// [`yield_if_pending`], where the poll may also be ended: unwinds if its task has no use for it.
#[inline]
pub(crate) fn safe_point() -> bool {
    if !depth::is_pending() {
        return false;
    }
    end_if_told();
    let yielded = yield_if_pending();
    end_if_told();
    yielded
}

#[inline(never)]
fn end_if_told() {
    let ending = seat().and_then(Seat::scope).is_some_and(Scope::is_ending);
    if ending && !std::thread::panicking() {
        resume_unwind(Box::new(Ended));
    }
}

fn leave(scope: &Scope, seat: &Seat, registers: Registers) {
    depth::set_pending(false);
    // SAFETY: read by this thread only, and only while the scope is among those set aside.
    unsafe { *scope.left_at.get() = registers };
    seat.put_aside(scope);
    scope.mode.transition_to_switch();
    compiler_fence(SeqCst);
    let _ = scope.suspend(Stop::Preempted);
    seat.take_back(scope);
    // SAFETY: written by the resumer on this thread before it came here.
    let resumed_at = unsafe { *scope.resumed_at.get() };
    // A poll that is to end does so at its next safe point.
    depth::set_pending(scope.is_ending());
    seat.slot.counters().resumed(platform::now_ns().saturating_sub(resumed_at));
}

impl Seat {
    /// In the signal handler: the stacks of a poll that waits for a lock, and of those set aside.
    fn describe(&self, interrupted: &Interrupted, snapshot: &mut Snapshot<'_>) {
        let (Some(address), Some(running)) = (interrupted.waits_for, self.scope()) else { return };
        let collect = |scope: &Scope, registers: &Registers, poll: &mut PollPicture| {
            poll.set_name(scope.name().unwrap_or_default());
            let end = scope.stack.1;
            let found = self
                .with_walker(|walker| platform::collect(walker, registers, end, poll.frames_mut()));
            poll.set_len(found.unwrap_or(0));
        };
        if running.name().is_none() || !running.has(interrupted.registers.stack()) {
            return;
        }
        snapshot.add(|poll| {
            poll.set_waits_for(address);
            collect(running, &interrupted.registers, poll);
        });
        for scope in self.all_aside() {
            // SAFETY: written before it was put aside, by this thread.
            let left_at = unsafe { *scope.left_at.get() };
            snapshot.add(|poll| collect(scope, &left_at, poll));
        }
    }
}
