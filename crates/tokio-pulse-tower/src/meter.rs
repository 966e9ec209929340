//! What a request has used so far, where it is polled in place.

use tokio_pulse::task::Scope;

use crate::budget::RequestBudget;
use crate::error::Reason;

/// No allocation and no clock without a CPU budget or a description.
#[derive(Debug)]
pub(crate) struct Meter {
    polls_left: Option<u32>,
    limits_cpu: bool,
    scope: Option<Scope>,
}

impl Meter {
    #[inline]
    pub(crate) fn new(budget: RequestBudget, scope: Option<Scope>) -> Self {
        Self { polls_left: budget.polls(), limits_cpu: budget.cpu().is_some(), scope }
    }

    /// Runs a part of the request, and counts its CPU time if that is limited.
    #[inline]
    pub(crate) fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        match &self.scope {
            Some(scope) => scope.run(f),
            None => f(),
        }
    }

    #[inline]
    pub(crate) fn count_poll(&mut self) {
        if let Some(left) = &mut self.polls_left {
            *left = left.saturating_sub(1);
        }
    }

    /// What is used up. The tasks that the request has spawned may be the ones who used it.
    #[inline]
    pub(crate) fn spent(&self) -> Option<Reason> {
        if self.polls_left == Some(0) {
            return Some(Reason::PollBudget);
        }
        if !self.limits_cpu {
            return None;
        }
        let group = self.scope.as_ref()?.group()?;
        group.is_over_budget().then_some(Reason::CpuBudget)
    }
}
