//! How a runtime is set up.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::PreemptiveRuntime;
use super::driver::Driver;
use super::error::BuildError;
use super::scheduler::Scheduler;
use super::worker::Worker;
use crate::current;
use crate::generator::stack;
use crate::settings::{self, Coverage, Settings};

/// How a [`PreemptiveRuntime`] is built.
#[derive(Clone, Debug)]
#[must_use]
pub struct PreemptiveBuilder {
    workers: usize,
    quantum: Duration,
    coverage: Coverage,
    stack_size: usize,
    patience: Duration,
    tokio: Option<tokio::runtime::Handle>,
}

impl PreemptiveBuilder {
    pub(super) fn new() -> Self {
        Self {
            workers: thread::available_parallelism().map_or(1, usize::from),
            quantum: Settings::DEFAULT_QUANTUM,
            coverage: Coverage::default(),
            stack_size: stack::DEFAULT_SIZE,
            patience: Settings::DEFAULT_DROP_PATIENCE,
            tokio: None,
        }
    }

    /// Threads that run tasks, at least one; as many as processors by default.
    pub fn worker_threads(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How long a poll runs before others get their turn, if there are any; at least
    /// [`Settings::MIN_QUANTUM`].
    pub fn quantum(mut self, quantum: Duration) -> Self {
        self.quantum = quantum.max(Settings::MIN_QUANTUM);
        self
    }

    /// Where tasks are preempted.
    pub fn coverage(mut self, coverage: Coverage) -> Self {
        self.coverage = coverage;
        self
    }

    /// The size in bytes of the stacks that tasks run on; at least 64 KiB, by default 1 MiB. Memory
    /// is what is touched of it.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes.max(stack::MIN_SIZE);
        self
    }

    /// How long a drop of the runtime waits for interrupted polls to end before it leaks them.
    pub fn shutdown_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whose timers, sockets and `spawn` the tasks use. Without one, the runtime brings its own, on
    /// one more thread.
    pub fn tokio(mut self, handle: tokio::runtime::Handle) -> Self {
        self.tokio = Some(handle);
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// Where the process cannot be preempted, or threads cannot be started.
    pub fn build(self) -> Result<PreemptiveRuntime, BuildError> {
        settings::prepare(self.coverage)?;
        let (tokio, driver) = match &self.tokio {
            Some(handle) => (handle.clone(), None),
            None => {
                let driver = Driver::start()?;
                (driver.handle.clone(), Some(driver))
            }
        };
        let scheduler = Arc::new(Scheduler::new(self.workers, self.quantum));
        let mut runtime =
            PreemptiveRuntime { scheduler, threads: Vec::new(), slots: Vec::new(), driver };
        for index in 0..self.workers {
            let (sender, receiver) = mpsc::channel();
            let (scheduler, tokio) = (runtime.scheduler.clone(), tokio.clone());
            let (stack_size, patience) = (self.stack_size, self.patience);
            let coverage = self.coverage;
            let thread = thread::Builder::new().name(format!("preemptive-{index}"));
            let thread = thread.spawn(move || {
                // On the thread's own stack and for its life: tasks find it entered.
                let _entered = tokio.enter();
                let Some(slot) = current::slot() else { return };
                let _ = sender.send(slot.clone());
                Worker::new(index, scheduler, slot, stack_size, coverage).run(patience);
            })?;
            runtime.threads.push(thread);
            runtime.slots.extend(receiver.recv());
        }
        Ok(runtime)
    }
}
