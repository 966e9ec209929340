//! The planner against a model reserve that answers late, early, or not at all.

use proptest::prelude::*;

use super::*;

/// The linger is 100 slices: 50 ms.
const SLICE: Duration = Duration::from_micros(500);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn counts(parked: usize, summoned: usize) -> Counts {
    Counts { parked, summoned }
}

#[test]
fn at_the_start_the_whole_reserve_is_called() {
    let step = Planner::new(4, SLICE).step(0, 0, counts(0, 0), ms(0));
    assert_eq!(step, Step { summon: 4, ..Step::default() });
}

#[test]
fn a_stall_frees_one_at_once_and_its_end_calls_one_back_after_the_linger() {
    let mut planner = Planner::new(4, SLICE);
    planner.step(0, 0, counts(4, 0), ms(0));
    let release = Step { release: 1, ..Step::default() };
    assert_eq!(planner.step(1, 0, counts(4, 0), ms(10)), release);
    assert_eq!(planner.step(1, 0, counts(3, 0), ms(20)), Step::default());
    // It ends at 30; the stand-in stays for the linger, and as long again because the stall was
    // seen within it.
    assert_eq!(planner.step(0, 0, counts(3, 0), ms(30)), Step::default());
    assert_eq!(planner.step(0, 0, counts(3, 0), ms(69)), Step::default());
    planner.step(0, 0, counts(3, 0), ms(70));
    let summon = Step { summon: 1, ..Step::default() };
    assert_eq!(planner.step(0, 0, counts(3, 0), ms(120)), summon);
    assert!(planner.is_at_rest());
}

#[test]
fn a_lingering_poll_gets_a_stand_in_only_while_there_are_stalls() {
    let mut planner = Planner::new(4, SLICE);
    assert_eq!(planner.step(0, 2, counts(4, 0), ms(0)), Step::default());
    let release = |release| Step { release, ..Step::default() };
    assert_eq!(planner.step(1, 2, counts(4, 0), ms(1)), release(3));
    assert_eq!(planner.step(0, 4, counts(1, 0), ms(2)), release(1));
}

#[test]
fn a_call_nobody_has_answered_is_taken_back_first() {
    let mut planner = Planner::new(4, SLICE);
    let step = planner.step(2, 0, counts(1, 3), ms(0));
    assert_eq!(step, Step { dismiss: 2, ..Step::default() });
    let step = planner.step(4, 0, counts(2, 1), ms(1));
    assert_eq!(step, Step { dismiss: 1, release: 2, ..Step::default() });
}

#[test]
fn what_the_reserve_cannot_cover_is_missing() {
    let mut planner = Planner::new(2, SLICE);
    let step = planner.step(5, 0, counts(2, 0), ms(0));
    assert_eq!(step, Step { release: 2, missing: 3, ..Step::default() });
}

proptest! {
    /// From any state, and however late ballast answers: the reserve is never oversubscribed, as
    /// many workers are awake as the stalls call for, and quiet brings everybody home.
    #[test]
    fn the_reserve_follows_the_stalls(
        reserve in 0..10usize,
        history in prop::collection::vec((0..12usize, 0..4usize, 0..40u64, 0..4usize), 1..200),
    ) {
        let mut planner = Planner::new(reserve, SLICE);
        let (mut parked, mut summoned, mut now) = (0, 0, 0);
        let mut run = |held: usize, lingering: usize, wait: u64, answers: usize| {
            now += wait;
            let step = planner.step(held, lingering, counts(parked, summoned), ms(now));
            assert!(step.dismiss <= summoned && step.release <= parked);
            assert!(step.summon == 0 || step.release + step.dismiss == 0);
            parked -= step.release;
            summoned = summoned - step.dismiss + step.summon;
            assert!(parked + summoned <= reserve, "oversubscribed");
            assert!(parked + summoned <= reserve.saturating_sub(held), "a stall without a stand-in");
            assert_eq!(step.missing, held.saturating_sub(reserve));
            let answered = answers.min(summoned);
            parked += answered;
            summoned -= answered;
            (parked, summoned)
        };
        for (held, lingering, wait, answers) in history {
            run(held, lingering, wait, answers);
        }
        for _ in 0..10 {
            run(0, 0, 40, reserve);
        }
        prop_assert_eq!(run(0, 0, 0, 0), (reserve, 0));
    }
}
