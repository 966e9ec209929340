//! What every algorithm promises, over random arrivals and costs.

mod shares;
mod waits;

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;
const PRIORITIES: [TaskPriority; 4] = TaskPriority::ALL;

fn flow(id: u64, priority: TaskPriority) -> Flow {
    Flow { id, priority }
}

fn normal(id: u64) -> Flow {
    flow(id, TaskPriority::Normal)
}

fn algorithm() -> impl Strategy<Value = SchedulingAlgorithm> {
    prop::sample::select(&SchedulingAlgorithm::ALL[..])
}

fn priority() -> impl Strategy<Value = TaskPriority> {
    prop::sample::select(&PRIORITIES[..])
}

/// From nothing to more than there is, and what is usual in between.
fn cost() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..20 * MS, 1 => Just(0), 1 => Just(u64::MAX), 1 => any::<u64>()]
}

#[derive(Clone, Debug)]
enum Step {
    Push(Flow),
    Pop,
    /// Charges one of those that run, or one that does not.
    Charge(prop::sample::Index, u64),
    ChargeUnknown(Flow, u64),
    /// A run that is never charged.
    Lose(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let flow = || (0..12_u64, priority()).prop_map(|(id, priority)| flow(id, priority));
    prop_oneof![
        8 => flow().prop_map(Step::Push),
        6 => Just(Step::Pop),
        6 => (any::<prop::sample::Index>(), cost()).prop_map(|(index, cost)| Step::Charge(index, cost)),
        1 => (flow(), cost()).prop_map(|(flow, cost)| Step::ChargeUnknown(flow, cost)),
        1 => any::<prop::sample::Index>().prop_map(Step::Lose),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Nothing is lost or doubled, each flow's items come in the order of their coming, and the same
    /// seed leads to the same order.
    #[test]
    fn items_come_out_once_and_in_order(
        algorithm in algorithm(),
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let mut queue = algorithm.queue(seed);
        let mut twin = algorithm.queue(seed);
        let mut waiting: HashMap<Flow, VecDeque<usize>> = HashMap::new();
        let mut running = Vec::new();
        let mut len = 0;
        let drain = std::iter::repeat_n(Step::Pop, steps.len() + 1);
        for (number, step) in steps.into_iter().chain(drain).enumerate() {
            match step {
                Step::Push(flow) => {
                    queue.push(flow, number);
                    twin.push(flow, number);
                    waiting.entry(flow).or_default().push_back(number);
                    len += 1;
                }
                Step::Pop => {
                    let popped = queue.pop();
                    prop_assert_eq!(popped, twin.pop());
                    prop_assert_eq!(popped.is_some(), len > 0);
                    if let Some((flow, item)) = popped {
                        prop_assert_eq!(waiting.get_mut(&flow).and_then(VecDeque::pop_front), Some(item));
                        running.push(flow);
                        len -= 1;
                    }
                }
                Step::Charge(index, cost) => if !running.is_empty() {
                    let flow = running.swap_remove(index.index(running.len()));
                    queue.charge(flow, cost);
                    twin.charge(flow, cost);
                },
                Step::ChargeUnknown(flow, cost) => {
                    queue.charge(flow, cost);
                    twin.charge(flow, cost);
                }
                Step::Lose(index) => if !running.is_empty() {
                    running.swap_remove(index.index(running.len()));
                },
            }
            prop_assert_eq!(queue.len(), len);
            prop_assert_eq!(queue.is_empty(), len == 0);
        }
        prop_assert_eq!(len, 0);
    }
}

/// Flows that come once and never again, some of them never charged.
fn many_guests<O: order::Order>(order: O) {
    let mut queue = Fair::new(order);
    for id in 0..4 * REMEMBERED as u64 {
        let guest = flow(id, PRIORITIES[(id % 4) as usize]);
        queue.push(guest, id);
        queue.push(guest, id);
        queue.pop();
        queue.pop();
        if id % 3 > 0 {
            queue.charge(guest, id * 1_000);
        }
    }
    while queue.pop().is_some() {}
    assert!(queue.known() <= REMEMBERED, "{}", queue.known());
}

#[test]
fn what_is_remembered_of_flows_that_wait_for_nothing_is_bounded() {
    many_guests(Credit::default());
    many_guests(Lottery::new(1));
    many_guests(Rounds::default());
    many_guests(Levels::default());
}

/// The last of the others is one too many, and 0 is forgotten. None of them has its place among those that ran
/// last.
#[test]
fn who_was_forgotten_is_new_although_it_was_among_the_last_that_ran() {
    for algorithm in SchedulingAlgorithm::ALL {
        let mut queue = algorithm.queue(1);
        let others = (1..).filter(|id| id % 64 != 0).take(REMEMBERED);
        for id in std::iter::once(0).chain(others) {
            queue.push(normal(id), id);
            let (flow, _) = queue.pop().unwrap();
            queue.charge(flow, MS);
        }
        for id in [0, 64] {
            queue.push(normal(id), id);
        }
        let mut found =
            [queue.pop(), queue.pop()].map(|found| found.map(|(flow, id)| (flow.id, id)));
        found.sort_unstable();
        assert_eq!(found, [Some((0, 0)), Some((64, 64))], "{algorithm}");
    }
}

#[test]
fn who_waits_is_not_forgotten() {
    for algorithm in SchedulingAlgorithm::ALL {
        let mut queue = algorithm.queue(1);
        let many = 3 * REMEMBERED as u64;
        (0..many).for_each(|id| queue.push(normal(id), id));
        let mut found: Vec<u64> = (0..many).filter_map(|_| queue.pop()).map(|(_, id)| id).collect();
        found.sort_unstable();
        assert!(found.into_iter().eq(0..many), "{algorithm}");
        assert!(queue.is_empty());
    }
}
