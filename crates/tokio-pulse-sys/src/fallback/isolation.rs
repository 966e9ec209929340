//! A CPU quota for threads: not available here.

use std::path::Path;
use std::process::Child;

use crate::isolation::{CAPABILITY, FOR_PROCESSES};
use crate::{CpuGroupError, CpuLimit, IsolationKind, IsolationStats, Unavailable};

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
        Err(Unavailable::on_this_platform(CAPABILITY).into())
    }

    /// Whether a group can be made and entered here.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn probe(_limit: CpuLimit) -> Result<Self, CpuGroupError> {
        Err(Unavailable::on_this_platform(CAPABILITY).into())
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
        Err(Unavailable::on_this_platform(FOR_PROCESSES).into())
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

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        match self.0 {}
    }
}
