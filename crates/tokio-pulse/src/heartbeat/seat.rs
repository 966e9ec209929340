//! From the running thread to its slot.

use std::cell::{Cell, OnceCell, RefCell};
use std::ptr;
use std::sync::Arc;

use super::Heart;
use super::pool::Line;
use super::slot::Slot;

// Those for the poll path and the yield points have no destructor, so that access is a plain load.
thread_local! {
    /// The line of a worker thread. It serves one runtime for life: there is nothing to compare.
    static TICKER: Cell<Option<&'static Line>> = const { Cell::new(None) };

    /// The runtime whose poll was bracketed last on this thread, and the thread's line in it.
    static BRACKET: Cell<Option<(u64, &'static Line)>> = const { Cell::new(None) };

    /// The line of the runtime that this thread works for, as far as it has told: for the yield points.
    static CURRENT: Cell<Option<&'static Line>> = const { Cell::new(None) };

    static SEATS: Seats = const {
        Seats {
            first: OnceCell::new(),
            more: RefCell::new(Vec::new()),
            searched: Cell::new(false),
        }
    };
}

/// The slots of one thread, one for each runtime whose hooks have run on it.
///
/// A worker thread serves one runtime for life: its seat is `first` and found without a search.
/// A thread that blocks on several runtimes, as the main thread of a test program does, keeps
/// the later ones in `more`.
struct Seats {
    first: OnceCell<Seat>,
    more: RefCell<Vec<Seat>>,
    searched: Cell<bool>,
}

struct Seat {
    heart: u64,
    slot: Arc<Slot>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Of several seats on this thread only one is in use, and that may be another.
        let line = self.slot.line.forever();
        if TICKER.get().is_some_and(|ticker| ptr::eq(ticker, line)) {
            TICKER.set(None);
        }
        if BRACKET.get().is_some_and(|(_, bracket)| ptr::eq(bracket, line)) {
            BRACKET.set(None);
        }
        leave(line);
        self.slot.retire();
    }
}

/// The line of this thread, if it is a worker of the multi-thread scheduler that has beaten before.
#[inline]
#[allow(dead_code, reason = "stable Tokio has no poll hooks")]
pub(crate) fn ticker() -> Option<&'static Line> {
    TICKER.get()
}

/// Makes this thread one that [`ticker`] knows. `None` while its local storage is torn down, when no
/// poll runs.
#[allow(dead_code, reason = "stable Tokio has no poll hooks")]
pub(crate) fn become_ticker(heart: &Heart) -> Option<&'static Line> {
    with_slot(heart, |slot| {
        TICKER.set(Some(slot.line.forever()));
        CURRENT.set(Some(slot.line.forever()));
    });
    TICKER.get()
}

/// The line of this thread in that runtime, if its poll was the last to be bracketed.
#[inline]
#[allow(dead_code, reason = "stable Tokio has no poll hooks")]
pub(crate) fn bracketed(id: u64) -> Option<&'static Line> {
    BRACKET.get().filter(|(latest, _)| *latest == id).map(|(_, line)| line)
}

/// The line of the runtime that this thread works for, for code that runs inside a poll. A plain load.
#[inline]
pub(crate) fn current_line() -> Option<&'static Line> {
    CURRENT.get()
}

/// A worker is at its park: other runtimes that ran inside of its last poll are done with.
#[allow(dead_code, reason = "stable Tokio has no poll hooks")]
pub(crate) fn is_back(line: &'static Line) {
    CURRENT.set(Some(line));
}

/// A thread of a lane begins a poll: whatever ran inside of its last one is done with.
pub(crate) fn sit_on(line: &'static Line) {
    CURRENT.set(Some(line));
}

/// That line is not the thread's any more.
pub(crate) fn leave(line: &'static Line) {
    if CURRENT.get().is_some_and(|current| ptr::eq(current, line)) {
        CURRENT.set(None);
    }
}

/// Hook: a poll begins or ends on a thread that may serve other runtimes as well. The caller knows
/// the runtime's id without looking it up.
#[inline]
#[allow(dead_code, reason = "stable Tokio has no poll hooks")]
pub(crate) fn bracket(id: u64, heart: &Heart, transition: impl Fn(&Line)) {
    match BRACKET.get() {
        Some((latest, line)) if latest == id => transition(line),
        _ => switch_bracket(heart, transition),
    }
}

#[cold]
#[inline(never)]
fn switch_bracket(heart: &Heart, transition: impl Fn(&Line)) {
    with_slot(heart, |slot| {
        BRACKET.set(Some((heart.id, slot.line.forever())));
        CURRENT.set(Some(slot.line.forever()));
        transition(&slot.line);
    });
}

/// Runs `f` on this thread's slot of that runtime, which is made on the first call.
///
/// Does nothing while the thread's local storage is being torn down: no poll can be running then.
pub(crate) fn with_slot(heart: &Heart, f: impl FnOnce(&Slot)) {
    let _ = SEATS.try_with(|seats| match seats.first.get() {
        Some(seat) if seat.heart == heart.id => f(&seat.slot),
        _ => seats.search(heart, f),
    });
}

/// As [`with_slot`], and remembers that this thread works for that runtime.
pub(crate) fn with_slot_as_worker(heart: &Heart, f: impl FnOnce(&Slot)) {
    with_slot(heart, |slot| {
        CURRENT.set(Some(slot.line.forever()));
        f(slot);
    });
}

/// Runs `f` on the slot of [`current_line`]. `None`: there is none, as on the threads of a lane, which nobody
/// watches.
pub(crate) fn with_current_slot<R>(f: impl FnOnce(&Slot) -> R) -> Option<R> {
    let line = current_line()?;
    let is_current = |seat: &Seat| ptr::eq(seat.slot.line.forever(), line);
    SEATS
        .try_with(|seats| match seats.first.get() {
            Some(seat) if is_current(seat) => Some(f(&seat.slot)),
            // Not borrowed while `f` runs: it may poll a task that comes back here.
            _ => Some(f(&*seats.find(is_current)?)),
        })
        .ok()
        .flatten()
}

/// True once a thread.
#[allow(dead_code, reason = "the wrapper of stable Tokio needs it")]
pub(crate) fn is_first_search() -> bool {
    SEATS.try_with(|seats| !seats.searched.replace(true)).unwrap_or(false)
}

impl Seats {
    #[cold]
    #[inline(never)]
    fn search(&self, heart: &Heart, f: impl FnOnce(&Slot)) {
        let of_heart = |seat: &Seat| seat.heart == heart.id;
        let slot = self.find(of_heart).unwrap_or_else(|| self.sit_down(heart));
        f(&slot);
    }

    fn find(&self, is_it: impl Fn(&Seat) -> bool) -> Option<Arc<Slot>> {
        self.more.borrow().iter().find(|seat| is_it(seat)).map(|seat| seat.slot.clone())
    }

    fn sit_down(&self, heart: &Heart) -> Arc<Slot> {
        let slot = Arc::new(Slot::of_current_thread());
        heart.register(slot.clone());
        let seat = Seat { heart: heart.id, slot: slot.clone() };
        if let Err(seat) = self.first.set(seat) {
            let mut more = self.more.borrow_mut();
            // A runtime that is gone has let go of its slots, and only the seat still holds one.
            more.retain(|seat| Arc::strong_count(&seat.slot) > 1);
            more.push(seat);
        }
        slot
    }
}
