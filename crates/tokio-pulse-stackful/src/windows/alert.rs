//! Waits that give way: a poll that waits for an event of the system's, and lets others of its thread run
//! meanwhile.
//!
//! A thread that waits is inside the system, where it cannot be redirected. But it may wait *alertably*
//! (`WaitForSingleObjectEx`): then a procedure call that somebody has queued for it (`QueueUserAPC`) runs on
//! it, and ends the wait. So a thread that is about to wait like that says so in a place here, the ticker
//! queues the call to it when its quantum is over, the call asks for a switch, and the wait passes a safe
//! point before it goes on.
//!
//! A call that is queued stays queued until its thread waits alertably. So one is queued for each wait at
//! most, only while the place says that there is one, and a wait that ends at the same moment takes the call
//! in before it goes: otherwise the ticker would take the thread for one that has yet to answer.
//!
//! | place | means | next |
//! | --- | --- | --- |
//! | 0 | free | waiter: its number |
//! | a thread's number | that thread waits, or is about to, or has just done so | waiter: 0; ticker: marked |
//! | the number, marked | the ticker queues a call to it | ticker: 0 |

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering::*};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{HANDLE, WAIT_IO_COMPLETION, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentThreadId, INFINITE, QueueUserAPC, SetEvent, SleepEx,
    WaitForSingleObjectEx,
};

use super::registers::Registers;
use crate::checkpoint;
use crate::current::{self, Interrupted};

/// Threads that wait alertably here at once; more wait without giving way.
const PLACES: usize = 256;

/// Numbers of threads are multiples of 4.
const MARK: u32 = 1;

static WAITING: [AtomicU32; PLACES] = [const { AtomicU32::new(0) }; PLACES];

/// An event that a preemptible poll may wait for without keeping its thread from others.
///
/// Like the system's own auto-reset event: [`set`](Self::set) lets one waiter go, the next one if there is
/// none. Elsewhere than in a preemptible poll the wait is an ordinary one.
#[derive(Debug)]
pub struct AlertableEvent(OwnedHandle);

impl AlertableEvent {
    /// One that is not set.
    ///
    /// # Errors
    ///
    /// When the system has no more.
    pub fn new() -> io::Result<Self> {
        // SAFETY: without a name, and with the usual security.
        let handle = unsafe { CreateEventW(ptr::null(), 0, 0, ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: made just now, and nobody else's.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Lets one waiter go.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn set(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        if unsafe { SetEvent(self.handle()) } != 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Waits until it is set, for so long at most; tells whether it was. Others of the thread may run
    /// meanwhile, so that it may take longer.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let left = deadline.map_or(INFINITE, milliseconds_until);
            let place = Place::take();
            // SAFETY: the handle is open for as long as this lives.
            let woken = unsafe { WaitForSingleObjectEx(self.handle(), left, 1) };
            drop(place);
            match woken {
                WAIT_OBJECT_0 => return Ok(true),
                // The forced yield: the call that ended the wait has asked for it.
                WAIT_IO_COMPLETION => {
                    checkpoint();
                }
                WAIT_TIMEOUT if deadline.is_none_or(|deadline| Instant::now() >= deadline) => {
                    return Ok(false);
                }
                WAIT_TIMEOUT => {}
                _ => return Err(io::Error::last_os_error()),
            }
        }
    }

    fn handle(&self) -> HANDLE {
        self.0.as_raw_handle().cast()
    }
}

/// Rounded up, so that the wait does not end before.
fn milliseconds_until(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    u32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE - 1).min(INFINITE - 1)
}

/// The calling thread's place, until this is dropped.
struct Place(Option<&'static AtomicU32>);

impl Place {
    fn take() -> Self {
        // SAFETY: no preconditions.
        let thread = unsafe { GetCurrentThreadId() };
        let free = |place: &&AtomicU32| place.compare_exchange(0, thread, Release, Relaxed).is_ok();
        Self(WAITING.iter().find(free))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(place) = self.0 else { return };
        // SAFETY: no preconditions.
        let thread = unsafe { GetCurrentThreadId() };
        if place.compare_exchange(thread, 0, Relaxed, Relaxed).is_err() {
            // A call was queued, or is just now. It may have come already, and ended the wait.
            while place.load(Acquire) == thread | MARK {
                std::hint::spin_loop();
            }
            // SAFETY: no preconditions; waits for nothing, and lets calls in that are queued.
            unsafe { SleepEx(0, 1) };
        }
    }
}

/// Queues the call to a thread that waits here; tells whether it is under way. `handle` was opened with the
/// right to it.
pub(super) fn alert(thread: u32, handle: HANDLE) -> bool {
    let marked = |place: &&AtomicU32| {
        place.compare_exchange(thread, thread | MARK, Acquire, Relaxed).is_ok()
    };
    let Some(place) = WAITING.iter().find(marked) else { return false };
    // SAFETY: the function has the right type and is there for as long as the program.
    let queued = unsafe { QueueUserAPC(Some(on_alert), handle, 0) != 0 };
    place.store(0, Release);
    queued
}

/// Runs on the thread that waits, inside of its wait: refused there, and made up for after it.
unsafe extern "system" fn on_alert(_: usize) {
    let registers = Registers::here();
    current::on_tick(&Interrupted { registers, mask: 0, waits_for: None, asked: false });
}
