//! Spawning a task with a description.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{Group, Scope, TaskContext, TaskPriority, wrapper::Spawned};
use crate::DedicatedThreadScheduler;
use crate::heartbeat::hooks;

/// Spawns tasks with a name, a priority, a budget and labels.
///
/// Priority and budget decide how patient Pulse is with the task; name and labels are what rules
/// match, and what warnings show. A rule of the configuration that matches has the last word.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::{TaskPriority, task::Builder};
///
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let heartbeat = Builder::new()
///     .name("heartbeat")
///     .priority(TaskPriority::Critical)
///     .spawn(async { 42 });
/// assert_eq!(heartbeat.await.unwrap(), 42);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is spawned before `spawn`"]
pub struct Builder {
    context: TaskContext,
}

impl Builder {
    /// A task of which nothing is said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.context.name = Some(name.into());
        self
    }

    /// Sets the priority. Default: [`TaskPriority::Normal`].
    pub fn priority(mut self, priority: TaskPriority) -> Self {
        self.context.priority = Some(priority);
        self
    }

    /// Sets how long a poll may take before it is a violation. Default: the slice times the factor
    /// of the priority.
    ///
    /// Others are rescued from a longer poll all the same, after the runtime's slice. A budget
    /// shorter than that counts only once the task is on record: nobody looks earlier.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.context.budget = Some(budget);
        self
    }

    /// Makes the task a part of the group. Default: the group of the task that spawns it, if any.
    pub fn group(mut self, group: &Group) -> Self {
        self.context.group = Some(group.clone());
        self
    }

    /// Adds a label, or gives a label another value.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        match self.context.labels.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.context.labels.push((key, value)),
        }
        self
    }

    /// Describes a part of a task instead of a task; see [`Scope`].
    #[must_use]
    pub fn scope(self) -> Scope {
        Scope::new(self.context)
    }

    /// Spawns the task on the runtime that the caller runs on.
    ///
    /// # Panics
    ///
    /// As in Tokio, when called outside of a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(hooks::wrap(Spawned::new(future, Some(self.context))))
    }

    /// Spawns the task on that lane; see [`DedicatedThreadScheduler::spawn`].
    #[track_caller]
    pub fn spawn_on_lane<F>(
        self,
        future: F,
        lane: &DedicatedThreadScheduler,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        lane.spawn_described(future, Some(self.context))
    }

    /// Spawns the task on that runtime.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, runtime: &crate::Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        runtime.tokio.spawn(hooks::wrap(Spawned::new(future, Some(self.context))))
    }
}
