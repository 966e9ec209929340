//! A description for a part of a task, such as one request of a connection.

use std::sync::Arc;

use super::context;
use super::{Group, TaskContext};

/// A part of a task that has a description of its own, such as one request in the task of its
/// connection. From [`Builder::scope`](super::Builder::scope).
///
/// While it [runs](Self::run), its description is the task's: tasks that are spawned through Pulse
/// there belong to its group, and an offence of a poll whose end it comes to is told with its name.
/// Where the task itself was spawned with a [`Builder`](super::Builder), the offence is told with the
/// task's own name. Its future stays where it is: only tasks are sent to the lane.
///
/// ```
/// use tokio_pulse::task::{Builder, Group};
///
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let group = Group::new();
/// let request = Builder::new().name("GET /report").group(&group).scope();
/// let part = request.run(|| tokio_pulse::spawn(async { Group::current() }));
/// assert_eq!(part.await.unwrap(), Some(group));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Scope {
    context: Arc<TaskContext>,
}

impl Scope {
    pub(super) fn new(context: TaskContext) -> Self {
        let context = context::with_group_of_parent(Some(context)).unwrap_or_default();
        Self { context: Arc::new(context) }
    }

    /// The group: the one that was given, or else that of the task in which the scope was made.
    pub fn group(&self) -> Option<&Group> {
        self.context.group()
    }

    /// Runs a function, such as one poll of the part.
    ///
    /// When the group has a budget, the CPU time is counted to it: two readings of the thread's CPU
    /// clock.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let _charged = self.group().map(Group::charge_poll);
        let _entered = context::enter(&self.context, tokio::task::try_id());
        f()
    }
}
