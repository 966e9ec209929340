//! Who waits for how long.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::*;
use super::{MS, algorithm, cost, flow, normal, priority};

const LONGEST: u64 = 5 * MS;

/// The bound of `README.md`: how much of others' work is done before a flow's first item is served.
/// `flows` is how many waited or ran at a time, at most.
fn bound(algorithm: SchedulingAlgorithm, flow: Flow, flows: u64, threads: u64) -> u64 {
    let weight = flow.weight();
    let debt = LONGEST * (threads + 1);
    let turn = LONGEST + 8 * QUANTUM;
    // Between two turns of others, so many of newcomers.
    let newcomers = 1 + u64::from(FIRST_IN_A_ROW);
    match algorithm {
        SchedulingAlgorithm::CreditBased => {
            8 * flows * (debt / weight + QUANTUM) + newcomers * 2 * flows * LONGEST
        }
        SchedulingAlgorithm::Lottery => {
            8 * flows * 16 * LONGEST.max(QUANTUM) + newcomers * 2 * flows * LONGEST
        }
        SchedulingAlgorithm::DeficitRoundRobin => {
            newcomers * (debt / (QUANTUM * weight) + 2) * flows * turn
        }
        SchedulingAlgorithm::MultiLevel => {
            25 * newcomers * (debt / (QUANTUM * weight) + 2) * flows * turn
        }
    }
}

/// Fills up with flows, all from `crowd` but one, and tells how much work was done while that one
/// waited at most.
fn longest_wait(
    queue: &mut dyn FairQueue<()>,
    one: Flow,
    flows: usize,
    threads: usize,
    mut crowd: impl FnMut() -> Flow,
    mut cost: impl FnMut() -> u64,
    work: u64,
) -> u64 {
    let mut running: Vec<Flow> = Vec::new();
    let (mut done, mut since, mut longest) = (0, 0, 0);
    queue.push(one, ());
    while done < work {
        while running.len() < threads {
            while queue.len() < flows {
                queue.push(crowd(), ());
            }
            let (flow, ()) = queue.pop().unwrap();
            if flow == one {
                longest = longest.max(done - since);
            }
            running.push(flow);
        }
        let flow = running.remove(0);
        let cost = cost();
        done += cost;
        if flow == one {
            queue.push(flow, ());
            since = done;
        }
        queue.charge(flow, cost);
    }
    longest.max(done - since)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Beside known flows and new ones of any priority.
    #[test]
    fn every_wait_is_bounded(
        algorithm in algorithm(),
        seed in any::<u64>(),
        one in priority(),
        crowd in prop::collection::vec((0..40_u64, priority(), any::<bool>()), 1..30),
        costs in prop::collection::vec(0..LONGEST, 1..30),
        flows in 2..24_usize,
        threads in 1..4_usize,
    ) {
        let mut queue = algorithm.queue(seed);
        let one = flow(u64::MAX, one);
        let mut number = 0;
        let crowd = || {
            number += 1;
            let (id, priority, new) = crowd[number % crowd.len()];
            flow(if new { 1_000 + number as u64 } else { id }, priority)
        };
        let mut run = 0;
        let cost = || {
            run += 1;
            costs[run % costs.len()].max(MIN_COST)
        };
        let bound = bound(algorithm, one, (flows + threads) as u64, threads as u64);
        let mean = costs.iter().sum::<u64>() / costs.len() as u64 + MIN_COST;
        let work = (2 * bound).min(20_000 * mean);
        let longest = longest_wait(&mut *queue, one, flows, threads, crowd, cost, work);
        prop_assert!(longest <= bound, "{longest} > {bound}");
    }

    /// After any history of others, a critical flow is next when it comes.
    #[test]
    fn a_critical_newcomer_is_next(
        algorithm in algorithm(),
        seed in any::<u64>(),
        known in any::<bool>(),
        history in prop::collection::vec((0..8_u64, 1..4_usize, cost()), 1..200),
    ) {
        let mut queue = algorithm.queue(seed);
        let critical = flow(1_000, TaskPriority::Critical);
        if known {
            queue.push(critical, ());
            queue.pop();
            queue.charge(critical, MS);
        }
        for (id, priority, cost) in history {
            for other in 0..3 {
                queue.push(flow(id + other, TaskPriority::ALL[priority]), ());
            }
            let (flow, ()) = queue.pop().unwrap();
            queue.charge(flow, cost);
        }
        // What it had is long ago.
        for _ in 0..50 {
            queue.push(normal(0), ());
            let (flow, ()) = queue.pop().unwrap();
            queue.charge(flow, 10 * MS);
        }
        queue.push(critical, ());
        prop_assert_eq!(queue.pop().unwrap().0, critical);
    }
}

/// Critical flows without end, each of them new: the worst that a low one can be beside.
#[test]
fn a_low_flow_is_served_beside_endless_critical_newcomers() {
    for algorithm in SchedulingAlgorithm::ALL {
        let low = flow(0, TaskPriority::Low);
        let mut id = 0;
        let crowd = || {
            id += 1;
            flow(id, TaskPriority::Critical)
        };
        let mut queue = algorithm.queue(7);
        let work = 20_000 * MS;
        let longest = longest_wait(&mut *queue, low, 12, 2, crowd, || MS, work);
        assert!(longest <= bound(algorithm, low, 14, 2), "{algorithm}: {longest}");
        assert!(longest < work / 2, "{algorithm}: never served");
    }
}

/// The same few, of which each comes back at once.
#[test]
fn a_low_flow_is_served_beside_saturating_critical_ones() {
    let mut waits = HashMap::new();
    for algorithm in SchedulingAlgorithm::ALL {
        let low = flow(0, TaskPriority::Low);
        let mut id = 0;
        let crowd = || {
            id += 1;
            flow(1 + id % 8, TaskPriority::Critical)
        };
        let mut queue = algorithm.queue(7);
        let longest = longest_wait(&mut *queue, low, 16, 2, crowd, || MS, 20_000 * MS);
        assert!(longest <= bound(algorithm, low, 10, 2), "{algorithm}: {longest}");
        waits.insert(algorithm, longest);
    }
    // By weight it is one in 65 for the low one.
    assert!(waits[&SchedulingAlgorithm::CreditBased] < 200 * MS, "{waits:?}");
}
