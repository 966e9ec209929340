//! Child processes in a control group.

use std::process::Child;

use super::refusal::{self, Step};
use super::{CpuGroup, leftovers};
use crate::{CpuGroupError, CpuLimit, IsolationKind};

/// The file with the processes of a group, in both versions.
const PROCESSES: &str = "cgroup.procs";

/// Child processes with a common CPU quota. Undone when it is dropped, and when this process exits.
#[derive(Debug)]
pub struct ProcessGroup(CpuGroup);

impl ProcessGroup {
    /// Makes a group with nobody in it.
    ///
    /// # Errors
    ///
    /// As for [`CpuGroup::create`].
    pub fn create(limit: CpuLimit) -> Result<Self, CpuGroupError> {
        CpuGroup::create(limit).map(Self)
    }

    /// The mechanism behind it.
    pub fn kind(&self) -> IsolationKind {
        self.0.kind()
    }

    /// Puts a child into the group, with all its threads and the processes that it starts from now on.
    ///
    /// # Errors
    ///
    /// When the child has ended, the group is closed, or the system refuses.
    pub fn admit(&self, child: &Child) -> Result<(), CpuGroupError> {
        let file = self.0.place().join(PROCESSES);
        leftovers::write(&file, &child.id().to_string())
            .map_err(|error| refusal::of(Step::MoveThread, &file, &error))
    }

    /// Lets all processes go and removes the group.
    ///
    /// # Errors
    ///
    /// As for [`CpuGroup::close`].
    pub fn close(&self) -> Result<(), CpuGroupError> {
        self.0.close()
    }
}
