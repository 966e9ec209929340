//! One subscription: a stream that is asked for its next update when the client has room for it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_pulse::SuspectQuery;
use tokio_pulse_proto::v1::{self, Section};
use tokio_pulse_proto::{Reason, v1::Update};
use tokio_stream::Stream;
use tonic::Status;

use crate::answer::Answers;
use crate::convert::{self, nanos};
use crate::limits::{DEFAULT_INTERVAL, MAX_INTERVAL, MIN_INTERVAL};
use crate::seats::Seat;
use crate::stalls::StallQueue;

/// What a subscriber has asked for.
#[derive(Debug)]
struct Wishes {
    sections: Vec<Section>,
    interval: Duration,
    suspects: SuspectQuery,
}

impl Wishes {
    fn of(request: v1::WatchRequest) -> Result<Self, Status> {
        let mut sections = Vec::new();
        for &number in &request.sections {
            match Section::try_from(number) {
                Ok(section) if section != Section::Unspecified => sections.push(section),
                _ => {
                    let message = format!("section is {number}; give numbers from 1 to 7, or none");
                    return Err(Reason::Invalid.status(message));
                }
            }
        }
        let interval = match request.interval_ns {
            0 => DEFAULT_INTERVAL,
            nanos => Duration::from_nanos(nanos).clamp(MIN_INTERVAL, MAX_INTERVAL),
        };
        Ok(Self { sections, interval, suspects: convert::query(request.suspects)? })
    }

    fn has(&self, section: Section) -> bool {
        self.sections.is_empty() || self.sections.contains(&section)
    }
}

/// What was sent last, so that it is not sent again.
#[derive(Default)]
struct Sent {
    overview: Option<v1::Overview>,
    workers: Option<v1::Workers>,
    suspects: Option<Arc<v1::Suspects>>,
    lanes: Option<v1::Lanes>,
    alerts: Option<v1::Alerts>,
    config: Option<Arc<v1::Config>>,
}

pub(crate) struct Subscription {
    answers: Arc<Answers>,
    wishes: Wishes,
    ticks: Interval,
    last_tick: Option<Instant>,
    sequence: u64,
    sent: Sent,
    stalls: Option<StallQueue>,
    /// Turns true when the server ends.
    ending: Pin<Box<dyn Future<Output = ()> + Send>>,
    over: bool,
    _seat: Seat,
}

impl Subscription {
    pub(crate) fn new(
        answers: &Arc<Answers>,
        request: v1::WatchRequest,
        ending: watch::Receiver<bool>,
    ) -> Result<Self, Status> {
        let wishes = Wishes::of(request)?;
        let seat = answers.seats.take()?;
        let stalls = wishes.has(Section::Stalls).then(|| answers.stalls.watch());
        let mut ticks = interval_at(Instant::now(), wishes.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Ok(Self {
            answers: answers.clone(),
            wishes,
            ticks,
            last_tick: None,
            sequence: 0,
            sent: Sent::default(),
            stalls,
            ending: Box::pin(has_ended(ending)),
            over: false,
            _seat: seat,
        })
    }

    fn update(&mut self, missed: u64) -> Update {
        self.sequence += 1;
        let figures = self.answers.sampler.figures();
        let mut update = Update {
            sequence: self.sequence,
            uptime_ns: nanos(figures.metrics.uptime()),
            interval_ns: if self.sequence == 1 { nanos(self.wishes.interval) } else { 0 },
            ..Update::default()
        };
        let (wishes, sent) = (&self.wishes, &mut self.sent);
        if wishes.has(Section::Overview) {
            update.overview = changed(&mut sent.overview, self.answers.overview(&figures));
        }
        if wishes.has(Section::Workers) {
            update.workers = changed(&mut sent.workers, figures.workers.clone());
        }
        if wishes.has(Section::Suspects) {
            let suspects = self.answers.sampler.suspects(&wishes.suspects);
            update.suspects = changed(&mut sent.suspects, suspects).map(|it| (*it).clone());
        }
        if wishes.has(Section::Lanes) {
            update.lanes = changed(&mut sent.lanes, convert::lanes(&figures.metrics));
        }
        if wishes.has(Section::Alerts) {
            update.alerts = changed(&mut sent.alerts, convert::alerts(figures.metrics.alerts()));
        }
        if wishes.has(Section::Config) {
            let config = self.answers.sampler.config();
            update.config = changed(&mut sent.config, config).map(|it| (*it).clone());
        }
        let (stalls, lost) = self.stalls.as_ref().map(StallQueue::take).unwrap_or_default();
        update.stalls = stalls;
        if missed > 0 || lost > 0 {
            update.lost = Some(v1::Lost { updates: missed, stall_events: lost });
        }
        update
    }
}

async fn has_ended(mut ending: watch::Receiver<bool>) {
    // An error: the server is gone, which is an end as well.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// The new one, if it is another than before.
fn changed<T: PartialEq + Clone>(before: &mut Option<T>, now: T) -> Option<T> {
    if before.as_ref() == Some(&now) {
        return None;
    }
    *before = Some(now.clone());
    Some(now)
}

impl Stream for Subscription {
    type Item = Result<Update, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        if this.ending.as_mut().poll(cx).is_ready() {
            this.over = true;
            let stopped = Reason::Stopped.status("the console of the program has ended");
            return Poll::Ready(Some(Err(stopped)));
        }
        // While the client has no room nobody asks, and what falls due meanwhile is skipped.
        ready!(this.ticks.poll_tick(cx));
        let now = Instant::now();
        let intervals = match this.last_tick.replace(now) {
            Some(before) => (now - before).as_nanos() / this.wishes.interval.as_nanos().max(1),
            None => 1,
        };
        let missed = u64::try_from(intervals.saturating_sub(1)).unwrap_or(u64::MAX);
        Poll::Ready(Some(Ok(this.update(missed))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_brought_into_bounds_or_refused() {
        let wishes = |request| Wishes::of(request);
        let plain = wishes(v1::WatchRequest::default()).unwrap();
        assert!(plain.has(Section::Config) && plain.interval == DEFAULT_INTERVAL);

        let fast = v1::WatchRequest { interval_ns: 1, ..Default::default() };
        assert_eq!(wishes(fast).unwrap().interval, MIN_INTERVAL);
        let slow = v1::WatchRequest { interval_ns: u64::MAX, ..Default::default() };
        assert_eq!(wishes(slow).unwrap().interval, MAX_INTERVAL);

        let some = v1::WatchRequest { sections: vec![4], ..Default::default() };
        let some = wishes(some).unwrap();
        assert!(some.has(Section::Stalls) && !some.has(Section::Overview));

        for sections in [vec![0], vec![8], vec![-1], vec![1, 99]] {
            let request = v1::WatchRequest { sections, ..Default::default() };
            assert_eq!(Reason::of(&wishes(request).unwrap_err()), Some(Reason::Invalid));
        }
        for suspects in [
            v1::SuspectQuery { min_tier: 4, ..Default::default() },
            v1::SuspectQuery { order: 17, ..Default::default() },
            v1::SuspectQuery { filter: "x".repeat(1000), ..Default::default() },
        ] {
            let request = v1::WatchRequest { suspects: Some(suspects), ..Default::default() };
            assert_eq!(Reason::of(&wishes(request).unwrap_err()), Some(Reason::Invalid));
        }
    }

    #[test]
    fn only_what_has_changed_is_told() {
        let mut before = None;
        assert_eq!(changed(&mut before, 1), Some(1));
        assert_eq!(changed(&mut before, 1), None);
        assert_eq!(changed(&mut before, 2), Some(2));
    }
}
