//! A request under way.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::error::{Reason, Rejection};
use crate::exhausted::Exhausted;
use crate::lane::Movable;
use crate::meter::Meter;
use crate::on_reject::OnReject;

pin_project! {
    /// The response future of [`BudgetMiddleware`](crate::BudgetMiddleware).
    #[must_use = "futures do nothing unless polled"]
    pub struct BudgetFuture<F, R>
    where
        F: Future,
    {
        #[pin]
        state: State<F>,
        on_reject: R,
        retry_after: Duration,
    }
}

pin_project! {
    #[project = Project]
    enum State<F>
    where
        F: Future,
    {
        InPlace {
            #[pin]
            future: F,
            meter: Meter,
            rejects: bool,
            yielded: bool,
        },
        Movable {
            task: Movable<F::Output>,
        },
        Refused {
            reason: Reason,
        },
        Done,
    }
}

impl<F: Future, R> BudgetFuture<F, R> {
    fn new(state: State<F>, on_reject: R, retry_after: Duration) -> Self {
        Self { state, on_reject, retry_after }
    }

    #[inline]
    pub(crate) fn in_place(
        future: F,
        meter: Meter,
        exhausted: Exhausted,
        on_reject: R,
        retry_after: Duration,
    ) -> Self {
        let rejects = exhausted == Exhausted::Reject;
        let state = State::InPlace { future, meter, rejects, yielded: false };
        Self::new(state, on_reject, retry_after)
    }

    pub(crate) fn movable(task: Movable<F::Output>, on_reject: R, retry_after: Duration) -> Self {
        Self::new(State::Movable { task }, on_reject, retry_after)
    }

    pub(crate) fn refused(reason: Reason, on_reject: R, retry_after: Duration) -> Self {
        Self::new(State::Refused { reason }, on_reject, retry_after)
    }
}

impl<F, R, T, E> Future for BudgetFuture<F, R>
where
    F: Future<Output = Result<T, E>>,
    R: OnReject<T, E>,
{
    type Output = Result<T, R::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let reason = match this.state.as_mut().project() {
            Project::InPlace { future, meter, rejects, yielded } => {
                match poll_in_place(future, meter, *rejects, yielded, cx) {
                    Step::Polled(polled) => return polled.map_err(R::pass),
                    Step::Rejected(reason) => reason,
                }
            }
            Project::Movable { task } => match task.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(output)) => return Poll::Ready(output.map_err(R::pass)),
                Poll::Ready(None) => Reason::Shutdown,
            },
            Project::Refused { reason } => *reason,
            Project::Done => panic!("`BudgetFuture` polled after completion"),
        };
        // The request is dropped before its answer is sent.
        this.state.set(State::Done);
        Poll::Ready(this.on_reject.reject(Rejection::new(reason, *this.retry_after)))
    }
}

enum Step<T> {
    Polled(Poll<T>),
    Rejected(Reason),
}

#[inline]
fn poll_in_place<F: Future>(
    future: Pin<&mut F>,
    meter: &mut Meter,
    rejects: bool,
    yielded: &mut bool,
    cx: &mut Context<'_>,
) -> Step<F::Output> {
    if let Some(reason) = meter.spent() {
        if rejects {
            return Step::Rejected(reason);
        }
        *yielded = !*yielded;
        if *yielded {
            // Not Tokio's `yield_now`: whom that sets aside cannot be taken over by another worker.
            cx.waker().wake_by_ref();
            return Step::Polled(Poll::Pending);
        }
    }
    let polled = meter.run(|| future.poll(cx));
    if polled.is_pending() {
        meter.count_poll();
        if rejects {
            if let Some(reason) = meter.spent() {
                return Step::Rejected(reason);
            }
        }
    }
    Step::Polled(polled)
}
