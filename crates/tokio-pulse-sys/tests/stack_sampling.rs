//! Stacks of real threads in all kinds of states.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::hint::black_box;
use std::io::Read;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_pulse_sys::{
    SampleError, StackSampler, StackSignal, StackSnapshot, current_thread_number,
};

/// Long enough for a machine with much else to do.
const LONG: Duration = Duration::from_secs(60);

fn sampler() -> StackSampler {
    StackSampler::install(StackSignal::default()).unwrap()
}

/// A thread that does something until it is told to stop.
struct Busy {
    tid: i32,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Busy {
    fn with(body: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (tid_out, tid_in) = channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            tid_out.send(current_thread_number().unwrap()).unwrap();
            body(&stopped);
        });
        Self { tid: tid_in.recv().unwrap(), stop, thread }
    }

    fn end(self) {
        self.stop.store(true, Release);
        self.thread.join().unwrap();
    }
}

fn take(sampler: &StackSampler, tid: i32) -> StackSnapshot {
    let mut snapshot = StackSnapshot::default();
    sampler.sample(tid, LONG, &mut snapshot).unwrap();
    snapshot
}

#[test]
fn the_copy_is_of_that_threads_stack() {
    let sampler = sampler();
    const MARK: u64 = 0x5ca1_ab1e_0ddb_a115;
    let (address_out, address_in) = channel();
    let busy = Busy::with(move |stop| {
        let mark = [black_box(MARK); 4];
        address_out.send(mark.as_ptr().addr() as u64).unwrap();
        while !stop.load(Acquire) {
            black_box(&mark);
        }
    });
    let address = address_in.recv().unwrap();
    let snapshot = take(&sampler, busy.tid);
    assert_eq!(snapshot.word(address), Some(MARK));
    assert_ne!(snapshot.registers().instruction, 0);
    assert_eq!(snapshot.word(snapshot.registers().stack - 1), None);
    assert_eq!(snapshot.word(u64::MAX), None);
    busy.end();
}

#[test]
fn a_thread_that_sleeps_or_reads_or_waits_for_a_lock_answers_and_is_not_disturbed() {
    let sampler = sampler();
    let (reader, writer) = std::io::pipe().unwrap();
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.lock().unwrap();
    let slept = Arc::new(AtomicBool::new(false));
    let on_lock = lock.clone();
    let has_slept = slept.clone();
    let blocked = [
        Busy::with(move |_| {
            let began = Instant::now();
            std::thread::sleep(Duration::from_millis(300));
            assert!(began.elapsed() >= Duration::from_millis(300));
            has_slept.store(true, Release);
        }),
        Busy::with(move |_| {
            // One call, restarted by the kernel and not by this code.
            let mut byte = [0];
            assert_eq!((&reader).read(&mut byte).unwrap(), 1);
        }),
        Busy::with(move |_| drop(on_lock.lock().unwrap())),
    ];
    std::thread::sleep(Duration::from_millis(20));
    for round in 0..20 {
        for thread in blocked.iter().skip(usize::from(slept.load(Acquire))) {
            let mut snapshot = StackSnapshot::default();
            match sampler.sample(thread.tid, LONG, &mut snapshot) {
                Ok(()) => assert!(snapshot.bytes().len() > 256, "round {round}"),
                Err(error) => assert_eq!((error, thread.tid), (SampleError::Gone, blocked[0].tid)),
            }
        }
    }
    std::io::Write::write_all(&mut &writer, b"x").unwrap();
    drop(guard);
    blocked.into_iter().for_each(Busy::end);
}

#[test]
fn one_that_blocks_the_signal_times_out_and_answers_later() {
    let sampler = sampler();
    let blocked = Arc::new(AtomicBool::new(false));
    let is_blocked = blocked.clone();
    let may_answer = Arc::new(AtomicBool::new(false));
    let may = may_answer.clone();
    let busy = Busy::with(move |stop| {
        mask(libc::SIG_BLOCK);
        is_blocked.store(true, Release);
        while !may.load(Acquire) {
            std::hint::spin_loop();
        }
        mask(libc::SIG_UNBLOCK);
        while !stop.load(Acquire) {
            std::hint::spin_loop();
        }
    });
    while !blocked.load(Acquire) {
        std::thread::yield_now();
    }
    let mut snapshot = StackSnapshot::default();
    // More often than there are places for requests: none may be lost.
    for _ in 0..10 {
        let answer = sampler.sample(busy.tid, Duration::from_millis(5), &mut snapshot);
        // The other tests may have taken all places.
        assert!(matches!(answer, Err(SampleError::TimedOut | SampleError::Busy)), "{answer:?}");
        assert!(snapshot.bytes().is_empty());
    }
    let other = Busy::with(|stop| while !stop.load(Acquire) {});
    let before = take(&sampler, other.tid);
    may_answer.store(true, Release);
    // The signal that is pending finds nothing open, or this request.
    let after = take(&sampler, busy.tid);
    assert_ne!(before.registers().stack, after.registers().stack);
    busy.end();
    other.end();
}

fn mask(how: i32) {
    // SAFETY: zero bytes are a `sigset_t`; the calls write and read the one given.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGURG);
        assert_eq!(libc::pthread_sigmask(how, &set, std::ptr::null_mut()), 0);
    }
}

#[test]
fn the_end_of_a_thread_is_an_answer() {
    let sampler = sampler();
    let busy = Busy::with(|_| ());
    let tid = busy.tid;
    busy.end();
    let deadline = Instant::now() + LONG;
    let mut snapshot = StackSnapshot::default();
    // The kernel may need a moment after the join.
    while sampler.sample(tid, LONG, &mut snapshot).is_ok() {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(sampler.sample(tid, LONG, &mut snapshot), Err(SampleError::Gone));
    for nobody in [0, -1, 1, i32::MAX, i32::MIN] {
        assert_eq!(sampler.sample(nobody, LONG, &mut snapshot), Err(SampleError::Gone));
    }
}

#[test]
fn a_thread_takes_its_own_and_a_hundred_may_ask_for_one() {
    let sampler = sampler();
    assert!(!take(&sampler, current_thread_number().unwrap()).bytes().is_empty());
    let busy = Busy::with(|stop| while !stop.load(Acquire) {});
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert!(!take(&sampler, busy.tid).bytes().is_empty());
                }
            });
        }
    });
    busy.end();
}

/// So often each kind of code is interrupted.
const INTERRUPTIONS: u64 = 8_000;

/// Does one thing again and again, and counts how often.
fn again(mut what: impl FnMut() + Send + 'static) -> (Busy, Arc<AtomicU64>) {
    let rounds = Arc::new(AtomicU64::new(0));
    let counted = rounds.clone();
    let busy = Busy::with(move |stop| {
        while !stop.load(Acquire) {
            what();
            counted.fetch_add(1, Relaxed);
        }
    });
    (busy, rounds)
}

fn allocates() {
    let many: Vec<_> = (1..64).map(|size| vec![0_u8; size * 37]).collect();
    drop(black_box(many));
}

fn panics_and_unwinds() {
    assert!(catch_unwind(|| resume_unwind(Box::new(1))).is_err());
    assert!(catch_unwind(|| panic!("again")).is_err());
}

fn loads_and_unloads() {
    // SAFETY: a name that ends in zero; what was opened is closed.
    unsafe {
        let library = libc::dlopen(c"libm.so.6".as_ptr(), libc::RTLD_NOW);
        if !library.is_null() {
            libc::dlclose(library);
        }
    }
    drop(black_box(std::backtrace::Backtrace::force_capture()));
}

fn starts_and_ends_threads() {
    let began = Instant::now();
    std::thread::sleep(Duration::from_micros(200));
    assert!(began.elapsed() >= Duration::from_micros(200));
    std::thread::spawn(|| black_box(vec![1; 100])).join().unwrap();
}

/// The child has the handler, and copies of all places for requests, some of them in use.
fn forks() {
    // SAFETY: the child does only what may be done after a fork of a process with threads, and ends
    // without running anything of the parent's; the parent waits for it.
    unsafe {
        match libc::fork() {
            0 => {
                let (process, tid) = (libc::getpid(), libc::gettid());
                // A stranger's signal, which our handler passes on: to nobody, by default.
                let sent = libc::syscall(libc::SYS_tgkill, process, tid, libc::SIGURG);
                libc::_exit(if sent == 0 { 7 } else { 1 });
            }
            child => {
                assert!(child > 0, "{}", std::io::Error::last_os_error());
                let mut status = 0;
                while libc::waitpid(child, &mut status, 0) != child {
                    assert_eq!(*libc::__errno_location(), libc::EINTR);
                }
                assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "{status:x}");
            }
        }
    }
}

/// As `std::process::Command` does, which shares its memory with the child until that is another
/// program.
fn runs_another_program() {
    let status = std::process::Command::new("/bin/true").status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// All that a handler must not get in the way of, interrupted tens of thousands of times.
#[test]
fn threads_in_the_middle_of_everything_bear_being_sampled() {
    std::panic::set_hook(Box::new(|_| ()));
    let sampler = sampler();
    let kinds = [
        again(allocates),
        again(panics_and_unwinds),
        again(loads_and_unloads),
        again(starts_and_ends_threads),
        again(forks),
        again(runs_another_program),
    ];
    // One after the other would leave the others idle, and not all of them at the same pace: one that
    // waits for its child answers later than one that computes.
    std::thread::scope(|scope| {
        for (thread, _) in &kinds {
            scope.spawn(|| {
                let mut snapshot = StackSnapshot::default();
                for _ in 0..INTERRUPTIONS {
                    sampler.sample(thread.tid, LONG, &mut snapshot).unwrap();
                    assert!(!snapshot.bytes().is_empty());
                }
            });
        }
    });
    for (index, (thread, rounds)) in kinds.into_iter().enumerate() {
        thread.end();
        // However often it was interrupted, it got on.
        assert!(rounds.load(Relaxed) >= 1, "kind {index}");
    }
}

/// The end of a thread, at any of its instructions: in its own code, in the destructors of its locals,
/// in the C library, in the kernel.
#[test]
fn threads_may_end_while_they_are_asked() {
    thread_local!(static LOCAL: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) });
    let sampler = sampler();
    let (mut answered, mut gone) = (0, 0);
    let mut snapshot = StackSnapshot::default();
    for round in 0..1_000_u32 {
        let (tid_out, tid_in) = channel();
        let thread = std::thread::spawn(move || {
            LOCAL.with_borrow_mut(|local| local.resize(round as usize, 1));
            tid_out.send(current_thread_number().unwrap()).unwrap();
            (0..round % 97).for_each(|_| std::hint::spin_loop());
        });
        let tid = tid_in.recv().unwrap();
        loop {
            match sampler.sample(tid, LONG, &mut snapshot) {
                Ok(()) => answered += 1,
                Err(SampleError::Gone) => break,
                Err(error) => panic!("{error} in round {round}"),
            }
        }
        gone += 1;
        thread.join().unwrap();
    }
    assert_eq!(gone, 1_000);
    // Many have ended before they were asked; the first answers prove that not all have.
    assert!(answered > 0);
}

/// Requests that are given up while the threads answer them.
#[test]
fn late_answers_reach_nobody_elses_request() {
    let sampler = sampler();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            Busy::with(|stop| {
                while !stop.load(Acquire) {
                    mask(libc::SIG_BLOCK);
                    (0..500).for_each(|_| std::hint::spin_loop());
                    mask(libc::SIG_UNBLOCK);
                }
            })
        })
        .collect();
    let home: Vec<_> =
        threads.iter().map(|thread| take(&sampler, thread.tid).registers().stack).collect();
    let until = Instant::now() + Duration::from_secs(1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut snapshot = StackSnapshot::default();
                let mut micros = 0;
                while Instant::now() < until {
                    for (thread, &home) in threads.iter().zip(&home) {
                        micros = (micros + 7) % 120;
                        let timeout = Duration::from_micros(micros);
                        match sampler.sample(thread.tid, timeout, &mut snapshot) {
                            Ok(()) => {
                                // Within that thread's stack, and of one piece.
                                let stack = snapshot.registers().stack;
                                assert!(stack.abs_diff(home) < 1 << 16, "{stack:x} {home:x}");
                            }
                            Err(SampleError::TimedOut | SampleError::Busy) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
    });
    for thread in &threads {
        take(&sampler, thread.tid);
    }
    threads.into_iter().for_each(Busy::end);
}
