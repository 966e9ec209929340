//! A stack with something on it that can be left at any instruction and gone back to.

mod mode;
mod root;
pub(crate) mod stack;

use std::mem::ManuallyDrop;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};

use crate::current::{self, Scope};
use crate::platform::{self, FloatControl};
pub(crate) use mode::{Mode, Next};
pub(crate) use root::poll_root;

/// Why a generator left its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its poll was interrupted.
    Preempted,
    /// One turn of its poll loop is over.
    PollEnded,
}

/// What a generator is resumed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// To go on.
    Run,
    /// To end: a poll loop between two polls at once, an interrupted poll at its next checkpoint.
    End,
}

/// What came of a resumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Outcome {
    Preempted,
    PollEnded,
    Finished,
}

type Body = Coroutine<Resume, Stop, (), DefaultStack>;

pub(crate) struct Generator {
    body: ManuallyDrop<Body>,
    scope: *mut Scope,
    thread: i32,
    /// A poll on it is interrupted.
    interrupted: bool,
}

impl Generator {
    /// `body` must not unwind; it runs when the generator is first resumed.
    pub(crate) fn new(
        stack: DefaultStack,
        mode: Mode,
        body: impl FnOnce(&Scope) + 'static,
    ) -> Self {
        let scope = Box::into_raw(Box::new(Scope::new(stack::bounds(&stack), mode)));
        let body = Coroutine::with_stack(stack, move |yielder, _: Resume| {
            // SAFETY: freed by the generator, and only when this body is over.
            let scope = unsafe { &*scope };
            scope.set_yielder(yielder);
            body(scope);
        });
        let thread = platform::thread_number();
        Self { body: ManuallyDrop::new(body), scope, thread, interrupted: false }
    }

    /// Goes to its stack until it leaves it.
    ///
    /// Only on the thread that it began on: what it left behind is not valid elsewhere.
    pub(crate) fn resume(&mut self) -> Outcome {
        self.resume_for(Resume::Run)
    }

    /// The same, for a poll that nobody has use for any more: it is unwound at its next checkpoint.
    pub(crate) fn resume_to_end(&mut self) -> Outcome {
        self.resume_for(Resume::End)
    }

    fn resume_for(&mut self, resume: Resume) -> Outcome {
        debug_assert!(self.is_at_home());
        let float = FloatControl::save();
        let before = current::swap_scope(self.scope);
        // SAFETY: of this generator, which is this thread's and does not run.
        unsafe { current::note_resumption(self.scope) };
        let result = self.body.resume(resume);
        current::swap_scope(before);
        float.restore();
        let outcome = match result {
            CoroutineResult::Yield(Stop::Preempted) => Outcome::Preempted,
            CoroutineResult::Yield(Stop::PollEnded) => Outcome::PollEnded,
            CoroutineResult::Return(()) => Outcome::Finished,
        };
        self.interrupted = outcome == Outcome::Preempted;
        outcome
    }

    /// Whether a poll on it is set aside.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Whether this is the thread it began on.
    pub(crate) fn is_at_home(&self) -> bool {
        self.thread == platform::thread_number()
    }
}

impl Drop for Generator {
    /// Of an interrupted poll nothing can be freed: the instruction it stopped at has no landing pad
    /// to unwind from. Its stack, and what is on it, stay where they are for good.
    fn drop(&mut self) {
        if self.interrupted || !self.is_at_home() {
            return;
        }
        if self.body.started() && !self.body.done() {
            let _ = self.resume_for(Resume::End);
        }
        // SAFETY: taken once, here, and not used afterwards. The scope came from a box in `new`, and
        // the body that refers to it is over or never began.
        let body = unsafe {
            drop(Box::from_raw(self.scope));
            ManuallyDrop::take(&mut self.body)
        };
        if body.done() {
            stack::give_back(body.into_stack());
        }
    }
}
