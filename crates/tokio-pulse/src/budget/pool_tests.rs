use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use proptest::prelude::*;

use super::{BudgetPool, PooledBudget, TaskBudget};
use crate::Tier;

const SLAB: usize = 1_024;

fn take(pool: &BudgetPool, operations: u32) -> Option<PooledBudget> {
    pool.take(operations, TaskBudget::NO_DEADLINE)
}

fn addresses(budgets: &[PooledBudget]) -> HashSet<usize> {
    budgets.iter().map(|budget| std::ptr::from_ref::<TaskBudget>(budget).addr()).collect()
}

#[test]
fn a_used_budget_begins_anew() {
    let pool = BudgetPool::new();
    let used = pool.take(5, 100).unwrap();
    used.set_tier(Tier::Three);
    let place = addresses(&[used]);
    let again = pool.take(7, 200).unwrap();
    assert_eq!((again.remaining(), again.deadline_ns()), (7, 200));
    assert_eq!(again.tier(), Tier::Zero);
    assert_eq!(addresses(&[again]), place);
}

#[test]
fn it_grows_by_the_slab_up_to_its_limit_and_says_no() {
    let pool = BudgetPool::with_limit(2 * SLAB);
    assert_eq!(pool.capacity(), 0);
    let mut all: Vec<_> = (0..SLAB).map(|_| take(&pool, 1).unwrap()).collect();
    assert_eq!(pool.capacity(), SLAB);
    all.extend(std::iter::from_fn(|| take(&pool, 1)));
    assert_eq!((all.len(), pool.capacity()), (pool.limit(), pool.limit()));
    assert_eq!(addresses(&all).len(), all.len());
    // One of the first slab, while the hint is at the last.
    drop(all.swap_remove(0));
    assert!(take(&pool, 1).is_some());
}

#[test]
fn a_limit_is_whole_slabs_and_within_reason() {
    let limits = [0, 1, SLAB, SLAB + 1].map(|limit| BudgetPool::with_limit(limit).limit());
    assert_eq!(limits, [0, SLAB, SLAB, 2 * SLAB]);
    assert_eq!(BudgetPool::with_limit(usize::MAX).limit(), 1 << 24);
}

#[test]
fn a_budget_outlives_its_pool() {
    let pool = BudgetPool::new();
    let budget = take(&pool, 2).unwrap();
    drop(pool);
    assert!(budget.decrement());
}

/// Several threads take and return. Each writes a number of its own into what it holds and finds it
/// there again later, which it would not if another had the same budget.
fn take_and_return_on_threads(pool: &BudgetPool, held_by_each: usize, rounds: usize) {
    const THREADS: usize = 4;
    let next = AtomicU32::new(0);
    let begin = Barrier::new(THREADS);
    let work = || {
        let mut held = Vec::new();
        begin.wait();
        for _ in 0..rounds {
            while held.len() < held_by_each {
                let number = next.fetch_add(1, Relaxed);
                let Some(budget) = take(pool, number) else { break };
                held.push((number, budget));
            }
            for (number, budget) in held.drain(held_by_each.min(held.len()) / 3..) {
                assert_eq!(budget.remaining(), number);
            }
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    assert_eq!(pool.in_use(), 0);
    assert!(pool.capacity() <= pool.limit());
}

#[test]
fn threads_do_not_share_a_budget() {
    take_and_return_on_threads(&BudgetPool::with_limit(SLAB), 3, 20_000);
}

#[test]
fn threads_do_not_share_a_budget_when_there_are_too_few() {
    take_and_return_on_threads(&BudgetPool::with_limit(SLAB), SLAB / 2, 200);
}

/// Budgets taken on one thread and dropped on another.
#[test]
fn a_budget_may_come_back_from_elsewhere() {
    let pool = BudgetPool::with_limit(SLAB);
    thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::sync_channel(64);
        scope.spawn(move || receiver.into_iter().for_each(|budget: PooledBudget| drop(budget)));
        for _ in 0..10 * SLAB {
            sender.send(take(&pool, 1).expect("the channel holds less than the pool")).unwrap();
        }
    });
    assert_eq!(pool.in_use(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Take(usize),
    /// So many, beginning at this part of those that are held.
    GiveBack(usize, f64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..900_usize).prop_map(Step::Take),
        (1..900_usize, 0.0..1.0).prop_map(|(count, from)| Step::GiveBack(count, from)),
    ];
    prop::collection::vec(step, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_handed_out_twice_at_a_time_and_all_come_back(steps in steps()) {
        let pool = BudgetPool::with_limit(2 * SLAB);
        let mut held = Vec::new();
        for step in steps {
            match step {
                Step::Take(count) => for _ in 0..count {
                    let budget = take(&pool, 1);
                    prop_assert_eq!(budget.is_none(), held.len() == pool.limit());
                    held.extend(budget);
                },
                Step::GiveBack(count, from) => {
                    let from = (held.len() as f64 * from) as usize;
                    held.drain(from..held.len().min(from + count));
                }
            }
            prop_assert_eq!(addresses(&held).len(), held.len());
            prop_assert_eq!(pool.in_use(), held.len());
        }
        drop(held);
        prop_assert_eq!(pool.in_use(), 0);
    }
}
