//! What all platforms say of a group of threads with a CPU quota.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Unavailable;

/// The name of the capability in each [`Unavailable`] about it.
pub(crate) const CAPABILITY: &str = "a CPU quota for threads";

/// The same of child processes.
#[allow(dead_code, reason = "each platform uses some of these")]
pub(crate) const FOR_PROCESSES: &str = "a CPU quota for child processes";

/// How much CPU time all threads of a group may use together, in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CpuLimit {
    /// CPU time in each period; more than the period is more than one processor.
    pub quota: Duration,
    /// The length of a period.
    pub period: Duration,
}

/// The mechanism of the operating system behind a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IsolationKind {
    /// A Linux control group of the first version, in the tree of the `cpu` controller.
    CgroupV1,
    /// A threaded Linux control group of the second version.
    CgroupV2,
    /// A Windows job object with a CPU rate. For processes, not for threads.
    JobObject,
    /// The background state of macOS. It is no quota: the threads run on what others leave, however
    /// much that is.
    BackgroundState,
}

impl fmt::Display for IsolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CgroupV1 => "cgroup v1",
            Self::CgroupV2 => "cgroup v2",
            Self::JobObject => "job object",
            Self::BackgroundState => "background state",
        })
    }
}

/// What the system has counted for a group since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IsolationStats {
    /// Periods in which a thread of the group was ready to run.
    pub periods: u64,
    /// Periods in which the quota was used up.
    pub throttled_periods: u64,
    /// For how long threads of the group were held back, added up over the processors.
    pub throttled: Duration,
}

/// Why a group could not be made or used, and where that was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuGroupError {
    reason: Unavailable,
    place: Option<PathBuf>,
}

impl CpuGroupError {
    /// Why.
    pub fn reason(&self) -> Unavailable {
        self.reason
    }

    /// The file or directory that it is about.
    pub fn place(&self) -> Option<&Path> {
        self.place.as_deref()
    }

    #[allow(dead_code, reason = "not every platform has places")]
    pub(crate) fn at(place: &Path, reason: Unavailable) -> Self {
        Self { reason, place: Some(place.to_owned()) }
    }
}

impl From<Unavailable> for CpuGroupError {
    fn from(reason: Unavailable) -> Self {
        Self { reason, place: None }
    }
}

impl fmt::Display for CpuGroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}: ", place.display())?;
        }
        self.reason.fmt(f)
    }
}

impl std::error::Error for CpuGroupError {}
