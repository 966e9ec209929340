//! The signal on Linux: a real-time one, sent to the very thread.

use std::ffi::c_int;

use crate::Unavailable;

/// What the kernel says of a signal that was sent to one thread.
const SI_TKILL: c_int = -6;

/// Nothing is to be got ready before the rest.
#[allow(clippy::unnecessary_wraps, reason = "other systems have something to try")]
pub(super) fn prepare() -> Result<(), Unavailable> {
    Ok(())
}

/// The signals that may be taken. The lowest ones go to those who do not look whether they are free.
pub(super) fn candidates() -> impl IntoIterator<Item = c_int> {
    libc::SIGRTMIN() + 4..=libc::SIGRTMAX()
}

/// Whether it was sent by [`send`], by the kernel's word.
///
/// # Safety
///
/// `info` is what the kernel passes to a handler.
pub(super) unsafe fn is_ours(info: &libc::siginfo_t) -> bool {
    // SAFETY: the sender's number is there for a signal that was sent to a thread, which is asked
    // first.
    info.si_code == SI_TKILL && unsafe { info.si_pid() == libc::getpid() }
}

pub(super) fn send(thread: i32, signal: c_int) -> bool {
    // SAFETY: passes no memory.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) == 0 }
}

/// Whether a handler may ask for this thread's state. The program's thread-locals are there from its
/// start.
pub(super) fn takes_part() -> bool {
    true
}

/// The calling thread takes part from now on.
pub(super) fn enter_thread() {}

/// It does so no longer.
pub(crate) fn leave_thread() {}

/// The signals 1 to 64 of a set, which are all that the kernel has.
///
/// # Safety
///
/// `set` is valid for reads.
pub(super) unsafe fn word(set: *const libc::sigset_t) -> u64 {
    // SAFETY: the set has at least 64 bits, in the kernel's order, and is aligned as words are.
    unsafe { set.cast::<u64>().read() }
}
