//! The end of a stall that was reported: by then it is known whose poll it was.

use std::panic::Location;
use std::time::Duration;

use tokio::task::Id;

/// What is known of a stall once it is over. If its poll has ended, the thread itself tells, and has what a
/// [`StallReport`](super::StallReport) may lack: the task.
///
/// A stall is also over when its poll goes on and holds nobody up any more: it has given its worker
/// away, or passed a yield point where nobody waited. Then the watchdog tells, and the task is known if the
/// report knew it.
///
/// There is one for each stall that was reported, unless the queue to the sinks is full or the watch ends
/// first. Polls of tasks on record that give their worker away *before* they begin are no stalls, however
/// long they take: neither a report nor an end is told of those.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StallEnd {
    /// The number in the [reports](super::StallReport::stall) of this stall.
    pub stall: u64,
    /// The task that was polled. `None`: its poll goes on, and has not noted it; or Pulse has not spawned
    /// it, and there is no `--cfg tokio_unstable`.
    pub task_id: Option<Id>,
    /// That task's name.
    pub task_name: Option<String>,
    /// The [id](crate::task::Group::id) of that task's group, such as that of one request.
    pub task_group: Option<u64>,
    /// Where that task was spawned.
    pub spawned_at: Option<&'static Location<'static>>,
    /// How long the poll took, from the watchdog's first look at it.
    pub lasted: Duration,
    /// The CPU time it used in that time.
    pub cpu_used: Option<Duration>,
}

impl std::fmt::Display for StallEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stall {} has ended after {:?}", self.stall, self.lasted)?;
        let (Some(task), Some(spawned_at)) = (self.task_id, self.spawned_at) else { return Ok(()) };
        write!(f, ": task {task}")?;
        if let Some(name) = &self.task_name {
            write!(f, " ({name})")?;
        }
        if let Some(group) = self.task_group {
            write!(f, " of group {group}")?;
        }
        write!(f, ", spawned at {spawned_at}")
    }
}
