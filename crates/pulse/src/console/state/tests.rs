//! What comes of events and keys, without a screen.

use std::time::Duration;

use tokio_pulse_proto::{Reason, v1};

use super::{End, Key, Lost, StackPane, Stage, State, View};
use crate::console::message::{Answer, Event, Link, Outcome, Request};
use crate::console::{ConsoleError, Refusal, sample};

fn watched() -> State {
    let mut state = State::default();
    state.apply(Event::Connected(Box::new(sample::program())));
    state.apply(Event::Update(Box::new(sample::update())));
    state
}

fn told(state: &mut State, update: v1::Update) {
    assert!(state.apply(Event::Update(Box::new(update))).is_empty());
}

fn answered(state: &mut State, to: Request, result: Result<Outcome, Refusal>) {
    state.apply(Event::Answer(Box::new(Answer { to, result })));
}

fn refused(reason: Reason, key: Option<&str>) -> Refusal {
    let key = key.map(str::to_owned);
    Refusal { reason: Some(reason), key, message: "because".to_owned() }
}

fn press(state: &mut State, keys: &str) -> Vec<Request> {
    let key = |c| if c == '\n' { Key::Enter } else { Key::Char(c) };
    keys.chars().flat_map(|c| state.press(key(c))).collect()
}

fn only(mut requests: Vec<Request>) -> Request {
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

#[test]
fn what_an_update_leaves_out_is_as_it_was() {
    let mut state = watched();
    told(&mut state, v1::Update { sequence: 2, uptime_ns: 1, ..Default::default() });
    assert_eq!(state.told.workers.len(), 5);
    assert_eq!(state.suspects.list.len(), 3);
    assert_eq!(state.told.overview, sample::overview(12));
    assert_eq!(state.history.stalls.last(9).collect::<Vec<_>>(), [0, 0]);
    told(&mut state, sample::later(5));
    assert_eq!(state.history.stalls.last(9).collect::<Vec<_>>(), [0, 0, 4]);
}

#[test]
fn what_is_lost_adds_up_and_is_not_forgotten() {
    let mut state = watched();
    for (updates, stall_events) in [(2, 0), (0, 5), (u64::MAX, 1)] {
        let lost = Some(v1::Lost { updates, stall_events });
        told(&mut state, v1::Update { lost, ..Default::default() });
    }
    assert_eq!(state.lost, Lost { updates: u64::MAX, stall_events: 6 });
}

#[test]
fn another_process_is_another_story_and_the_same_one_is_not() {
    let mut state = watched();
    press(&mut state, "3");
    state.apply(Event::Link(Link::Down {
        why: "gone".into(),
        next: Duration::from_secs(1),
        attempt: 1,
    }));
    state.apply(Event::Connected(Box::new(sample::program())));
    assert_eq!(state.told.workers.len(), 5, "the same process");
    let other = v1::HandshakeResponse { process_id: 1, ..sample::program() };
    state.apply(Event::Connected(Box::new(other)));
    assert!(state.told.workers.is_empty() && state.suspects.list.is_empty());
    assert_eq!(state.history.delay_ns.last(9).count(), 0);
    assert_eq!(state.view, View::Suspects, "the operator stays where they were");
}

#[test]
fn a_stall_is_one_row_from_its_report_to_its_end() {
    let mut state = watched();
    let rows = |state: &State| -> Vec<(u64, u64)> {
        let now = state.told.uptime_ns;
        state.stalls.rows().map(|row| (row.stall, row.lasted_ns(now))).collect()
    };
    assert_eq!(rows(&state), [(12, 200_000_000), (11, 350_000_000)]);
    // It goes on, though nobody tells of it.
    told(&mut state, sample::later(3));
    assert_eq!(rows(&state), [(12, 1_200_000_000), (11, 350_000_000)]);
    let end = v1::StallEnd { stall: 12, lasted_ns: 1_500_000_000, ..Default::default() };
    let event = v1::StallEvent { event: Some(v1::stall_event::Event::End(end)) };
    told(&mut state, v1::Update { stalls: vec![event], ..sample::later(9) });
    assert_eq!(rows(&state), [(11, 350_000_000), (12, 1_500_000_000)]);
    press(&mut state, "4j\n");
    assert!(matches!(state.stack, Some(StackPane::Stall { stall: 12, .. })));
}

#[test]
fn a_stall_whose_end_nobody_tells_is_over_when_its_thread_goes_on() {
    let mut state = watched();
    let row = |state: &State| state.stalls.find(12).map(super::StallRow::is_over);
    assert_eq!(row(&state), Some(false));
    let worker = v1::Worker { tid: Some(4251), state: 1, ..Default::default() };
    let workers = Some(v1::Workers { workers: vec![worker] });
    told(&mut state, v1::Update { workers, ..sample::later(4) });
    assert_eq!(row(&state), Some(true));
    assert_eq!(state.stalls.find(12).unwrap().lasted_ns(u64::MAX), 200_000_000);
}

#[test]
fn what_was_stuck_before_we_came_is_listed_until_it_moves_or_is_told() {
    let mut state = State::default();
    state.apply(Event::Connected(Box::new(sample::program())));
    let ask = v1::GetStacksRequest { which: None, stalled_only: true };
    answered(&mut state, Request::Stacks(ask), Ok(Outcome::Stacks(sample::stacks(true))));
    assert_eq!(state.stalls.cursor.len(), 1);
    press(&mut state, "4\n");
    assert!(matches!(&state.stack, Some(StackPane::Threads { stacks, .. }) if stacks.len() == 1));
    // Worker 1 is stalled in the update, and its stall is told in it.
    told(&mut state, sample::update());
    assert!(state.stalls.stuck_before().is_empty());
    assert_eq!(state.stalls.cursor.len(), 2);

    answered(&mut state, Request::Stacks(ask), Ok(Outcome::Stacks(sample::stacks(false))));
    assert_eq!(state.stalls.stuck_before().len(), 1, "one of them is told already");
    let workers = Some(v1::Workers {
        workers: vec![v1::Worker { tid: Some(4253), state: 1, ..Default::default() }],
    });
    told(&mut state, v1::Update { workers, ..sample::later(2) });
    assert!(state.stalls.stuck_before().is_empty(), "it does something else now");
}

#[test]
fn order_filter_and_tiers_ask_the_service_and_hold_when_it_agrees() {
    let mut state = watched();
    let request = only(press(&mut state, "3o"));
    let Request::Watch(query) = &request else { panic!("{request:?}") };
    assert_eq!(query.order(), v1::SuspectOrder::Violations);
    assert_eq!(state.suspects.query.order(), v1::SuspectOrder::Unspecified);
    answered(&mut state, request.clone(), Err(refused(Reason::TooMany, None)));
    assert_eq!(state.suspects.query.order(), v1::SuspectOrder::Unspecified);
    assert!(state.notice.as_ref().is_some_and(|notice| notice.is_bad));
    answered(&mut state, request, Ok(Outcome::Watch));
    let request = only(press(&mut state, "/abc\n"));
    answered(&mut state, request, Ok(Outcome::Watch));
    let Request::Watch(query) = only(press(&mut state, "m")) else { panic!() };
    assert_eq!((query.filter.as_str(), query.min_tier), ("abc", 1));
    assert_eq!(query.order(), v1::SuspectOrder::Violations);
}

#[test]
fn tier_and_priority_of_a_task_and_of_a_site() {
    let mut state = watched();
    assert!(press(&mut state, "3t7\n").is_empty(), "there is no tier 7");
    assert!(state.prompt.as_ref().is_some_and(|prompt| prompt.error.is_some()));
    let prompt = [Key::Backspace, Key::Char('2'), Key::Enter];
    let requests = prompt.into_iter().flat_map(|key| state.press(key)).collect();
    let expected = v1::SetTaskRequest { task_id: 77, tier: Some(2), ..Default::default() };
    assert_eq!(only(requests), Request::SetTask(expected));

    let expected = v1::SetTaskRequest { task_id: 91, reset: true, ..Default::default() };
    assert_eq!(only(press(&mut state, "ju")), Request::SetTask(expected));

    let asked = only(press(&mut state, "5"));
    assert_eq!(asked, Request::Sites);
    answered(&mut state, asked, Ok(Outcome::Sites(sample::sites())));
    let expected = v1::SetSpawnSiteRequest {
        site: "src/report.rs:43:9".into(),
        priority: Some(v1::Priority::Low.into()),
        ..Default::default()
    };
    assert_eq!(only(press(&mut state, "plow\n")), Request::SetSite(expected));
}

#[test]
fn a_value_is_checked_then_applied_and_refusals_stand_beside_the_key() {
    let mut state = watched();
    assert!(press(&mut state, "8\n").is_empty());
    state.press(Key::Clear);
    let check = only(press(&mut state, "5x\n"));
    let Request::SetConfig(request) = &check else { panic!("{check:?}") };
    assert!(request.dry_run && request.assignments[0].value == "5x");
    assert!(press(&mut state, "\n").is_empty(), "one is on its way");
    answered(&mut state, check.clone(), Err(refused(Reason::Invalid, Some("slice"))));
    assert_eq!(state.config.errors["slice"], "because");
    assert_eq!(state.prompt.as_ref().unwrap().stage, Stage::Typing);

    state.press(Key::Clear);
    let check = only(press(&mut state, "5ms\n"));
    answered(&mut state, check, Ok(Outcome::Config(sample::config("5ms", 3))));
    assert!(state.config.errors.is_empty());
    let apply = only(press(&mut state, "\n"));
    let Request::SetConfig(request) = &apply else { panic!("{apply:?}") };
    assert!(!request.dry_run);
    assert_eq!(request.expected_revision, Some(3));
    // Somebody else was quicker: it has to be looked at again.
    answered(&mut state, apply.clone(), Err(refused(Reason::Conflict, None)));
    assert_eq!(state.prompt.as_ref().unwrap().stage, Stage::Typing);
    let check = only(press(&mut state, "\n"));
    answered(&mut state, check, Ok(Outcome::Config(sample::config("5ms", 4))));
    let apply = only(press(&mut state, "\n"));
    answered(&mut state, apply, Ok(Outcome::Config(sample::config("5ms", 5))));
    assert!(state.prompt.is_none());
    assert_eq!(state.config.setting("slice").unwrap().value, "5ms");
    assert_eq!(state.notice.as_ref().unwrap().text, "slice = 5ms is in force");

    // What nobody waits for any more changes nothing that is being typed.
    press(&mut state, "\n1");
    answered(
        &mut state,
        Request::SetConfig(v1::SetConfigRequest {
            assignments: vec![v1::Assignment { key: "slice".into(), value: "9ms".into() }],
            dry_run: true,
            expected_revision: None,
        }),
        Ok(Outcome::Config(sample::config("9ms", 5))),
    );
    assert_eq!(state.prompt.as_ref().unwrap().stage, Stage::Typing);
}

#[test]
fn what_is_read_at_the_start_is_not_edited() {
    let mut state = watched();
    press(&mut state, "8j\n");
    assert!(state.prompt.is_none());
    assert!(state.notice.as_ref().unwrap().text.contains("when the runtime starts"));
}

#[test]
fn without_a_connection_nothing_is_asked_for() {
    let mut state = watched();
    let why = "gone".to_owned();
    state.apply(Event::Link(Link::Down { why, next: Duration::ZERO, attempt: 1 }));
    for keys in ["3o", "3s", "3u", "3t1\n", "5r", "8\n1\n"] {
        assert!(press(&mut state, keys).is_empty(), "{keys}");
        assert!(state.notice.as_ref().unwrap().is_bad, "{keys}");
        state.press(Key::Escape);
    }
}

#[test]
fn a_stack_that_was_asked_for_comes_in_front_unless_one_has_gone_on() {
    let mut state = watched();
    let asked = only(press(&mut state, "2js"));
    answered(&mut state, asked.clone(), Ok(Outcome::Stacks(sample::stacks(true))));
    assert!(matches!(state.stack, Some(StackPane::Threads { .. })));
    state.press(Key::Escape);
    answered(&mut state, asked.clone(), Ok(Outcome::Stacks(sample::stacks(true))));
    assert!(state.stack.is_none());
    let asked = only(press(&mut state, "s"));
    answered(&mut state, asked, Err(refused(Reason::NoSuchThread, None)));
    assert!(state.stack.is_none() && state.notice.is_some());
}

#[test]
fn it_ends_when_it_is_wanted_or_when_there_is_no_use() {
    let mut state = watched();
    press(&mut state, "3/q");
    assert!(state.end.is_none(), "a letter of the filter");
    state.press(Key::Interrupt);
    assert!(matches!(state.end, Some(End::Wanted)));
    let mut state = watched();
    state.apply(Event::GaveUp(ConsoleError::Token));
    assert!(matches!(state.end, Some(End::Because(ConsoleError::Token))));
}

#[test]
fn advice_is_asked_for_while_it_is_looked_at_and_not_more_often_than_needed() {
    let mut state = watched();
    assert_eq!(only(press(&mut state, "5")), Request::Sites);
    let mut asked = 0;
    for sequence in 2..22 {
        asked += state.apply(Event::Update(Box::new(sample::later(sequence)))).len();
    }
    assert_eq!(asked, 5, "ten seconds have passed");
    press(&mut state, "1");
    assert!(state.apply(Event::Update(Box::new(sample::later(99)))).is_empty());
}
