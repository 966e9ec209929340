//! The sizer beside a small simulation of the lane.

#[path = "sizing_simulation.rs"]
mod simulation;

use proptest::prelude::*;

use super::*;
use simulation::{LOOK, Lane, MS, US, exponential};

fn within(plan: Plan, limits: Limits, processors: usize) {
    assert!((limits.min_threads..=limits.threads(processors)).contains(&plan.threads), "{plan:?}");
    assert!((limits.min_bound..=limits.max_bound).contains(&plan.queue_bound), "{plan:?}");
    assert!((1..=limits.max_batch).contains(&plan.batch), "{plan:?}");
}

#[test]
fn an_idle_lane_stays_as_it_is() {
    let mut lane = Lane::new(8);
    lane.steady(0.001, MS, 2_000);
    assert_eq!(lane.plan.threads, 2);
    assert_eq!(lane.changes(|plan| plan.threads, 0), 0);
    assert_eq!(lane.changes(|plan| plan.queue_bound, 0), 0);
}

#[test]
fn steady_work_gets_the_threads_it_needs_and_no_more_changes() {
    for (cost, looks) in [(50 * US, 400), (2 * MS, 3_000), (20 * MS, 3_000), (150 * MS, 3_000)] {
        for load in [0.5, 1.4, 1.9, 2.5, 3.3, 5.5, 7.5, 12.0] {
            let mut lane = Lane::new(8);
            lane.steady(load, cost, looks);
            let at = format!("{load} threads of {cost} ns: {:?}", lane.plan);
            let settled = 250;
            assert_eq!(lane.changes(|plan| plan.threads, settled), 0, "{at}");
            assert_eq!(lane.changes(|plan| plan.batch, settled), 0, "{at}");
            assert_eq!(lane.changes(|plan| plan.queue_bound, settled), 0, "{at}");
            assert!(lane.plan.threads as f64 >= load.min(8.0), "{at}");
            assert!((lane.plan.threads as f64) < (load * 1.5 + 2.0), "{at}");
        }
    }
}

#[test]
fn a_step_up_is_followed_within_a_second_and_one_down_after_long_calm() {
    let mut lane = Lane::new(8);
    lane.steady(0.5, MS, 100);
    assert_eq!(lane.plan.threads, 2);
    lane.steady(20.0, MS, 12);
    assert_eq!(lane.plan.threads, 8);
    assert_eq!(lane.changes(|plan| plan.threads, 0), 4);

    // What has gathered is done first, then five seconds pass for each thread.
    lane.steady(0.5, MS, MIN_PATIENCE as usize - 1);
    assert_eq!(lane.plan.threads, 8);
    lane.steady(0.5, MS, 7 * MIN_PATIENCE as usize + 30);
    assert_eq!(lane.plan.threads, 2);
    assert_eq!(lane.changes(|plan| plan.threads, 0), 4 + 6);
}

#[test]
fn a_single_burst_changes_nothing() {
    let mut lane = Lane::new(8);
    lane.steady(0.2, MS, 50);
    // 200 ms for the two there are: seen as pressed once.
    lane.look((0..350).map(|_| (LOOK / 2, MS)));
    lane.steady(0.2, MS, 200);
    assert_eq!(lane.changes(|plan| plan.threads, 0), 0);
}

/// Bursts with a rhythm of seconds: threads are kept over the gaps, and with a slower rhythm the
/// lane learns to keep them.
#[test]
fn a_square_wave_is_ridden_out() {
    for half_period in [5, 20, 40, 60, 90, 150] {
        let mut lane = Lane::new(8);
        for _ in 0..6_000 / (2 * half_period) {
            lane.steady(6.0, 5 * MS, half_period);
            lane.steady(0.1, 5 * MS, half_period);
        }
        let reversals = lane.reversals(0);
        assert!(reversals.len() <= 6, "{half_period}: {reversals:?}");
        assert!(lane.reversals(lane.history.len() / 2).len() <= 1, "{half_period}: {reversals:?}");
    }
}

/// A wave so slow that the load really is another one each time: followed, both ways.
#[test]
fn a_slow_wave_is_followed() {
    let mut lane = Lane::new(8);
    for _ in 0..4 {
        lane.steady(6.5, 5 * MS, 600);
        assert!(lane.plan.threads >= 7, "{:?}", lane.plan);
        lane.steady(0.1, 5 * MS, 1_200);
        assert_eq!(lane.plan.threads, 2);
    }
}

#[test]
fn threads_never_outnumber_processors_beyond_the_minimum() {
    let mut lane = Lane::new(1);
    lane.steady(6.0, MS, 100);
    assert_eq!(lane.plan.threads, 2);
    lane.processors = 4;
    lane.steady(6.0, MS, 100);
    assert_eq!(lane.plan.threads, 4);
    lane.processors = 64;
    lane.steady(20.0, MS, 100);
    assert_eq!(lane.plan.threads, 8);
    lane.processors = 3;
    lane.steady(20.0, MS, 1);
    assert_eq!(lane.plan.threads, 3);
}

#[test]
fn threads_that_are_still_to_come_are_not_asked_for_twice() {
    let mut sizer = Sizer::new(Limits::default());
    let pressed = Pressure {
        queued: 100,
        oldest_wait: TARGET_WAIT * 4,
        busy_threads: 2,
        threads: 2,
        processors: 8,
        since_last: Duration::from_nanos(LOOK),
        ..Pressure::default()
    };
    let plans: Vec<usize> = (0..20).map(|_| sizer.step(&pressed).threads).collect();
    assert_eq!(plans[..3], [2, 3, 3]);
    assert_eq!(plans[19], 3);
}

/// The last item of a full queue waits for about as long as the constant says.
#[test]
fn the_queue_is_as_long_as_what_can_be_done_in_time() {
    for cost in [MS, 5 * MS, 40 * MS] {
        let mut lane = Lane::new(4);
        lane.steady(12.0, cost, 400);
        lane.longest_wait = 0;
        lane.steady(12.0, cost, 200);
        let wait = Duration::from_nanos(lane.longest_wait);
        assert!(wait < MAX_WAIT * 2 && wait > MAX_WAIT / 2, "{cost}: {wait:?} {:?}", lane.plan);
        assert_eq!(lane.plan.threads, 4);
    }
    // Heavier ones leave the shortest queue there is.
    let mut lane = Lane::new(4);
    lane.steady(12.0, 900 * MS, 400);
    assert_eq!(lane.plan.queue_bound, 16);
}

#[test]
fn a_quiet_hour_does_not_shrink_the_queue_and_light_items_lengthen_it() {
    let mut lane = Lane::new(4);
    lane.steady(12.0, 40 * MS, 400);
    let bound = lane.plan.queue_bound;
    assert!(bound < 200, "{bound}");
    lane.steady(0.1, 40 * MS, 36_000);
    assert_eq!(lane.plan.queue_bound, bound);
    // More than the bound at a time, done long before the next look.
    for _ in 0..100 {
        lane.look((0..2 * bound as u64).map(|item| (item, 50 * US)));
    }
    assert!(lane.plan.queue_bound > 2 * bound, "{:?}", lane.plan);
}

#[test]
fn light_items_are_taken_by_the_batch_and_heavy_ones_singly() {
    let mut lane = Lane::new(4);
    lane.steady(1.5, 2 * US, 65);
    assert_eq!(lane.plan.batch, 64);
    lane.steady(1.5, 15 * US, 65);
    assert!((8..=16).contains(&lane.plan.batch), "{:?}", lane.plan);
    lane.steady(1.5, 5 * MS, 2);
    assert_eq!(lane.plan.batch, 1);
    lane.steady(1.5, 5 * MS, 200);
    assert_eq!(lane.plan.batch, 1);
}

#[test]
fn a_cost_that_varies_by_less_than_two_moves_no_batch() {
    let mut sizer = Sizer::new(Limits::default());
    let mut look = |micros| {
        let mean_cost = Duration::from_micros(micros);
        sizer.step(&Pressure { completed: 10, mean_cost, ..Pressure::default() }).batch
    };
    let settled = (0..100).map(|_| look(20)).last().unwrap();
    assert_eq!(settled, 8);
    for micros in [14, 20, 27, 13, 25, 26, 15].into_iter().cycle().take(500) {
        assert_eq!(look(micros), settled);
    }
}

fn extreme() -> impl Strategy<Value = Pressure> {
    let count = || prop_oneof![Just(0), 0..20_usize, Just(usize::MAX)];
    let many = || prop_oneof![Just(0), 0..1_000_u64, Just(u64::MAX)];
    let time = || {
        prop_oneof![
            Just(Duration::ZERO),
            (0..10_000_000_000_u64).prop_map(Duration::from_nanos),
            Just(Duration::MAX),
        ]
    };
    (count(), time(), count(), count(), many(), time(), many(), time(), count()).prop_map(|all| {
        Pressure {
            queued: all.0,
            oldest_wait: all.1,
            busy_threads: all.2,
            threads: all.3,
            completed: all.4,
            mean_cost: all.5,
            rejected: all.6,
            since_last: all.7,
            processors: all.8,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is seen, and however absurd the limits: the plan keeps to them, and threads go one
    /// at a time, no faster than the least patience, unless the processors are gone.
    #[test]
    fn the_limits_hold(
        threads in (0..12_usize, 0..12_usize),
        bound in (0..100_usize, 0..5_000_usize),
        max_batch in 0..100_usize,
        looks in prop::collection::vec(extreme(), 1..400),
    ) {
        let limits = Limits::new(threads, bound, max_batch);
        let mut sizer = Sizer::new(limits);
        let (mut before, mut since) = (limits.min_threads, MIN_PATIENCE);
        for seen in looks {
            let plan = sizer.step(&seen);
            within(plan, limits, seen.processors);
            since += 1;
            if plan.threads < before && plan.threads < limits.threads(seen.processors) {
                prop_assert_eq!(plan.threads, before - 1);
                prop_assert!(since >= MIN_PATIENCE);
                since = 0;
            }
            before = plan.threads;
        }
    }
}

/// Random arrivals and costs at a mean that stays, for ten minutes: mistakes are made, and not many times.
/// This fails if the patience does not learn.
fn settles(load: f64, cost: u64, seed: u64) -> Result<(), TestCaseError> {
    let mut lane = Lane::new(8);
    let (mut random, cost) = (seed, cost as f64);
    let mut next = 0;
    for _ in 0..6_000 {
        let (began, mut items) = (lane.now, Vec::new());
        while next < began + LOOK {
            items.push((next - began.min(next), exponential(cost, &mut random)));
            next += exponential(cost / load, &mut random).max(1);
        }
        lane.look(items);
        within(lane.plan, Limits::default(), 8);
    }
    let reversals = lane.reversals(0);
    prop_assert!(reversals.len() <= 12, "{:?}", reversals);
    prop_assert!(lane.reversals(3_000).len() <= 6, "{:?}", reversals);
    if load > 8.5 {
        prop_assert_eq!(lane.plan.threads, 8);
    }
    if load < 0.3 && cost < 6e6 {
        prop_assert_eq!(lane.plan.threads, 2);
    }
    Ok(())
}

/// On the edge between two sizes, where it took a mistake for one only within four times the patience.
#[test]
fn random_work_settles_on_the_edge() {
    settles(0.6338516123637876, 50 * MS, 4658615074082474327).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn random_work_settles(
        load in 0.1..10.0_f64,
        cost in prop_oneof![Just(5 * MS), Just(50 * MS), Just(200 * MS)],
        seed: u64,
    ) {
        settles(load, cost, seed)?;
    }
}
