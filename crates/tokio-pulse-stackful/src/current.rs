//! What runs on this thread, and whether it may be set aside now.
//!
//! Three kinds of code read and write this: the thread itself, its signal handler, and nobody else.
//! A handler runs between two instructions of the thread, so that plain loads and stores of atomics
//! are enough, with compiler fences where the order counts.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering::*, compiler_fence,
};

use corosensei::Yielder;

use crate::generator::{Resume, Stop};
use crate::metrics::Refusal;
use crate::mode::Mode;
use crate::platform::{self, Chain, Walker};
use crate::ticker::{self, Slot};

/// What the handler and the code after it may still use of a stack.
const HANDLER_ROOM: usize = 32 << 10;

/// The size of the guard below a stack, as far as a fault is taken for an overflow of it.
const GUARD: usize = 4 << 10;

thread_local! {
    // Constants without a destructor: no lazy set-up, so that a handler may read them.
    static DEPTH: AtomicU32 = const { AtomicU32::new(0) };
    static PENDING: AtomicBool = const { AtomicBool::new(false) };
    static SEAT: AtomicPtr<Seat> = const { AtomicPtr::new(ptr::null_mut()) };
    static HOLDER: Holder = Holder::new();
}

/// The part of a thread that takes part in preemption, from its first generator to its end.
pub(crate) struct Seat {
    slot: Arc<Slot>,
    /// The innermost generator that runs, or null.
    scope: AtomicPtr<Scope>,
    deciding: AtomicBool,
    walker: UnsafeCell<Walker>,
    /// The signals that the thread blocks.
    mask: u64,
}

/// What the handler must know of a generator. It has an address of its own for the generator's life.
pub(crate) struct Scope {
    yielder: AtomicPtr<Yielder<Resume, Stop>>,
    /// The lowest address, which is the guard's, and the highest.
    stack: (usize, usize),
    /// Where on the stack the task was called; 0 while none is being polled.
    root: AtomicUsize,
    /// How many marked regions it is in.
    regions: AtomicU32,
    marked: AtomicBool,
    /// The name of the task for an overflow, borrowed for as long as it is polled.
    name: (AtomicPtr<u8>, AtomicUsize),
    resumed_at: UnsafeCell<u64>,
    pub(crate) mode: Mode,
}

/// What was interrupted.
pub(crate) struct Interrupted<'a> {
    /// Its stack pointer.
    pub(crate) stack: usize,
    /// The signals it blocks.
    pub(crate) mask: u64,
    /// Judges its call chain.
    pub(crate) check: &'a dyn Fn(&mut Walker, Chain) -> Result<(), Refusal>,
}

struct Holder(Option<Box<Seat>>);

impl Holder {
    fn new() -> Self {
        let seat = Box::new(Seat {
            slot: ticker::register(platform::thread_number()),
            scope: AtomicPtr::new(ptr::null_mut()),
            deciding: AtomicBool::new(false),
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
        if let Some(seat) = self.0.take() {
            ticker::deregister(&seat.slot);
        }
    }
}

/// The slot of this thread, which gets a seat if it has none; `None` while the thread ends.
pub(crate) fn slot() -> Option<Arc<Slot>> {
    HOLDER.try_with(|holder| holder.0.as_ref().map(|seat| seat.slot.clone())).ok().flatten()
}

fn seat<'a>() -> Option<&'a Seat> {
    let seat = SEAT.with(|seat| seat.load(Relaxed));
    // SAFETY: null, or this thread's seat, which lives until the thread ends; the pointer is cleared
    // before that. `'a` does not leave this module, whose functions return before then.
    unsafe { seat.as_ref() }
}

impl Scope {
    pub(crate) fn new(stack: (usize, usize), mode: Mode) -> Self {
        Self {
            yielder: AtomicPtr::new(ptr::null_mut()),
            stack,
            root: AtomicUsize::new(0),
            regions: AtomicU32::new(0),
            marked: AtomicBool::new(false),
            name: (AtomicPtr::new(ptr::null_mut()), AtomicUsize::new(0)),
            resumed_at: UnsafeCell::new(0),
            mode,
        }
    }

    /// On the generator's own stack, before anything else.
    pub(crate) fn set_yielder(&self, yielder: &Yielder<Resume, Stop>) {
        self.yielder.store(ptr::from_ref(yielder).cast_mut(), Relaxed);
    }

    /// Makes it preemptible until the guard goes.
    pub(crate) fn begin_poll(&self, marked: bool, name: &str, root: usize) -> Polling<'_> {
        self.marked.store(marked, Relaxed);
        self.regions.store(0, Relaxed);
        self.name.0.store(name.as_ptr().cast_mut(), Relaxed);
        self.name.1.store(name.len(), Relaxed);
        PENDING.with(|pending| pending.store(false, Relaxed));
        compiler_fence(SeqCst);
        self.root.store(root, Relaxed);
        compiler_fence(SeqCst);
        Polling(self)
    }

    fn has(&self, address: usize) -> bool {
        self.stack.0 <= address && address < self.stack.1
    }

    /// Leaves this stack for the one that resumed it.
    fn suspend(&self, stop: Stop) -> Resume {
        // SAFETY: set at the start of the generator that this runs on, at whose bottom the yielder
        // lies for as long as it lives.
        let yielder = unsafe { &*self.yielder.load(Relaxed) };
        yielder.suspend(stop)
    }

    /// Ends one resumption of a poll loop; for the loop itself.
    pub(crate) fn suspend_poll(&self) -> Resume {
        self.suspend(Stop::PollEnded)
    }
}

/// While a task is being polled on a generator.
#[must_use]
pub(crate) struct Polling<'a>(&'a Scope);

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        compiler_fence(SeqCst);
        self.0.root.store(0, Relaxed);
        compiler_fence(SeqCst);
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

/// Notes when a generator was resumed.
///
/// # Safety
///
/// `scope` is valid, belongs to a generator of this thread, and does not run.
pub(crate) unsafe fn note_resumption(scope: *const Scope) {
    // SAFETY: only this thread touches it, and not now, as the caller says.
    unsafe { *(*scope).resumed_at.get() = platform::now_ns() };
}

pub(crate) fn enter_no_preempt() {
    DEPTH.with(|depth| depth.store(depth.load(Relaxed).wrapping_add(1), Relaxed));
    compiler_fence(SeqCst);
}

/// Does not switch.
pub(crate) fn leave_no_preempt() {
    compiler_fence(SeqCst);
    DEPTH.with(|depth| depth.store(depth.load(Relaxed).wrapping_sub(1), Relaxed));
}

/// No preemption while it lives, and nothing made up for at its end: the caller may be anybody.
#[derive(Debug)]
#[must_use]
pub(crate) struct Section(());

impl Section {
    #[inline]
    pub(crate) fn enter() -> Self {
        enter_no_preempt();
        Self(())
    }
}

impl Drop for Section {
    #[inline]
    fn drop(&mut self) {
        leave_no_preempt();
    }
}

/// Adds to the number of marked regions; `-1` to leave one.
pub(crate) fn mark_region(change: i32) {
    // SAFETY: the scope that runs, which lives as long as its generator.
    let Some(scope) = seat().and_then(|seat| unsafe { seat.scope.load(Relaxed).as_ref() }) else {
        return;
    };
    compiler_fence(SeqCst);
    scope.regions.store(scope.regions.load(Relaxed).wrapping_add_signed(change), Relaxed);
    compiler_fence(SeqCst);
}

/// The task whose stack an address is the guard of; for the handler of faults.
pub(crate) fn overflowed<'a>(address: usize) -> Option<&'a [u8]> {
    // SAFETY: as in `mark_region`.
    let scope = unsafe { seat()?.scope.load(Relaxed).as_ref()? };
    let below = scope.stack.0.saturating_sub(GUARD)..scope.stack.0 + GUARD;
    if scope.root.load(Relaxed) == 0 || !below.contains(&address) {
        return None;
    }
    // SAFETY: while a task is being polled its name is borrowed.
    Some(unsafe {
        std::slice::from_raw_parts(scope.name.0.load(Relaxed), scope.name.1.load(Relaxed))
    })
}

/// In the signal handler: sets the interrupted poll aside if that is safe. Returns when it is
/// resumed, or at once.
pub(crate) fn on_tick(interrupted: &Interrupted<'_>) {
    let came = platform::now_ns();
    let Some(seat) = seat() else { return };
    let (slot, counters) = (&seat.slot, seat.slot.counters());
    let Some(asked_at) = slot.request() else {
        counters.refused(Refusal::Late);
        return slot.signal_handled();
    };
    match seat.decide(interrupted) {
        Ok(scope) => {
            slot.take_request();
            let now = platform::now_ns();
            counters.preempted(now.saturating_sub(asked_at), now.saturating_sub(came));
            // The interrupted registers, its errno and its floating point control are put back by
            // the handler's end and the kernel.
            slot.signal_handled();
            leave(scope, seat);
        }
        Err(refusal) => {
            counters.refused(refusal);
            PENDING.with(|pending| pending.store(true, Relaxed));
            slot.signal_handled();
        }
    }
}

/// Outside of a handler: makes up for a refused preemption if the caller's chain allows it. Returns
/// whether the poll was set aside, and resumed, in between.
#[inline(never)]
pub(crate) fn yield_if_pending() -> bool {
    if !PENDING.with(|pending| pending.load(Relaxed)) {
        return false;
    }
    let Some(seat) = seat() else { return false };
    let here = 0_u8;
    let check =
        |walker: &mut Walker, chain| platform::check_here(walker, Chain { asked: true, ..chain });
    let stack = &raw const here as usize;
    let scope = match seat.decide(&Interrupted { stack, mask: seat.mask, check: &check }) {
        Ok(scope) => scope,
        Err(refusal) => {
            seat.slot.counters().refused(refusal);
            return false;
        }
    };
    seat.slot.take_request();
    seat.slot.counters().yielded();
    let (errno, float) = (platform::Errno::save(), platform::FloatControl::save());
    leave(scope, seat);
    float.restore();
    errno.restore();
    true
}

fn leave(scope: &Scope, seat: &Seat) {
    PENDING.with(|pending| pending.store(false, Relaxed));
    scope.mode.transition_to_switch();
    scope.suspend(Stop::Preempted);
    // SAFETY: written by the resumer on this thread before it came here.
    let resumed_at = unsafe { *scope.resumed_at.get() };
    PENDING.with(|pending| pending.store(false, Relaxed));
    seat.slot.counters().resumed(platform::now_ns().saturating_sub(resumed_at));
}

impl Seat {
    /// The generator to leave, or why not. Cheap reasons come first.
    fn decide(&self, interrupted: &Interrupted<'_>) -> Result<&Scope, Refusal> {
        if self.deciding.load(Relaxed) {
            return Err(Refusal::Runtime);
        }
        // SAFETY: null, or the scope that runs, which lives as long as its generator.
        let scope = unsafe { self.scope.load(Relaxed).as_ref() }.ok_or(Refusal::Runtime)?;
        let root = scope.root.load(Relaxed);
        if root == 0 {
            return Err(Refusal::Runtime);
        }
        if DEPTH.with(|depth| depth.load(Relaxed)) > 0 {
            return Err(Refusal::Guarded);
        }
        let marked = scope.marked.load(Relaxed);
        if marked && scope.regions.load(Relaxed) == 0 {
            return Err(Refusal::Unmarked);
        }
        // Reads an atomic and a constant-initialised thread-local without a destructor. The count
        // is raised before the unwinder starts and lowered after it has stopped.
        if std::thread::panicking() {
            return Err(Refusal::Panicking);
        }
        if interrupted.mask != self.mask {
            return Err(Refusal::Mask);
        }
        if !scope.has(interrupted.stack) {
            return Err(Refusal::ForeignStack);
        }
        if interrupted.stack - scope.stack.0 < HANDLER_ROOM + GUARD {
            return Err(Refusal::StackLow);
        }
        self.deciding.store(true, Relaxed);
        compiler_fence(SeqCst);
        let chain = Chain { stack: (interrupted.stack, scope.stack.1), root, marked, asked: false };
        // SAFETY: `deciding` keeps a handler that interrupts this one away from it.
        let verdict = (interrupted.check)(unsafe { &mut *self.walker.get() }, chain);
        compiler_fence(SeqCst);
        self.deciding.store(false, Relaxed);
        verdict.map(|()| scope)
    }
}
