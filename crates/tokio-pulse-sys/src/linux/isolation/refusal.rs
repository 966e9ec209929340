//! What stands in the way of a group, in words, with what to do about it.

use std::io;
use std::path::Path;

use crate::isolation::CAPABILITY;
use crate::{CpuGroupError, Unavailable};

/// What was being done when the system refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    ReadMounts,
    ReadControllers,
    Make,
    EnableController,
    MakeThreaded,
    SetQuota,
    MoveThread,
    ReadStats,
    Remove,
}

const MOUNT: &str = "mount the control groups: a container needs /sys/fs/cgroup and /proc";
const DELEGATE: &str = "give it a control group of its own to write to: `Delegate=cpu` in the \
    systemd unit, a writable cgroup mount in a container, or the rights of root";
const WRITABLE: &str = "mount them writable, as by `--privileged` or \
    `-v /sys/fs/cgroup:/sys/fs/cgroup:rw` for a container";
const ENABLE: &str = "enable it there: `Delegate=cpu` in the systemd unit, or `+cpu` in \
    `cgroup.subtree_control` of each group above";
const OWN_GROUP: &str = "start the program in a control group without others below it and without \
    domain controllers for them: `systemd-run --scope -p Delegate=cpu`";

pub(super) fn no_control_groups() -> CpuGroupError {
    lacking("no control groups are mounted", MOUNT)
}

pub(super) fn controller_not_mounted() -> CpuGroupError {
    lacking(
        "the cpu controller is of cgroup v1, and not mounted",
        "mount it: `mount -t cgroup -o cpu cgroup /sys/fs/cgroup/cpu`",
    )
}

pub(super) fn outside_of_mount(mount: &Path) -> CpuGroupError {
    const PROBLEM: &str = "this process's control group is not among those that are mounted";
    const REMEDY: &str = "mount the control groups inside of the container, or give it a cgroup \
        namespace of its own";
    CpuGroupError::at(mount, Unavailable::lacking(CAPABILITY, PROBLEM, REMEDY, None))
}

pub(super) fn no_controller(group: &Path) -> CpuGroupError {
    const PROBLEM: &str = "this control group has no cpu controller";
    CpuGroupError::at(group, Unavailable::lacking(CAPABILITY, PROBLEM, ENABLE, None))
}

pub(super) fn too_many(base: &Path) -> CpuGroupError {
    const PROBLEM: &str = "no group could be made that is this process's alone";
    const REMEDY: &str = "remove the directories `tokio-pulse-*` there that nobody uses";
    CpuGroupError::at(base, Unavailable::lacking(CAPABILITY, PROBLEM, REMEDY, None))
}

pub(super) fn closed() -> CpuGroupError {
    lacking("the group has been closed", "make another")
}

fn lacking(problem: &'static str, remedy: &'static str) -> CpuGroupError {
    Unavailable::lacking(CAPABILITY, problem, remedy, None).into()
}

/// The words for what the system answered.
pub(super) fn of(step: Step, place: &Path, error: &io::Error) -> CpuGroupError {
    let code = error.raw_os_error();
    let (problem, remedy) = match (step, code.unwrap_or(0)) {
        (_, libc::EACCES | libc::EPERM) => ("this process has no right to that", DELEGATE),
        (_, libc::EROFS) => ("the control groups are mounted read-only", WRITABLE),
        (Step::ReadMounts, _) => ("the mounts cannot be read", MOUNT),
        (Step::ReadControllers, _) => ("that is no control group of version 2", MOUNT),
        (Step::Make, libc::ENOENT | libc::ENOTDIR) => {
            ("this process's control group is not there", MOUNT)
        }
        (Step::Make, libc::EAGAIN) => {
            ("the limit for control groups is reached", "raise `cgroup.max.descendants` above")
        }
        (Step::EnableController, libc::ENOENT) => ("the cpu controller cannot be enabled", ENABLE),
        (Step::EnableController, libc::EINVAL) => (
            "the cpu controller cannot be enabled",
            "let no realtime process run outside of the root control group",
        ),
        (Step::MakeThreaded, libc::ENOENT | libc::EINVAL) => {
            ("control groups cannot hold single threads", "use Linux 4.14 or later")
        }
        (Step::EnableController | Step::MakeThreaded, libc::EBUSY | libc::EOPNOTSUPP) => {
            ("this process's control group cannot have threaded ones", OWN_GROUP)
        }
        (Step::SetQuota, libc::ENOENT) => {
            ("control groups have no quota", "use a kernel with CONFIG_CFS_BANDWIDTH")
        }
        (Step::SetQuota, libc::EINVAL) => (
            "the quota is refused; a group above may have a lower one",
            "ask for less, or raise the quota of the groups above",
        ),
        (Step::MoveThread, libc::EINVAL) => (
            "a thread is refused; realtime threads need realtime bandwidth in the group",
            "let only threads with an ordinary scheduling policy enter",
        ),
        (Step::MoveThread, libc::EOPNOTSUPP) => {
            ("the thread is in a control group that cannot exchange threads with this", OWN_GROUP)
        }
        (Step::MoveThread, libc::ENOENT | libc::ENODEV) => {
            ("the group is gone", "make another; something else has removed it")
        }
        (Step::Remove, libc::EBUSY) => (
            "the group could not be emptied",
            "let the processes that its threads have started end; the next start removes it",
        ),
        _ => ("the system refused", "see what is said there, and go on without"),
    };
    CpuGroupError::at(place, Unavailable::lacking(CAPABILITY, problem, remedy, code))
}
