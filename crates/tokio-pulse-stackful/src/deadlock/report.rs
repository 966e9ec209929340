//! What is said of a deadlock.

use std::fmt;
use std::time::Duration;

use super::picture::{Picture, PollPicture};
use crate::platform;

/// Polls that wait for a lock, and the interrupted ones of the same threads, one of which may hold it.
///
/// It is a suspicion: a lock that somebody else holds for that long looks the same.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadlockReport {
    /// How long the last of them to wait had waited.
    pub waited: Duration,
    /// The polls, thread by thread: the one that waits, then those set aside, the latest first.
    pub polls: Vec<BlockedPoll>,
    /// Interrupted polls of these threads that are not among `polls`.
    pub others: usize,
}

/// A poll that cannot go on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BlockedPoll {
    /// The name of its task.
    pub name: String,
    /// The address of the lock that it waits for; `None` for one that is set aside.
    pub waits_for: Option<u64>,
    /// The functions on its stack, the innermost first.
    pub stack: Vec<String>,
}

impl DeadlockReport {
    pub(super) fn of(pictures: &[Picture], waited: Duration) -> Self {
        let functions = platform::functions();
        let polls = pictures.iter().flat_map(Picture::polls);
        let polls: Vec<_> = polls.map(|poll| BlockedPoll::of(poll, &functions)).collect();
        let all: usize = pictures.iter().map(Picture::count).sum();
        Self { waited, others: all - polls.len(), polls }
    }
}

impl BlockedPoll {
    fn of(poll: &PollPicture, functions: &platform::Functions) -> Self {
        let stack = poll.frames().iter().map(|&address| functions.name(address)).collect();
        Self { name: poll.name(), waits_for: poll.waits_for(), stack }
    }
}

impl fmt::Display for DeadlockReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a deadlock? Nothing has moved for {:?}:", self.waited)?;
        for poll in &self.polls {
            match poll.waits_for {
                Some(lock) => {
                    writeln!(
                        f,
                        "task '{}' waits for a lock at {lock:#x} and blocks its thread",
                        poll.name
                    )?;
                }
                None => {
                    writeln!(
                        f,
                        "task '{}' was set aside on that thread, and may hold it",
                        poll.name
                    )?;
                }
            }
            for function in &poll.stack {
                writeln!(f, "    {function}")?;
            }
        }
        if self.others > 0 {
            writeln!(f, "and {} more that were set aside", self.others)?;
        }
        f.write_str(
            "A lock that tasks of one thread share must not be held across a preemption: use \
             `PreemptSafeMutex`, `NoPreempt`, or Tokio's locks.",
        )
    }
}
