use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::tier::InterventionAction;

const GOOD: PollReport = PollReport { cpu: Duration::from_micros(100), violation: false };
const SLOW: PollReport = PollReport { cpu: Duration::from_millis(5), violation: false };
const BAD: PollReport = PollReport { cpu: Duration::from_millis(50), violation: true };

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn policies(violations: u32, good: u32, minimum: Duration) -> [TierPolicy; 4] {
    let action = [
        InterventionAction::Monitor,
        InterventionAction::Warn,
        InterventionAction::Yield,
        InterventionAction::SlowQueue,
    ];
    action.map(|action| {
        TierPolicy::builder(action.as_str())
            .action(action)
            .promote_after_violations(violations)
            .promote_after_slow_polls(4)
            .demote_after_good_polls(good)
            .minimum_time(minimum)
            .build()
            .unwrap()
    })
}

#[test]
fn it_goes_up_by_violations_and_down_to_nothing_by_good_polls() {
    let policies = policies(2, 3, ms(10));
    let mut record = Record::new(Tier::Zero, ms(0));
    let mut tiers = Vec::new();
    for _ in 0..7 {
        record.add(BAD, &policies, 1.0, ms(0));
        tiers.push(record.tier() as u8);
    }
    assert_eq!(tiers, [0, 1, 1, 2, 2, 3, 3]);
    // Good, but too early.
    for _ in 0..9 {
        assert_eq!(record.add(GOOD, &policies, 1.0, ms(5)), Change::None);
    }
    let mut changes = Vec::new();
    for step in 1..=10 {
        changes.push(record.add(GOOD, &policies, 1.0, ms(20 * step)));
    }
    let (none, down) = (Change::None, Change::Demoted);
    let expected = [down, none, none, down, none, none, down, none, none, Change::Cleared];
    assert_eq!(changes, expected);
}

#[test]
fn a_violation_takes_the_good_polls_away() {
    let policies = policies(9, 3, ms(0));
    let mut record = Record::new(Tier::One, ms(0));
    for poll in [GOOD, GOOD, BAD, GOOD, GOOD] {
        assert_eq!(record.add(poll, &policies, 1.0, ms(1)), Change::None);
    }
    assert_eq!(record.add(GOOD, &policies, 1.0, ms(1)), Change::Demoted);
}

#[test]
fn slow_polls_in_a_row_raise_and_cpu_does_at_once() {
    let policies = policies(9, 3, ms(0));
    let mut record = Record::new(Tier::Zero, ms(0));
    for poll in [SLOW, SLOW, SLOW, GOOD, SLOW, SLOW, SLOW] {
        assert_eq!(record.add(poll, &policies, 1.0, ms(1)), Change::None);
    }
    assert_eq!(record.add(SLOW, &policies, 1.0, ms(1)), Change::Promoted);

    let by_cpu =
        policies.map(|policy| policy.to_builder().promote_after_cpu(ms(120)).build().unwrap());
    let mut record = Record::new(Tier::Zero, ms(0));
    let changes = [(); 3].map(|()| record.add(BAD, &by_cpu, 1.0, ms(1)));
    assert_eq!(changes, [Change::None, Change::None, Change::Promoted]);
}

#[test]
fn patience_stretches_the_way_up_and_not_the_way_down() {
    let policies = policies(2, 3, ms(0));
    let violations_to_rise = |patience| {
        let mut record = Record::new(Tier::Zero, ms(0));
        (1..).find(|_| record.add(BAD, &policies, patience, ms(1)) == Change::Promoted)
    };
    assert_eq!(violations_to_rise(0.5), Some(1));
    assert_eq!(violations_to_rise(1.0), Some(2));
    assert_eq!(violations_to_rise(4.0), Some(8));
    let mut record = Record::new(Tier::One, ms(0));
    let changes = [(); 3].map(|()| record.add(GOOD, &policies, 4.0, ms(1)));
    assert_eq!(changes[2], Change::Demoted);
}

fn polls() -> impl Strategy<Value = Vec<PollReport>> {
    prop::collection::vec(prop::sample::select(vec![GOOD, SLOW, BAD]), 0..80)
}

fn run(polls: &[PollReport], policies: &[TierPolicy; 4]) -> (Record, Vec<Change>) {
    let mut record = Record::new(Tier::Zero, ms(0));
    let mut changes = Vec::new();
    for (at, poll) in polls.iter().enumerate() {
        changes.push(record.add(*poll, policies, 1.0, ms(at as u64)));
    }
    (record, changes)
}

proptest! {
    #[test]
    fn every_change_has_its_own_evidence(
        polls in polls(), violations in 1u32..5, good in 1u32..5, minimum in 0u64..20,
    ) {
        let policies = policies(violations, good, ms(minimum));
        let (_, changes) = run(&polls, &policies);
        let mut since = 0;
        for (at, change) in changes.iter().enumerate() {
            let count = |kind| polls[since..=at].iter().filter(|poll| **poll == kind).count();
            match change {
                Change::None => continue,
                Change::Promoted => prop_assert!(
                    (polls[at] == BAD && count(BAD) >= violations as usize)
                        || (polls[at] == SLOW && count(SLOW) >= 4)
                ),
                Change::Demoted | Change::Cleared => {
                    prop_assert!(polls[at] == GOOD && count(GOOD) >= good as usize);
                }
            }
            since = at + 1;
        }
    }

    #[test]
    fn good_behaviour_always_leads_back_to_nothing(
        polls in polls(), violations in 1u32..5, good in 1u32..5,
    ) {
        let policies = policies(violations, good, ms(0));
        let (mut record, _) = run(&polls, &policies);
        let enough = 4 * good as usize;
        let cleared = (0..enough)
            .any(|_| record.add(GOOD, &policies, 1.0, ms(1_000)) == Change::Cleared);
        prop_assert!(cleared);
    }

    #[test]
    fn one_violation_more_is_never_better(
        polls in polls(), at in 0usize..80, violations in 1u32..5,
    ) {
        // Without a way down, so that the number of violations alone decides.
        let policies = policies(violations, u32::MAX, ms(0));
        let mut more = polls.clone();
        more.retain(|poll| *poll != SLOW);
        let (fewer, _) = run(&more, &policies);
        more.insert(at.min(more.len()), BAD);
        let (after, _) = run(&more, &policies);
        prop_assert!(after.tier() >= fewer.tier());
    }
}
