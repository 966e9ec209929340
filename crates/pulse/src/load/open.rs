//! The open loop: every request leaves at its time, however many are outstanding.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, task::JoinSet};

use hyper::StatusCode;

use super::{Arrival, Arrivals, Connections, RequestError, Target};
use crate::latencies::Latencies;

/// One kind of request and how often it leaves.
#[derive(Clone, Debug)]
pub struct Class {
    /// What is asked.
    pub target: Target,
    /// How often per second, on average.
    pub per_second: f64,
}

/// What an open-loop run does.
#[derive(Clone, Debug)]
pub struct OpenPlan {
    /// The server.
    pub addr: SocketAddr,
    /// The kinds of requests.
    pub classes: Vec<Class>,
    /// Load that is not measured, first.
    pub warm_up: Duration,
    /// Load that is measured, then.
    pub measured: Duration,
    /// Arrivals are drawn from it.
    pub seed: u64,
    /// A request without an answer for so long is an error.
    pub timeout: Duration,
    /// A request that would exceed so many outstanding ones is not sent and is an error. Each
    /// needs a socket here and one in the server, and many systems allow 1,024.
    pub max_outstanding: usize,
}

impl OpenPlan {
    /// A plan with a second of warm-up, a timeout of 5 s and at most 512 requests outstanding.
    pub fn new(addr: SocketAddr, classes: Vec<Class>, measured: Duration) -> Self {
        Self {
            addr,
            classes,
            warm_up: Duration::from_secs(1),
            measured,
            seed: 1,
            timeout: Duration::from_secs(5),
            max_outstanding: 512,
        }
    }
}

/// What became of one kind of request.
#[derive(Clone, Debug, Default)]
pub struct ClassOutcome {
    /// From the intended time of sending to the end of the answer. A request that timed out is
    /// in it with the time it was waited for.
    pub latencies: Latencies,
    /// Answers that arrived while the measurement lasted.
    pub completed: u64,
    /// Requests without a good answer: timed out, refused, broken, not sent.
    pub errors: u64,
    /// The same for those that were answered with 503. They are errors as well.
    pub turned_away: Latencies,
    /// And from when they were really sent: what the server had to do with, and not the generator.
    pub turned_away_once_sent: Latencies,
}

impl ClassOutcome {
    /// Adds another round.
    pub fn merge(&mut self, other: &Self) {
        self.latencies.merge(&other.latencies);
        self.completed += other.completed;
        self.errors += other.errors;
        self.turned_away.merge(&other.turned_away);
        self.turned_away_once_sent.merge(&other.turned_away_once_sent);
    }
}

/// What became of an open-loop run.
#[derive(Clone, Debug)]
pub struct OpenOutcome {
    /// In the order of the plan's classes.
    pub classes: Vec<ClassOutcome>,
    /// How late the generator itself was: large values mean that it was short of CPU.
    pub lag: Latencies,
}

/// Runs the plan; raising `stop` ends it early.
///
/// # Errors
/// When the generator cannot have its thread or its runtime.
pub fn open_loop(plan: &OpenPlan, stop: &AtomicBool) -> io::Result<OpenOutcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let start = Instant::now();
    thread::scope(|scope| {
        // A thread keeps the time because Tokio's timer only knows whole milliseconds.
        thread::Builder::new()
            .name("pulse-arrivals".into())
            .spawn_scoped(scope, move || pace(plan, start, stop, &sender))?;
        Ok(runtime.block_on(send_all(plan, start, receiver)))
    })
}

fn pace(plan: &OpenPlan, start: Instant, stop: &AtomicBool, out: &mpsc::UnboundedSender<Arrival>) {
    let rates: Vec<f64> = plan.classes.iter().map(|class| class.per_second).collect();
    for arrival in Arrivals::new(&rates, plan.seed, plan.warm_up + plan.measured) {
        let due = start + arrival.at;
        while let Some(left) = due.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            // In pieces, so that `stop` is seen soon even when the next arrival is far.
            thread::sleep(left.min(Duration::from_millis(100)));
        }
        if stop.load(Ordering::Relaxed) || out.send(arrival).is_err() {
            return;
        }
    }
}

struct Sent {
    class: usize,
    intended: Instant,
    began: Instant,
    ended: Instant,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    TimedOut,
    TurnedAway,
    Failed,
}

async fn send_all(
    plan: &OpenPlan,
    start: Instant,
    mut arrivals: mpsc::UnboundedReceiver<Arrival>,
) -> OpenOutcome {
    let mut score = Score::new(plan, start);
    let connections = Connections::new(plan.addr);
    let mut outstanding = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(done) = outstanding.join_next(), if !outstanding.is_empty() => {
                if let Ok(sent) = done {
                    score.count(&sent);
                }
            }
            arrival = arrivals.recv() => {
                let Some(arrival) = arrival else { break };
                let intended = start + arrival.at;
                if outstanding.len() >= plan.max_outstanding {
                    let now = Instant::now();
                    let (class, fate) = (arrival.class, Fate::Failed);
                    score.count(&Sent { class, intended, began: now, ended: now, fate });
                    continue;
                }
                let target = plan.classes[arrival.class].target.clone();
                let (connections, timeout) = (connections.clone(), plan.timeout);
                outstanding.spawn(send(arrival.class, target, intended, timeout, connections));
            }
        }
    }
    // Each is bounded by the timeout.
    while let Some(done) = outstanding.join_next().await {
        if let Ok(sent) = done {
            score.count(&sent);
        }
    }
    score.outcome
}

async fn send(
    class: usize,
    target: Target,
    intended: Instant,
    timeout: Duration,
    mut connections: Connections,
) -> Sent {
    let began = Instant::now();
    let answer = tokio::time::timeout_at((intended + timeout).into(), connections.fetch(&target));
    let fate = match answer.await {
        Ok(Ok(_)) => Fate::Answered,
        Ok(Err(RequestError::Status(StatusCode::SERVICE_UNAVAILABLE))) => Fate::TurnedAway,
        Ok(Err(_)) => Fate::Failed,
        Err(_) => Fate::TimedOut,
    };
    Sent { class, intended, began, ended: Instant::now(), fate }
}

/// The only place that decides what counts.
struct Score {
    from: Instant,
    to: Instant,
    outcome: OpenOutcome,
}

impl Score {
    fn new(plan: &OpenPlan, start: Instant) -> Self {
        let from = start + plan.warm_up;
        let classes = vec![ClassOutcome::default(); plan.classes.len()];
        let outcome = OpenOutcome { classes, lag: Latencies::new() };
        Self { from, to: from + plan.measured, outcome }
    }

    fn count(&mut self, sent: &Sent) {
        let class = &mut self.outcome.classes[sent.class];
        // Throughput: what was answered in the window, even if it was asked before.
        if sent.fate == Fate::Answered && (self.from..self.to).contains(&sent.ended) {
            class.completed += 1;
        }
        if sent.intended < self.from {
            return;
        }
        self.outcome.lag.record(sent.began.saturating_duration_since(sent.intended));
        let latency = sent.ended.saturating_duration_since(sent.intended);
        match sent.fate {
            Fate::Answered | Fate::TimedOut => class.latencies.record(latency),
            Fate::TurnedAway => {
                class.turned_away.record(latency);
                let once_sent = sent.ended.saturating_duration_since(sent.began);
                class.turned_away_once_sent.record(once_sent);
            }
            // A refusal is quick: as a latency it would make the server look better.
            Fate::Failed => {}
        }
        if sent.fate != Fate::Answered {
            class.errors += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score() -> (Score, Instant) {
        let addr = ([127, 0, 0, 1], 1).into();
        let classes = vec![Class { target: Target::get("/"), per_second: 1.0 }];
        let start = Instant::now();
        (Score::new(&OpenPlan::new(addr, classes, Duration::from_secs(2)), start), start)
    }

    fn sent(start: Instant, intended: u64, ended: u64, fate: Fate) -> Sent {
        let at = |ms| start + Duration::from_millis(ms);
        Sent { class: 0, intended: at(intended), began: at(intended + 1), ended: at(ended), fate }
    }

    #[test]
    fn latency_counts_from_the_intended_time() {
        let (mut score, start) = score();
        score.count(&sent(start, 1500, 1600, Fate::Answered));
        let class = &score.outcome.classes[0];
        assert_eq!(class.latencies.summary().max_ms.round(), 100.0);
        assert_eq!((class.completed, class.errors), (1, 0));
        assert_eq!(score.outcome.lag.summary().max_ms.round(), 1.0);
    }

    #[test]
    fn the_warm_up_has_no_latency_but_its_late_answers_are_throughput() {
        let (mut score, start) = score();
        score.count(&sent(start, 500, 600, Fate::Answered));
        score.count(&sent(start, 900, 1100, Fate::Answered));
        let class = &score.outcome.classes[0];
        assert!(class.latencies.is_empty());
        assert_eq!(class.completed, 1);
    }

    #[test]
    fn an_answer_after_the_end_is_latency_but_not_throughput() {
        let (mut score, start) = score();
        score.count(&sent(start, 2900, 3100, Fate::Answered));
        let class = &score.outcome.classes[0];
        assert_eq!((class.completed, class.latencies.summary().count), (0, 1));
    }

    #[test]
    fn a_timeout_is_an_error_and_a_latency_and_a_refusal_only_an_error() {
        let (mut score, start) = score();
        score.count(&sent(start, 1500, 2500, Fate::TimedOut));
        score.count(&sent(start, 1500, 1501, Fate::Failed));
        score.count(&sent(start, 1500, 1503, Fate::TurnedAway));
        let class = &score.outcome.classes[0];
        assert_eq!((class.errors, class.latencies.summary().count), (3, 1));
        assert_eq!(class.turned_away.summary().max_ms.round(), 3.0);
        assert_eq!(class.turned_away_once_sent.summary().max_ms.round(), 2.0);
    }
}
