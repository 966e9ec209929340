//! Squeeze: leaves a task less of Tokio's cooperative budget, so that it yields sooner.

use std::task::{Context, Poll, Waker};

use tokio::task::coop;

/// What Tokio gives each poll.
const FULL: usize = 128;

/// Uses up all but `left` operations of the running poll's budget. The next poll that Tokio starts
/// from its queue has all of it again, so there is nothing to undo; one that it starts from the LIFO
/// slot right after this one shares what is left, as it always does.
///
/// Helps with a task that goes on and on because its sockets or channels are always ready. One that
/// computes between two awaits does not notice.
pub(crate) fn squeeze(left: u8) {
    let surplus = remaining().saturating_sub(left.into());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..surplus {
        match coop::poll_proceed(&mut context) {
            Poll::Ready(operation) => operation.made_progress(),
            Poll::Pending => return,
        }
    }
}

/// Tokio tells only whether there is any left. An operation that makes no progress gives back what
/// it took, so they are all begun, and given up in the opposite order.
fn remaining() -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut operations = Vec::with_capacity(FULL);
    // Without a budget, as in `block_in_place`, there would be no end.
    while operations.len() < FULL && coop::has_budget_remaining() {
        match coop::poll_proceed(&mut context) {
            Poll::Ready(operation) => operations.push(operation),
            Poll::Pending => break,
        }
    }
    let remaining = operations.len();
    while operations.pop().is_some() {}
    remaining
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    /// Inside a task there is a budget.
    fn in_a_task<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { tokio::spawn(async { f() }).await.unwrap() })
    }

    #[test]
    fn counting_takes_nothing_and_squeezing_leaves_what_it_should() {
        let counts = in_a_task(|| {
            let before = (remaining(), remaining());
            squeeze(8);
            let squeezed = remaining();
            squeeze(20);
            (before, squeezed, remaining())
        });
        assert_eq!(counts, ((FULL, FULL), 8, 8));
    }

    #[test]
    fn without_a_budget_nothing_happens() {
        squeeze(1);
        assert!(coop::has_budget_remaining());
    }
}
