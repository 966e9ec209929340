//! A task's future on its way: in its Tokio task, or on a lane.
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

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::queue::Flow;
use super::scheduler::{Job, Lane};
use super::traveller::Traveller;
use crate::tier::treatment::Measured;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

type Panic = Box<dyn Any + Send>;

/// One stay on a lane.
pub(crate) struct Errand<T> {
    lane: Arc<Lane>,
    traveller: Traveller,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    state: State,
    cargo: Cargo<T>,
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

enum Cargo<T> {
    Nothing,
    Future(BoxFuture<T>),
    Output(Result<T, Panic>),
}

/// What the wrapper finds.
pub(crate) enum Found<T> {
    Away,
    Future(BoxFuture<T>),
    Output(Result<T, Panic>),
}

impl<T> Errand<T> {
    /// The Tokio task is gone.
    pub(crate) fn cancel(&self) {
        let (cargo, _home) = {
            let mut inner = self.lock();
            inner.state = State::Cancelled;
            (std::mem::replace(&mut inner.cargo, Cargo::Nothing), inner.home.take())
        };
        // A panic here is the task's, and Tokio's to deal with.
        drop(cargo);
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static> Errand<T> {
    /// Sends a future to a lane. `Err`: it is full, or closed.
    pub(crate) fn send(
        lane: &Arc<Lane>,
        traveller: Traveller,
        future: BoxFuture<T>,
        home: &Waker,
    ) -> Result<Arc<Self>, BoxFuture<T>> {
        let Some(place) = lane.admit() else { return Err(future) };
        let inner =
            Inner { state: State::Queued, cargo: Cargo::Future(future), home: Some(home.clone()) };
        let lane = lane.clone();
        let errand = Arc::new(Self { lane, traveller, inner: Mutex::new(inner) });
        place.fill(errand.clone());
        Ok(errand)
    }

    /// The Tokio task is polled.
    pub(crate) fn look(self: &Arc<Self>, home: &Waker) -> Found<T> {
        let mut inner = self.lock();
        match std::mem::replace(&mut inner.cargo, Cargo::Nothing) {
            Cargo::Output(output) => return Found::Output(output),
            Cargo::Future(future) if inner.state == State::Home => {
                inner.home = Some(home.clone());
                return Found::Future(future);
            }
            cargo => inner.cargo = cargo,
        }
        if !inner.home.as_ref().is_some_and(|known| known.will_wake(home)) {
            inner.home = Some(home.clone());
        }
        drop(inner);
        self.wake_by_ref();
        Found::Away
    }

    /// `None`: it was cancelled while it was queued.
    fn take_up(&self) -> Option<BoxFuture<T>> {
        let mut inner = self.lock();
        if inner.state != State::Queued {
            return None;
        }
        inner.state = State::Running { woken: false };
        match std::mem::replace(&mut inner.cargo, Cargo::Nothing) {
            Cargo::Future(future) => Some(future),
            _ => None,
        }
    }

    fn deliver(&self, output: Result<T, Panic>) {
        let (waker, too_late) = {
            let mut inner = self.lock();
            if inner.state == State::Cancelled {
                (None, Some(output))
            } else {
                inner.state = State::Home;
                inner.cargo = Cargo::Output(output);
                (inner.home.take(), None)
            }
        };
        contain(|| drop(too_late));
        wake(waker);
    }

    /// The poll is pending: what becomes of the future until the next one.
    fn put_down(self: &Arc<Self>, future: BoxFuture<T>, stays: bool) {
        let mut inner = self.lock();
        let woken = match inner.state {
            State::Running { woken } => woken,
            _ => {
                drop(inner);
                contain(|| drop(future));
                return;
            }
        };
        inner.cargo = Cargo::Future(future);
        if stays {
            inner.state = if woken { State::Queued } else { State::Waiting };
            drop(inner);
            if woken {
                self.queue();
            }
        } else {
            inner.state = State::Home;
            let waker = if woken { inner.home.clone() } else { None };
            drop(inner);
            wake(waker);
        }
    }

    fn queue(self: &Arc<Self>) {
        if let Err(job) = self.lane.enqueue(self.clone()) {
            job.send_home();
        }
    }
}

impl<T: Send + 'static> Wake for Errand<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut inner = self.lock();
        match &mut inner.state {
            state @ State::Waiting => {
                *state = State::Queued;
                drop(inner);
                self.queue();
            }
            State::Running { woken } => *woken = true,
            State::Home => {
                let waker = inner.home.clone();
                drop(inner);
                wake(waker);
            }
            State::Queued | State::Cancelled => {}
        }
    }
}

impl<T: Send + 'static> Job for Errand<T> {
    fn flow(&self) -> Flow {
        self.traveller.flow
    }

    fn run(self: Arc<Self>) -> Measured {
        let Some(mut future) = self.take_up() else { return Measured::NOTHING };
        let waker = Waker::from(self.clone());
        let lane = &self.lane;
        let (polled, measured) = self.traveller.measure(|| {
            let mut cx = Context::from_waker(&waker);
            let poll = || lane.poll_in_runtime(|| future.as_mut().poll(&mut cx));
            catch_unwind(AssertUnwindSafe(poll))
        });
        match polled {
            Ok(Poll::Pending) => {
                let stays = self.traveller.stays(measured) && lane.is_open();
                if !stays {
                    lane.counters.returned();
                }
                self.put_down(future, stays);
            }
            Ok(Poll::Ready(output)) => {
                self.traveller.stays(measured);
                lane.counters.completed();
                // As Tokio does: a panic of the future's own drop is a panic of the task.
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
                self.deliver(dropped.map(|()| output));
            }
            Err(panic) => {
                lane.counters.panicked();
                contain(|| drop(future));
                self.deliver(Err(panic));
            }
        }
        measured
    }

    fn send_home(self: Arc<Self>) {
        let waker = {
            let mut inner = self.lock();
            if inner.state != State::Queued {
                return;
            }
            inner.state = State::Home;
            inner.home.clone()
        };
        self.lane.counters.returned();
        wake(waker);
    }
}

/// What the user's code does in its `Drop` must not end a lane thread.
fn contain(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        contain(|| waker.wake());
    }
}
