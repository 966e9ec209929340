//! A CPU quota: for child processes by a [`job`](super::job) object; for threads not.
//!
//! A job object is the system's way to hold somebody to a share of the processors, and what is put
//! into one is a process with all its threads, for good. To put this process into one would hold the
//! workers back along with the offenders. Stopping threads from outside by the clock is no
//! substitute: they would be stopped with locks in their hands, the heap's among them. So there is no
//! quota for threads, and lowering their priority is what is left.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;

use super::job::Job;
use crate::isolation::CAPABILITY;
use crate::{CpuGroupError, CpuLimit, IsolationKind, IsolationStats, Unavailable};

const PROCESSES_ONLY: Unavailable = Unavailable::lacking(
    CAPABILITY,
    "a Windows job object holds whole processes to a CPU rate, and no thread alone",
    "run what is to be held back in a child process, and admit that to a process group",
    None,
);

/// Threads with a common CPU quota; on this platform no value of it can be made.
#[derive(Debug)]
pub struct CpuGroup(std::convert::Infallible);

/// The calling thread's stay in a group; on this platform no value of it can be made.
#[derive(Debug)]
pub struct Membership(std::convert::Infallible);

impl CpuGroup {
    /// Makes a group.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn create(_limit: CpuLimit) -> Result<Self, CpuGroupError> {
        Err(PROCESSES_ONLY.into())
    }

    /// Whether a group can be made and entered here.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn probe(_limit: CpuLimit) -> Result<Self, CpuGroupError> {
        Err(PROCESSES_ONLY.into())
    }

    /// The mechanism behind it.
    pub fn kind(&self) -> IsolationKind {
        match self.0 {}
    }

    /// Where it is.
    pub fn place(&self) -> &Path {
        match self.0 {}
    }

    /// Puts the calling thread into the group.
    ///
    /// # Errors
    ///
    /// Never reached: there is no group.
    pub fn enter(&self) -> Result<Membership, CpuGroupError> {
        match self.0 {}
    }

    /// What the system has counted.
    ///
    /// # Errors
    ///
    /// Never reached: there is no group.
    pub fn stats(&self) -> Result<IsolationStats, CpuGroupError> {
        match self.0 {}
    }

    /// Lets all threads go and removes the group.
    ///
    /// # Errors
    ///
    /// Never reached: there is no group.
    pub fn close(&self) -> Result<(), CpuGroupError> {
        match self.0 {}
    }
}

impl Membership {
    /// Ends the stay.
    ///
    /// # Errors
    ///
    /// Never reached: there is no stay.
    pub fn leave(self) -> Result<(), CpuGroupError> {
        match self.0 {}
    }
}

// Users may write `drop` in the same way on all platforms.
impl Drop for CpuGroup {
    fn drop(&mut self) {
        match self.0 {}
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        match self.0 {}
    }
}

/// Child processes with a common CPU rate, by a job object. Undone when it is dropped, and when this
/// process exits.
#[derive(Debug)]
pub struct ProcessGroup(Arc<Job>);

impl ProcessGroup {
    /// Makes a group with nobody in it.
    ///
    /// # Errors
    ///
    /// When the system refuses a CPU rate: before Windows 8, in a session that shares the processors
    /// between users (Dynamic Fair Share Scheduling), on Wine.
    pub fn create(limit: CpuLimit) -> Result<Self, CpuGroupError> {
        Ok(Self(Job::create(limit)?))
    }

    /// The mechanism behind it.
    pub fn kind(&self) -> IsolationKind {
        IsolationKind::JobObject
    }

    /// Puts a child into the group, with all its threads and the processes that it starts from now on.
    ///
    /// # Errors
    ///
    /// When the child has ended, the group is closed, or the system refuses.
    pub fn admit(&self, child: &Child) -> Result<(), CpuGroupError> {
        Ok(self.0.admit(child)?)
    }

    /// Lets all processes run freely again.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn close(&self) -> Result<(), CpuGroupError> {
        Ok(self.0.close()?)
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: CpuLimit =
        CpuLimit { quota: Duration::from_millis(50), period: Duration::from_millis(100) };

    #[test]
    fn threads_are_told_why_not() {
        let error = CpuGroup::probe(LIMIT).unwrap_err();
        assert!(error.to_string().contains("job object"), "{error}");
        assert!(error.reason().remedy().is_some());
    }

    #[test]
    fn a_child_is_held_back_where_the_system_does_it() {
        let group = match ProcessGroup::create(LIMIT) {
            Ok(group) => group,
            Err(error) => {
                assert!(error.to_string().contains("refused by the system"), "{error}");
                return;
            }
        };
        let mut child = std::process::Command::new("cmd").args(["/C", "pause"]).spawn().unwrap();
        group.admit(&child).unwrap();
        group.close().unwrap();
        group.close().unwrap();
        assert!(group.admit(&child).is_err());
        let _ = child.kill();
        child.wait().unwrap();
    }
}
