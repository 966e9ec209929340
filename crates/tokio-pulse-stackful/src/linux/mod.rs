//! Linux on x86-64 and AArch64: a signal to the very thread.

mod calls;
#[path = "../code/mod.rs"]
mod code;
mod delivery;
#[path = "../float.rs"]
mod float;
mod image;
#[path = "../unix/machine.rs"]
mod machine;
#[path = "../unix/overflow.rs"]
mod overflow;
mod registers;
#[path = "../unix/signal.rs"]
mod signal;
#[path = "../walk.rs"]
mod walk;

use std::ffi::c_int;

pub(crate) use calls::Walker;
pub(crate) use code::Functions;
pub(crate) use delivery::leave_thread;
pub(crate) use float::FloatControl;
pub(crate) use machine::{check, collect, functions, has_descriptions, has_symbols, install};
pub(crate) use registers::Registers;
pub(crate) use signal::{interrupt, unblock};

/// What the kernel raises when a stack is full.
const FAULTS: [c_int; 1] = [libc::SIGSEGV];

/// The calling thread's number, to interrupt it by.
pub(crate) fn thread_number() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() }
}

/// The monotonic clock; may be asked in a signal handler.
pub(crate) fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to a valid place.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Lets the calling thread be woken as soon as its timeouts end.
pub(crate) fn sleep_precisely() {
    // SAFETY: a number only.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_usize) };
}

/// The C library's error number of this thread, which an interrupted call may be about to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errno(c_int);

impl Errno {
    pub(crate) fn save() -> Self {
        // SAFETY: the place is this thread's for as long as it lives.
        Self(unsafe { *libc::__errno_location() })
    }

    pub(crate) fn restore(self) {
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = self.0 };
    }
}
