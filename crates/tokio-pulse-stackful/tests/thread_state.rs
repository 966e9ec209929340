//! What belongs to a thread and not to a stack: `errno`, the signal mask, the thread itself.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{Preemptible, PreemptiveRuntime, Refusal, Settings, abandoned};

const PATIENCE: Duration = Duration::from_secs(60);

fn one_worker() -> Arc<PreemptiveRuntime> {
    let builder = PreemptiveRuntime::builder().worker_threads(1);
    Arc::new(builder.quantum(Duration::from_micros(200)).build().unwrap())
}

fn spin() {
    (0..100_000_u64).for_each(|n| _ = black_box(n));
}

fn errno() -> *mut i32 {
    // SAFETY: no preconditions.
    unsafe { libc::__errno_location() }
}

fn blocked() -> [bool; 64] {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: writes to a valid place, all of which is a value already.
    let set = unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), set.as_mut_ptr());
        set.assume_init()
    };
    // SAFETY: reads the set.
    std::array::from_fn(|signal| unsafe { libc::sigismember(&set, signal as i32 + 1) == 1 })
}

fn change_mask(how: i32, signal: i32) {
    // SAFETY: the set is made and read here; the signal is one that nobody here is sent.
    unsafe {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(how, set.as_ptr(), std::ptr::null_mut());
    }
}

#[test]
fn errno_is_each_polls_own() {
    let runtime = one_worker();
    let began = Instant::now();
    let tasks = (1..=4).map(|number| {
        let watched = runtime.clone();
        // SAFETY: `errno` is what is tested: it is put back.
        unsafe {
            runtime.spawn(async move {
                while watched.metrics().preemptions() < 200 && began.elapsed() < PATIENCE {
                    *errno() = number;
                    spin();
                    assert_eq!(*errno(), number, "another poll's error number");
                }
            })
        }
    });
    let tasks: Vec<_> = tasks.collect();
    tasks.into_iter().for_each(|task| task.join().unwrap());
    assert!(runtime.metrics().preemptions() >= 200, "{:?}", runtime.metrics());
}

#[test]
fn the_signal_mask_is_the_threads_own() {
    let runtime = one_worker();
    let over = Arc::new(AtomicBool::new(false));
    let (watched, done) = (runtime.clone(), over.clone());
    // SAFETY: it computes, and puts the mask back.
    let changing = unsafe {
        runtime.spawn(async move {
            let began = Instant::now();
            let before = blocked();
            while watched.metrics().preemptions() < 20 && began.elapsed() < PATIENCE {
                spin();
            }
            assert_eq!(blocked(), before, "the mask was lost on the way");
            change_mask(libc::SIG_BLOCK, libc::SIGUSR2);
            while watched.metrics().refusals(Refusal::Mask) < 3 && began.elapsed() < PATIENCE {
                spin();
            }
            let changed = blocked();
            change_mask(libc::SIG_UNBLOCK, libc::SIGUSR2);
            assert!(changed[libc::SIGUSR2 as usize - 1]);
            assert_eq!(blocked(), before);
            done.store(true, Relaxed);
        })
    };
    // SAFETY: it computes.
    let seen = unsafe {
        runtime.spawn(async move {
            let mut seen = false;
            while !over.load(Relaxed) {
                seen |= blocked()[libc::SIGUSR2 as usize - 1];
                spin();
            }
            seen
        })
    };
    changing.join().unwrap();
    assert!(!seen.join().unwrap(), "a poll was left with its mask in force");
    assert!(runtime.metrics().refusals(Refusal::Mask) >= 3, "{:?}", runtime.metrics());
}

/// Polled once, so that it is set aside.
fn suspended(turns: Arc<AtomicU64>) -> Preemptible<impl Future<Output = ()> + Send> {
    let endless = async move {
        loop {
            turns.store(black_box(turns.load(Relaxed) + 1), Relaxed);
        }
    };
    let settings = Settings::default().quantum(Duration::from_millis(1));
    // SAFETY: it computes.
    let mut poll = unsafe { Preemptible::with_settings(endless, settings) }.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(&mut poll).poll(&mut context).is_pending());
    assert!(poll.is_suspended());
    poll
}

#[test]
fn a_suspended_stack_stays_on_its_thread() {
    let turns = Arc::new(AtomicU64::new(0));
    let poll = suspended(turns.clone());
    let before = (abandoned(), turns.load(Relaxed));
    let moved = thread::spawn(move || {
        let mut poll = poll;
        let mut context = Context::from_waker(Waker::noop());
        let _ = pin!(&mut poll).poll(&mut context);
    });
    let panic = moved.join().unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"a suspended poll was resumed on another thread"));
    assert_eq!(turns.load(Relaxed), before.1);
    // It was dropped there, which cannot end it either.
    assert_eq!(abandoned(), before.0 + 1);
}
