//! The signal on macOS: one of the few there are, sent to the very thread.
//!
//! There are no real-time signals here, so that one does not queue up: a second is merged with the first
//! that has not arrived. And nothing tells for sure who sent it, since the kernel keeps a sender for the
//! process and not for the signal. It need not be known. A signal of somebody else's finds a request of
//! the ticker's, which it may as well answer, or none.
//!
//! **Who may ask for the thread's state.** The system makes a thread's thread-locals when they are first
//! used, with memory from the heap. A signal that somebody sends to the process may come to any thread.
//! So the handler first asks for a value that is there without more: a key's (`pthread_getspecific`), set
//! while the thread takes part.

use std::ffi::{CStr, c_int};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::{Mutex, PoisonError};

use crate::Unavailable;
use crate::unavailable::Reason;

/// No key yet.
const NONE: u64 = u64::MAX;

static KEY: AtomicU64 = AtomicU64::new(NONE);

/// The threads that take part, by their numbers. An entry goes before its thread does.
static THREADS: Mutex<Vec<(i32, libc::pthread_t)>> = Mutex::new(Vec::new());

/// Gets ready what handlers ask for.
pub(super) fn prepare() -> Result<(), Unavailable> {
    // A translator (Rosetta) runs other instructions than the program's, and makes up the registers.
    if flag(c"sysctl.proc_translated") {
        return Err(Unavailable::because(Reason::Translated));
    }
    super::now_ns();
    let mut key = 0;
    // SAFETY: writes a key to a valid place; nothing is called with its values.
    let code = unsafe { libc::pthread_key_create(&mut key, None) };
    if code != 0 {
        return Err(Unavailable::because(Reason::System { call: "pthread_key_create", code }));
    }
    KEY.store(key, Release);
    Ok(())
}

/// A yes or no of the system's; no where it does not know the name.
fn flag(name: &CStr) -> bool {
    let mut value: c_int = 0;
    let mut size = size_of::<c_int>();
    // SAFETY: the name ends in zero; `value` is valid for a write of `size` bytes.
    let result = unsafe {
        let value = (&raw mut value).cast();
        libc::sysctlbyname(name.as_ptr(), value, &mut size, ptr::null_mut(), 0)
    };
    result == 0 && value != 0
}

/// The signals that may be taken. The first is ignored by default, and debuggers let it pass; it announces
/// urgent data on a socket whose owner has asked for that. The second is raised by nothing on these
/// processors.
pub(super) fn candidates() -> impl IntoIterator<Item = c_int> {
    [libc::SIGURG, libc::SIGEMT]
}

/// Whether the handler has anything to do on this thread.
///
/// # Safety
///
/// None here; it is as on the other systems.
pub(super) unsafe fn is_ours(_: &libc::siginfo_t) -> bool {
    takes_part()
}

/// Whether a handler may ask for this thread's state.
pub(super) fn takes_part() -> bool {
    let key = KEY.load(Acquire);
    // SAFETY: the key was made and is never taken back. The call reads a word of the thread's own.
    key != NONE && unsafe { !libc::pthread_getspecific(key).is_null() }
}

fn set_part(part: bool) {
    let key = KEY.load(Acquire);
    if key != NONE {
        let value = if part { ptr::dangling() } else { ptr::null() };
        // SAFETY: the key was made and is never taken back; nobody follows the value.
        unsafe { libc::pthread_setspecific(key, value) };
    }
}

pub(super) fn send(thread: i32, signal: c_int) -> bool {
    let threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = threads.iter().find(|(number, _)| *number == thread);
    // SAFETY: a thread takes itself out of the list before it ends, which it cannot while the list is
    // locked; so it is alive.
    known.is_some_and(|&(_, thread)| unsafe { libc::pthread_kill(thread, signal) == 0 })
}

/// The calling thread takes part from now on.
pub(super) fn enter_thread() {
    // A signal's frame has as much of the registers as the thread uses when it is made, and the kernel
    // takes back as much as the thread uses then. On processors with AVX-512 that changes when a thread
    // first uses it. So it does so now.
    #[cfg(target_arch = "x86_64")]
    if flag(c"hw.optional.avx512f") {
        // SAFETY: the processor and the kernel have the instruction, which changes one register only.
        unsafe { std::arch::asm!("kxorw k1, k1, k1", out("k1") _, options(nomem, nostack)) };
    }
    // SAFETY: no preconditions.
    let this = unsafe { libc::pthread_self() };
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    threads.push((super::thread_number(), this));
    drop(threads);
    set_part(true);
}

/// It does so no longer. Called while its thread-locals are still there.
pub(crate) fn leave_thread() {
    set_part(false);
    let this = super::thread_number();
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    threads.retain(|(number, _)| *number != this);
}

/// The signals 1 to 32 of a set, which are all that there are.
///
/// # Safety
///
/// `set` is valid for reads.
pub(super) unsafe fn word(set: *const libc::sigset_t) -> u64 {
    // SAFETY: the set is a word of 32 bits.
    u64::from(unsafe { set.read() })
}
