//! Stacks of threads that are stopped for it, in all kinds of states.
#![cfg(all(
    any(windows, target_os = "macos"),
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::hint::black_box;
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
    number: i32,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Busy {
    fn with(body: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (number_out, number_in) = channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            number_out.send(current_thread_number().unwrap()).unwrap();
            body(&stopped);
        });
        Self { number: number_in.recv().unwrap(), stop, thread }
    }

    fn end(self) {
        self.stop.store(true, Release);
        self.thread.join().unwrap();
    }
}

fn take(sampler: &StackSampler, number: i32) -> StackSnapshot {
    let mut snapshot = StackSnapshot::default();
    sampler.sample(number, LONG, &mut snapshot).unwrap();
    snapshot
}

#[test]
fn the_copy_is_of_that_threads_stack() {
    const MARK: u64 = 0x5ca1_ab1e_0ddb_a115;
    let sampler = sampler();
    let (address_out, address_in) = channel();
    let busy = Busy::with(move |stop| {
        let mark = [black_box(MARK); 4];
        address_out.send(mark.as_ptr().addr() as u64).unwrap();
        while !stop.load(Acquire) {
            black_box(&mark);
        }
    });
    let address = address_in.recv().unwrap();
    let snapshot = take(&sampler, busy.number);
    assert_eq!(snapshot.word(address), Some(MARK));
    assert_ne!(snapshot.registers().instruction, 0);
    assert!(snapshot.bytes().len() <= StackSnapshot::MAX_BYTES);
    busy.end();
}

#[test]
fn a_thread_that_sleeps_or_waits_is_not_disturbed() {
    let sampler = sampler();
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.lock().unwrap();
    let on_lock = lock.clone();
    let blocked = [
        Busy::with(|_| {
            let began = Instant::now();
            std::thread::sleep(Duration::from_millis(300));
            assert!(began.elapsed() >= Duration::from_millis(290));
        }),
        Busy::with(move |_| drop(on_lock.lock().unwrap())),
    ];
    let mut snapshot = StackSnapshot::default();
    for _ in 0..50 {
        for thread in &blocked {
            match sampler.sample(thread.number, LONG, &mut snapshot) {
                Ok(()) => assert!(!snapshot.bytes().is_empty()),
                Err(error) => {
                    assert_eq!((error, thread.number), (SampleError::Gone, blocked[0].number))
                }
            }
        }
    }
    drop(guard);
    blocked.into_iter().for_each(Busy::end);
}

#[test]
fn the_end_of_a_thread_is_an_answer() {
    let sampler = sampler();
    let busy = Busy::with(|_| ());
    let number = busy.number;
    busy.end();
    let deadline = Instant::now() + LONG;
    let mut snapshot = StackSnapshot::default();
    // The system may need a moment after the join, or have given the number to another test's thread.
    while sampler.sample(number, LONG, &mut snapshot).is_ok() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(sampler.sample(0, LONG, &mut snapshot), Err(SampleError::Gone));
}

#[test]
fn a_thread_takes_its_own_and_many_may_ask_for_one_and_for_each_other() {
    let sampler = sampler();
    assert!(!take(&sampler, current_thread_number().unwrap()).bytes().is_empty());
    let busy = Busy::with(|stop| while !stop.load(Acquire) {});
    let numbers = Mutex::new(vec![busy.number]);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                numbers.lock().unwrap().push(current_thread_number().unwrap());
                let mut snapshot = StackSnapshot::default();
                for _ in 0..20 {
                    let all = numbers.lock().unwrap().clone();
                    for number in all {
                        match sampler.sample(number, LONG, &mut snapshot) {
                            Ok(()) | Err(SampleError::Gone) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
    });
    busy.end();
}

/// They hold the heap's lock, the loader's, the unwinder's: whoever stops them must need none.
#[test]
fn threads_in_the_middle_of_everything_bear_being_stopped() {
    std::panic::set_hook(Box::new(|_| ()));
    let sampler = sampler();
    let rounds = Arc::new(AtomicU64::new(0));
    let (allocated, unwound, spawned) = (rounds.clone(), rounds.clone(), rounds.clone());
    let threads = [
        Busy::with(move |stop| {
            while !stop.load(Acquire) {
                let many: Vec<_> = (1..64).map(|size| vec![0_u8; size * 37]).collect();
                drop(black_box(many));
                allocated.fetch_add(1, Relaxed);
            }
        }),
        Busy::with(move |stop| {
            while !stop.load(Acquire) {
                assert!(catch_unwind(|| resume_unwind(Box::new(1))).is_err());
                unwound.fetch_add(1, Relaxed);
            }
        }),
        Busy::with(move |stop| {
            while !stop.load(Acquire) {
                std::thread::spawn(|| black_box(vec![1; 100])).join().unwrap();
                spawned.fetch_add(1, Relaxed);
            }
        }),
    ];
    let until = Instant::now() + Duration::from_secs(1);
    let taken = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut snapshot = StackSnapshot::default();
                while Instant::now() < until {
                    for thread in &threads {
                        sampler.sample(thread.number, LONG, &mut snapshot).unwrap();
                        taken.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    assert!(taken.load(Relaxed) >= 9);
    assert!(rounds.load(Relaxed) >= 1);
    threads.into_iter().for_each(Busy::end);
}
