//! What the workers of a runtime share: the queues, and the list of all tasks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::hand_over::HandOver;
use super::levels::Picker;
use super::task::Task;
use crate::settings::as_ns;
use crate::ticker::{self, Demand, Slot};

pub(crate) struct Scheduler {
    queues: HandOver<Arc<Task>>,
    tasks: Mutex<HashMap<u64, Weak<Task>>>,
    ids: AtomicU64,
    quantum_ns: u64,
}

impl Scheduler {
    pub(super) fn new(workers: usize, quantum: Duration) -> Self {
        Self {
            queues: HandOver::new(workers),
            tasks: Mutex::default(),
            ids: AtomicU64::new(0),
            quantum_ns: as_ns(quantum),
        }
    }

    pub(super) fn workers(&self) -> usize {
        self.demand().workers()
    }

    pub(super) fn demand(&self) -> &Arc<Demand> {
        self.queues.demand()
    }

    pub(super) fn quantum_ns(&self) -> u64 {
        self.quantum_ns
    }

    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Relaxed)
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
        self.push_home(task.affinity, task)
    }

    /// To the end of its priority's queue on this worker.
    pub(super) fn push_to(&self, task: Arc<Task>, worker: usize) -> bool {
        self.push_home(Some(worker), task)
    }

    fn push_home(&self, home: Option<usize>, task: Arc<Task>) -> bool {
        let taken = self.queues.push(task.priority, home, task);
        ticker::nudge();
        taken
    }

    /// Waits for one; `None` when the runtime shuts down.
    pub(super) fn next(
        &self,
        worker: usize,
        picker: &mut Picker,
        slot: &Slot,
    ) -> Option<Arc<Task>> {
        self.queues.next(worker, picker, || slot.rest(), || ticker::wake_up(slot))
    }

    /// Nobody gets another task; polls that run are preempted.
    pub(super) fn close(&self) {
        self.queues.close();
        ticker::nudge();
    }

    /// What was left in the queues; the tasks are in the list as well.
    pub(super) fn clear(&self) {
        self.queues.clear();
    }
}
