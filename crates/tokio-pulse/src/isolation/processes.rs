//! Child processes that are held to a quota.

use std::process::Child;

use tokio_pulse_sys::{IsolationKind, ProcessGroup};

use super::error::Kind;
use super::{IsolationError, TaskIsolation};

/// Child processes that share a CPU quota. Made by [`TaskIsolation::create_for_processes`].
///
/// For work that is run in a process of its own, also where the system has no quota for threads:
/// Windows, whose job objects hold processes only. Dropping it lets all processes run freely again, and
/// so does the exit of this process.
///
/// ```no_run
/// use tokio_pulse::TaskIsolation;
///
/// let child = std::process::Command::new("transcode").spawn()?;
/// let group = TaskIsolation::default().create_for_processes()?;
/// group.admit(&child)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct IsolatedProcesses {
    group: ProcessGroup,
    settings: TaskIsolation,
}

impl IsolatedProcesses {
    pub(super) fn new(group: ProcessGroup, settings: TaskIsolation) -> Self {
        Self { group, settings }
    }

    /// Puts a child into the group, with all its threads and the processes that it starts from now
    /// on.
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_unavailable`], when the child has ended, the group is closed, or the system
    /// refuses.
    pub fn admit(&self, child: &Child) -> Result<(), IsolationError> {
        Ok(self.group.admit(child).map_err(Kind::Unavailable)?)
    }

    /// The mechanism behind it.
    pub fn kind(&self) -> IsolationKind {
        self.group.kind()
    }

    /// The quota that it was made with.
    pub fn settings(&self) -> TaskIsolation {
        self.settings
    }

    /// Lets all processes run freely again. What dropping it does, with an answer; the second time
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_unavailable`], when the system refuses.
    pub fn close(&self) -> Result<(), IsolationError> {
        Ok(self.group.close().map_err(Kind::Unavailable)?)
    }
}
