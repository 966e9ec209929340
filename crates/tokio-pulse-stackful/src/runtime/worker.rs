//! A worker: its loop, which lives on a generator, and what makes it a new one.
//!
//! The thread's own stack only resumes. The loop runs on a generator and polls unpinned tasks right
//! there. When such a poll is preempted, the thread's own stack finds itself resumed with the task
//! still current: it hands the generator to the task and makes the next one (see `crate::generator::mode`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use corosensei::stack::DefaultStack;

use super::levels::Picker;
use super::scheduler::Scheduler;
use super::task::Task;
use crate::current::Scope;
use crate::generator::{Generator, Mode, Next, Outcome, Resume, stack};
use crate::metrics;
use crate::settings::Coverage;
use crate::ticker::{self, Outer, Slot};

pub(super) struct Worker {
    index: usize,
    scheduler: Arc<Scheduler>,
    slot: Arc<Slot>,
    picker: RefCell<Picker>,
    stack_size: usize,
    coverage: Coverage,
    /// Polled on the worker's own generator, and what ran before.
    current: Cell<Option<(Arc<Task>, Outer)>>,
    over: Cell<bool>,
}

impl Worker {
    pub(super) fn new(
        index: usize,
        scheduler: Arc<Scheduler>,
        slot: Arc<Slot>,
        stack_size: usize,
        coverage: Coverage,
    ) -> Rc<Self> {
        slot.set_demand(scheduler.demand().clone(), index);
        Rc::new(Self {
            index,
            scheduler,
            slot,
            picker: RefCell::default(),
            stack_size,
            coverage,
            current: Cell::new(None),
            over: Cell::new(false),
        })
    }

    /// On the thread's own stack, until the runtime shuts down.
    pub(super) fn run(self: &Rc<Self>, patience: Duration) {
        ticker::wake_up(&self.slot);
        let mut stack = self.stack();
        'generators: while !self.over.get() {
            let worker = self.clone();
            let mut generator =
                Generator::new(stack, Mode::worker(), move |scope| worker.work(scope));
            while generator.resume() == Outcome::Preempted {
                // Without a stack to go on with, nobody but the interrupted poll can.
                let Ok(next) = stack::take(self.stack_size) else { continue };
                if let Some((task, outer)) = self.current.take() {
                    self.slot.end(outer);
                    self.set_aside(task, generator);
                }
                stack = next;
                continue 'generators;
            }
            if let Some((_, outer)) = self.current.take() {
                self.slot.end(outer);
            }
            drop(generator);
            stack = self.stack();
        }
        self.finish(patience);
        self.slot.rest();
    }

    /// Waits for memory if there is none: other threads may give some back.
    fn stack(&self) -> DefaultStack {
        loop {
            match stack::take(self.stack_size) {
                Ok(stack) => return stack,
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// The loop. Ends with the runtime, or when it has been taken over by another generator.
    fn work(self: &Rc<Self>, scope: &Scope) {
        loop {
            let next = {
                let mut picker = self.picker.borrow_mut();
                self.scheduler.next(self.index, &mut picker, &self.slot)
            };
            let Some(task) = next else {
                self.over.set(true);
                return;
            };
            // SAFETY: the task came out of a queue that only this worker takes it from if it has a
            // generator.
            match unsafe { task.take_generator() } {
                Some(generator) => self.step(task, generator),
                None if task.pinned => {
                    let generator = self.pinned(task.clone());
                    self.step(task, generator);
                }
                None => {
                    if self.poll_here(scope, task) == Next::Finish {
                        return;
                    }
                }
            }
        }
    }

    /// Polls on the generator that this runs on. On a preemption the return is much later, and to
    /// whoever resumed the generator then.
    fn poll_here(&self, scope: &Scope, task: Arc<Task>) -> Next {
        if !task.state.transition_to_running() {
            return Next::Continue;
        }
        let outer = self.slot.begin(task.quantum_ns);
        self.current.set(Some((task.clone(), outer)));
        // SAFETY: moved to running just now.
        let over = unsafe { task.poll(scope, self.coverage) };
        let next = scope.mode.transition_to_poll_ended();
        if next == Next::Continue {
            self.current.set(None);
            self.slot.end(outer);
        }
        self.settle(task, over);
        next
    }

    /// A poll is over.
    fn settle(&self, task: Arc<Task>, over: bool) {
        if over {
            task.state.transition_to_done();
            self.scheduler.forget(&task);
        } else if task.state.transition_to_pending() {
            self.scheduler.push(task);
        }
    }

    /// The poll loop of a pinned task.
    fn pinned(self: &Rc<Self>, task: Arc<Task>) -> Generator {
        let worker = self.clone();
        Generator::new(self.stack(), Mode::poll(), move |scope| {
            loop {
                if task.state.transition_to_running() {
                    // SAFETY: moved to running just now.
                    let over = unsafe { task.poll(scope, worker.coverage) };
                    let _ = scope.mode.transition_to_poll_ended();
                    if over {
                        worker.settle(task, true);
                        return;
                    }
                }
                if scope.suspend_poll() == Resume::End {
                    return;
                }
            }
        })
    }

    /// Resumes a task's own generator.
    fn step(&self, task: Arc<Task>, generator: Generator) {
        self.step_by(task.clone(), generator, |generator| task.resume(generator));
    }

    fn step_by(
        &self,
        task: Arc<Task>,
        mut generator: Generator,
        resume: impl FnOnce(&mut Generator) -> Outcome,
    ) {
        let outer = self.slot.begin(task.quantum_ns);
        let outcome = resume(&mut generator);
        self.slot.end(outer);
        match outcome {
            Outcome::Finished => drop(generator),
            Outcome::Preempted => self.set_aside(task, generator),
            Outcome::PollEnded => {
                // Before anybody can take it from a queue again.
                // SAFETY: the task is this worker's, and running.
                unsafe { task.put_generator(generator, self.index) };
                self.settle(task, false);
            }
        }
    }

    /// To the end of its queue, and of this worker's, since its stack cannot leave the thread.
    fn set_aside(&self, task: Arc<Task>, generator: Generator) {
        // SAFETY: its poll was interrupted on this thread, and it is in no queue.
        unsafe { task.put_generator(generator, self.index) };
        self.scheduler.push_to(task, self.index);
    }

    /// At the end: lets interrupted polls of this thread run on to their ends, and gives up those
    /// that do not end in time. Pinned tasks lose their generators.
    fn finish(&self, patience: Duration) {
        let began = Instant::now();
        for task in self.scheduler.all() {
            loop {
                // SAFETY: the queues are closed; what has a generator of this thread is this
                // worker's, as is asked first.
                let generator = unsafe {
                    if !task.has_generator_of(self.index) {
                        break;
                    }
                    task.take_generator()
                };
                let Some(generator) = generator else { break };
                if !generator.is_interrupted() {
                    drop(generator);
                } else if began.elapsed() > patience {
                    metrics::count_abandoned();
                    drop(generator);
                } else {
                    self.step_by(task.clone(), generator, Generator::resume_to_end);
                }
            }
        }
    }
}
