//! The threads that run tasks now, and the stack of each.

use std::panic::Location;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::task::Id;

use super::{StallFacts, WorkerStack};
use crate::Handle;
use crate::heartbeat::hooks;
use crate::lane::Named;

/// For how long a thread may take to answer. One that runs does at once.
const ANSWER_WITHIN: Duration = Duration::from_millis(20);

/// A thread that runs tasks of a runtime, or is about to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ThreadAtWork {
    /// Its name.
    pub thread: String,
    /// The system's number of it.
    pub tid: i32,
    /// Which worker it holds. `None`: it has given its worker away, or is one of the lane's.
    pub worker: Option<usize>,
    /// Whether the watchdog holds its poll to be stalled.
    pub is_stalled: bool,
    /// The task that it polls, if polls are asked for it: while a task is on record or there are stalls.
    pub task_id: Option<Id>,
    /// Where that task was spawned: file, line and column.
    pub spawned_at: Option<(&'static str, u32, u32)>,
    /// How many tasks wait in the queue of its worker, where Tokio tells.
    pub waiting_behind: Option<usize>,
}

impl Handle {
    /// The threads that run tasks now: workers that are awake, threads that have given their worker
    /// away, and those of the lanes. None of them is interrupted for it.
    ///
    /// Empty on systems where threads have no numbers to ask by.
    pub fn threads_at_work(&self) -> Vec<ThreadAtWork> {
        let metrics = self.tokio.metrics();
        let mut threads = Vec::new();
        for slot in self.core.heart.registry.slots() {
            let Some(tid) = slot.thread.number.filter(|_| slot.is_at_work()) else { continue };
            let named = slot.line.named.of(slot.beat().snapshot());
            let worker = hooks::worker_of(&metrics, &slot);
            if worker.is_none() && named.is_none() {
                continue;
            }
            let place = |at: &'static Location<'static>| (at.file(), at.line(), at.column());
            threads.push(ThreadAtWork {
                thread: slot.thread.name.as_deref().unwrap_or("unnamed").to_owned(),
                tid,
                worker,
                is_stalled: slot.thread.stalled.load(Relaxed),
                task_id: named.map(|(task, _)| task),
                spawned_at: named.map(|(_, at)| place(at)),
                waiting_behind: worker.and_then(|worker| hooks::waiting_behind(&metrics, worker)),
            });
        }
        for lane in [&self.core.lane, &self.core.isolated] {
            threads.extend(lane.roll.now().into_iter().map(on_lane));
        }
        threads
    }

    /// The stack of one of these threads. It is interrupted for it, as by [`stacks`](Self::stacks), and
    /// may run another task by now. Blocks the calling thread.
    pub fn stack_of(&self, thread: &ThreadAtWork) -> WorkerStack {
        let mut facts = StallFacts::new(thread.tid, 0, Duration::ZERO);
        facts.thread.clone_from(&thread.thread);
        facts.worker = thread.worker;
        let report = self.core.reports.report(&facts, ANSWER_WITHIN);
        WorkerStack::new(report, thread.is_stalled)
    }
}

fn on_lane(named: Named) -> ThreadAtWork {
    ThreadAtWork {
        thread: named.thread.to_owned(),
        tid: named.tid,
        worker: None,
        is_stalled: false,
        task_id: Some(named.task),
        spawned_at: Some((named.site.file, named.site.line, named.site.column)),
        waiting_behind: None,
    }
}
