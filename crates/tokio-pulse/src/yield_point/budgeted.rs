//! A future with a budget of its own.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::budget::YieldBudget;
use super::check::step_aside;
use super::request::Way;

pin_project! {
    /// A future whose polls are turns of a [`YieldBudget`].
    ///
    /// Before each poll of the inner future it takes one turn, except for the first and the one after a
    /// yield, so that it always goes on. If the budget is spent, or the watchdog
    /// asks, the inner future is not polled: the task goes behind all that wait, and polls it when its
    /// turn comes again. So a yield comes between two polls of the inner future, and never in one; a
    /// poll that is long in itself needs a yield point inside.
    ///
    /// For futures that are polled many times in one poll of their task: in a `select!` that loops,
    /// in a set of futures that are always ready. `polls` is then the number of polls between two
    /// yields, and `cpu` how long such a row of polls may last, counted from the second.
    ///
    /// ```
    /// use tokio_pulse::{Budgeted, yield_point::YieldBudget};
    ///
    /// # #[tokio_pulse::main]
    /// # async fn main() {
    /// let answer = Budgeted::new(YieldBudget::new().polls(32), async { 42 }).await;
    /// assert_eq!(answer, 42);
    /// # }
    /// ```
    #[derive(Clone, Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Budgeted<F> {
        budget: YieldBudget,
        // The next poll is for the future, whatever the budget.
        its_turn: bool,
        #[pin]
        future: F,
    }
}

impl<F> Budgeted<F> {
    /// Gives the future a budget.
    pub const fn new(budget: YieldBudget, future: F) -> Self {
        Self { budget, its_turn: true, future }
    }

    /// The future.
    pub fn get_ref(&self) -> &F {
        &self.future
    }

    /// The future without its budget.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Budgeted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let budgeted = self.project();
        if !*budgeted.its_turn && budgeted.budget.must_make_room(Way::Yield) {
            *budgeted.its_turn = true;
            step_aside(cx);
            return Poll::Pending;
        }
        *budgeted.its_turn = false;
        budgeted.future.poll(cx)
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    #[test]
    fn every_so_manieth_poll_is_left_out_and_wakes_the_task() {
        let mut polls = 0;
        let counting = poll_fn(|_| {
            polls += 1;
            if polls == 6 { Poll::Ready(()) } else { Poll::<()>::Pending }
        });
        let mut budgeted = pin!(Budgeted::new(YieldBudget::new().polls(4), counting));
        let mut cx = Context::from_waker(Waker::noop());
        let pending = (0..20).take_while(|_| budgeted.as_mut().poll(&mut cx).is_pending()).count();
        assert_eq!((pending, polls), (6, 6), "five polls that were pending, and one left out");
    }

    #[test]
    fn it_goes_on_with_the_smallest_of_budgets() {
        let mut polls = 0;
        let counting = poll_fn(|_| {
            polls += 1;
            if polls == 3 { Poll::Ready(()) } else { Poll::<()>::Pending }
        });
        let mut budgeted = pin!(Budgeted::new(YieldBudget::new().polls(0), counting));
        let mut cx = Context::from_waker(Waker::noop());
        let pending = (0..20).take_while(|_| budgeted.as_mut().poll(&mut cx).is_pending()).count();
        assert_eq!((pending, polls), (4, 3));
    }
}
