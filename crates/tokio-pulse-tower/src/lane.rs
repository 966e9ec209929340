//! A request as a task of its own, which can be sent to the slow lane.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tokio_pulse::task::{Builder, Group};

pin_project! {
    /// Says that the group is exhausted when the polls are used up: its tasks go to the lane then.
    struct Counted<F> {
        #[pin]
        future: F,
        left: Option<u32>,
        group: Group,
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let polled = this.future.poll(cx);
        if let Some(left) = this.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                this.group.exhaust();
            }
        }
        polled
    }
}

/// The task; it is aborted when this is dropped.
#[derive(Debug)]
pub(crate) struct Movable<T>(JoinHandle<T>);

impl<T: Send + 'static> Movable<T> {
    /// Must be called in a runtime's context.
    pub(crate) fn spawn<F>(future: F, polls: Option<u32>, group: Group, task: Builder) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        if polls == Some(0) {
            group.exhaust();
        }
        Self(task.group(&group).spawn(Counted { future, left: polls, group }))
    }
}

impl<T> Movable<T> {
    /// `None`: the runtime has dropped the task.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx).map(|joined| match joined {
            Ok(output) => Some(output),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => None,
            },
        })
    }
}

impl<T> Drop for Movable<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
