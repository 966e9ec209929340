//! What becomes of a request to make room, on the thread that is asked.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::waiting;
use crate::heartbeat::due::Request;
use crate::heartbeat::pool::Line;
use crate::heartbeat::seat;

/// How a poll can make room.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// It ends, and its task is polled again later.
    Yield,
    /// It goes on without its worker.
    HandOver,
}

/// For so long a poll that nobody is seen to wait for goes on. The other futures of its own task, and
/// whoever has aborted it, wait for its end as well and cannot be seen.
const UNSEEN: Duration = Duration::from_millis(100);

thread_local! {
    /// The poll that goes on after a request, and since when.
    static GOING_ON: Cell<Option<(usize, Instant)>> = const { Cell::new(None) };
}

/// Whether the poll is to make room: the watchdog asks for it, and somebody may wait.
#[inline]
pub(super) fn is_asked(way: Way) -> bool {
    seat::current_line().is_some_and(|line| line.due.is_asked() && meet(line, way))
}

#[cold]
#[inline(never)]
fn meet(line: &Line, way: Way) -> bool {
    match line.due.take(line.beat.snapshot()) {
        Request::Void => return false,
        // A worker that is handed over now goes to nobody.
        Request::ForGood => return way == Way::Yield,
        Request::Met => {}
    }
    let makes_room =
        waiting::somebody_may_wait(line) || (way == Way::Yield && somebody_unseen_may(line));
    if !makes_room {
        line.due.answer();
    }
    makes_room
}

fn somebody_unseen_may(line: &Line) -> bool {
    let poll = line.beat.snapshot().word();
    match GOING_ON.get() {
        Some((going_on, since)) if going_on == poll => since.elapsed() >= UNSEEN,
        _ => {
            GOING_ON.set(Some((poll, Instant::now())));
            false
        }
    }
}
