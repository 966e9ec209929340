//! What a spawner gets.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::task::Task;
use crate::current::Ended;

/// Waits for a task. Dropping it lets the task go on.
pub struct PreemptiveJoinHandle<T> {
    task: Arc<Task>,
    result: oneshot::Receiver<Result<T, JoinError>>,
}

impl<T> PreemptiveJoinHandle<T> {
    pub(super) fn new(task: Arc<Task>, result: oneshot::Receiver<Result<T, JoinError>>) -> Self {
        Self { task, result }
    }

    /// Ends the task when its next poll would begin, as everywhere in Tokio. A poll that is set aside
    /// meanwhile goes on to its end first, or to its next [`checkpoint`](crate::checkpoint), where it
    /// is unwound.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Waits without a runtime. Blocks the thread: not for use in a task.
    ///
    /// # Errors
    ///
    /// When the task panicked or was aborted.
    ///
    /// # Panics
    ///
    /// Inside of a Tokio task.
    pub fn join(self) -> Result<T, JoinError> {
        self.result.blocking_recv().unwrap_or(Err(JoinError(Why::Cancelled)))
    }
}

impl<T> Future for PreemptiveJoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.result)
            .poll(context)
            .map(|result| result.unwrap_or(Err(JoinError(Why::Cancelled))))
    }
}

impl<T> fmt::Debug for PreemptiveJoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreemptiveJoinHandle").field("task", &self.task.name()).finish()
    }
}

/// Why a task has no result.
pub struct JoinError(Why);

enum Why {
    Cancelled,
    /// In a lock, so that the error is `Sync`.
    Panicked(Mutex<Box<dyn Any + Send>>),
}

impl JoinError {
    /// What a poll was unwound with.
    pub(super) fn unwound(payload: Box<dyn Any + Send>) -> Self {
        let ended = payload.is::<Ended>();
        Self(if ended { Why::Cancelled } else { Why::Panicked(Mutex::new(payload)) })
    }

    /// The task was aborted, or its runtime shut down.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0, Why::Cancelled)
    }

    /// The task panicked.
    pub fn is_panic(&self) -> bool {
        !self.is_cancelled()
    }

    /// What it panicked with, or the error itself.
    ///
    /// # Errors
    ///
    /// When it did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.0 {
            Why::Panicked(payload) => {
                Ok(payload.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
            Why::Cancelled => Err(self),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_panic() { "the task panicked" } else { "the task was cancelled" })
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for JoinError {}
