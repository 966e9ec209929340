//! The timer: one thread a process, which sleeps while there is nobody to interrupt.
//!
//! * `slot`: what it knows of a thread, and how it asks.
//! * `watch`: when a thread is due; no clock, no threads.
//! * `demand`: whether somebody waits for the thread.
//! * `doze`: how it falls asleep without missing who wakes up.

mod demand;
mod doze;
mod slot;
mod watch;

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::deadlock::Detector;
use crate::platform;
pub(crate) use demand::Demand;
pub(crate) use doze::Doze;
pub(crate) use slot::{Outer, Slot};
use watch::Watch;

/// So many looks in a row at which there was nothing to do, and it falls asleep.
const QUIET_LOOKS: u32 = 8;

struct Ticker {
    /// Held while signals are sent, so that a thread that has deregistered gets none.
    slots: Mutex<Vec<(Arc<Slot>, Watch)>>,
    doze: Doze,
    thread: OnceLock<Thread>,
}

static TICKER: LazyLock<Ticker> = LazyLock::new(|| Ticker {
    slots: Mutex::new(Vec::new()),
    doze: Doze::new(),
    thread: OnceLock::new(),
});

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

/// A thread is about to run polls, and has not before.
pub(crate) fn wake_up(slot: &Slot) {
    slot.stop_resting();
    nudge();
}

/// A thread stopped resting, or somebody waits for one.
pub(crate) fn nudge() {
    if TICKER.doze.must_wake() {
        if let Some(thread) = TICKER.thread.get() {
            thread.unpark();
        }
    }
}

fn run() {
    platform::sleep_precisely();
    let mut detector = Detector::default();
    let mut quiet = 0;
    loop {
        let (look_at, idle) = look(&mut detector);
        quiet = if idle { quiet + 1 } else { 0 };
        if quiet > QUIET_LOOKS {
            if sleep() {
                quiet = 0;
            }
            continue;
        }
        let now = platform::now_ns();
        thread::park_timeout(Duration::from_nanos(look_at.saturating_sub(now)));
    }
}

/// At all threads: when to look again, and whether there was nothing to do.
fn look(detector: &mut Detector) -> (u64, bool) {
    let now = platform::now_ns();
    let mut look_at = now + watch::IDLE_LOOK_NS;
    let mut idle = true;
    let mut slots = slots();
    for (slot, watch) in slots.iter_mut() {
        let sight = slot.sight();
        let verdict = watch.look(sight, now);
        let look = detector.look(slot, sight.beat, now) | verdict.look;
        let must_send = (verdict.interrupt && slot.ask(sight.beat, platform::now_ns()))
            || (!verdict.interrupt && look && slot.ask_for_look());
        idle &= slot.is_quiet() && !must_send;
        if must_send && !platform::interrupt(slot.thread) {
            // Nothing is under way to it, so that nothing would say that it has come.
            slot.signal_handled();
        }
        look_at = look_at.min(verdict.look_at);
    }
    detector.forget(|stuck| slots.iter().any(|(slot, _)| Arc::ptr_eq(slot, stuck)));
    drop(slots);
    detector.report(now);
    (look_at, idle)
}

/// Until there is something to do or, while polls run, until it is time to see whether they are
/// blocked. Whether there is something to do.
fn sleep() -> bool {
    TICKER.doze.announce();
    let (mut quiet, mut resting) = (true, true);
    for (slot, _) in slots().iter() {
        quiet &= slot.is_quiet();
        resting &= slot.is_resting();
    }
    let look_at = platform::now_ns() + watch::BLOCKED_LOOK_NS;
    while quiet && TICKER.doze.is_asleep() {
        if resting {
            thread::park();
            continue;
        }
        let left = look_at.saturating_sub(platform::now_ns());
        if left == 0 {
            break;
        }
        thread::park_timeout(Duration::from_nanos(left));
    }
    let woken = !TICKER.doze.is_asleep();
    TICKER.doze.wake_up();
    woken || !quiet
}
