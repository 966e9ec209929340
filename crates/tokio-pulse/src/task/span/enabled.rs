//! With the feature `tokio-console`: a span as Tokio makes one for each task under its own feature
//! `tracing`, with more fields.
//!
//! What `console-subscriber` looks for is the name `runtime.spawn` and these fields; it reads them when
//! the span is made and never again. So a task whose tier or terms change gets another span: in
//! tokio-console, the row that it had has ended, and the next one has the same name and `task.id`.

use std::panic::Location;

use tokio::task::Id;
use tracing::Span;
use tracing::span::Entered;

use crate::task::TaskContext;
use crate::tier::sites::Site;
use crate::tier::{InForce, TierManager};

#[derive(Clone, Debug, Default)]
pub(crate) struct TaskSpan(State);

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Untried,
    /// No subscriber wanted it when the task was polled first.
    Unwanted,
    Open(Box<Row>),
}

#[derive(Clone, Debug)]
struct Row {
    span: Span,
    shown: InForce,
}

impl TaskSpan {
    /// Whether [`keep`](Self::keep) has anything to do.
    pub(crate) fn may_be_wanted(&self) -> bool {
        !matches!(self.0, State::Unwanted)
    }

    /// Before a poll: opens the span if there is none, and another one if it is no longer true.
    pub(crate) fn keep(
        &mut self,
        task: Id,
        spawned_at: &'static Location<'static>,
        context: Option<&TaskContext>,
        tiers: Option<&TierManager>,
    ) {
        let Some(tiers) = tiers else { return };
        let site = Site::of(spawned_at);
        let now = match &self.0 {
            State::Unwanted => return,
            State::Untried => tiers.in_force_for(task, site, context),
            State::Open(row) => {
                let now = tiers.in_force_since(task, row.shown, || (site, context));
                if now == row.shown {
                    return;
                }
                now
            }
        };
        let span = open(task, spawned_at, context, now);
        self.0 = match span.is_disabled() {
            true => State::Unwanted,
            false => State::Open(Box::new(Row { span, shown: now })),
        };
    }

    /// For a poll.
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        match &self.0 {
            State::Open(row) => Some(row.span.enter()),
            _ => None,
        }
    }
}

fn open(
    task: Id,
    spawned_at: &'static Location<'static>,
    context: Option<&TaskContext>,
    now: InForce,
) -> Span {
    tracing::trace_span!(
        target: "tokio::task",
        parent: None,
        "runtime.spawn",
        kind = %"pulse",
        task.name = %context.and_then(TaskContext::name).unwrap_or_default(),
        task.id = number(task),
        tier = now.tier as u64,
        priority = %now.priority,
        budget = ?now.budget,
        loc.file = spawned_at.file(),
        loc.line = spawned_at.line(),
        loc.col = spawned_at.column(),
    )
}

/// An id's number is how it is written.
fn number(task: Id) -> u64 {
    task.to_string().parse().unwrap_or_default()
}
