//! The signal handler: answers our requests, and passes on what is not ours.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::*};

use super::registers;
use super::slot::SLOTS;

/// What the kernel calls a signal that was sent with a value.
const SI_QUEUE: c_int = -1;

/// One more than the largest signal number.
const SIGNALS: usize = 65;

/// The action that was there before ours, by signal; null is the default action. What it points to
/// is never freed: a handler may be looking.
static PREVIOUS: [AtomicPtr<libc::sigaction>; SIGNALS] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS];

/// The kernel's `siginfo_t` of a queued signal, on 64-bit machines.
#[repr(C, align(8))]
struct Queued {
    signal: c_int,
    errno: c_int,
    code: c_int,
    padding: c_int,
    process: libc::pid_t,
    user: libc::uid_t,
    value: *const c_void,
    rest: [u64; 12],
}

const _: () = assert!(size_of::<Queued>() == size_of::<libc::siginfo_t>());

/// Makes a thread of this process run the handler. Fails with the system's code.
pub(super) fn send(signal: c_int, tid: libc::pid_t) -> Result<(), i32> {
    // SAFETY: neither has preconditions.
    let (process, user) = unsafe { (libc::getpid(), libc::getuid()) };
    let info = Queued {
        signal,
        errno: 0,
        code: SI_QUEUE,
        padding: 0,
        process,
        user,
        value: cookie(),
        rest: [0; 12],
    };
    // SAFETY: `info` is a whole `siginfo_t` and outlives the call, which only reads it.
    let result = unsafe {
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, tid, signal, &raw const info)
    };
    if result == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

/// What only our signals carry.
fn cookie() -> *const c_void {
    (&raw const SLOTS).cast()
}

/// The action to install: restarts system calls, uses the alternate stack, and lets no other
/// handler in but those of faults.
pub(super) fn action() -> libc::sigaction {
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_signal;
    // SAFETY: a `sigaction` consists of integers and pointers, for which zero bytes are a value;
    // its mask is valid for writes.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigfillset(&mut action.sa_mask);
        for fault in [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGILL,
            libc::SIGFPE,
            libc::SIGTRAP,
            libc::SIGABRT,
            libc::SIGSYS,
        ] {
            libc::sigdelset(&mut action.sa_mask, fault);
        }
        action
    }
}

/// Whether an action is ours.
pub(super) fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == self::action().sa_sigaction
}

/// Remembers whom to pass signals on to.
pub(super) fn set_previous(signal: c_int, action: libc::sigaction) {
    let action = if action.sa_sigaction == libc::SIG_DFL {
        ptr::null_mut()
    } else {
        Box::into_raw(Box::new(action))
    };
    PREVIOUS[signal as usize].store(action, Release);
}

/// Whom signals are passed on to; `None` is the default action.
pub(super) fn previous(signal: c_int) -> Option<libc::sigaction> {
    let action = PREVIOUS.get(signal as usize)?.load(Acquire);
    // SAFETY: what is stored there is null or comes from a box that is never freed or written to.
    unsafe { action.as_ref() }.copied()
}

/// Whether the system ignores the signal unless told otherwise.
pub(super) fn is_harmless(signal: c_int) -> bool {
    signal == libc::SIGURG
}

extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the C library's `errno` of this thread, which the interrupted code may be about to
    // read.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the action has SA_SIGINFO, so the kernel passes a `siginfo_t` and a `ucontext_t`,
    // both valid until the handler returns.
    let (ours, interrupted) = unsafe { (is_request(info), &*context.cast::<libc::ucontext_t>()) };
    if ours {
        answer(interrupted);
    } else {
        pass_on(signal, info, context, interrupted);
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// # Safety
///
/// `info` is what the kernel passed to a handler.
unsafe fn is_request(info: *const libc::siginfo_t) -> bool {
    // SAFETY: the process and the value are there for a queued signal, which is asked first.
    unsafe {
        (*info).si_code == SI_QUEUE
            && (*info).si_value().sival_ptr.cast_const() == cookie()
            && (*info).si_pid() == libc::getpid()
    }
}

/// Answers every request for this thread.
fn answer(interrupted: &libc::ucontext_t) {
    // SAFETY: no preconditions.
    let tid = unsafe { libc::gettid() };
    for slot in SLOTS.iter().filter(|slot| slot.word.claim(tid)) {
        // SAFETY: claimed just now.
        unsafe { slot.write(registers::of(interrupted)) };
        if slot.word.publish(tid) {
            slot.wake();
        }
    }
}

/// Does what would have been done without us.
fn pass_on(
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
    interrupted: &libc::ucontext_t,
) {
    let Some(previous) = previous(signal) else {
        if !is_harmless(signal) {
            do_default(signal);
        }
        return;
    };
    if previous.sa_sigaction == libc::SIG_IGN {
        return;
    }
    if previous.sa_flags & libc::SA_RESETHAND != 0 {
        PREVIOUS[signal as usize].store(ptr::null_mut(), Release);
    }
    allow(signal, &previous, interrupted);
    // SAFETY: the program installed this address as a handler of the kind that its flags say, and
    // gets the arguments that the kernel would have passed.
    unsafe {
        if previous.sa_flags & libc::SA_SIGINFO != 0 {
            type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
            std::mem::transmute::<usize, Handler>(previous.sa_sigaction)(signal, info, context);
        } else {
            std::mem::transmute::<usize, extern "C" fn(c_int)>(previous.sa_sigaction)(signal);
        }
    }
}

/// Blocks what the kernel would have blocked for that handler, and no more. The kernel puts back the
/// interrupted code's own mask at the end.
fn allow(signal: c_int, action: &libc::sigaction, interrupted: &libc::ucontext_t) {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: `mask` is initialised by the first call, and the other sets are whole; each is valid
    // for the numbers of all signals. All of these calls are async-signal-safe.
    unsafe {
        libc::sigemptyset(mask.as_mut_ptr());
        for other in 1..SIGNALS as c_int {
            let blocked = libc::sigismember(&interrupted.uc_sigmask, other) == 1
                || libc::sigismember(&action.sa_mask, other) == 1
                || (other == signal && action.sa_flags & libc::SA_NODEFER == 0);
            if blocked {
                libc::sigaddset(mask.as_mut_ptr(), other);
            }
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, mask.as_ptr(), ptr::null_mut());
    }
}

/// Ends the process the way the signal would have: it is delivered when this handler returns.
fn do_default(signal: c_int) {
    // SAFETY: zero bytes are the default action without flags; the calls read it and send a signal
    // to the calling thread.
    unsafe {
        let action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, &action, ptr::null_mut());
        libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), signal);
    }
}
