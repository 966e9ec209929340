//! The queues of a runtime, and its list of tasks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::levels::{Levels, Picker, Source};
use super::task::Task;
use crate::ticker::{Demand, Slot};

pub(crate) struct Scheduler {
    queues: Mutex<Queues>,
    arrived: Condvar,
    pub(super) demand: Arc<Demand>,
    tasks: Mutex<HashMap<u64, Weak<Task>>>,
    ids: AtomicU64,
    quantum_ns: u64,
}

struct Queues {
    shared: Levels<Arc<Task>>,
    local: Vec<Levels<Arc<Task>>>,
    arrivals: u64,
    closed: bool,
}

impl Scheduler {
    pub(super) fn new(workers: usize, quantum: Duration) -> Self {
        let local = (0..workers).map(|_| Levels::default()).collect();
        Self {
            queues: Mutex::new(Queues {
                shared: Levels::default(),
                local,
                arrivals: 0,
                closed: false,
            }),
            arrived: Condvar::new(),
            demand: Arc::new(Demand::new(workers)),
            tasks: Mutex::default(),
            ids: AtomicU64::new(0),
            quantum_ns: u64::try_from(quantum.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn workers(&self) -> usize {
        self.demand.local.len()
    }

    pub(super) fn quantum_ns(&self) -> u64 {
        self.quantum_ns
    }

    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Relaxed)
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<u64, Weak<Task>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it takes the task; not after its end.
    pub(super) fn adopt(&self, task: &Arc<Task>) -> bool {
        self.tasks().insert(task.id, Arc::downgrade(task));
        self.push(task.clone())
    }

    pub(super) fn forget(&self, task: &Task) {
        self.tasks().remove(&task.id);
    }

    pub(super) fn all(&self) -> Vec<Arc<Task>> {
        self.tasks().values().filter_map(Weak::upgrade).collect()
    }

    /// To the end of its priority's queue: the shared one, or that of the worker it is bound to.
    pub(super) fn push(&self, task: Arc<Task>) -> bool {
        let home = task.affinity;
        self.push_to(task, home)
    }

    pub(super) fn push_to(&self, task: Arc<Task>, home: Option<usize>) -> bool {
        let mut queues = self.queues();
        if queues.closed {
            return false;
        }
        let arrival = queues.arrivals;
        queues.arrivals += 1;
        match home {
            Some(worker) => {
                queues.local[worker].push(task.priority, arrival, task);
                self.demand.local[worker].fetch_add(1, Relaxed);
                drop(queues);
                // Any of those that wait may be the one.
                self.arrived.notify_all();
            }
            None => {
                queues.shared.push(task.priority, arrival, task);
                self.demand.shared.fetch_add(1, Relaxed);
                drop(queues);
                self.arrived.notify_one();
            }
        }
        true
    }

    /// Waits for one; `None` when the runtime shuts down.
    pub(super) fn next(
        &self,
        worker: usize,
        picker: &mut Picker,
        slot: &Slot,
    ) -> Option<Arc<Task>> {
        let mut queues = self.queues();
        let mut rested = false;
        let task = loop {
            if queues.closed {
                break None;
            }
            let Queues { shared, local, .. } = &mut *queues;
            if let Some((source, task)) = picker.pick(shared, &mut local[worker]) {
                match source {
                    Source::Shared => self.demand.shared.fetch_sub(1, Relaxed),
                    Source::Local => self.demand.local[worker].fetch_sub(1, Relaxed),
                };
                break Some(task);
            }
            if !rested {
                slot.rest();
                rested = true;
            }
            queues = self.arrived.wait(queues).unwrap_or_else(PoisonError::into_inner);
        };
        drop(queues);
        if rested {
            slot.wake_up();
        }
        task
    }

    /// Nobody gets another task; polls that run are preempted.
    pub(super) fn close(&self) {
        self.queues().closed = true;
        self.demand.shared.fetch_add(1, Relaxed);
        self.arrived.notify_all();
    }

    /// What was left in the queues; the tasks are in the list as well.
    pub(super) fn clear(&self) {
        let mut queues = self.queues();
        let shared = std::mem::take(&mut queues.shared);
        let local = std::mem::take(&mut queues.local);
        drop(queues);
        drop((shared, local));
    }
}
