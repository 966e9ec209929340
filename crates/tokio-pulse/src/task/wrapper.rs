//! The future that a task spawned through Pulse runs in.

use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::Id;

use super::context::{self, TaskContext};
use super::span::TaskSpan;
use crate::heartbeat::seat;
use crate::lane::errand::{BoxFuture, Errand, Found};
use crate::lane::ticket;
use crate::lane::traveller::Traveller;
use crate::pulse::Core;
use crate::tier::sites::Site;

/// Makes its context the current one while it is polled, and can send its future to a lane.
///
/// For that the future lives in an allocation of its own, from the beginning: once it was polled it
/// must not be moved any more, and what is to be lent to another thread must not lie in Tokio's.
pub(crate) struct Spawned<T> {
    place: Place<T>,
    task: Option<Id>,
    context: Option<Arc<TaskContext>>,
    spawned_at: &'static Location<'static>,
    /// The watch over the runtime that polls: looked for once, found or not.
    core: Option<Option<Arc<Core>>>,
    /// To be sent to the lane at once, and to stay there.
    settled: bool,
    /// Its id is known, and nothing else is to be.
    plain: bool,
    /// What tokio-console shows of it.
    span: TaskSpan,
}

enum Place<T> {
    Home(BoxFuture<T>),
    Away(Arc<Errand<T>>),
    Done,
}

impl<T: Send + 'static> Spawned<T> {
    /// The children of a task that belongs to a group belong to it as well.
    #[track_caller]
    pub(crate) fn new<F>(future: F, context: Option<TaskContext>) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        Self {
            place: Place::Home(Box::pin(future)),
            task: None,
            context: context::with_group_of_parent(context).map(Arc::new),
            spawned_at: Location::caller(),
            core: None,
            settled: false,
            plain: false,
            span: TaskSpan::default(),
        }
    }

    /// For the lane, from its first poll to its last.
    pub(crate) fn settled(mut self) -> Self {
        self.settled = true;
        self
    }

    /// Sends the future to the lane; leaves it here when that does not take it.
    #[cold]
    fn send(&mut self, cx: &Context<'_>) {
        let (Some(task), Some(core)) = (self.task, self.core.get_or_insert_with(find_core).clone())
        else {
            return;
        };
        match std::mem::replace(&mut self.place, Place::Done) {
            Place::Home(future) => {
                let isolated = core.tiers.isolates(task) && !self.settled;
                let lane = if isolated { &core.isolated } else { &core.lane };
                let traveller = Traveller::new(
                    task,
                    Site::of(self.spawned_at),
                    self.context.clone(),
                    core.tiers.clone(),
                    self.settled,
                    isolated,
                    self.span.clone(),
                );
                self.place = match Errand::send(lane, traveller, future, cx.waker()) {
                    Ok(errand) => Place::Away(errand),
                    Err(future) => Place::Home(future),
                };
            }
            other => self.place = other,
        }
    }

    #[cold]
    fn show(&mut self) {
        let Some(task) = self.task else { return };
        let core = self.core.get_or_insert_with(find_core).as_ref();
        let context = self.context.as_deref();
        self.span.keep(task, self.spawned_at, context, core.map(|core| &core.tiers));
    }

    /// Whether something else than the record sends it to the lane.
    fn must_leave(&self) -> bool {
        let over_budget = |context: &Arc<TaskContext>| {
            context.group().is_some_and(|group| group.is_over_budget())
        };
        self.settled || self.context.as_ref().is_some_and(over_budget)
    }

    fn poll_at_home(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let Place::Home(future) = &mut self.place else { return Poll::Pending };
        let _shown = self.span.enter();
        let polled = match (&self.context, self.task) {
            (Some(context), Some(task)) => {
                let _charged = context.group().map(|group| group.charge_poll());
                let _entered = context::enter(context, task);
                future.as_mut().poll(cx)
            }
            _ => future.as_mut().poll(cx),
        };
        ticket::leave_name(self.task);
        if polled.is_ready() {
            // Here, as Tokio drops a future that is done: before its output is there.
            self.place = Place::Done;
        }
        polled
    }
}

impl<T: Send + 'static> Future for Spawned<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        if let (Some(line), true, Place::Home(future)) =
            (seat::current_line(), this.plain, &mut this.place)
        {
            // The common case: nobody on the runtime is on record.
            if !line.attention.is_wanted() {
                let polled = future.as_mut().poll(cx);
                if polled.is_ready() {
                    this.place = Place::Done;
                }
                if line.attention.is_wanted() {
                    ticket::leave_name(this.task);
                }
                return polled;
            }
        }
        this.poll_attended(cx)
    }
}

impl<T: Send + 'static> Spawned<T> {
    #[cold]
    #[inline(never)]
    fn poll_attended(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let this = self;
        let sent = ticket::take();
        if this.task.is_none() {
            this.task = tokio::task::try_id();
        }
        if this.span.may_be_wanted() {
            this.show();
        }
        this.plain = this.task.is_some()
            && this.context.is_none()
            && !this.settled
            && !this.span.may_be_wanted();
        if let Place::Away(errand) = &this.place {
            match errand.look(cx.waker()) {
                Found::Away => return Poll::Pending,
                Found::Future(future) => this.place = Place::Home(future),
                Found::Output(output) => {
                    this.place = Place::Done;
                    return Poll::Ready(output.unwrap_or_else(|panic| resume_unwind(panic)));
                }
            }
        }
        if let (Some(context), Some(task)) = (&this.context, this.task) {
            if let Some(core) = this.core.get_or_insert_with(find_core) {
                introduce(core, task, context, this.spawned_at);
                if seat::current_line().is_some_and(|line| line.attention.is_armed()) {
                    seat::with_slot(&core.heart, |slot| slot.describe(task, context));
                }
            }
        }
        if sent || this.must_leave() {
            this.send(cx);
            if let Place::Away(_) = this.place {
                return Poll::Pending;
            }
        }
        this.poll_at_home(cx)
    }
}

/// A rule may know the task by its name or labels, which no hook sees.
fn introduce(
    core: &Core,
    task: Id,
    context: &Arc<TaskContext>,
    spawned_at: &'static Location<'static>,
) {
    if core.tiers.must_introduce(task) {
        core.tiers.introduce(task, Site::of(spawned_at), context);
    }
}

impl<T> Drop for Spawned<T> {
    fn drop(&mut self) {
        if let Place::Away(errand) = &self.place {
            errand.cancel();
        }
    }
}

#[cold]
fn find_core() -> Option<Arc<Core>> {
    crate::Handle::try_current().ok().map(|handle| handle.core)
}
