//! What goes on: connected, watching, and connected again. See `README.md` beside `mod.rs` of the console.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::mpsc::{Sender, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_pulse_proto::v1;

use super::{Client, backoff::Backoff};
use crate::console::message::{Answer, Event, Link, Outcome, Request};
use crate::console::{ConsoleError, Refusal, target::Target};

/// Ends when nobody wants its events any more, or when there is no use in trying.
pub(crate) async fn session(
    target: Target,
    interval: Duration,
    requests: UnboundedReceiver<Request>,
    events: Sender<Event>,
) {
    let query = v1::SuspectQuery::default();
    let mut session = Session { interval, query, requests, events, backoff: Backoff::default() };
    // The only way out is that the other side has gone.
    let _ = session.run(&target).await;
}

/// Nobody listens: the program ends.
struct Gone;

/// Why a connection is not there, or nobody to have it.
enum End {
    Error(ConsoleError),
    Gone,
}

impl From<ConsoleError> for End {
    fn from(error: ConsoleError) -> Self {
        Self::Error(error)
    }
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

struct Session {
    interval: Duration,
    query: v1::SuspectQuery,
    requests: UnboundedReceiver<Request>,
    events: Sender<Event>,
    backoff: Backoff,
}

impl Session {
    async fn run(&mut self, target: &Target) -> Result<(), Gone> {
        loop {
            self.tell(Event::Link(Link::Connecting)).await?;
            let error = match self.connected(target).await {
                Err(End::Error(error)) => error,
                Err(End::Gone) => return Err(Gone),
            };
            if !error.may_pass() {
                return self.tell(Event::GaveUp(error)).await;
            }
            let next = self.backoff.after_failure(rand::random());
            let (why, attempt) = (error.to_string(), self.backoff.attempt());
            self.tell(Event::Link(Link::Down { why, next, attempt })).await?;
            self.pause(next).await?;
        }
    }

    /// Until the connection is lost.
    async fn connected(&mut self, target: &Target) -> Result<Infallible, End> {
        let mut client = Client::connect(target).await?;
        let program = client.handshake().await?;
        self.refuse_waiting().await?;
        let mut updates = client.watch(self.interval, &self.query).await?;
        self.tell(Event::Connected(Box::new(program))).await?;
        let mut calls = JoinSet::new();
        // Stalls that began before are told to nobody who comes later.
        let stuck = v1::GetStacksRequest { which: None, stalled_only: true };
        calls.spawn(answer(client.clone(), Request::Stacks(stuck)));
        loop {
            tokio::select! {
                update = updates.next() => {
                    let update = update?;
                    self.backoff.reset();
                    self.tell(Event::Update(Box::new(update))).await?;
                }
                request = self.requests.recv() => match request.ok_or(Gone)? {
                    Request::Watch(query) => {
                        let opened = client.watch(self.interval, &query).await;
                        let result = opened.map(|opened| {
                            updates = opened;
                            self.query = query.clone();
                            Outcome::Watch
                        });
                        let result = result.map_err(ConsoleError::into_refusal);
                        let answer = Answer { to: Request::Watch(query), result };
                        self.tell(Event::Answer(Box::new(answer))).await?;
                    }
                    request => {
                        calls.spawn(answer(client.clone(), request));
                    }
                },
                Some(answered) = calls.join_next() => {
                    // A call that has panicked was told by the panic hook.
                    if let Ok(answer) = answered {
                        self.tell(Event::Answer(Box::new(answer))).await?;
                    }
                }
            }
        }
    }

    /// Refuses what is asked meanwhile: it must not be done when nobody wants it any more.
    async fn pause(&mut self, time: Duration) -> Result<(), Gone> {
        let end = Instant::now() + time;
        loop {
            let to = tokio::select! {
                () = sleep_until(end) => return Ok(()),
                request = self.requests.recv() => request.ok_or(Gone)?,
            };
            self.refuse(to).await?;
        }
    }

    /// What was asked while the connection was being made is as late as what is asked without one.
    async fn refuse_waiting(&mut self) -> Result<(), Gone> {
        while let Ok(request) = self.requests.try_recv() {
            self.refuse(request).await?;
        }
        Ok(())
    }

    async fn refuse(&mut self, to: Request) -> Result<(), Gone> {
        let result = if let Request::Watch(query) = &to {
            // It changes nothing in the service, and holds from the next connection on.
            self.query = query.clone();
            Ok(Outcome::Watch)
        } else {
            let message = "there is no connection; nothing was done".to_owned();
            Err(Refusal { reason: None, key: None, message })
        };
        self.tell(Event::Answer(Box::new(Answer { to, result }))).await
    }

    async fn tell(&self, event: Event) -> Result<(), Gone> {
        self.events.send(event).await.map_err(|_| Gone)
    }
}

async fn answer(mut client: Client, to: Request) -> Answer {
    let result = match to.clone() {
        Request::Watch(_) => Ok(Outcome::Watch),
        Request::Stacks(request) => client.stacks(request).await.map(Outcome::Stacks),
        Request::Sites => client.sites().await.map(Outcome::Sites),
        Request::SetConfig(request) => client.set_config(request).await.map(Outcome::Config),
        Request::SetTask(request) => client.set_task(request).await.map(|_| Outcome::Task),
        Request::SetSite(request) => client.set_site(request).await.map(|_| Outcome::Site),
    };
    Answer { to, result: result.map_err(ConsoleError::into_refusal) }
}
