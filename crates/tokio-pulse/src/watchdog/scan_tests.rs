//! Properties of the scan, over histories that no test author would think of.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;

const SLICE: Duration = Duration::from_millis(10);
const TICK: Duration = Duration::from_millis(5);

/// A machine that answers as it is told, and counts the questions.
struct Machine {
    holds_worker: bool,
    run_state: Option<RunState>,
    asked: Cell<u32>,
    others_waited: Cell<Duration>,
}

impl Evidence for Machine {
    fn holds_worker(&self) -> bool {
        self.holds_worker
    }

    fn run_state(&self) -> Option<RunState> {
        self.asked.set(self.asked.get() + 1);
        self.run_state
    }

    fn run_delay(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    fn others_waited(&self) -> Option<Duration> {
        Some(self.others_waited.get())
    }

    /// The watchdog was set aside for long since it looked at the time.
    fn now(&self) -> Duration {
        LATER
    }
}

const LATER: Duration = Duration::from_secs(3600);

fn machine(run_state: Option<RunState>) -> Machine {
    let (asked, others_waited) = (Cell::new(0), Cell::default());
    Machine { holds_worker: true, run_state, asked, others_waited }
}

fn sample(polls: usize, in_poll: bool, cpu: Option<Duration>) -> Sample {
    let beat = Some(Snapshot::from_parts(polls, in_poll, true, false));
    let progress = Progress { beat, answers: 0, busy: 0, parks: 0 };
    Sample { progress, busy: in_poll, cpu, began: None, unheard: false }
}

/// Looks once a tick at a poll that does not end, with that much CPU burned between looks.
fn stuck(memory: &mut Memory, looks: u32, burned: Duration, machine: &Machine) -> Vec<Verdict> {
    (0..looks)
        .map(|n| memory.look(sample(7, true, Some(burned * n)), TICK * n, SLICE, machine))
        .collect()
}

/// A poll that was asked for room, and had nobody to make it for, begins anew with its answer: or it would be
/// a stall at the next look, without having been asked again.
#[test]
fn a_poll_that_has_answered_is_not_as_old_as_its_wake() {
    let machine = machine(Some(RunState::Runnable));
    let mut memory = Memory::new();
    for n in 0..20 {
        let mut poll = Sample { began: Some(TICK), ..sample(7, true, Some(TICK * n)) };
        // It answers each request at once: those are made at every other look.
        poll.progress.answers = n as usize / 2;
        let verdict = memory.look(poll, TICK * (n + 1), SLICE, &machine);
        assert!(matches!(verdict, Verdict::Lively | Verdict::Lingering { .. }), "{n}: {verdict:?}");
        assert_eq!(memory.is_due(TICK * (n + 1), SLICE), n % 2 == 1, "{n}");
    }
}

/// Or the thread's wait in between would be held against its poll.
#[test]
fn a_milestone_is_no_older_than_its_run_delay() {
    let mut memory = Memory::new();
    stuck(&mut memory, 3, TICK, &machine(Some(RunState::Runnable)));
    assert_eq!(memory.milestone().map(|milestone| milestone.at), Some(LATER));
}

/// Or a wait of a lock's holder would be left out that ended before the stall began.
#[test]
fn what_others_have_waited_is_noted_when_a_poll_is_first_seen_to_sleep() {
    let others_waited = |state, cpu| {
        let (mut memory, machine) = (Memory::new(), machine(Some(state)));
        for n in 0..4 {
            machine.others_waited.set(TICK * n);
            memory.look(sample(1, true, Some(cpu * n)), TICK * n, SLICE, &machine);
        }
        memory.milestone().unwrap().others_waited
    };
    assert_eq!(others_waited(RunState::Blocked, Duration::ZERO), Some(TICK));
    assert_eq!(others_waited(RunState::Runnable, Duration::ZERO), None);
    assert_eq!(others_waited(RunState::Blocked, TICK), None, "it computes");
}

#[test]
fn a_poll_that_burns_cpu_is_a_stall_after_its_slice_and_is_announced_once() {
    let machine = machine(Some(RunState::Runnable));
    let verdicts = stuck(&mut Memory::new(), 5, TICK, &machine);
    let ms = Duration::from_millis;
    assert_eq!(verdicts[..2], [Verdict::Lively, Verdict::Lingering { first: true }]);
    assert_eq!(verdicts[2], Verdict::StallBegan { cause: Cause::Computing, elapsed: ms(10) });
    assert_eq!(
        verdicts[3..],
        [Verdict::Stalled { elapsed: ms(15) }, Verdict::Stalled { elapsed: ms(20) }]
    );
    assert_eq!(machine.asked.get(), 0, "the CPU clock was evidence enough");
}

#[test]
fn a_poll_is_asked_to_make_room_one_look_before_it_would_be_a_stall() {
    let machine = machine(Some(RunState::Runnable));
    let mut memory = Memory::new();
    let mut look = |polls, n: u32| {
        memory.look(sample(polls, true, Some(TICK * n)), TICK * n, SLICE, &machine);
        memory.is_due(TICK * n, SLICE)
    };
    assert_eq!([look(7, 0), look(7, 1), look(7, 2), look(7, 3)], [false, true, true, true]);
    assert_eq!([look(8, 4), look(8, 5)], [false, true], "the next poll has a slice of its own");
    let over = Machine { holds_worker: false, ..machine };
    memory.look(sample(8, true, Some(TICK * 6)), TICK * 6, SLICE, &over);
    assert!(!memory.is_due(TICK * 6, SLICE), "nobody waits behind a poll without a worker");
}

#[test]
fn a_poll_that_sleeps_in_the_kernel_is_a_stall() {
    let verdicts = stuck(&mut Memory::new(), 3, Duration::ZERO, &machine(Some(RunState::Blocked)));
    assert!(matches!(verdicts[2], Verdict::StallBegan { cause: Cause::Blocked, .. }));
}

#[test]
fn a_poll_that_the_kernel_set_aside_is_not_blamed_until_it_has_burned_its_share() {
    let machine = machine(Some(RunState::Runnable));
    let verdicts = stuck(&mut Memory::new(), 7, Duration::from_millis(1), &machine);
    assert_eq!(verdicts[1], Verdict::Lively);
    assert_eq!(verdicts[2], Verdict::Descheduled { first: true });
    assert_eq!(verdicts[3], Verdict::Descheduled { first: false });
    assert!(matches!(verdicts[5], Verdict::StallBegan { cause: Cause::Computing, .. }));
}

#[test]
fn without_any_evidence_the_wall_clock_decides() {
    let mut memory = Memory::new();
    memory.look(sample(1, true, None), Duration::ZERO, SLICE, &machine(None));
    let verdict = memory.look(sample(1, true, None), SLICE, SLICE, &machine(None));
    assert_eq!(verdict, Verdict::StallBegan { cause: Cause::Unknown, elapsed: SLICE });
}

#[test]
fn a_worker_nobody_has_heard_of_is_held_and_not_blamed() {
    let mut memory = Memory::new();
    let unheard = Sample { unheard: true, ..sample(0, true, None) };
    memory.look(unheard, Duration::ZERO, SLICE, &machine(None));
    let verdict = memory.look(unheard, SLICE, SLICE, &machine(None));
    assert_eq!(verdict, Verdict::Unheard { first: true });
}

#[test]
fn a_poll_without_a_worker_is_no_stall_and_one_that_gives_its_worker_away_ends_its_stall() {
    let mut memory = Memory::new();
    let without = Machine { holds_worker: false, ..machine(Some(RunState::Blocked)) };
    assert_eq!(stuck(&mut memory, 3, TICK, &without)[2], Verdict::Idle);

    let mut memory = Memory::new();
    stuck(&mut memory, 3, TICK, &machine(Some(RunState::Runnable)));
    let now = TICK * 3;
    let verdict = memory.look(sample(7, true, Some(now)), now, SLICE, &without);
    assert_eq!(verdict, Verdict::StallEnded { lasted: now });
}

/// Its thread woke for it 4 ms before the look that met it first.
#[test]
fn the_first_poll_after_a_wake_is_a_stall_a_slice_after_it_began() {
    let machine = machine(Some(RunState::Runnable));
    let ms = Duration::from_millis;
    let mut memory = Memory::new();
    memory.look(sample(6, false, None), ms(100), SLICE, &machine);
    let mut look = |at: u64| {
        let poll = Sample { began: Some(ms(101)), ..sample(7, true, Some(ms(at - 101))) };
        (memory.look(poll, ms(at), SLICE, &machine), memory.deadline(SLICE))
    };
    assert_eq!(look(105), (Verdict::Lively, None));
    assert_eq!(look(110), (Verdict::Lingering { first: true }, Some(ms(111))));
    let began = Verdict::StallBegan { cause: Cause::Computing, elapsed: ms(10) };
    assert_eq!(look(111), (began, None));
    assert_eq!((memory.began(), memory.first_seen()), (ms(101), (ms(105), Some(ms(4)))));
}

/// What the thread says of its waking is bounded: by the last look, and by half a slice.
#[test]
fn a_late_look_does_not_make_an_old_poll() {
    let machine = machine(Some(RunState::Runnable));
    let ms = Duration::from_millis;
    for (last, at, began, taken_for) in [(98, 100, 0, 98), (50, 100, 60, 95), (98, 100, 200, 100)] {
        let mut memory = Memory::new();
        memory.look(sample(6, false, None), ms(last), SLICE, &machine);
        let poll = Sample { began: Some(ms(began)), ..sample(7, true, Some(ms(0))) };
        memory.look(poll, ms(at), SLICE, &machine);
        assert_eq!(memory.began(), ms(taken_for), "{last} {at} {began}");
    }
}

#[test]
fn the_next_poll_starts_afresh() {
    let mut memory = Memory::new();
    let machine = machine(Some(RunState::Runnable));
    stuck(&mut memory, 3, TICK, &machine);
    let now = TICK * 3;
    let ended = memory.look(sample(8, true, Some(now)), now, SLICE, &machine);
    assert_eq!(ended, Verdict::StallEnded { lasted: now });
    assert!(!memory.is_stalled());
    let next = memory.look(sample(8, true, Some(now)), now + TICK, SLICE, &machine);
    assert_eq!(next, Verdict::Lively);
}

/// One look of a random history: what happened since the last one.
#[derive(Clone, Debug)]
struct Step {
    wait: Duration,
    new_polls: usize,
    in_poll: bool,
    burned: Duration,
    blocked: bool,
    holds_worker: bool,
    /// So long before the look the thread woke for the poll that runs, as it says.
    woke_before: Option<Duration>,
}

fn step() -> impl Strategy<Value = Step> {
    (0..20_000u64, prop_oneof![3 => Just(0usize), 1 => 0..3usize], any::<bool>(), 0..=100u64)
        .prop_flat_map(|(wait, new_polls, in_poll, share)| {
            let woke_before = prop::option::of((0..40_000u64).prop_map(Duration::from_micros));
            (any::<bool>(), prop::bool::weighted(0.9), woke_before).prop_map(
                move |(blocked, holds_worker, woke_before)| {
                    let wait = Duration::from_micros(wait);
                    let burned = wait * share as u32 / 100;
                    Step { wait, new_polls, in_poll, burned, blocked, holds_worker, woke_before }
                },
            )
        })
}

proptest! {
    /// Whatever happens: stalls begin and end in turns, a stall is never announced before its
    /// slice is over, never without progress standing still, and never against a poll that was
    /// runnable and got less than half of the CPU for as long as it was seen, which is half a slice at
    /// least.
    #[test]
    fn every_history_makes_sense(steps in prop::collection::vec(step(), 1..200)) {
        let mut memory = Memory::new();
        let (mut now, mut cpu, mut polls) = (Duration::ZERO, Duration::ZERO, 0);
        let mut stalled = false;
        let mut last = None;
        // When the present progress was seen first, and the CPU time then.
        let mut still = (Duration::ZERO, Duration::ZERO);
        for step in steps {
            now += step.wait;
            cpu += step.burned;
            polls += step.new_polls;
            let began = step.woke_before.map(|before| now.saturating_sub(before));
            let looked = Sample { began, ..sample(polls, step.in_poll, Some(cpu)) };
            let state = if step.blocked { RunState::Blocked } else { RunState::Runnable };
            let machine = Machine { holds_worker: step.holds_worker, ..machine(Some(state)) };
            if last != Some(looked.progress) || !step.in_poll {
                still = (now, cpu);
            }
            last = Some(looked.progress);
            match memory.look(looked, now, SLICE, &machine) {
                Verdict::StallBegan { elapsed, .. } => {
                    prop_assert!(!stalled, "announced twice");
                    prop_assert!(step.in_poll && step.holds_worker);
                    prop_assert!(elapsed >= SLICE && elapsed <= now - still.0 + SLICE / 2);
                    let seen = SLICE.min(now - still.0);
                    prop_assert!(seen >= SLICE / 2);
                    prop_assert!(step.blocked || cpu - still.1 >= seen / 2);
                    stalled = true;
                }
                Verdict::Stalled { elapsed } => {
                    prop_assert!(stalled && step.in_poll && elapsed >= SLICE);
                }
                Verdict::StallEnded { lasted } => {
                    prop_assert!(stalled && lasted >= SLICE);
                    stalled = false;
                }
                Verdict::Descheduled { .. } => {
                    prop_assert!(!stalled && !step.blocked && now - still.0 >= SLICE / 2);
                }
                Verdict::Lingering { .. } => {
                    let stood = now - still.0;
                    prop_assert!(!stalled && step.holds_worker);
                    prop_assert!(step.blocked || cpu - still.1 >= (SLICE / 4).min(stood) / 2);
                }
                Verdict::Unheard { .. } => prop_assert!(false, "all of these are heard of"),
                Verdict::Idle | Verdict::Lively => prop_assert!(!stalled),
            }
            prop_assert_eq!(memory.is_stalled(), stalled);
        }
    }
}
