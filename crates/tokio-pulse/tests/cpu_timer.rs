//! `CpuTimer` against what the kernel's scheduler counts, on a quiet machine and on a loaded one.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tokio_pulse::{CpuTimeSource, CpuTimer};

const PATIENCE: Duration = Duration::from_secs(60);

/// The scheduler's own account of the calling thread.
struct Account(File);

#[derive(Clone, Copy, Debug)]
struct Entry {
    ran: Duration,
    waited: Duration,
}

impl Account {
    /// `None` where the kernel does not keep it.
    fn open() -> Option<Self> {
        let account = Self(File::open("/proc/thread-self/schedstat").ok()?);
        (account.entry().ran > Duration::ZERO).then_some(account)
    }

    fn entry(&self) -> Entry {
        // Of a thread that runs, the account is as of the last tick; of one that has slept, as of
        // its going to sleep.
        thread::sleep(Duration::from_millis(1));
        let mut line = [0; 64];
        let length = self.0.read_at(&mut line, 0).unwrap();
        let line = std::str::from_utf8(&line[..length]).unwrap();
        let mut fields =
            line.split_ascii_whitespace().map(|field| Duration::from_nanos(field.parse().unwrap()));
        Entry { ran: fields.next().unwrap(), waited: fields.next().unwrap() }
    }
}

impl Entry {
    fn since(self, before: Self) -> Self {
        Self { ran: self.ran - before.ran, waited: self.waited - before.waited }
    }
}

fn spin(steps: u64) {
    let mut state = 1_u64;
    for step in 0..steps {
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9).wrapping_add(step);
    }
    black_box(state);
}

/// So many steps take about `length` of CPU time: the fastest of several tries counts.
fn steps_for(length: Duration) -> u64 {
    const TRIAL: u64 = 200_000;
    let trial = |_| {
        let timer = CpuTimer::start();
        spin(TRIAL);
        timer.stop()
    };
    let fastest = (0..10).map(trial).min().unwrap();
    (length.as_secs_f64() / fastest.as_secs_f64() * TRIAL as f64) as u64
}

/// How far the timer is from the scheduler's account, as a share of it, for one run.
fn error(account: &Account, steps: u64) -> f64 {
    let before = account.entry();
    let timer = CpuTimer::start();
    spin(steps);
    let measured = timer.stop();
    let counted = account.entry().since(before).ran;
    (measured.as_secs_f64() / counted.as_secs_f64() - 1.0).abs()
}

/// What the account has more, sleep and read, is small beside 50 ms, and the best of several runs
/// is one without an interrupt in them.
#[test]
fn agrees_with_the_schedulers_account() {
    let Some(account) = Account::open() else { return };
    assert_eq!(CpuTimer::start().source(), CpuTimeSource::ThreadCpu);
    let steps = steps_for(Duration::from_millis(50));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let error = error(&account, steps);
        if error < 0.01 {
            break;
        }
        assert!(Instant::now() < deadline, "off by {:.2} % still", error * 100.0);
    }
}

#[test]
fn stands_still_while_the_thread_sleeps() {
    let timer = CpuTimer::start();
    if timer.source() != CpuTimeSource::ThreadCpu {
        return;
    }
    thread::sleep(Duration::from_millis(50));
    let slept = timer.stop();
    assert!(slept < Duration::from_millis(25), "{slept:?}");
}

/// Beside twice as many burning threads as processors the clock on the wall runs on while others
/// have the processor; the timer does not.
#[test]
fn stands_still_while_others_run() {
    let Some(account) = Account::open() else { return };
    let over = &AtomicBool::new(false);
    let deadline = Instant::now() + PATIENCE;
    thread::scope(|scope| {
        for _ in 0..2 * thread::available_parallelism().unwrap().get() {
            scope.spawn(move || {
                while !over.load(Relaxed) && Instant::now() < deadline {
                    spin(10_000);
                }
            });
        }
        let steps = steps_for(Duration::from_millis(5));
        let began = Instant::now();
        let before = account.entry();
        let timer = CpuTimer::start();
        let mut burned = Duration::ZERO;
        let mut counted = before.since(before);
        while (counted.waited < Duration::from_millis(50)
            || counted.ran < Duration::from_millis(50))
            && Instant::now() < deadline
        {
            spin(steps);
            burned = timer.elapsed();
            counted = account.entry().since(before);
        }
        let wall = began.elapsed();
        over.store(true, Relaxed);

        // The scheduler's clock and the one on the wall are not the same.
        let slack = Duration::from_millis(10);
        assert!(counted.waited >= Duration::from_millis(50), "never set aside: {counted:?}");
        assert!(burned + counted.waited <= wall + slack, "{burned:?} of {wall:?}, {counted:?}");
        // What the account has more: the last sleep and read.
        assert!(burned <= counted.ran + slack / 10, "{burned:?}, {counted:?}");
        assert!(burned + slack >= counted.ran.mul_f64(0.95), "{burned:?}, {counted:?}");
    });
}
