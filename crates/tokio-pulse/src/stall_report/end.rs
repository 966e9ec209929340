//! The end of a stall that was reported: by then it is known whose poll it was.

use std::panic::Location;
use std::time::Duration;

use tokio::task::Id;

/// What is known of a stall once its poll has ended. The thread itself tells, so it has what a
/// [`StallReport`](super::StallReport) may lack: the task.
///
/// For stalls that were reported only, and at most once each. It is lost when the queue to the sinks
/// is full; without `--cfg tokio_unstable`, there is one for tasks spawned through Pulse only.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StallEnd {
    /// The number in the [reports](super::StallReport::stall) of this stall.
    pub stall: u64,
    /// The task that was polled.
    pub task_id: Id,
    /// That task's name.
    pub task_name: Option<String>,
    /// The [id](crate::task::Group::id) of that task's group, such as that of one request.
    pub task_group: Option<u64>,
    /// Where that task was spawned.
    pub spawned_at: &'static Location<'static>,
    /// How long the poll took, from the watchdog's first look at it.
    pub lasted: Duration,
    /// The CPU time it used in that time.
    pub cpu_used: Option<Duration>,
}

impl std::fmt::Display for StallEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stall {} has ended after {:?}: task {}", self.stall, self.lasted, self.task_id)?;
        if let Some(name) = &self.task_name {
            write!(f, " ({name})")?;
        }
        if let Some(group) = self.task_group {
            write!(f, " of group {group}")?;
        }
        write!(f, ", spawned at {}", self.spawned_at)
    }
}
