//! The part of a thread that takes part in preemption.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::*, compiler_fence};

use super::scope::Scope;
use crate::platform::{self, Walker};
use crate::ticker::{self, Slot};

thread_local! {
    // A constant without a destructor: no lazy set-up, so that a handler may read it.
    static SEAT: AtomicPtr<Seat> = const { AtomicPtr::new(ptr::null_mut()) };
    static HOLDER: Holder = Holder::new();
}

/// From the first generator of a thread to its end.
pub(crate) struct Seat {
    pub(super) slot: Arc<Slot>,
    /// The innermost generator that runs, or null.
    scope: AtomicPtr<Scope>,
    /// The first of those whose polls are set aside, the last one first.
    aside: AtomicPtr<Scope>,
    /// Somebody uses the walker.
    pub(super) walking: AtomicBool,
    pub(super) walker: UnsafeCell<Walker>,
    /// The signals that the thread blocks.
    pub(super) mask: u64,
}

struct Holder(Option<Box<Seat>>);

impl Holder {
    fn new() -> Self {
        let seat = Box::new(Seat {
            slot: ticker::register(platform::thread_number()),
            scope: AtomicPtr::new(ptr::null_mut()),
            aside: AtomicPtr::new(ptr::null_mut()),
            walking: AtomicBool::new(false),
            walker: UnsafeCell::new(Walker::new()),
            mask: platform::unblock(),
        });
        // The first look at it may allocate; not in a handler, then.
        let _ = std::thread::panicking();
        SEAT.with(|current| current.store(ptr::from_ref(&*seat).cast_mut(), Relaxed));
        Self(Some(seat))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        SEAT.with(|current| current.store(ptr::null_mut(), Relaxed));
        compiler_fence(SeqCst);
        platform::leave_thread();
        if let Some(seat) = self.0.take() {
            ticker::deregister(&seat.slot);
        }
    }
}

/// The slot of this thread, which gets a seat if it has none; `None` while the thread ends.
pub(crate) fn slot() -> Option<Arc<Slot>> {
    HOLDER.try_with(|holder| holder.0.as_ref().map(|seat| seat.slot.clone())).ok().flatten()
}

pub(super) fn seat<'a>() -> Option<&'a Seat> {
    let seat = SEAT.with(|seat| seat.load(Relaxed));
    // SAFETY: null, or this thread's seat, which lives until the thread ends; the pointer is cleared
    // before that. `'a` does not leave this module, whose functions return before then.
    unsafe { seat.as_ref() }
}

impl Seat {
    /// The innermost generator that runs.
    pub(super) fn scope(&self) -> Option<&Scope> {
        // SAFETY: null, or the scope that runs, which lives as long as its generator.
        unsafe { self.scope.load(Relaxed).as_ref() }
    }

    /// Notes that a poll is set aside. In the handler or with no handler to come in between.
    pub(super) fn put_aside(&self, scope: &Scope) {
        let this = ptr::from_ref(scope).cast_mut();
        let first = self.aside.load(Relaxed);
        scope.before.store(ptr::null_mut(), Relaxed);
        scope.after.store(first, Relaxed);
        // SAFETY: as in `all_aside`.
        if let Some(first) = unsafe { first.as_ref() } {
            first.before.store(this, Relaxed);
        }
        self.aside.store(this, Relaxed);
    }

    /// Notes that it goes on.
    pub(super) fn take_back(&self, scope: &Scope) {
        let (before, after) = (scope.before.load(Relaxed), scope.after.load(Relaxed));
        // SAFETY: as in `all_aside`.
        let (before_it, after_it) = unsafe { (before.as_ref(), after.as_ref()) };
        before_it.map_or(&self.aside, |before_it| &before_it.after).store(after, Relaxed);
        if let Some(after_it) = after_it {
            after_it.before.store(before, Relaxed);
        }
    }

    /// Those whose polls are set aside, the last one first.
    pub(super) fn all_aside(&self) -> impl Iterator<Item = &Scope> {
        // SAFETY: null, or a scope that was put there by `put_aside` and not taken back. It is freed
        // after its body has ended, which takes it back first; one that never ends is never freed.
        let follow = |scope: *mut Scope| unsafe { scope.as_ref() };
        std::iter::successors(follow(self.aside.load(Relaxed)), move |scope| {
            follow(scope.after.load(Relaxed))
        })
    }
}

/// Makes a generator the one that runs on this thread, and returns the one before.
pub(crate) fn swap_scope(scope: *mut Scope) -> *mut Scope {
    let Some(seat) = seat() else { return ptr::null_mut() };
    compiler_fence(SeqCst);
    let before = seat.scope.load(Relaxed);
    seat.scope.store(scope, Relaxed);
    compiler_fence(SeqCst);
    before
}

/// Adds to the number of marked regions; `-1` to leave one.
pub(crate) fn mark_region(change: i32) {
    let Some(scope) = seat().and_then(Seat::scope) else { return };
    compiler_fence(SeqCst);
    scope.regions.store(scope.regions.load(Relaxed).wrapping_add_signed(change), Relaxed);
    compiler_fence(SeqCst);
}

/// The task whose stack an address is the guard of; for the handler of faults.
pub(crate) fn overflowed<'a>(address: usize) -> Option<&'a [u8]> {
    let scope = seat()?.scope()?;
    let name = scope.name()?;
    scope.is_guard(address).then_some(name)
}
