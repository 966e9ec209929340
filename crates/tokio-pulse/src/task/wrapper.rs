//! The future that a described task runs in.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::context::{self, TaskContext};
use crate::pulse::Core;
use crate::tier::sites::Site;

pin_project! {
    /// Makes its context the current one while it is polled.
    pub(crate) struct Described<F> {
        #[pin]
        future: F,
        context: Arc<TaskContext>,
        spawned_at: &'static Location<'static>,
        // The watch over the runtime that polls: looked for once, found or not.
        core: Option<Option<Arc<Core>>>,
    }
}

impl<F> Described<F> {
    #[track_caller]
    pub(crate) fn new(future: F, context: TaskContext) -> Self {
        let spawned_at = Location::caller();
        Self { future, context: Arc::new(context), spawned_at, core: None }
    }
}

impl<F: Future> Future for Described<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let described = self.project();
        if let Some(core) = described.core.get_or_insert_with(find_core) {
            introduce(core, described.context, described.spawned_at);
        }
        let _entered = context::enter(described.context);
        described.future.poll(cx)
    }
}

#[cold]
fn find_core() -> Option<Arc<Core>> {
    crate::Handle::try_current().ok().map(|handle| handle.core)
}

/// A rule may know the task by its name or labels, which no hook sees.
fn introduce(core: &Core, context: &TaskContext, spawned_at: &'static Location<'static>) {
    if let Some(task) = tokio::task::try_id() {
        if core.tiers.must_introduce(task) {
            core.tiers.introduce(task, Site::of(spawned_at), context);
        }
    }
}
