//! What is taken from a stuck thread at once, before anything slow is done with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_pulse_sys::{StackSignal, thread_activity};

use super::limits::Stall;
use super::stacks::{Capture, Capturer, Resolver, is_unanswered};
use super::{Stack, StallFacts, StallReport, StallVerdict};

/// Examines threads. Clones ask by the same signal.
#[derive(Clone)]
pub(crate) struct Examiner(Arc<Capturer>);

impl Examiner {
    /// Installs the signal handler, if stacks can be had here.
    pub(crate) fn new(signal: StackSignal) -> Self {
        Self(Arc::new(Capturer::new(signal)))
    }

    /// Looks at the thread, and waits for its answer for that long.
    pub(crate) fn examine(&self, facts: &StallFacts, within: Duration) -> Examination {
        // The kernel is asked first: the signal wakes a thread that sleeps.
        let activity = thread_activity(facts.tid).ok();
        let verdict = StallVerdict::judge(facts, activity.as_ref());
        Examination { facts: facts.clone(), verdict, capture: self.0.capture(facts.tid, within) }
    }

    /// Why there are no stacks here; `None` if there are.
    pub(crate) fn missing(&self) -> Option<String> {
        self.0.missing()
    }
}

/// The evidence of one moment.
pub(crate) struct Examination {
    facts: StallFacts,
    verdict: StallVerdict,
    capture: Capture,
}

impl Examination {
    /// The thread has not answered in time, and may if it is asked again.
    pub(crate) fn is_unanswered(&self) -> bool {
        is_unanswered(&self.capture)
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
