//! What is known of a stall before anybody looks closer.

use std::panic::Location;
use std::time::Duration;

use tokio::task::Id;

/// A stall that goes on, as whoever found it knows it.
///
/// Only the thread, the poll and the time are asked for; each other fact that is known makes the
/// report better.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StallFacts {
    /// The system's number of the thread; see [`current_thread_number`](super::current_thread_number).
    pub tid: i32,
    /// Tells this poll from all others of the thread.
    pub poll: u64,
    /// How long the poll has run.
    pub elapsed: Duration,
    /// The CPU time that the thread has used in it.
    pub cpu_used: Option<Duration>,
    /// The time for which the thread has waited for a processor in it.
    pub run_delay: Option<Duration>,
    /// The thread's name.
    pub thread: String,
    /// Which worker it is.
    pub worker: Option<usize>,
    /// The task that is polled.
    pub task_id: Option<Id>,
    /// That task's name.
    pub task_name: Option<String>,
    /// Where that task was spawned.
    pub spawned_at: Option<&'static Location<'static>>,
    /// How many tasks wait behind it, on the worker's own queue.
    pub waiting_behind: Option<usize>,
}

impl StallFacts {
    /// A stall of which no more is known than which poll it is, and how long it has run.
    pub fn new(tid: i32, poll: u64, elapsed: Duration) -> Self {
        Self {
            tid,
            poll,
            elapsed,
            cpu_used: None,
            run_delay: None,
            thread: String::new(),
            worker: None,
            task_id: None,
            task_name: None,
            spawned_at: None,
            waiting_behind: None,
        }
    }
}
