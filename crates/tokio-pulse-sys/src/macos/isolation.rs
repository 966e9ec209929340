//! Isolation by the background state: no quota, but only what others leave.
//!
//! macOS has no CPU quota for threads, and none for processes that an ordinary one may set. What it has
//! is a state that a thread enters and leaves at will, `setpriority(2)` with `PRIO_DARWIN_THREAD` and
//! `PRIO_DARWIN_BG`: "the scheduling priority is set to the lowest value, disk I/O is throttled", and
//! so is the network for sockets opened meanwhile. On Apple silicon such threads have the efficient
//! processors. A limit is taken and not applied; the statistics stay zero, since nothing is counted.

use std::marker::PhantomData;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*};

use super::last_error;
use crate::isolation::{CAPABILITY, FOR_PROCESSES};
use crate::{CpuGroupError, CpuLimit, IsolationKind, IsolationStats, Unavailable};

const CLOSED: Unavailable =
    Unavailable::lacking(CAPABILITY, "the group has been closed", "make another", None);

const NOT_FOR_PROCESSES: Unavailable = Unavailable::lacking(
    FOR_PROCESSES,
    "macOS lets no process hold another to a share of the processors",
    "start the child with `taskpolicy -b`",
    None,
);

/// Threads that run on what others leave.
#[derive(Debug)]
pub struct CpuGroup {
    closed: Arc<AtomicBool>,
}

/// The calling thread's stay in a group. Dropping it brings the thread back to where it was.
#[derive(Debug)]
#[must_use = "the thread leaves the group when this is dropped"]
pub struct Membership {
    /// Whether this stay has changed anything, and is not over.
    entered: bool,
    /// The state is its thread's own.
    _not_send: PhantomData<*const ()>,
}

impl CpuGroup {
    /// Makes a group. The limit is not applied: this system has none.
    ///
    /// # Errors
    ///
    /// When the system does not tell the calling thread's state.
    pub fn create(_limit: CpuLimit) -> Result<Self, CpuGroupError> {
        is_in_background()?;
        Ok(Self { closed: Arc::default() })
    }

    /// As [`create`](Self::create), and tries to enter on a thread that ends with this call.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create) and [`enter`](Self::enter).
    pub fn probe(limit: CpuLimit) -> Result<Self, CpuGroupError> {
        let group = Self::create(limit)?;
        std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("pulse-trial".to_owned())
                .spawn_scoped(scope, || group.enter().and_then(Membership::leave))
                .map_err(|error| refused(error.raw_os_error().unwrap_or(0)))?
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        Ok(group)
    }

    /// The mechanism behind it.
    pub fn kind(&self) -> IsolationKind {
        IsolationKind::BackgroundState
    }

    /// Where the system shows it: nowhere.
    pub fn place(&self) -> &Path {
        Path::new("(the state of each thread)")
    }

    /// Puts the calling thread into the group, until the guard is dropped.
    ///
    /// For a thread that is in the background already nothing happens, now and when that guard is
    /// dropped.
    ///
    /// # Errors
    ///
    /// When the group is closed, or the system refuses this thread.
    pub fn enter(&self) -> Result<Membership, CpuGroupError> {
        if self.closed.load(Acquire) {
            return Err(CLOSED.into());
        }
        let entered = !is_in_background()?;
        if entered {
            set_background(true)?;
        }
        Ok(Membership { entered, _not_send: PhantomData })
    }

    /// What the system has counted: nothing.
    ///
    /// # Errors
    ///
    /// When the group is closed.
    pub fn stats(&self) -> Result<IsolationStats, CpuGroupError> {
        if self.closed.load(Acquire) { Err(CLOSED.into()) } else { Ok(IsolationStats::default()) }
    }

    /// Lets nobody in any more. Threads inside leave by their guards: the state of another thread
    /// cannot be set.
    ///
    /// # Errors
    ///
    /// Never on this platform.
    pub fn close(&self) -> Result<(), CpuGroupError> {
        self.closed.store(true, Release);
        Ok(())
    }
}

impl Membership {
    /// What [`Drop`] does, with an answer.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn leave(mut self) -> Result<(), CpuGroupError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), CpuGroupError> {
        if std::mem::take(&mut self.entered) { set_background(false) } else { Ok(()) }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Child processes with a common CPU quota; on this platform no value of it can be made.
#[derive(Debug)]
pub struct ProcessGroup(std::convert::Infallible);

impl ProcessGroup {
    /// Makes a group.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn create(_limit: CpuLimit) -> Result<Self, CpuGroupError> {
        Err(NOT_FOR_PROCESSES.into())
    }

    /// The mechanism behind it.
    pub fn kind(&self) -> IsolationKind {
        match self.0 {}
    }

    /// Puts a child into the group.
    ///
    /// # Errors
    ///
    /// Never reached: there is no group.
    pub fn admit(&self, _child: &Child) -> Result<(), CpuGroupError> {
        match self.0 {}
    }

    /// Lets all processes go and removes the group.
    ///
    /// # Errors
    ///
    /// Never reached: there is no group.
    pub fn close(&self) -> Result<(), CpuGroupError> {
        match self.0 {}
    }
}

// Users may write `drop` in the same way on all platforms.
impl Drop for ProcessGroup {
    fn drop(&mut self) {
        match self.0 {}
    }
}

impl Drop for CpuGroup {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Of the calling thread, which is what 0 names.
fn set_background(on: bool) -> Result<(), CpuGroupError> {
    let state = if on { libc::PRIO_DARWIN_BG } else { 0 };
    // SAFETY: no memory is passed.
    if unsafe { libc::setpriority(libc::PRIO_DARWIN_THREAD, 0, state) } == 0 {
        Ok(())
    } else {
        Err(refused(last_error()))
    }
}

fn is_in_background() -> Result<bool, CpuGroupError> {
    // SAFETY: no memory is passed.
    match unsafe { libc::getpriority(libc::PRIO_DARWIN_THREAD, 0) } {
        -1 => Err(refused(last_error())),
        state => Ok(state != 0),
    }
}

fn refused(code: i32) -> CpuGroupError {
    Unavailable::refused(CAPABILITY, code).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: CpuLimit =
        CpuLimit { quota: Duration::from_millis(50), period: Duration::from_millis(100) };

    #[test]
    fn the_first_guard_counts_and_all_is_undone() {
        let group = CpuGroup::probe(LIMIT).unwrap();
        assert!(!is_in_background().unwrap());
        let first = group.enter().unwrap();
        let second = group.enter().unwrap();
        drop(second);
        assert!(is_in_background().unwrap());
        first.leave().unwrap();
        assert!(!is_in_background().unwrap());
        group.close().unwrap();
        assert!(group.enter().is_err() && group.stats().is_err());
        assert!(ProcessGroup::create(LIMIT).is_err());
    }
}
