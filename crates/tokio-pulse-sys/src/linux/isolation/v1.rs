//! Control groups of the first version: each thread may be in another one.

use std::path::Path;

use super::leftovers::write;
use super::refusal::{self, Step};
use crate::{CpuGroupError, CpuLimit};

/// The file with the threads of a group.
pub(super) const THREADS: &str = "tasks";

/// The name and the unit, in nanoseconds, of the time in `cpu.stat` for which threads were held back.
pub(super) const THROTTLED: (&str, u64) = ("throttled_time", 1);

pub(super) fn configure(group: &Path, limit: CpuLimit) -> Result<(), CpuGroupError> {
    // The period first: a new group has no quota, with which any period goes.
    for (file, time) in [("cpu.cfs_period_us", limit.period), ("cpu.cfs_quota_us", limit.quota)] {
        let file = group.join(file);
        write(&file, &time.as_micros().to_string())
            .map_err(|error| refusal::of(Step::SetQuota, &file, &error))?;
    }
    Ok(())
}
