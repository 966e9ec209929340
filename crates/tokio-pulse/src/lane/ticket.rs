//! From the hook before a poll to the task that is polled: "go to the lane".
//!
//! The hook knows what the record says of the task, and its wrapper has the future. Nothing comes
//! between the two on a thread, so one flag is enough. The way back is the same: the wrapper leaves
//! its name, and the hook after the poll knows by it that the task can be moved.

use std::cell::Cell;

use tokio::task::Id;

thread_local! {
    static ISSUED: Cell<bool> = const { Cell::new(false) };
    static POLLED: Cell<Option<Id>> = const { Cell::new(None) };
}

/// Hook: the poll that is about to begin is that of a wrapper, which is to send its future away.
pub(crate) fn issue() {
    let _ = ISSUED.try_with(|issued| issued.set(true));
}

/// Wrapper: whether to send it.
#[inline]
pub(crate) fn take() -> bool {
    ISSUED.try_with(|issued| issued.replace(false)).unwrap_or(false)
}

/// Wrapper: this task was polled here, at home.
#[inline]
pub(crate) fn leave_name(task: Option<Id>) {
    let _ = POLLED.try_with(|polled| polled.set(task));
}

/// Hook: whether the poll that has just ended was that of a wrapper.
pub(crate) fn can_move(task: Id) -> bool {
    POLLED.try_with(|polled| polled.get() == Some(task)).unwrap_or(false)
}
