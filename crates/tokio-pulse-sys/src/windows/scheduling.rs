//! How the kernel's scheduler treats a thread: its priority, and the background mode.
//!
//! **Niceness** is a thread's priority relative to its process, of which Windows has seven; the
//! thread with the highest priority that can run does run, so a lower one counts for more than it
//! does on Linux. To starve nobody for good, the system raises a ready thread that has had no
//! processor for about four seconds ("priority boosts"). A thread that is made nicer also gets
//! *power throttling* (`ThreadPowerThrottling`, since Windows 10 1709): the documentation's own word
//! for work that may run slower, on the efficient processors where there are such. Lowering and
//! raising back up to "highest" is every thread's right.
//!
//! **The idle policy** is background mode (`THREAD_MODE_BACKGROUND_BEGIN`), which also lowers the
//! priority of the thread's reads and writes. The system remembers what the thread was before. It is
//! for the calling thread only: "hThread must specify the current thread".
//!
//! **Slices**: the quantum is one setting for all threads of a machine, so there is no answer but why.

use std::time::Duration;

use windows_sys::Win32::System::Threading::{
    GetCurrentThread, GetThreadPriority, SetThreadPriority, THREAD_MODE_BACKGROUND_BEGIN,
    THREAD_MODE_BACKGROUND_END, THREAD_POWER_THROTTLING_CURRENT_VERSION,
    THREAD_POWER_THROTTLING_EXECUTION_SPEED, THREAD_POWER_THROTTLING_STATE,
    THREAD_PRIORITY_ABOVE_NORMAL, THREAD_PRIORITY_BELOW_NORMAL, THREAD_PRIORITY_HIGHEST,
    THREAD_PRIORITY_IDLE, THREAD_PRIORITY_LOWEST, THREAD_PRIORITY_NORMAL,
    THREAD_PRIORITY_TIME_CRITICAL, THREAD_QUERY_LIMITED_INFORMATION, THREAD_SET_INFORMATION,
    ThreadPowerThrottling,
};

use super::thread::{NotOpened, OpenedThread, current_number};
use super::{last_error, late, on_fresh_thread};
use crate::Unavailable;

const NICE: &str = "thread niceness";
const IDLE: &str = "idle scheduling policy";

/// What `GetThreadPriority` answers when it fails.
const PRIORITY_ERROR: i32 = i32::MAX;

const NO_SLICES: Unavailable = Unavailable::lacking(
    "kernel time slice",
    "Windows has one time slice for all threads of a machine",
    "demotion goes by priority instead",
    None,
);

const OWN_THREAD_ONLY: Unavailable = Unavailable::lacking(
    IDLE,
    "Windows lets a thread into background mode at its own request only",
    "ask on that thread",
    None,
);

/// The priorities, and the niceness that each stands for: this one, and what is nicer up to the next.
const PRIORITIES: [(i32, i32); 7] = [
    (-20, THREAD_PRIORITY_TIME_CRITICAL),
    (-10, THREAD_PRIORITY_HIGHEST),
    (-5, THREAD_PRIORITY_ABOVE_NORMAL),
    (0, THREAD_PRIORITY_NORMAL),
    (5, THREAD_PRIORITY_BELOW_NORMAL),
    (10, THREAD_PRIORITY_LOWEST),
    (19, THREAD_PRIORITY_IDLE),
];

/// Of threads that are to run as soon as they wake up: `THREAD_PRIORITY_HIGHEST`, below what is for drivers
/// and the system (`THREAD_PRIORITY_TIME_CRITICAL`).
const PROMPT_NICE: i32 = -10;

/// The kernel's scheduling attributes of one thread, to be read and set from every thread of the
/// process.
///
/// It is a number, not a resource: it may outlive its thread, and then every method fails. The
/// system may give the number to a later thread of this process, which the methods then act on; never
/// to one of another process, for each method asks for that first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadScheduling {
    number: u32,
}

impl ThreadScheduling {
    /// The attributes of the calling thread.
    ///
    /// # Errors
    ///
    /// When the system does not let them be read.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        let scheduling = Self { number: current_number() };
        scheduling.nice().map(|_| scheduling)
    }

    /// Asks for a time slice.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn set_slice(&self, _slice: Option<Duration>) -> Result<(), Unavailable> {
        Err(NO_SLICES)
    }

    /// The time slice in force.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn slice(&self) -> Result<Duration, Unavailable> {
        Err(NO_SLICES)
    }

    /// The niceness that the thread's priority stands for: from -20 to 19.
    ///
    /// # Errors
    ///
    /// When the thread has ended.
    pub fn nice(&self) -> Result<i32, Unavailable> {
        let thread = self.open(NICE)?;
        // SAFETY: the handle is open, with the right to be asked.
        let priority = unsafe { GetThreadPriority(thread.handle()) };
        if priority == PRIORITY_ERROR {
            return Err(Unavailable::refused(NICE, last_error()));
        }
        Ok(nice_of(priority))
    }

    /// Sets the priority that is nearest to this niceness and not below it, and power throttling for
    /// one that is nicer than usual.
    ///
    /// # Errors
    ///
    /// When the thread has ended, or the system refuses.
    pub fn set_nice(&self, nice: i32) -> Result<(), Unavailable> {
        let thread = self.open(NICE)?;
        // SAFETY: the handle is open, with the right to be set.
        let done = unsafe { SetThreadPriority(thread.handle(), priority_of(nice)) } != 0;
        let refusal = Unavailable::refused(NICE, if done { 0 } else { last_error() });
        // A system without it has lowered the priority all the same.
        throttle(&thread, nice > 0);
        if done { Ok(()) } else { Err(refusal) }
    }

    /// Asks the kernel to let the thread run soon after it wakes up: for one that computes little, and
    /// that others wait for. By the highest
    /// priority of an ordinary process, which threads that it spawns do not inherit. Needs no privilege.
    ///
    /// # Errors
    ///
    /// As for [`set_nice`](Self::set_nice).
    pub fn hasten(&self) -> Result<(), Unavailable> {
        self.set_nice(PROMPT_NICE)
    }

    /// Lets the calling thread into background mode, or out of it again.
    ///
    /// # Errors
    ///
    /// For another thread than the calling one; when the system refuses, as it does for a thread that
    /// is in that mode already.
    pub fn set_idle(&self, idle: bool) -> Result<(), Unavailable> {
        if self.number != current_number() {
            return Err(OWN_THREAD_ONLY);
        }
        let mode = if idle { THREAD_MODE_BACKGROUND_BEGIN } else { THREAD_MODE_BACKGROUND_END };
        // SAFETY: what the inner call gives always names the calling thread, which may set itself.
        if unsafe { SetThreadPriority(GetCurrentThread(), mode) } != 0 {
            Ok(())
        } else {
            Err(Unavailable::refused(IDLE, last_error()))
        }
    }

    fn open(&self, capability: &'static str) -> Result<OpenedThread, Unavailable> {
        let rights = THREAD_QUERY_LIMITED_INFORMATION | THREAD_SET_INFORMATION;
        OpenedThread::open(self.number, rights).map_err(|error| match error {
            NotOpened::Gone => Unavailable::lacking(
                capability,
                "the thread has ended",
                "there is nothing left to be done to it",
                None,
            ),
            NotOpened::Refused(code) => Unavailable::refused(capability, code),
        })
    }
}

/// Marks a thread for the system's slower ways, or leaves the choice to the system again.
fn throttle(thread: &OpenedThread, on: bool) {
    let Some(set) = late::set_thread_information() else { return };
    let flag = if on { THREAD_POWER_THROTTLING_EXECUTION_SPEED } else { 0 };
    let state = THREAD_POWER_THROTTLING_STATE {
        Version: THREAD_POWER_THROTTLING_CURRENT_VERSION,
        ControlMask: flag,
        StateMask: flag,
    };
    // SAFETY: `state` is whole, outlives the call and is only read; the handle is open, with the
    // right to be set. What it answers is of no consequence, see `set_nice`.
    unsafe {
        let size = size_of::<THREAD_POWER_THROTTLING_STATE>() as u32;
        set(thread.handle(), ThreadPowerThrottling, (&raw const state).cast(), size);
    }
}

fn priority_of(nice: i32) -> i32 {
    let reached = PRIORITIES.iter().rev().find(|(least, _)| nice >= *least);
    reached.map_or(THREAD_PRIORITY_TIME_CRITICAL, |(_, priority)| *priority)
}

/// The system may answer with a value between those that can be set.
fn nice_of(priority: i32) -> i32 {
    let reached = PRIORITIES.iter().find(|(_, least)| priority >= *least);
    reached.map_or(19, |(nice, _)| *nice)
}

/// Whether the kernel takes time slices.
///
/// # Errors
///
/// Always, on this platform.
pub fn slices_available() -> Result<(), Unavailable> {
    Err(NO_SLICES)
}

/// Whether a thread that was made nicer can be brought back to the caller's niceness, tried on a
/// thread that ends with this call.
///
/// # Errors
///
/// When the system refuses either way.
pub fn nice_restorable() -> Result<(), Unavailable> {
    on_fresh_thread(NICE, || {
        let scheduling = ThreadScheduling::of_current_thread()?;
        let nice = scheduling.nice()?;
        scheduling.set_nice(nice + 10)?;
        scheduling.set_nice(nice)
    })
}

/// Whether a thread can be brought back from background mode, tried on a thread that ends with this
/// call.
///
/// # Errors
///
/// When the system has no such mode.
pub fn idle_restorable() -> Result<(), Unavailable> {
    on_fresh_thread(IDLE, || {
        let scheduling = ThreadScheduling::of_current_thread()?;
        scheduling.set_idle(true)?;
        scheduling.set_idle(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn niceness_and_priority_stand_for_each_other() {
        for (nice, priority) in PRIORITIES {
            assert_eq!(priority_of(nice), priority);
            assert_eq!(nice_of(priority), nice);
        }
        assert_eq!(priority_of(3), THREAD_PRIORITY_NORMAL);
        assert_eq!(priority_of(12), THREAD_PRIORITY_LOWEST);
        assert_eq!(priority_of(-40), THREAD_PRIORITY_TIME_CRITICAL);
        assert_eq!(nice_of(-7), 19);
    }

    #[test]
    fn another_thread_sets_it_and_it_comes_back() {
        let waiting = ThreadScheduling::of_current_thread().unwrap();
        let before = waiting.nice().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let own = ThreadScheduling::of_current_thread().unwrap();
                waiting.set_nice(before + 10).unwrap();
                assert_eq!(own.nice(), Ok(0));
                assert_eq!(waiting.set_idle(true), Err(OWN_THREAD_ONLY));
            });
        });
        assert_eq!(waiting.nice(), Ok(before + 10));
        waiting.set_nice(before).unwrap();
        assert_eq!(waiting.nice(), Ok(before));
    }

    #[test]
    fn haste_is_not_inherited() {
        std::thread::spawn(|| {
            let own = ThreadScheduling::of_current_thread().unwrap();
            own.hasten().unwrap();
            assert_eq!(own.nice(), Ok(PROMPT_NICE));
            let child = || ThreadScheduling::of_current_thread().unwrap().nice();
            assert_eq!(std::thread::spawn(child).join().unwrap(), Ok(0));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn what_the_trials_promise_holds() {
        assert!(slices_available().is_err());
        let thread = ThreadScheduling::of_current_thread().unwrap();
        let nice = thread.nice();
        assert_eq!(nice_restorable(), Ok(()));
        let restorable = idle_restorable();
        assert_eq!(thread.nice(), nice, "a trial touched the caller");
        if restorable.is_ok() {
            thread.set_idle(true).unwrap();
            thread.set_idle(false).unwrap();
            assert_eq!(thread.nice(), nice);
        }
    }

    #[test]
    fn a_number_of_nobody_is_left_alone() {
        let nobody = ThreadScheduling { number: 0 };
        assert!(nobody.nice().is_err());
        assert!(nobody.set_nice(19).is_err());
    }
}
