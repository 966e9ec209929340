//! What is taken from a stuck thread at once, before anything slow is done with it.

use std::sync::{Mutex, PoisonError};

use tokio_pulse_sys::thread_activity;

use super::limits::Stall;
use super::stacks::{Capture, Capturer, Resolver};
use super::{Stack, StallFacts, StallReport, StallVerdict};

/// The evidence of one moment.
pub(super) struct Examination {
    facts: StallFacts,
    verdict: StallVerdict,
    capture: Capture,
}

impl Examination {
    /// Looks at the thread. The kernel is asked first: the signal wakes a thread that sleeps.
    pub(super) fn of(facts: &StallFacts, capturer: &Capturer) -> Self {
        let activity = thread_activity(facts.tid).ok();
        let verdict = StallVerdict::judge(facts, activity.as_ref());
        Self { facts: facts.clone(), verdict, capture: capturer.capture(facts.tid) }
    }

    pub(super) fn stall(&self) -> Stall {
        (self.facts.tid, self.facts.poll)
    }

    /// Unwinds and finds the names.
    pub(super) fn finish(self, resolver: &Mutex<Resolver>) -> StallReport {
        let mut resolver = resolver.lock().unwrap_or_else(|poisoned| {
            // Whoever panicked in there may have left it half done: it begins anew.
            resolver.clear_poison();
            let mut resolver = PoisonError::into_inner(poisoned);
            std::mem::take(&mut *resolver);
            resolver
        });
        let stack: Stack = resolver.resolve(&self.capture);
        StallReport::new(self.facts, self.verdict, stack)
    }
}
