//! The timer: one thread a process, which sleeps while nothing runs that it could interrupt.

mod slot;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering::*, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::platform;
pub(crate) use slot::{Demand, Outer, Slot};
use watch::Watch;

/// So many looks in a row at which every thread rests, and it falls asleep.
const QUIET_LOOKS: u32 = 8;

struct Ticker {
    /// Held while signals are sent, so that a thread that has deregistered gets none.
    slots: Mutex<Vec<(Arc<Slot>, Watch)>>,
    asleep: AtomicBool,
    thread: OnceLock<Thread>,
}

static TICKER: Ticker = Ticker {
    slots: Mutex::new(Vec::new()),
    asleep: AtomicBool::new(false),
    thread: OnceLock::new(),
};

/// Starts the timer's thread if there is none.
pub(crate) fn start() -> std::io::Result<()> {
    static STARTING: Mutex<()> = Mutex::new(());
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if TICKER.thread.get().is_none() {
        let thread = thread::Builder::new().name("pulse-quantum".to_owned()).spawn(run)?;
        let _ = TICKER.thread.set(thread.thread().clone());
    }
    Ok(())
}

fn slots() -> MutexGuard<'static, Vec<(Arc<Slot>, Watch)>> {
    TICKER.slots.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place for the thread of this number.
pub(crate) fn register(thread: i32) -> Arc<Slot> {
    let slot = Arc::new(Slot::new(thread));
    slots().push((slot.clone(), Watch::default()));
    slot
}

/// The thread gets no signal from here on.
pub(crate) fn deregister(slot: &Arc<Slot>) {
    slots().retain(|(other, _)| !Arc::ptr_eq(other, slot));
}

/// If it is asleep.
fn wake() {
    if TICKER.asleep.load(Relaxed) && TICKER.asleep.swap(false, Relaxed) {
        if let Some(thread) = TICKER.thread.get() {
            thread.unpark();
        }
    }
}

fn run() {
    platform::sleep_precisely();
    let mut quiet = 0;
    loop {
        let now = platform::now_ns();
        let mut look_at = now + watch::IDLE_LOOK_NS;
        let mut resting = true;
        for (slot, watch) in slots().iter_mut() {
            resting &= slot.is_resting();
            let sight = slot.sight();
            let verdict = watch.look(sight, now);
            if verdict.interrupt && slot.ask(sight.beat, platform::now_ns()) {
                platform::interrupt(slot.thread);
            }
            look_at = look_at.min(verdict.look_at);
        }
        quiet = if resting { quiet + 1 } else { 0 };
        if quiet > QUIET_LOOKS {
            TICKER.asleep.store(true, Relaxed);
            fence(SeqCst);
            if slots().iter().all(|(slot, _)| slot.is_resting()) {
                while TICKER.asleep.load(Relaxed) {
                    thread::park();
                }
            }
            TICKER.asleep.store(false, Relaxed);
            quiet = 0;
            continue;
        }
        let now = platform::now_ns();
        thread::park_timeout(Duration::from_nanos(look_at.saturating_sub(now)));
    }
}
