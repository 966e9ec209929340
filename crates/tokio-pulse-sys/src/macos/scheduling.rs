//! How the kernel's scheduler treats a thread: its quality-of-service class.
//!
//! **Niceness** is the class of a thread (`pthread/qos.h`): the scheduler's priority and time slice, the
//! speed of the processor and, on Apple silicon, the kind of processor follow from it. A thread sets
//! its own class, up and down as it likes (`pthread_set_qos_class_self_np(3)`); of another thread it can
//! be read, and raised by an override, but not lowered. So here the niceness of others is for reading
//! only. The older `thread_policy_set` (`THREAD_PRECEDENCE_POLICY`) does lower other threads, but takes
//! the class from them for good in the kernel, and could not be undone.
//!
//! **The idle policy** would be the background state, which is [`isolation`](super::isolation)'s here:
//! it is one switch, and two who set it would undo each other.
//!
//! **Slices** follow from the class, and cannot be asked for.

use std::time::Duration;

use libc::qos_class_t;

use super::thread::{self, Port};
use crate::Unavailable;

const NICE: &str = "thread niceness";

const NO_SLICES: Unavailable = Unavailable::lacking(
    "kernel time slice",
    "macOS gives each class of threads a time slice of its own choice",
    "demotion goes by class instead",
    None,
);

const NO_IDLE: Unavailable = Unavailable::lacking(
    "idle scheduling policy",
    "macOS has one background state, which is kept for isolated threads",
    "take demotion by niceness",
    None,
);

const OWN_THREAD_ONLY: Unavailable = Unavailable::lacking(
    NICE,
    "macOS lets a thread change its own class only",
    "ask on that thread",
    None,
);

/// The classes, and the niceness that each stands for: this one, and what is nicer up to the next.
const CLASSES: [(i32, qos_class_t); 5] = [
    (-10, qos_class_t::QOS_CLASS_USER_INTERACTIVE),
    (-5, qos_class_t::QOS_CLASS_USER_INITIATED),
    (0, qos_class_t::QOS_CLASS_DEFAULT),
    (10, qos_class_t::QOS_CLASS_UTILITY),
    (19, qos_class_t::QOS_CLASS_BACKGROUND),
];

/// Of threads that are to run as soon as they wake up: the class "user interactive".
const PROMPT_NICE: i32 = -10;

/// The kernel's scheduling attributes of one thread.
///
/// It is a number, not a resource: it may outlive its thread, and may then come to name a later thread
/// of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadScheduling {
    port: Port,
}

impl ThreadScheduling {
    /// The attributes of the calling thread.
    ///
    /// # Errors
    ///
    /// When the thread has no class: one that set a policy by the older calls.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        let scheduling = Self { port: thread::current() };
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

    /// The niceness that the thread's class stands for: from -10 to 19.
    ///
    /// # Errors
    ///
    /// When the thread has ended, or has no class.
    pub fn nice(&self) -> Result<i32, Unavailable> {
        // SAFETY: the kernel is not asked; a name that is none of a living thread's gives null.
        let pthread = unsafe { libc::pthread_from_mach_thread_np(self.port) };
        let mut class = 0_u32;
        let mut within = 0;
        // SAFETY: both are valid for writes, the first of what is a 32-bit number in C, whatever its
        // value; the library checks the thread against its list of those that live.
        let code = unsafe {
            let into = (&raw mut class).cast::<qos_class_t>();
            libc::pthread_get_qos_class_np(pthread, into, &mut within)
        };
        if code != 0 {
            return Err(Unavailable::refused(NICE, code));
        }
        let known = CLASSES.iter().find(|(_, known)| *known as u32 == class);
        known.map(|(nice, _)| *nice).ok_or(Unavailable::for_policy(NICE))
    }

    /// Sets the class that is nearest to this niceness and not below it, of the calling thread.
    ///
    /// # Errors
    ///
    /// For another thread than the calling one; for one that has set a policy by the older calls.
    pub fn set_nice(&self, nice: i32) -> Result<(), Unavailable> {
        if self.port != thread::current() {
            return Err(OWN_THREAD_ONLY);
        }
        // SAFETY: no memory is passed.
        match unsafe { libc::pthread_set_qos_class_self_np(class_of(nice), 0) } {
            0 => Ok(()),
            code => Err(Unavailable::refused(NICE, code)),
        }
    }

    /// Asks the kernel to let the thread run soon after it wakes up: for one that computes little, and
    /// that others wait for. By the class of
    /// threads that somebody waits for, on the calling thread. Needs no privilege.
    ///
    /// # Errors
    ///
    /// As for [`set_nice`](Self::set_nice).
    pub fn hasten(&self) -> Result<(), Unavailable> {
        self.set_nice(PROMPT_NICE)
    }

    /// Lets the thread run only on what all others leave over.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn set_idle(&self, _idle: bool) -> Result<(), Unavailable> {
        Err(NO_IDLE)
    }
}

fn class_of(nice: i32) -> qos_class_t {
    let reached = CLASSES.iter().rev().find(|(least, _)| nice >= *least);
    reached.map_or(qos_class_t::QOS_CLASS_USER_INTERACTIVE, |(_, class)| *class)
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
    let trial = || {
        let scheduling = ThreadScheduling::of_current_thread()?;
        let nice = scheduling.nice()?;
        scheduling.set_nice(nice + 10)?;
        scheduling.set_nice(nice)
    };
    let thread = std::thread::Builder::new()
        .name("pulse-trial".to_owned())
        .spawn(trial)
        .map_err(|error| Unavailable::refused(NICE, error.raw_os_error().unwrap_or(0)))?;
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Whether a thread can be brought back from the idle policy.
///
/// # Errors
///
/// Always, on this platform.
pub fn idle_restorable() -> Result<(), Unavailable> {
    Err(NO_IDLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn niceness_and_class_stand_for_each_other() {
        for (nice, class) in CLASSES {
            assert_eq!(class_of(nice) as u32, class as u32);
        }
        assert_eq!(class_of(12) as u32, qos_class_t::QOS_CLASS_UTILITY as u32);
        assert_eq!(class_of(-20) as u32, qos_class_t::QOS_CLASS_USER_INTERACTIVE as u32);
    }

    #[test]
    fn what_the_trial_promises_holds_on_the_own_thread_alone() {
        nice_restorable().unwrap();
        let thread = ThreadScheduling::of_current_thread().unwrap();
        let nice = thread.nice().unwrap();
        thread.set_nice(nice + 10).unwrap();
        thread.set_nice(nice).unwrap();
        assert_eq!(thread.nice(), Ok(nice));
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(thread.set_nice(19), Err(OWN_THREAD_ONLY)));
        });
    }
}
