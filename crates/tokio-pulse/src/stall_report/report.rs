//! The report of one stall.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use tokio::task::Id;

use super::stack::Fingerprint;
use super::{Stack, StallFacts, StallVerdict};

/// What is known of a stall while it goes on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StallReport {
    /// A number for the stall: the same in all reports of one and in its
    /// [end](super::StallEnd::stall). Of a runtime under watch, of no other stall in the process.
    pub stall: u64,
    /// The task that is polled, if it is known before its poll has ended: see
    /// [`ReportLimits::name_for`](super::ReportLimits::name_for).
    pub task_id: Option<Id>,
    /// That task's name.
    pub task_name: Option<String>,
    /// Where that task was spawned.
    pub spawned_at: Option<&'static Location<'static>>,
    /// The name of the thread.
    pub thread: String,
    /// The system's number of the thread.
    pub tid: i32,
    /// Which worker it is.
    pub worker: Option<usize>,
    /// How long the poll had run.
    pub elapsed: Duration,
    /// The CPU time it had used.
    pub cpu_used: Option<Duration>,
    /// Why it does not end.
    pub verdict: StallVerdict,
    /// How many tasks wait behind it.
    pub waiting_behind: Option<usize>,
    /// Where it is.
    pub stack: Stack,
    /// The same for stalls of the same kind: [`Stack::fingerprint`], or without a stack one of the
    /// place that spawned the task. 0 when neither is known.
    pub fingerprint: u64,
    /// Stalls with this fingerprint since the last report of one, which were not reported.
    pub repeated: u64,
    /// Reports of others that were left out since the last that was not.
    pub suppressed: u64,
}

impl StallReport {
    pub(super) fn new(facts: StallFacts, verdict: StallVerdict, stack: Stack) -> Self {
        let fingerprint = match (stack.fingerprint(), facts.spawned_at) {
            (0, Some(site)) => {
                let mut hash = Fingerprint::new();
                hash.add(site.to_string().as_bytes());
                hash.0
            }
            (of_stack, _) => of_stack,
        };
        Self {
            stall: facts.poll,
            task_id: facts.task_id,
            task_name: facts.task_name,
            spawned_at: facts.spawned_at,
            thread: facts.thread,
            tid: facts.tid,
            worker: facts.worker,
            elapsed: facts.elapsed,
            cpu_used: facts.cpu_used,
            verdict,
            waiting_behind: facts.waiting_behind,
            stack,
            fingerprint,
            repeated: 0,
            suppressed: 0,
        }
    }
}

/// Several lines, the most important first.
impl fmt::Display for StallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a poll has not ended for {:?}: {}", rounded(self.elapsed), self.verdict)?;
        if let Some(culprit) = self.stack.culprit() {
            write!(f, "\n  in {culprit}")?;
            if let Some(location) = culprit.location() {
                write!(f, ", at {location}")?;
            }
        }
        match (&self.task_id, &self.task_name) {
            (Some(id), Some(name)) => write!(f, "\n  task {id} ({name})")?,
            (Some(id), None) => write!(f, "\n  task {id}")?,
            (None, Some(name)) => write!(f, "\n  task {name}")?,
            (None, None) => f.write_str("\n  a task that is not known yet")?,
        }
        if let Some(future) = self.stack.task_future() {
            write!(f, ", its future is {future}")?;
        }
        if let Some(site) = self.spawned_at {
            write!(f, ", spawned at {site}")?;
        }
        write!(f, "\n  thread {:?}, number {}", self.thread, self.tid)?;
        if let Some(worker) = self.worker {
            write!(f, ", worker {worker}")?;
        }
        if let Some(cpu) = self.cpu_used {
            write!(f, "; {:?} of CPU time", rounded(cpu))?;
        }
        if let Some(waiting) = self.waiting_behind {
            write!(f, "; {waiting} tasks wait behind it")?;
        }
        if self.repeated > 0 {
            write!(f, "\n  {} more of this kind since the last report of one", self.repeated)?;
        }
        if self.suppressed > 0 {
            write!(f, "\n  {} reports of other kinds were left out", self.suppressed)?;
        }
        writeln!(f, "\n  stack {:016x}:", self.fingerprint)?;
        self.stack.fmt(f)
    }
}

/// Not more digits than matter to people.
fn rounded(duration: Duration) -> Duration {
    if duration >= Duration::from_millis(10) {
        Duration::from_millis(duration.as_millis().try_into().unwrap_or(u64::MAX))
    } else {
        Duration::from_micros(duration.as_micros().try_into().unwrap_or(u64::MAX))
    }
}
