//! A hard CPU quota for some threads of this process.
//!
//! What the system does for it is in `tokio-pulse-sys`; here are the settings, and how they are
//! checked.

mod error;
mod group;
mod processes;

use std::time::Duration;

use tokio_pulse_sys::{CpuGroup, CpuLimit, ProcessGroup};

pub use error::IsolationError;
use error::Kind;
pub use group::{Isolated, IsolationGroup};
pub use processes::IsolatedProcesses;

/// What Linux takes as a period.
const PERIODS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(1);

const MIN_QUOTA: Duration = Duration::from_millis(1);

/// Far more processors than there are, and far below what overflows in the kernel.
const MAX_PROCESSORS: u32 = 1 << 16;

/// How much CPU time isolated threads may use together: a quota in each period.
///
/// The default is half a processor, 50 ms in each 100 ms. Threads that have used up the quota are
/// held back until the next period begins, even when processors are idle. A thread that is held back
/// keeps the locks it has.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::TaskIsolation;
///
/// let isolation = TaskIsolation::builder().quota(Duration::from_millis(20)).build()?;
/// match isolation.create() {
///     Ok(group) => {
///         let inside = group.enter();
///         // what this thread does now counts against the quota
///         drop(inside);
///     }
///     Err(error) => eprintln!("goes on without: {error}"),
/// }
/// # Ok::<(), tokio_pulse::IsolationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskIsolation {
    quota: Duration,
    period: Duration,
}

/// Sets a [`TaskIsolation`] up.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct TaskIsolationBuilder(TaskIsolation);

impl Default for TaskIsolation {
    fn default() -> Self {
        Self { quota: Duration::from_millis(50), period: Duration::from_millis(100) }
    }
}

impl TaskIsolation {
    /// Begins with the default.
    pub fn builder() -> TaskIsolationBuilder {
        TaskIsolationBuilder(Self::default())
    }

    /// The CPU time that all threads of a group may use together in each period.
    pub fn quota(&self) -> Duration {
        self.quota
    }

    /// The length of a period.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Makes a group of threads with this quota, with nobody in it.
    ///
    /// On Linux it is a control group below the one of this process: of the first version, or a
    /// threaded one of the second, wherever the `cpu` controller is. Groups that dead processes have
    /// left at that place are removed. Takes some system calls and writes to the filesystem of the
    /// control groups. On macOS it is the background state, which is no quota: isolated threads run on
    /// what others leave. Windows has no such thing for threads; see
    /// [`create_for_processes`](Self::create_for_processes).
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_unavailable`]: the system has nothing of the kind, or does not let this
    /// process have it. [`IsolationError::remedy`] tells what to do. The caller goes on without.
    pub fn create(&self) -> Result<IsolationGroup, IsolationError> {
        let group = CpuGroup::create(self.limit()).map_err(Kind::Unavailable)?;
        Ok(IsolationGroup::new(group, *self))
    }

    /// Makes a group of child processes with this quota, with nobody in it.
    ///
    /// On Linux it is a control group as for [`create`](Self::create), on Windows a job object with a CPU
    /// rate: the quota as a share of all processors, over the system's own period.
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_unavailable`], as for [`create`](Self::create); always on macOS.
    pub fn create_for_processes(&self) -> Result<IsolatedProcesses, IsolationError> {
        let group = ProcessGroup::create(self.limit()).map_err(Kind::Unavailable)?;
        Ok(IsolatedProcesses::new(group, *self))
    }

    /// Makes a group, and tries to enter it on a thread that ends with this call.
    pub(crate) fn probe(&self) -> Result<IsolationGroup, IsolationError> {
        let group = CpuGroup::probe(self.limit()).map_err(Kind::Unavailable)?;
        Ok(IsolationGroup::new(group, *self))
    }

    fn limit(&self) -> CpuLimit {
        CpuLimit { quota: self.quota, period: self.period }
    }
}

impl TaskIsolationBuilder {
    /// CPU time in each period for all threads of a group together: at least 1 ms. More than the
    /// period is more than one processor. The default is 50 ms.
    pub fn quota(mut self, quota: Duration) -> Self {
        self.0.quota = quota;
        self
    }

    /// The length of a period: 1 ms to 1 s. The default is 100 ms. Threads that are held back are
    /// so for up to a period, less the quota.
    pub fn period(mut self, period: Duration) -> Self {
        self.0.period = period;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`IsolationError::is_config`]: a duration is out of the range that the system takes.
    pub fn build(self) -> Result<TaskIsolation, IsolationError> {
        let TaskIsolation { quota, period } = self.0;
        if !PERIODS.contains(&period) {
            return Err(Kind::Period(period).into());
        }
        if quota < MIN_QUOTA || quota > period * MAX_PROCESSORS {
            return Err(Kind::Quota(quota).into());
        }
        Ok(self.0)
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked_by_the_limits_of_the_kernel() {
        let build = |quota, period| {
            TaskIsolation::builder()
                .quota(Duration::from_micros(quota))
                .period(Duration::from_micros(period))
                .build()
        };
        for (quota, period) in [(1_000, 1_000), (1_000, 1_000_000), (4_000_000, 1_000_000)] {
            let isolation = build(quota, period).unwrap();
            assert_eq!(isolation.quota(), Duration::from_micros(quota));
            assert_eq!(isolation.period(), Duration::from_micros(period));
        }
        for (quota, period, word) in [
            (999, 100_000, "quota"),
            (0, 100_000, "quota"),
            (u64::MAX, 1_000, "quota"),
            (50_000, 999, "period"),
            (50_000, 1_000_001, "period"),
            (50_000, u64::MAX, "period"),
        ] {
            let error = build(quota, period).unwrap_err();
            assert!(error.is_config() && !error.is_unavailable());
            assert!(error.to_string().contains(word), "{error}");
            assert!(error.remedy().is_some());
        }
    }

    #[test]
    fn the_default_is_half_a_processor() {
        let isolation = TaskIsolation::builder().build().unwrap();
        assert_eq!(isolation, TaskIsolation::default());
        assert_eq!(isolation.quota() * 2, isolation.period());
    }
}
