//! Control groups of the second version: a process's threads may be in different ones where these
//! are *threaded*, below one that holds the process.

use std::fs;
use std::path::Path;

use super::leftovers::{self, write};
use super::refusal::{self, Step};
use crate::{CpuGroupError, CpuLimit};

/// The file with the threads of a group.
pub(super) const THREADS: &str = "cgroup.threads";

/// The name and the unit, in nanoseconds, of the time in `cpu.stat` for which threads were held back.
pub(super) const THROTTLED: (&str, u64) = ("throttled_usec", 1_000);

/// Sees to it that groups below `base` have the controller. Returns whether it must be switched off
/// again when the last of them goes: when this has switched it on, or one of those that were there
/// before (`inherited`).
pub(super) fn enable(base: &Path, inherited: bool) -> Result<bool, CpuGroupError> {
    let file = base.join("cgroup.controllers");
    let controllers = fs::read_to_string(&file)
        .map_err(|error| refusal::of(Step::ReadControllers, &file, &error))?;
    if !has_cpu(&controllers) {
        return Err(refusal::no_controller(base));
    }
    let file = base.join("cgroup.subtree_control");
    if has_cpu(&fs::read_to_string(&file).unwrap_or_default()) {
        return Ok(inherited);
    }
    write(&file, "+cpu").map_err(|error| refusal::of(Step::EnableController, &file, &error))?;
    Ok(true)
}

/// Switches the controller off, unless somebody still has a group there. While it is on, `base`
/// cannot have other groups than threaded ones.
pub(super) fn disable(base: &Path) {
    if !leftovers::any(base) {
        let _ = write(&base.join("cgroup.subtree_control"), "-cpu");
    }
}

/// Lets the group hold single threads.
pub(super) fn make_threaded(group: &Path) -> Result<(), CpuGroupError> {
    let file = group.join("cgroup.type");
    write(&file, "threaded").map_err(|error| refusal::of(Step::MakeThreaded, &file, &error))
}

pub(super) fn configure(group: &Path, limit: CpuLimit) -> Result<(), CpuGroupError> {
    make_threaded(group)?;
    let file = group.join("cpu.max");
    write(&file, &format!("{} {}", limit.quota.as_micros(), limit.period.as_micros()))
        .map_err(|error| refusal::of(Step::SetQuota, &file, &error))
}

fn has_cpu(controllers: &str) -> bool {
    controllers.split_ascii_whitespace().any(|name| name == "cpu")
}
