//! The future that a described task runs in.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::context::{self, TaskContext};
use crate::tier::sites::Site;

pin_project! {
    /// Makes its context the current one while it is polled.
    pub(crate) struct Described<F> {
        #[pin]
        future: F,
        context: Arc<TaskContext>,
        spawned_at: &'static Location<'static>,
        introduced: bool,
    }
}

impl<F> Described<F> {
    #[track_caller]
    pub(crate) fn new(future: F, context: TaskContext) -> Self {
        let spawned_at = Location::caller();
        Self { future, context: Arc::new(context), spawned_at, introduced: false }
    }
}

impl<F: Future> Future for Described<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let described = self.project();
        if !*described.introduced {
            *described.introduced = true;
            introduce(described.context, described.spawned_at);
        }
        let _entered = context::enter(described.context);
        described.future.poll(cx)
    }
}

/// A rule may know the task by its name or labels, which no hook sees.
fn introduce(context: &TaskContext, spawned_at: &'static Location<'static>) {
    if let (Ok(handle), Some(task)) = (crate::Handle::try_current(), tokio::task::try_id()) {
        handle.core.tiers.introduce(task, Site::of(spawned_at), context);
    }
}
