//! A task that runs out of its stack is named before the process ends.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::*};

use super::registers::Registers;
use super::{FAULTS, delivery};
use crate::current;

/// What was there before, for each of the faults; never freed, a handler may be looking.
static PREVIOUS: [AtomicPtr<libc::sigaction>; FAULTS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; FAULTS.len()];

/// Puts ours before the handlers that are there, which are usually the standard library's.
pub(super) fn install() {
    for (fault, previous) in FAULTS.into_iter().zip(&PREVIOUS) {
        install_for(fault, previous);
    }
}

fn install_for(fault: c_int, place: &AtomicPtr<libc::sigaction>) {
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_fault;
    // SAFETY: a `sigaction` consists of integers and pointers, for which zero bytes are a value.
    // The handler runs on the thread's alternate stack, since the other one is full.
    unsafe {
        let mut previous: libc::sigaction = std::mem::zeroed();
        libc::sigaction(fault, ptr::null(), &mut previous);
        place.store(Box::into_raw(Box::new(previous)), Release);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(fault, &action, ptr::null_mut());
    }
}

extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: both are valid until the handler returns, and a fault has an address.
    let (address, registers) = unsafe {
        ((*info).si_addr() as usize, Registers::of(&*context.cast::<libc::ucontext_t>()))
    };
    // When the kernel finds no room for a signal's frame it names no address.
    let named = || current::overflowed(address).or_else(|| current::overflowed(registers.stack()));
    if let Some(name) = delivery::takes_part().then(named).flatten() {
        write(b"\ntask '");
        write(name);
        write(b"' has overflowed its stack\n");
        // SAFETY: ends the process.
        unsafe { libc::abort() };
    }
    // SAFETY: the pointer is null or one that is never freed; the handler there gets what the
    // kernel would have passed. Without one the default is put back, and the fault happens again.
    unsafe {
        let place = FAULTS.into_iter().zip(&PREVIOUS).find(|(fault, _)| *fault == signal);
        let previous = place.map_or(ptr::null_mut(), |(_, place)| place.load(Acquire));
        match previous.as_ref() {
            Some(previous)
                if previous.sa_sigaction != libc::SIG_DFL
                    && previous.sa_sigaction != libc::SIG_IGN =>
            {
                type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
                std::mem::transmute::<usize, Handler>(previous.sa_sigaction)(signal, info, context);
            }
            _ => {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}

fn write(bytes: &[u8]) {
    // SAFETY: reads `bytes` only.
    unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
}
