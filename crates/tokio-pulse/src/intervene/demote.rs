//! Demotion: while an offender computes, the kernel prefers other threads to its own.
//!
//! By time slices first: a thread with a long slice is preempted by every thread with a shorter one
//! that wakes up, and has its share of the processor all the same. So while there are suspects the
//! workers ask for the shortest slice there is, and an offender for a long one. That needs no
//! privilege in either direction. Niceness takes from the share itself, which an offender that holds a lock makes others
//! pay for; so it is for kernels without slices, and for those who ask for it. Nothing is done
//! that could not be undone: lowering a thread is everybody's right, raising it again is not.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_pulse_sys::{ThreadScheduling, idle_restorable, nice_restorable, slices_available};

use crate::config::Demotion;
use crate::heartbeat::Heart;

/// What workers ask for while there are suspects: the kernel gives no less.
const WORKER_SLICE: Duration = Duration::from_micros(100);

/// As much worse as the shared notion of a background job has it.
const NICE_STEP: i32 = 10;
const MAX_NICE: i32 = 19;

/// What this process may do to its threads and take back, found out once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Means {
    slices: bool,
    nice: bool,
    idle: bool,
}

impl Means {
    pub(crate) fn here() -> &'static Self {
        static HERE: OnceLock<Means> = OnceLock::new();
        HERE.get_or_init(|| Self {
            slices: slices_available().is_ok(),
            nice: nice_restorable().is_ok(),
            idle: idle_restorable().is_ok(),
        })
    }

    /// Whether offenders can be kept behind others without taking from their share.
    pub(crate) fn has_slices(&self) -> bool {
        self.slices
    }
}

/// What is to be done to a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sentence {
    slice: Option<Duration>,
    nice: bool,
    idle: bool,
}

impl Sentence {
    /// What `mode` comes to with these means; `harder` for isolated tasks.
    pub(crate) fn of(mode: Demotion, slice: Duration, harder: bool, means: &Means) -> Self {
        let Means { slices, nice, idle } = *means;
        let by_slice = slices.then_some(slice);
        match mode {
            Demotion::Off => Self::default(),
            Demotion::Slices => Self { slice: by_slice, ..Self::default() },
            Demotion::Nice => Self { slice: by_slice, nice, idle: false },
            Demotion::Idle => Self { slice: by_slice, nice: false, idle },
            Demotion::Auto => {
                Self { slice: by_slice, nice: nice && (harder || !slices), idle: false }
            }
        }
    }

    /// Leaves out what has to be read before it is changed.
    pub(crate) fn by_slice_alone(self) -> Self {
        Self { slice: self.slice, ..Self::default() }
    }

    /// The slice that goes with it for those who are to be preferred.
    pub(crate) fn worker_slice(self) -> Option<Duration> {
        self.slice.map(|_| WORKER_SLICE)
    }

    /// Carries it out on a thread of that runtime, the calling one or another; undone when the guard
    /// is dropped.
    pub(crate) fn carry_out(self, thread: ThreadScheduling, heart: &Arc<Heart>) -> Demoted {
        let heart = heart.clone();
        let mut demoted = Demoted { thread, heart, slice: false, nice: None, idle: false };
        // The slice before the idle policy, which has none.
        if let Some(slice) = self.slice {
            demoted.slice = demoted.heart.demote_slice(thread, slice);
        }
        if self.nice {
            demoted.nice = thread.nice().ok().filter(|nice| {
                let lower = nice.saturating_add(NICE_STEP).min(MAX_NICE);
                thread.set_nice(lower).is_ok()
            });
        }
        if self.idle {
            demoted.idle = thread.set_idle(true).is_ok();
        }
        demoted
    }
}

/// A thread that others are preferred to, until this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Demoted {
    thread: ThreadScheduling,
    heart: Arc<Heart>,
    slice: bool,
    nice: Option<i32>,
    idle: bool,
}

impl Drop for Demoted {
    fn drop(&mut self) {
        // The errors are of threads that have ended.
        if self.idle {
            let _ = self.thread.set_idle(false);
        }
        if let Some(nice) = self.nice {
            let _ = self.thread.set_nice(nice);
        }
        if self.slice {
            self.heart.restore_slice(self.thread);
        }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::panic::AssertUnwindSafe;

    use super::*;

    const LONG: Duration = Duration::from_millis(100);

    fn heart() -> Arc<Heart> {
        Arc::new(Heart::new(crate::heartbeat::Rhythm::Tick, 1, None))
    }

    #[test]
    fn everything_is_taken_back() {
        let thread = ThreadScheduling::of_current_thread().unwrap();
        let (heart, before) = (heart(), (thread.slice(), thread.nice()));
        for mode in [Demotion::Auto, Demotion::Slices, Demotion::Nice, Demotion::Idle] {
            let sentence = Sentence::of(mode, LONG, true, Means::here());
            let demoted = sentence.carry_out(thread, &heart);
            if sentence.slice.is_some() && !sentence.idle {
                assert_eq!(thread.slice(), Ok(LONG), "{mode:?}");
            }
            drop(demoted);
            assert_eq!((thread.slice(), thread.nice()), before, "{mode:?}");
        }
    }

    #[test]
    fn it_is_taken_back_on_panic() {
        let thread = ThreadScheduling::of_current_thread().unwrap();
        let (heart, before) = (heart(), (thread.slice(), thread.nice()));
        let sentence = Sentence::of(Demotion::Auto, LONG, true, Means::here());
        let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let _demoted = sentence.carry_out(thread, &heart);
            panic!("of the test");
        }));
        assert!(panicked.is_err());
        assert_eq!((thread.slice(), thread.nice()), before);
    }

    #[test]
    fn nothing_is_done_that_cannot_be_undone() {
        let means = Means::default();
        for mode in [Demotion::Auto, Demotion::Slices, Demotion::Nice, Demotion::Idle] {
            assert_eq!(Sentence::of(mode, LONG, true, &means), Sentence::default());
        }
        let nice_only = Means { nice: true, ..means };
        assert!(Sentence::of(Demotion::Auto, LONG, false, &nice_only).nice);
        assert!(!Sentence::of(Demotion::Slices, LONG, false, &nice_only).nice);
    }
}
