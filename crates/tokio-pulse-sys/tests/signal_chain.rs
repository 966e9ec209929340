//! Signal handlers of others, on the same signal. One test: signal handlers are the process's.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::ffi::{c_int, c_void};
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::*};
use std::time::Duration;

use tokio_pulse_sys::{
    SampleError, StackSampler, StackSignal, StackSnapshot, current_thread_number,
};

/// What `tgkill` calls itself.
const SI_TKILL: c_int = -6;

static PLAIN: AtomicUsize = AtomicUsize::new(0);
static FULL: AtomicUsize = AtomicUsize::new(0);
static CODE: AtomicI32 = AtomicI32::new(0);
static USR2_BLOCKED: AtomicI32 = AtomicI32::new(-1);

extern "C" fn plain(signal: c_int) {
    assert_eq!(signal, libc::SIGURG);
    PLAIN.fetch_add(1, SeqCst);
}

extern "C" fn full(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    assert_eq!(signal, libc::SIGURG);
    assert!(!context.is_null());
    // SAFETY: a handler with SA_SIGINFO gets a `siginfo_t`; zero bytes are a `sigset_t`.
    unsafe {
        CODE.store((*info).si_code, SeqCst);
        let mut mask: libc::sigset_t = zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut mask);
        USR2_BLOCKED.store(libc::sigismember(&mask, libc::SIGUSR2), SeqCst);
        *libc::__errno_location() = 77;
    }
    FULL.fetch_add(1, SeqCst);
}

fn set(handler: usize, flags: c_int) {
    // SAFETY: zero bytes are a `sigaction`; the handlers above live as long as the process.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(libc::SIGURG, &action, null_mut()), 0);
    }
}

fn current() -> usize {
    // SAFETY: zero bytes are a `sigaction`, and the call writes a whole one.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        assert_eq!(libc::sigaction(libc::SIGURG, std::ptr::null(), &mut action), 0);
        action.sa_sigaction
    }
}

fn foreign() {
    // SAFETY: no memory is passed.
    unsafe {
        libc::syscall(
            libc::SYS_tgkill,
            libc::getpid(),
            current_thread_number().unwrap(),
            libc::SIGURG,
        )
    };
}

fn sample(sampler: &StackSampler) -> Result<(), SampleError> {
    let mut snapshot = StackSnapshot::default();
    sampler.sample(current_thread_number().unwrap(), Duration::from_secs(30), &mut snapshot)
}

fn install() -> StackSampler {
    StackSampler::install(StackSignal::Urgent).unwrap()
}

#[test]
fn everybody_gets_their_own_signals() {
    let (plain, full) = (plain as *const () as usize, full as *const () as usize);

    // Nothing there: a stranger's signal is ignored, as it was before.
    let sampler = install();
    foreign();
    sample(&sampler).unwrap();
    // A second one is the same handler; another signal has to wait.
    let second = install();
    let other = StackSampler::install(StackSignal::RealTime(5));
    assert!(other.unwrap_err().to_string().contains("other settings"));
    drop(sampler);
    sample(&second).unwrap();
    drop(second);
    assert_eq!(current(), libc::SIG_DFL);

    // Ignored on purpose.
    set(libc::SIG_IGN, 0);
    let sampler = install();
    foreign();
    sample(&sampler).unwrap();
    drop(sampler);
    assert_eq!(current(), libc::SIG_IGN);

    // A plain handler.
    set(plain, libc::SA_RESTART);
    let sampler = install();
    sample(&sampler).unwrap();
    assert_eq!(PLAIN.load(SeqCst), 0);
    foreign();
    assert_eq!(PLAIN.load(SeqCst), 1);
    drop(sampler);
    assert_eq!(current(), plain);

    // One that wants to know all, and whose `errno` nobody sees.
    set(full, libc::SA_SIGINFO);
    let sampler = install();
    sample(&sampler).unwrap();
    assert_eq!(FULL.load(SeqCst), 0);
    // SAFETY: this thread's `errno`; the call passes no memory.
    unsafe {
        *libc::__errno_location() = 5;
        foreign();
        assert_eq!(*libc::__errno_location(), 5);
    }
    assert_eq!(FULL.load(SeqCst), 1);
    assert_eq!(CODE.load(SeqCst), SI_TKILL);
    assert_eq!(USR2_BLOCKED.load(SeqCst), 0, "it runs with its own mask");
    sample(&sampler).unwrap();
    drop(sampler);
    assert_eq!(current(), full);

    // One shot.
    set(plain, libc::SA_RESETHAND);
    let sampler = install();
    foreign();
    foreign();
    assert_eq!(PLAIN.load(SeqCst), 2);
    drop(sampler);
    assert_eq!(current(), libc::SIG_DFL);

    // Somebody replaces ours and does not pass on: theirs stays, and a new install says so.
    let sampler = install();
    set(plain, 0);
    drop(sampler);
    assert_eq!(current(), plain);
    foreign();
    assert_eq!(PLAIN.load(SeqCst), 3);
}
