//! Yield points in asynchronous code.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::hostages;
use super::request::{Way, is_asked};
use crate::heartbeat::seat;

/// Yields to the scheduler if the running poll has used its slice up and somebody may wait; otherwise
/// costs a load.
///
/// The task then goes behind all that are ready, as with [`tokio::task::yield_now`], and timers and
/// sockets are looked at before it goes on. The watchdog asks for that when it finds that a poll has run
/// for half of its slice or more: at the default slice of 10 ms, a loop that passes this
/// often enough is asked every 5 to 10 ms and is never counted as a stall.
///
/// Asked, it finds out who waits, and goes on if it is known that nobody does: another worker is idle, and
/// this one holds nobody back. With one worker that is never known. The other futures of the same task, as
/// in `select!` or `timeout`, and whoever has aborted it, cannot be seen; so the poll ends after 100 ms all
/// the same. The details are in `yield_point/README.md`.
///
/// Where nobody watches (in `block_on`, on a plain Tokio runtime, outside of any) it never yields.
/// Inside of `select!` or another combinator that polls several futures, the yield may not reach the
/// scheduler if another of them is ready; it is then asked for again.
///
/// # Cancel safety
///
/// Nothing is lost if the future is dropped.
///
/// ```
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let task = tokio::spawn(async {
///     let mut sum = 0_u64;
///     for n in 0..100_000 {
///         tokio_pulse::check_and_yield().await;
///         sum += n;
///     }
///     sum
/// });
/// assert_eq!(task.await.unwrap(), 4_999_950_000);
/// # }
/// ```
#[inline]
pub fn check_and_yield() -> CheckAndYield {
    CheckAndYield { yielded: false }
}

/// The future of [`check_and_yield`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CheckAndYield {
    yielded: bool,
}

impl Future for CheckAndYield {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded || !is_asked(Way::Yield) {
            return Poll::Ready(());
        }
        self.yielded = true;
        step_aside(cx);
        Poll::Pending
    }
}

/// Has the task polled again after all that are ready. The caller returns `Pending`.
#[cold]
#[inline(never)]
pub(super) fn step_aside(cx: &mut Context<'_>) {
    hostages::note_step_aside();
    let _ = seat::with_current_slot(|slot| slot.thread.counters.yielded());
    // Its first poll hands the waker to the scheduler, and is never ready.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}
