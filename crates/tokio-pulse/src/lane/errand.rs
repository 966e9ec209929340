//! A task's future on a lane: [`Passage`] says what is to be done, and this does it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::passage::{self, Next, Passage};
use super::queue::Flow;
use super::scheduler::{Job, Lane};
use super::traveller::Traveller;
use crate::tier::treatment::Measured;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the future has come to, or what it panicked with.
pub(crate) type Outcome<T> = Result<T, Box<dyn Any + Send>>;

/// One stay on a lane.
pub(crate) struct Errand<T> {
    lane: Arc<Lane>,
    traveller: Traveller,
    passage: Passage<BoxFuture<T>, Outcome<T>>,
}

/// What the wrapper finds.
pub(crate) enum Found<T> {
    Away,
    Future(BoxFuture<T>),
    Output(Outcome<T>),
}

impl<T> Errand<T> {
    /// The Tokio task is gone.
    pub(crate) fn cancel(&self) {
        // A panic here is the task's, and Tokio's to deal with.
        drop(self.passage.cancel());
    }
}

impl<T: Send + 'static> Errand<T> {
    /// Sends a future to a lane. `Err`: it is full, stuck or closed.
    pub(crate) fn send(
        lane: &Arc<Lane>,
        traveller: Traveller,
        future: BoxFuture<T>,
        home: &Waker,
    ) -> Result<Arc<Self>, BoxFuture<T>> {
        let Some(place) = lane.admit() else { return Err(future) };
        let passage = Passage::new(future, home.clone());
        let errand = Arc::new(Self { lane: lane.clone(), traveller, passage });
        place.fill(errand.clone());
        Ok(errand)
    }

    /// The Tokio task is polled.
    pub(crate) fn look(self: &Arc<Self>, home: &Waker) -> Found<T> {
        match self.passage.look(home) {
            passage::Found::Output(output) => Found::Output(output),
            passage::Found::Future(future) => Found::Future(future),
            passage::Found::Away(woken) => {
                if woken {
                    self.queue();
                }
                Found::Away
            }
        }
    }

    fn queue(self: &Arc<Self>) {
        if let Err(job) = self.lane.enqueue(self.clone()) {
            job.send_home();
        }
    }

    fn act<C>(self: &Arc<Self>, next: Next<C>) {
        match next {
            Next::Nothing => {}
            Next::Queue => self.queue(),
            Next::WakeHome(waker) => contain(|| waker.wake()),
            Next::Drop(cargo) => contain(|| drop(cargo)),
        }
    }
}

impl<T: Send + 'static> Wake for Errand<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.act(self.passage.wake());
    }
}

impl<T: Send + 'static> Job for Errand<T> {
    fn flow(&self) -> Flow {
        self.traveller.flow
    }

    fn run(self: Arc<Self>) -> Measured {
        let Some(mut future) = self.passage.take_up() else { return Measured::NOTHING };
        let waker = Waker::from(self.clone());
        let lane = &self.lane;
        let span = self.traveller.trace();
        let _named = lane.roll.enter(self.traveller.task, self.traveller.site);
        let (polled, measured) = self.traveller.measure(|| {
            let mut cx = Context::from_waker(&waker);
            let poll = || lane.poll_in_runtime(|| future.as_mut().poll(&mut cx));
            catch_unwind(AssertUnwindSafe(poll))
        });
        let stays = self.traveller.stays(measured, span) && lane.is_open();
        match polled {
            Ok(Poll::Pending) => {
                if !stays {
                    lane.counters.returned();
                }
                self.act(self.passage.put_down(future, stays));
            }
            Ok(Poll::Ready(output)) => {
                lane.counters.completed();
                // As Tokio does: a panic of the future's own drop is a panic of the task.
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
                self.act(self.passage.deliver(dropped.map(|()| output)));
            }
            Err(panic) => {
                lane.counters.panicked();
                contain(|| drop(future));
                self.act(self.passage.deliver(Err(panic)));
            }
        }
        measured
    }

    fn send_home(self: Arc<Self>) {
        let next = self.passage.send_home();
        if let Next::WakeHome(_) = next {
            self.lane.counters.returned();
        }
        self.act(next);
    }
}

/// What the user's code does in its `Drop` must not end a lane thread.
fn contain(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}
