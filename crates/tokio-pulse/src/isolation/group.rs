//! The group of isolated threads, and the stay of one in it.

use std::path::Path;

use tokio_pulse_sys::{CpuGroup, IsolationKind, IsolationStats, Membership};

use super::error::Kind;
use super::{IsolationError, TaskIsolation};

/// Threads that share a CPU quota. Made by [`TaskIsolation::create`].
///
/// Dropping it lets all threads go and removes it, also while [`Isolated`] guards are alive. The
/// same happens when the process exits. After a crash the next process that makes a group in the
/// same place removes it; groups of living processes are left alone, whatever namespace they are in.
///
/// It can be shared between threads. A forked child cannot use its parent's groups.
#[derive(Debug)]
pub struct IsolationGroup {
    group: CpuGroup,
    settings: TaskIsolation,
}

/// The calling thread's stay in an [`IsolationGroup`]. Dropping it brings the thread back to where
/// it was.
///
/// It stays on its thread. Threads and processes that the thread starts meanwhile begin in the
/// group, and stay there until it is dropped; processes longer, if they cannot be moved.
#[derive(Debug)]
#[must_use = "the thread leaves the group when this is dropped"]
pub struct Isolated(Membership);

impl IsolationGroup {
    pub(super) fn new(group: CpuGroup, settings: TaskIsolation) -> Self {
        Self { group, settings }
    }

    /// Puts the calling thread into the group, until the guard is dropped.
    ///
    /// A thread that is inside already stays there, and its new guard does nothing when it is
    /// dropped: the first one counts. Reads one file and writes one, for a system call or two each.
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_unavailable`], when the group is closed or the system refuses the
    /// thread, as it may a realtime one. The thread then runs on where it was.
    pub fn enter(&self) -> Result<Isolated, IsolationError> {
        Ok(Isolated(self.group.enter().map_err(Kind::Unavailable)?))
    }

    /// What the system has counted for the group since it was made. Reads one file.
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_unavailable`], when the group is closed.
    pub fn stats(&self) -> Result<IsolationStats, IsolationError> {
        Ok(self.group.stats().map_err(Kind::Unavailable)?)
    }

    /// The mechanism behind it.
    pub fn kind(&self) -> IsolationKind {
        self.group.kind()
    }

    /// Where the system shows the group: on Linux a directory.
    pub fn place(&self) -> &Path {
        self.group.place()
    }

    /// The quota that it was made with.
    pub fn settings(&self) -> TaskIsolation {
        self.settings
    }

    /// Lets all threads go and removes the group. What dropping it does, with an answer; the second
    /// time nothing. Waits up to 100 ms for threads that are about to end.
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_unavailable`], when something in the group can neither be moved nor
    /// ends. The group is then left for the next start to remove.
    pub fn close(&self) -> Result<(), IsolationError> {
        Ok(self.group.close().map_err(Kind::Unavailable)?)
    }
}

impl Isolated {
    /// What dropping it does, with an answer.
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_unavailable`], when the system does not let the thread go back. It is
    /// let go with the group.
    pub fn leave(self) -> Result<(), IsolationError> {
        Ok(self.0.leave().map_err(Kind::Unavailable)?)
    }
}
