//! A CPU quota for threads: not available here.

use std::path::Path;

use crate::isolation::CAPABILITY;
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
