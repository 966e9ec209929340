//! The signal: who handles it, and how. Which one it is and how it is sent is the system's: `delivery`.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use super::delivery;
use super::machine::machine;
use super::registers::Registers;
use crate::Unavailable;
use crate::current::{self, Interrupted};
use crate::unavailable::Reason;

/// Takes a signal that nobody handles. It is kept for the life of the process: a late one would end
/// it otherwise.
pub(super) fn install() -> Result<c_int, Unavailable> {
    let free = delivery::candidates().into_iter().find(|&signal| is_unhandled(signal));
    let signal = free.ok_or(Unavailable::because(Reason::Signal))?;
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_signal;
    // SAFETY: a `sigaction` consists of integers and pointers, for which zero bytes are a value.
    // The handler does only what is allowed in one, argued there.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        // Not SA_ONSTACK: what the handler leaves behind belongs to the interrupted stack. With
        // SA_NODEFER and an empty mask the code that is switched to can be interrupted in turn.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_NODEFER;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(signal, &action, ptr::null_mut())
    };
    if result == 0 { Ok(signal) } else { Err(Unavailable::system("sigaction")) }
}

fn is_unhandled(signal: c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: asks for an action only, into a valid place, which is read if the call succeeded.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_DFL
    }
}

/// Interrupts a thread of this process. A number of a thread that has ended is the caller's mistake;
/// at worst a thread that has the number now is interrupted for nothing. Tells whether it is.
pub(crate) fn interrupt(thread: i32) -> bool {
    machine().is_ok_and(|machine| delivery::send(thread, machine.signal))
}

/// Lets the calling thread have the signal, and tells which ones it blocks then.
pub(crate) fn unblock() -> u64 {
    let Ok(machine) = machine() else { return 0 };
    delivery::enter_thread();
    let mut old = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: a `sigset_t` consists of integers, for which zero bytes are a value; the calls write
    // and read the ones given.
    unsafe {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), machine.signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut());
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), old.as_mut_ptr());
        delivery::word(old.as_ptr())
    }
}

/// Runs on the interrupted stack, between two of its instructions. It may not return for long: in
/// between, this thread runs others. Calls nothing but this crate's own code that is written for it.
extern "C" fn on_signal(_: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the action has SA_SIGINFO, so that both are valid until the handler returns.
    let (ours, context) =
        unsafe { (delivery::is_ours(&*info), &*context.cast::<libc::ucontext_t>()) };
    if !ours {
        return;
    }
    let errno = super::Errno::save();
    current::on_tick(&Interrupted {
        registers: Registers::of(context),
        // SAFETY: a part of the context.
        mask: unsafe { delivery::word(&raw const context.uc_sigmask) },
        waits_for: Registers::waits_for(context),
        asked: false,
    });
    errno.restore();
}
