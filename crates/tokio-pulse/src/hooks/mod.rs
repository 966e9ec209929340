//! The public extension point: code of the user's around every poll.

pub(crate) mod dispatch;
mod registry;

use std::marker::PhantomData;
use std::panic::Location;

use tokio::task::Id;

pub use registry::HookRegistry;

/// What may be done around the polls of all tasks of a runtime.
///
/// All methods are called on the thread that polls, and hold it up: keep them short. A panic in one
/// of them is caught and counted, and the poll goes on. Pulse's own tasks are left out.
///
/// [`TierManager`](crate::TierManager) is Pulse's own implementation.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
/// use tokio_pulse::{HookRegistry, PollContext, PreemptionHooks};
///
/// #[derive(Default)]
/// struct Yields(AtomicUsize);
///
/// impl PreemptionHooks for Yields {
///     fn on_yield(&self, _task: &PollContext<'_>) {
///         self.0.fetch_add(1, Relaxed);
///     }
/// }
///
/// let yields = Arc::new(Yields::default());
/// let registry = HookRegistry::new();
/// registry.add(yields.clone());
/// ```
pub trait PreemptionHooks: Send + Sync + 'static {
    /// A poll is about to begin.
    fn before_poll(&self, task: &PollContext<'_>) {
        let _ = task;
    }

    /// The poll has ended. Every `before_poll` has its `after_poll`, on the same thread and the
    /// same hooks, also when they were removed meanwhile or the task panicked.
    fn after_poll(&self, task: &PollContext<'_>) {
        let _ = task;
    }

    /// The poll has ended, and the task is not done. Called before `after_poll`.
    fn on_yield(&self, task: &PollContext<'_>) {
        let _ = task;
    }

    /// The task is done: it has returned, panicked or been cancelled. Called within its last poll,
    /// or without any poll for a task that was cancelled while it waited.
    fn on_complete(&self, task: &PollContext<'_>) {
        let _ = task;
    }
}

/// The task that is polled.
#[derive(Clone, Copy, Debug)]
pub struct PollContext<'a> {
    id: Id,
    spawned_at: &'static Location<'static>,
    /// Room for what lives as long as the poll only.
    _poll: PhantomData<&'a ()>,
}

impl PollContext<'_> {
    pub(crate) fn new(id: Id, spawned_at: &'static Location<'static>) -> Self {
        Self { id, spawned_at, _poll: PhantomData }
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }
}
