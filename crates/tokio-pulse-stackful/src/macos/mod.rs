//! macOS on Apple silicon and Intel: a signal to the very thread, as on Linux.
//!
//! What is said of the system in these files is from Apple's manual pages, from the headers of its SDK,
//! and where these are silent from the published source of its kernel (XNU). None of it has been run by
//! the project itself.
//!
//! **Leaving a handler for others, and returning from it much later.** The kernel keeps nothing of a
//! signal that it has delivered but the frame on the stack (`sendsig`), and two things to know a genuine
//! one by when it is given back (`sigreturn`). On Intel that is one secret for the process. On Apple
//! silicon it is one for the thread, which is kept while any of its frames is outstanding; and a poll goes
//! on where it was left. So frames may be given back in any order. The library's part (`_sigtramp`) keeps
//! its state on the same stack. The frame has all registers, the vectors included; what of them it has
//! does not change in between ([`delivery::enter_thread`]).
//!
//! **Whose code it is** is told as on Linux, from the same files. **How to get to the caller** is not:
//! the tables of this system tell it only for instructions at which a call returns. See [`calls`].

mod calls;
#[path = "../code/mod.rs"]
mod code;
mod delivery;
#[allow(dead_code, reason = "each processor needs a part of it")]
mod entry;
#[path = "../float.rs"]
mod float;
mod image;
#[path = "../unix/machine.rs"]
mod machine;
#[path = "../unix/overflow.rs"]
mod overflow;
mod program;
mod registers;
#[path = "../unix/signal.rs"]
mod signal;
mod unwind;
#[path = "../walk.rs"]
mod walk;

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use mach2::mach_time::{mach_absolute_time, mach_timebase_info};

pub(crate) use calls::Walker;
pub(crate) use code::Functions;
pub(crate) use delivery::leave_thread;
pub(crate) use float::FloatControl;
pub(crate) use machine::{check, collect, functions, has_descriptions, has_symbols, install};
pub(crate) use registers::Registers;
pub(crate) use signal::{interrupt, unblock};

/// What the kernel raises when a stack is full: the guard is mapped and may not be touched, which is a
/// bus error; memory that is not there, and the guard of the main thread, are the other.
const FAULTS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// A number of the calling thread, to interrupt it by. It is no system's: the name of a thread's port
/// soon comes to be another thread's, and a poll that is set aside must not be taken to be at home there.
pub(crate) fn thread_number() -> i32 {
    static LAST: AtomicI32 = AtomicI32::new(0);
    thread_local! {
        static NUMBER: Cell<i32> = const { Cell::new(0) };
    }
    NUMBER.with(|number| {
        if number.get() == 0 {
            number.set(LAST.fetch_add(1, Relaxed) + 1);
        }
        number.get()
    })
}

/// The clock that stands still while the machine sleeps, as the standard library's waits do. Reads a
/// register of the processor's; may be asked in a handler once [`delivery::prepare`] has asked it.
pub(crate) fn now_ns() -> u64 {
    static BASE: OnceLock<(u64, u64)> = OnceLock::new();
    let (numerator, denominator) = *BASE.get_or_init(|| {
        let mut base = mach_timebase_info::default();
        // SAFETY: writes to a valid place.
        unsafe { mach_timebase_info(&mut base) };
        (u64::from(base.numer).max(1), u64::from(base.denom).max(1))
    });
    // SAFETY: no preconditions.
    let ticks = unsafe { mach_absolute_time() };
    // In two parts, so that no product is too long.
    let (whole, rest) = (ticks / denominator, ticks % denominator);
    whole.wrapping_mul(numerator).wrapping_add(rest * numerator / denominator)
}

/// Lets the calling thread be woken soon after its timeouts end: how long the system may hold timers back
/// to let several end at once follows from the thread's class.
pub(crate) fn sleep_precisely() {
    // SAFETY: numbers only.
    unsafe {
        libc::pthread_set_qos_class_self_np(libc::qos_class_t::QOS_CLASS_USER_INTERACTIVE, 0);
    }
}

/// The C library's error number of this thread, which an interrupted call may be about to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errno(c_int);

impl Errno {
    pub(crate) fn save() -> Self {
        // SAFETY: the place is this thread's for as long as it lives.
        Self(unsafe { *libc::__error() })
    }

    pub(crate) fn restore(self) {
        // SAFETY: as above.
        unsafe { *libc::__error() = self.0 };
    }
}
