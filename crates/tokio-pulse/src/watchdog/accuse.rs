//! From the verdict on a thread to the task that it polls: the thread itself names the task, when
//! the poll ends. See [`attention`](crate::heartbeat::attention) for the protocol.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::config::TierConfig;
use crate::heartbeat::charge::Charge;
use crate::heartbeat::slot::Slot;
use crate::heartbeat::{Heart, hooks};
use crate::intervene::demote::{Means, Sentence};
use crate::watchdog::scan::{Cause, Memory, Verdict};

/// Tells the thread what follows from a look at it. Returns what was held against a poll that has ended
/// its stall without an answer.
pub(crate) fn note(
    slot: &Slot,
    memory: &Memory,
    verdict: Verdict,
    stall: u64,
    config: &TierConfig,
    heart: &Arc<Heart>,
) -> Option<Charge> {
    match verdict {
        Verdict::StallBegan { cause, .. } => {
            let stalls = &slot.thread.stalls;
            stalls.store(stalls.load(Relaxed) + 1, Relaxed);
            slot.thread.stalled.store(true, Relaxed);
            accuse(slot, memory, cause, stall, config, heart);
        }
        Verdict::StallEnded { .. } => {
            slot.thread.stalled.store(false, Relaxed);
            // Most often the thread has answered already, and there is none.
            return slot.thread.charge.take();
        }
        _ => {}
    }
    None
}

fn accuse(
    slot: &Slot,
    memory: &Memory,
    cause: Cause,
    stall: u64,
    config: &TierConfig,
    heart: &Arc<Heart>,
) {
    let Some(beat) = memory.beat() else { return };
    if !hooks::POLL_HOOKS && !beat.in_poll() {
        // A poll that nobody wrapped: whoever is polled next would be taken for it.
        return;
    }
    // A thread that blocks is in nobody's way. By its slice alone, which does not depend on what it
    // was before: the thread may begin its own treatment at the same moment.
    let demoted = slot.thread.scheduling.filter(|_| cause != Cause::Blocked).map(|thread| {
        Sentence::of(config.demotion(), config.demotion_slice(), false, Means::here())
            .by_slice_alone()
            .carry_out(thread, heart)
    });
    let (since, cpu_then) = memory.first_seen();
    let milestone = memory.milestone();
    let charge = Charge { beat, since, cpu_then, milestone, cause, stall, _demoted: demoted };
    slot.thread.charge.put(charge);
    slot.line.attention.accuse(beat.polls());
    if slot.beat().snapshot() != beat {
        // Too late. If the thread saw it all the same, it has taken the charge, and knows whether it
        // still holds.
        if slot.line.attention.withdraw(beat.polls()) {
            drop(slot.thread.charge.take());
        }
    }
}

/// Nobody watches from here on.
pub(crate) fn let_go(slot: &Slot) {
    slot.line.due.withdraw();
    slot.thread.stalled.store(false, Relaxed);
    drop(slot.thread.charge.take());
}
