//! What the handler must know of a generator.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering::*, compiler_fence,
};

use corosensei::Yielder;

use super::{GUARD, depth};
use crate::generator::{Mode, Resume, Stop};
use crate::platform::Registers;

/// What the handler must know of a generator. It has an address of its own for the generator's life.
///
/// All of it belongs to the thread that the generator lives on; the handler is a part of that thread.
pub(crate) struct Scope {
    yielder: AtomicPtr<Yielder<Resume, Stop>>,
    /// The lowest address, which is the guard's, and the highest.
    pub(super) stack: (usize, usize),
    /// Where on the stack the task was called; 0 while none is being polled.
    pub(super) root: AtomicUsize,
    /// How many marked regions it is in.
    pub(super) regions: AtomicU32,
    pub(super) marked: AtomicBool,
    /// Only code whose inlined parts are known is left.
    pub(super) described: AtomicBool,
    /// The name of the task, borrowed for as long as it is polled.
    name: (AtomicPtr<u8>, AtomicUsize),
    pub(super) resumed_at: UnsafeCell<u64>,
    /// Where it was left, while it is set aside.
    pub(super) left_at: UnsafeCell<Registers>,
    /// Its neighbours among those that are set aside on this thread.
    pub(super) before: AtomicPtr<Scope>,
    pub(super) after: AtomicPtr<Scope>,
    /// Its task has no more use for the poll.
    ending: AtomicBool,
    pub(crate) mode: Mode,
}

/// What is polled, apart from what comes out of it.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) coverage: crate::Coverage,
    pub(crate) name: &'a str,
}

impl Scope {
    pub(crate) fn new(stack: (usize, usize), mode: Mode) -> Self {
        Self {
            yielder: AtomicPtr::new(ptr::null_mut()),
            stack,
            root: AtomicUsize::new(0),
            regions: AtomicU32::new(0),
            marked: AtomicBool::new(false),
            described: AtomicBool::new(false),
            name: (AtomicPtr::new(ptr::null_mut()), AtomicUsize::new(0)),
            resumed_at: UnsafeCell::new(0),
            left_at: UnsafeCell::new(Registers::default()),
            before: AtomicPtr::new(ptr::null_mut()),
            after: AtomicPtr::new(ptr::null_mut()),
            ending: AtomicBool::new(false),
            mode,
        }
    }

    /// On the generator's own stack, before anything else.
    pub(crate) fn set_yielder(&self, yielder: &Yielder<Resume, Stop>) {
        self.yielder.store(ptr::from_ref(yielder).cast_mut(), Relaxed);
    }

    /// Makes it preemptible until the guard goes.
    pub(crate) fn begin_poll(&self, subject: &Subject<'_>, root: usize) -> Polling<'_> {
        self.marked.store(subject.coverage == crate::Coverage::Marked, Relaxed);
        self.described.store(subject.coverage == crate::Coverage::Described, Relaxed);
        self.regions.store(0, Relaxed);
        self.ending.store(false, Relaxed);
        self.name.0.store(subject.name.as_ptr().cast_mut(), Relaxed);
        self.name.1.store(subject.name.len(), Relaxed);
        depth::set_pending(false);
        compiler_fence(SeqCst);
        self.root.store(root, Relaxed);
        compiler_fence(SeqCst);
        Polling(self)
    }

    pub(super) fn has(&self, address: usize) -> bool {
        self.stack.0 <= address && address < self.stack.1
    }

    /// Whether an address is in the guard, or as good as.
    pub(super) fn is_guard(&self, address: usize) -> bool {
        (self.stack.0.saturating_sub(GUARD)..self.stack.0 + GUARD).contains(&address)
    }

    /// The name of the task that is polled on it, if one is.
    pub(super) fn name(&self) -> Option<&[u8]> {
        if self.root.load(Relaxed) == 0 {
            return None;
        }
        // SAFETY: while `root` is set a task is being polled, and its name is borrowed from
        // `begin_poll` to the drop of `Polling`. A poll that is set aside is still being polled; one
        // that is given up is leaked together with its name.
        Some(unsafe {
            std::slice::from_raw_parts(self.name.0.load(Relaxed), self.name.1.load(Relaxed))
        })
    }

    /// Whether its poll is to end at the next checkpoint.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Relaxed)
    }

    /// Leaves this stack for the one that resumed it.
    pub(super) fn suspend(&self, stop: Stop) -> Resume {
        // SAFETY: set at the start of the generator that this runs on, at whose bottom the yielder
        // lies for as long as it lives.
        let yielder = unsafe { &*self.yielder.load(Relaxed) };
        let resume = yielder.suspend(stop);
        self.ending.store(resume == Resume::End, Relaxed);
        resume
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
