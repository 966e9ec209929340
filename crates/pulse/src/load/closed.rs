//! The closed loop: so many connections, each with one request at a time.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{Connections, Target};
use crate::latencies::Latencies;

/// After an error, so that a server that is gone does not make a busy loop of the generator.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(10);

/// What a closed-loop run does.
#[derive(Clone, Debug)]
pub struct ClosedPlan {
    /// The server.
    pub addr: SocketAddr,
    /// What each connection asks, again and again.
    pub target: Target,
    /// How many connections.
    pub connections: usize,
    /// Threads of the generator; one is enough unless the server has many cores to itself.
    pub threads: usize,
    /// Load that is not measured, first.
    pub warm_up: Duration,
    /// Load that is measured, then.
    pub measured: Duration,
    /// A request without an answer for so long is an error.
    pub timeout: Duration,
}

impl ClosedPlan {
    /// A plan with one thread, a second of warm-up and a timeout of 5 s.
    pub fn new(addr: SocketAddr, target: Target, connections: usize, measured: Duration) -> Self {
        Self {
            addr,
            target,
            connections,
            threads: 1,
            warm_up: Duration::from_secs(1),
            measured,
            timeout: Duration::from_secs(5),
        }
    }
}

/// What became of a closed-loop run.
#[derive(Clone, Debug)]
pub struct ClosedOutcome {
    /// Answers while the measurement lasted.
    pub completed: u64,
    /// Requests without a good answer.
    pub errors: u64,
    /// What the first of them was, for people.
    pub first_error: Option<String>,
    /// From sending to the end of the answer. A closed loop leaves out what would have been asked
    /// while the server was silent: do not compare these with those of an open loop.
    pub latencies: Latencies,
    /// How long was measured.
    pub measured: Duration,
}

impl ClosedOutcome {
    /// Answers per second.
    pub fn per_second(&self) -> f64 {
        self.completed as f64 / self.measured.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Runs the plan.
///
/// # Errors
/// When the generator cannot have its runtime.
pub fn closed_loop(plan: &ClosedPlan) -> io::Result<ClosedOutcome> {
    let runtime = if plan.threads > 1 {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(plan.threads).enable_all().build()?
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?
    };
    Ok(runtime.block_on(async {
        let from = Instant::now() + plan.warm_up;
        let mut loops = JoinSet::new();
        for _ in 0..plan.connections {
            loops.spawn(one_connection(plan.clone(), from));
        }
        let mut all = empty(plan);
        while let Some(done) = loops.join_next().await {
            let Ok(part) = done else { continue };
            all.completed += part.completed;
            all.errors += part.errors;
            all.first_error = all.first_error.or(part.first_error);
            all.latencies.merge(&part.latencies);
        }
        all
    }))
}

fn empty(plan: &ClosedPlan) -> ClosedOutcome {
    ClosedOutcome {
        completed: 0,
        errors: 0,
        first_error: None,
        latencies: Latencies::new(),
        measured: plan.measured,
    }
}

async fn one_connection(plan: ClosedPlan, from: Instant) -> ClosedOutcome {
    let to = from + plan.measured;
    // A pool of its own, which holds at most the one connection.
    let mut connections = Connections::new(plan.addr);
    let mut outcome = empty(&plan);
    loop {
        let sent = Instant::now();
        if sent >= to {
            return outcome;
        }
        let answer = tokio::time::timeout(plan.timeout, connections.fetch(&plan.target)).await;
        let ended = Instant::now();
        let error = match answer {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {:?}", plan.timeout)),
        };
        let counts = (from..to).contains(&ended);
        if let Some(error) = error {
            if counts {
                outcome.errors += 1;
                outcome.first_error.get_or_insert(error);
            }
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        } else if counts {
            outcome.completed += 1;
            outcome.latencies.record(ended - sent);
        }
    }
}
