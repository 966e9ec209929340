//! Squeeze: leaves a task less of Tokio's cooperative budget, so that it yields sooner.

use std::task::{Context, Poll, Waker};

use tokio::task::coop;

/// What Tokio gives each poll.
const FULL: u8 = 128;

/// Uses up all but `left` operations of the running poll's budget. The next poll has all of it
/// again, so there is nothing to undo.
///
/// Helps with a task that goes on and on because its sockets or channels are always ready. One that
/// computes between two awaits does not notice.
pub(crate) fn squeeze(left: u8) {
    let mut context = Context::from_waker(Waker::noop());
    for _ in left.max(1)..FULL {
        match coop::poll_proceed(&mut context) {
            Poll::Ready(operation) => operation.made_progress(),
            // Somebody else has used it up, or there is no budget to use.
            Poll::Pending => return,
        }
    }
}
