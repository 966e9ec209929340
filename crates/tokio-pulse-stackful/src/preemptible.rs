//! A future that is preempted inside of a task of somebody else's runtime.

use std::any::Any;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::current::Subject;
use crate::generator::{Generator, Mode, Outcome, poll_root, stack};
use crate::settings::{Coverage, Settings};
use crate::{Unavailable, current, ticker};

/// Runs a future on a stack of its own, and sets it aside whenever a poll outlives its quantum.
///
/// For tasks that stay on their thread: those of a [`LocalSet`](tokio::task::LocalSet) and of a
/// current-thread runtime that is driven by one thread. To the task around it a preemption looks
/// like a future that yields. Nothing here needs Tokio's hooks or a second worker.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse_stackful::Preemptible;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio_pulse_stackful::Unavailable> {
/// let compute = async { (0..10_000_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n)) };
/// // SAFETY: the future computes; it holds no lock, and nothing of its thread's.
/// let compute = unsafe { Preemptible::new(compute) }?;
/// let (result, ()) = tokio::join!(compute, tokio::time::sleep(Duration::from_millis(1)));
/// # let _ = result;
/// # Ok(())
/// # }
/// ```
pub struct Preemptible<F: Future> {
    job: ManuallyDrop<Box<Job<F>>>,
    settings: Settings,
    interrupted: Option<Generator>,
}

/// What a poll works on. It stays where it is while a generator refers to it.
struct Job<F: Future> {
    future: Option<Pin<Box<F>>>,
    waker: Waker,
    result: Result<Poll<F::Output>, Box<dyn Any + Send>>,
    coverage: Coverage,
    name: String,
}

/// A pointer that goes along with a generator.
struct JobPointer<F: Future>(*mut Job<F>);

// SAFETY: there is nothing in it but a future that is `Send`, and a suspended stack that is only
// touched on the thread it began on, which `Generator` asserts; a drop elsewhere leaves it alone.
unsafe impl<F: Future + Send> Send for Preemptible<F> where F::Output: Send {}

impl<F: Future + 'static> Preemptible<F> {
    /// With [`Settings::default`].
    ///
    /// # Safety
    ///
    /// The future keeps to [the contract](crate#the-contract).
    ///
    /// # Errors
    ///
    /// Where the process cannot be preempted.
    pub unsafe fn new(future: F) -> Result<Self, Unavailable> {
        // SAFETY: the caller's promise is passed on.
        unsafe { Self::with_settings(future, Settings::default()) }
    }

    /// With a quantum, a name, a stack size of its own.
    ///
    /// # Safety
    ///
    /// The future keeps to [the contract](crate#the-contract).
    ///
    /// # Errors
    ///
    /// Where the process cannot be preempted.
    pub unsafe fn with_settings(future: F, settings: Settings) -> Result<Self, Unavailable> {
        settings.prepare()?;
        let job = Box::new(Job {
            future: Some(Box::pin(future)),
            waker: Waker::noop().clone(),
            result: Ok(Poll::Pending),
            coverage: settings.coverage,
            name: settings.name.clone(),
        });
        Ok(Self { job: ManuallyDrop::new(job), settings, interrupted: None })
    }

    fn begin(&mut self, waker: &Waker) -> Generator {
        self.job.waker.clone_from(waker);
        let job = JobPointer(&raw mut **self.job);
        let size = self.settings.stack_size;
        let stack = stack::take(size).unwrap_or_else(|error| panic!("no stack: {error}"));
        Generator::new(stack, Mode::switch(), move |scope| {
            let job = job;
            // SAFETY: the job outlives the generator, or both are leaked, and nobody touches it
            // while the generator holds a poll.
            let job = unsafe { &mut *job.0 };
            let Some(future) = &mut job.future else { return };
            let subject = Subject { coverage: job.coverage, name: &job.name };
            let mut context = Context::from_waker(&job.waker);
            job.result = catch_unwind(AssertUnwindSafe(|| {
                poll_root(scope, &subject, future.as_mut(), &mut context)
            }));
            let _ = scope.mode.transition_to_poll_ended();
        })
    }
}

impl<F: Future> Preemptible<F> {
    /// Whether a poll of it is set aside at this moment.
    pub fn is_suspended(&self) -> bool {
        self.interrupted.is_some()
    }

    fn step(&self, resume: impl FnOnce() -> Outcome) -> Outcome {
        let Some(slot) = current::slot() else { return resume() };
        ticker::wake_up(&slot);
        let outer = slot.begin(self.settings.quantum_ns());
        let outcome = resume();
        slot.end(outer);
        slot.rest();
        outcome
    }
}

impl<F: Future + 'static> Future for Preemptible<F> {
    type Output = F::Output;

    /// # Panics
    ///
    /// When the future panics; when it is polled after its end; when a suspended one is polled on
    /// another thread; when there is no memory for a stack.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Nothing in here is moved: the future is in a box of its own.
        let this = self.get_mut();
        assert!(this.job.future.is_some(), "polled after its end");
        let elsewhere = this.interrupted.as_ref().is_some_and(|generator| !generator.is_at_home());
        // Before it is taken out: what is suspended must be leaked together with its future.
        assert!(!elsewhere, "a suspended poll was resumed on another thread");
        let resumed = this.interrupted.take();
        let mut generator = resumed.unwrap_or_else(|| this.begin(context.waker()));
        match this.step(|| generator.resume()) {
            Outcome::Preempted => {
                this.interrupted = Some(generator);
                defer(context);
                return Poll::Pending;
            }
            Outcome::PollEnded | Outcome::Finished => drop(generator),
        }
        match std::mem::replace(&mut this.job.result, Ok(Poll::Pending)) {
            Ok(Poll::Ready(output)) => {
                this.job.future = None;
                Poll::Ready(output)
            }
            Ok(Poll::Pending) => {
                if !this.job.waker.will_wake(context.waker()) {
                    // It was registered where the poll began.
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Err(panic) => {
                this.job.future = None;
                resume_unwind(panic)
            }
        }
    }
}

/// Wakes the task after the others, and after the runtime has looked at its timers and sockets.
fn defer(context: &mut Context<'_>) {
    let deferred = std::pin::pin!(tokio::task::yield_now());
    let _ = deferred.poll(context);
}

impl<F: Future> Drop for Preemptible<F> {
    /// An interrupted poll cannot be unwound from where it is. It runs on, here, to its next
    /// [`checkpoint`](crate::checkpoint), where it is unwound, or to its end, for as long as
    /// [`Settings::drop_patience`] allows; after that, or on another thread, its stack and the future
    /// are leaked.
    fn drop(&mut self) {
        let began = Instant::now();
        while let Some(mut generator) = self.interrupted.take() {
            if !generator.is_at_home() || began.elapsed() > self.settings.drop_patience {
                crate::metrics::count_abandoned();
                drop(generator);
                return;
            }
            if self.step(|| generator.resume_to_end()) == Outcome::Preempted {
                self.interrupted = Some(generator);
            }
        }
        // SAFETY: once, here, and no generator refers to it any more.
        unsafe { ManuallyDrop::drop(&mut self.job) };
    }
}
