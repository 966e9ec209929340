//! Who it is that stays on a lane: what is measured of it, and where that is told.

use std::sync::Arc;

use tokio::task::Id;

use super::queue::Flow;
use crate::task::context::{self, TaskContext};
use crate::task::span::TaskSpan;
use crate::tier::TierManager;
use crate::tier::sites::Site;
use crate::tier::treatment::{Measured, Stopwatch};
use crate::trace::Intervention;

/// A task on a lane.
#[derive(Debug)]
pub(crate) struct Traveller {
    pub(crate) task: Id,
    pub(crate) flow: Flow,
    pub(crate) site: Site,
    pub(crate) context: Option<Arc<TaskContext>>,
    pub(crate) tiers: TierManager,
    /// The user has sent it, for good: its behaviour has no say in it.
    pub(crate) settled: bool,
    isolated: bool,
    span: TaskSpan,
}

impl Traveller {
    pub(crate) fn new(
        task: Id,
        site: Site,
        context: Option<Arc<TaskContext>>,
        tiers: TierManager,
        settled: bool,
        isolated: bool,
        span: TaskSpan,
    ) -> Self {
        let own = context.as_ref().and_then(|context| context.priority());
        let priority = tiers.priority_of(task).or(own).unwrap_or_default();
        let group = context.as_ref().and_then(|context| context.group());
        let flow = group.map_or_else(
            || Flow::of_task(task, priority),
            |group| Flow::of_group(group.id(), priority),
        );
        Self { task, flow, site, context, tiers, settled, isolated, span }
    }

    /// The span of a poll that is about to begin.
    pub(crate) fn trace(&self) -> Intervention {
        self.tiers.trace_on_lane(self.task, self.site)
    }

    /// One poll, in the task's own context.
    pub(crate) fn measure<R>(&self, poll: impl FnOnce() -> R) -> (R, Measured) {
        let _entered = self.context.as_ref().map(|context| context::enter(context, self.task));
        let _shown = self.span.enter();
        let stopwatch = Stopwatch::start();
        let result = poll();
        (result, stopwatch.stop(true))
    }

    /// Tells what a poll came to. Whether the next one is to be on the lane as well.
    pub(crate) fn stays(&self, measured: Measured, span: Intervention) -> bool {
        let group = self.context.as_ref().and_then(|context| context.group());
        if let Some(group) = group {
            group.charge(measured.cpu.unwrap_or(measured.lasted));
        }
        if self.settled {
            span.end(measured.outcome(None));
            return true;
        }
        let context = self.context.as_ref();
        let judged = self.tiers.judge_on_lane(self.task, self.site, context, measured, span);
        let stays = judged || group.is_some_and(|group| group.is_over_budget());
        // To another lane by way of its home.
        stays && self.tiers.isolates(self.task) == self.isolated
    }
}
