//! The protocol of a future that is lent to a lane: where it is, and who is woken.
//!
//! # States
//!
//! ```text
//!              the wrapper sends it                woken
//!    (home) ------------------------> Queued <-------------- Waiting
//!                                       |  ^                    ^
//!                        a lane thread  |  | woken meanwhile    | pending
//!                        takes it up    v  |                    |
//!                                      Running -----------------+
//!                                       |
//!                   behaves, or the     |        done or panicked
//!                   lane has closed     v
//!                                     Home   or   the output is there
//! ```
//!
//! `Cancelled` is reached from everywhere: the task was aborted, and its wrapper is gone.
//!
//! # Who does what
//!
//! Everything is behind one lock, held for a few instructions and never while the future is polled,
//! dropped or woken: whoever runs it takes it out first. So there are no orderings to argue about.
//!
//! * **The wrapper** (in the Tokio task) makes the errand with the future in it, takes it back when it
//!   is `Home`, takes the output, and cancels when it is dropped.
//! * **A lane thread** polls. While it does, nobody else has the future.
//! * **Wakers** of the future lead here. On the lane they queue it, once; at home they wake the task.
//!
//! The contract of futures is that the waker of the latest poll is woken. After a move the latest
//! waker is of the other kind until the next poll, which a move always causes. All the same, each
//! kind passes on what it hears: a wake of the task while it is away queues the errand.
//!
//! # Accepted
//!
//! * A task that is aborted while its poll runs on a lane: its handle says so at once, and the future is
//!   dropped by the lane thread when the poll ends. On a worker, Tokio would drop it before it says so.
//! * The queue keeps a cancelled errand, without its future, until a thread finds it there.

//!
//! Nothing here polls, drops, queues or wakes: each step says what its caller has to do then, without
//! the lock. `models.rs` runs the steps of all three against each other.

use std::task::Waker;

use crate::sync::{Mutex, lock};

/// Where a future `F` with the output `O` is.
#[derive(Debug)]
pub(crate) struct Passage<F, O>(Mutex<Inner<F, O>>);

#[derive(Debug)]
struct Inner<F, O> {
    state: State,
    cargo: Cargo<F, O>,
    /// Wakes the Tokio task.
    home: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Queued,
    Running { woken: bool },
    Home,
    Cancelled,
}

/// What is kept for whoever comes next.
#[derive(Debug)]
pub(crate) enum Cargo<F, O> {
    Nothing,
    Future(F),
    Output(O),
}

/// What the wrapper finds.
#[derive(Debug)]
pub(crate) enum Found<F, O> {
    /// It is on the lane. With `true`, it is to be queued there.
    Away(bool),
    Future(F),
    Output(O),
}

/// What the caller of a step has to do.
#[derive(Debug)]
#[must_use]
pub(crate) enum Next<C> {
    Nothing,
    /// To put it into the lane's queue.
    Queue,
    /// To wake the Tokio task.
    WakeHome(Waker),
    /// To drop what nobody waits for any more.
    Drop(C),
}

impl<F, O> Passage<F, O> {
    /// On its way to the queue.
    pub(crate) fn new(future: F, home: Waker) -> Self {
        let inner = Inner { state: State::Queued, cargo: Cargo::Future(future), home: Some(home) };
        Self(Mutex::new(inner))
    }

    /// The Tokio task is polled.
    pub(crate) fn look(&self, home: &Waker) -> Found<F, O> {
        let mut inner = lock(&self.0);
        match inner.take_cargo() {
            Cargo::Output(output) => return Found::Output(output),
            Cargo::Future(future) if inner.state == State::Home => {
                // From here on a wake that comes this way is passed on to the task.
                inner.home = Some(home.clone());
                return Found::Future(future);
            }
            cargo => inner.cargo = cargo,
        }
        if !inner.home.as_ref().is_some_and(|known| known.will_wake(home)) {
            inner.home = Some(home.clone());
        }
        Found::Away(inner.wake_on_lane())
    }

    /// The Tokio task is gone. The cargo is to be dropped.
    pub(crate) fn cancel(&self) -> Cargo<F, O> {
        let mut inner = lock(&self.0);
        inner.state = State::Cancelled;
        inner.home = None;
        inner.take_cargo()
    }

    /// A lane thread has found it in the queue. `None`: it was cancelled or sent home there.
    pub(crate) fn take_up(&self) -> Option<F> {
        let mut inner = lock(&self.0);
        if inner.state != State::Queued {
            return None;
        }
        inner.state = State::Running { woken: false };
        match inner.take_cargo() {
            Cargo::Future(future) => Some(future),
            _ => None,
        }
    }

    /// The poll on the lane was pending, and the next one is to be there as well, or at home.
    pub(crate) fn put_down(&self, future: F, stays: bool) -> Next<F> {
        let mut inner = lock(&self.0);
        let State::Running { woken } = inner.state else { return Next::Drop(future) };
        inner.cargo = Cargo::Future(future);
        inner.state = match (stays, woken) {
            (true, true) => State::Queued,
            (true, false) => State::Waiting,
            (false, _) => State::Home,
        };
        match (inner.state, &inner.home) {
            (State::Queued, _) => Next::Queue,
            (State::Home, Some(home)) if woken => Next::WakeHome(home.clone()),
            _ => Next::Nothing,
        }
    }

    /// The poll on the lane was the last.
    pub(crate) fn deliver(&self, output: O) -> Next<O> {
        let mut inner = lock(&self.0);
        if inner.state == State::Cancelled {
            return Next::Drop(output);
        }
        inner.state = State::Home;
        inner.cargo = Cargo::Output(output);
        inner.home.take().map_or(Next::Nothing, Next::WakeHome)
    }

    /// A waker of the future was woken.
    pub(crate) fn wake(&self) -> Next<F> {
        let mut inner = lock(&self.0);
        if inner.wake_on_lane() {
            return Next::Queue;
        }
        match (inner.state, &inner.home) {
            (State::Home, Some(home)) => Next::WakeHome(home.clone()),
            _ => Next::Nothing,
        }
    }

    /// The lane has nobody for it any more, and has taken it out of its queue.
    pub(crate) fn send_home(&self) -> Next<F> {
        let mut inner = lock(&self.0);
        if inner.state != State::Queued {
            return Next::Nothing;
        }
        inner.state = State::Home;
        inner.home.clone().map_or(Next::Nothing, Next::WakeHome)
    }
}

impl<F, O> Inner<F, O> {
    fn take_cargo(&mut self) -> Cargo<F, O> {
        std::mem::replace(&mut self.cargo, Cargo::Nothing)
    }

    /// Whether it is to be queued for this wake.
    fn wake_on_lane(&mut self) -> bool {
        match &mut self.state {
            state @ State::Waiting => {
                *state = State::Queued;
                return true;
            }
            State::Running { woken } => *woken = true,
            State::Queued | State::Home | State::Cancelled => {}
        }
        false
    }
}
