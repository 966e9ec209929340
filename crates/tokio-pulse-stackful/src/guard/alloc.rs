//! The allocator as a region without preemption.

use std::alloc::{GlobalAlloc, Layout};

use crate::current::Section;

/// An allocator that is never left in the middle of its work.
///
/// The system's own is safe without it: its instructions are the C library's, where nothing is
/// preempted. One that is written in Rust needs this, and any other gets certainty from it, for a
/// few instructions a call.
///
/// ```
/// use std::alloc::System;
/// use tokio_pulse_stackful::PreemptSafeAlloc;
///
/// #[global_allocator]
/// static ALLOCATOR: PreemptSafeAlloc<System> = PreemptSafeAlloc::new(System);
/// # fn main() { assert_eq!(vec![1; 3].len(), 3); }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct PreemptSafeAlloc<A>(A);

impl<A> PreemptSafeAlloc<A> {
    /// Wraps an allocator.
    pub const fn new(allocator: A) -> Self {
        Self(allocator)
    }
}

// SAFETY: each call goes to the wrapped allocator as it is, whose promises are these. What is added
// neither allocates nor unwinds: it changes a number of this thread.
unsafe impl<A: GlobalAlloc> GlobalAlloc for PreemptSafeAlloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _section = Section::enter();
        // SAFETY: the caller's promise is passed on.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        let _section = Section::enter();
        // SAFETY: the caller's promise is passed on.
        unsafe { self.0.dealloc(place, layout) };
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let _section = Section::enter();
        // SAFETY: the caller's promise is passed on.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _section = Section::enter();
        // SAFETY: the caller's promise is passed on.
        unsafe { self.0.realloc(place, layout, size) }
    }
}
