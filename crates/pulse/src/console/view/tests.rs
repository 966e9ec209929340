//! The screens, against stored ones. `UPDATE_SCREENS=1 cargo test -p pulse screens` stores them anew: look
//! at what has changed.

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio_pulse_proto::v1;

use super::{SMALLEST, draw, random};
use crate::console::message::{Answer, Event, Link, Outcome, Request};
use crate::console::sample;
use crate::console::state::keys::BINDINGS;
use crate::console::state::{Key, State, View};

/// Connected, and told for a while.
fn watched() -> State {
    let mut state = State::default();
    state.apply(Event::Link(Link::Connecting));
    state.apply(Event::Connected(Box::new(sample::program())));
    state.apply(Event::Update(Box::new(sample::update())));
    (2..60)
        .for_each(|sequence| drop(state.apply(Event::Update(Box::new(sample::later(sequence))))));
    state
}

fn press(state: &mut State, keys: &str) -> Vec<Request> {
    let keys = keys.chars().map(|c| match c {
        '\n' => Key::Enter,
        '\u{1b}' => Key::Escape,
        '\t' => Key::Tab,
        '\u{8}' => Key::Clear,
        c => Key::Char(c),
    });
    keys.flat_map(|key| state.press(key)).collect()
}

/// As the service of the sample does.
fn answer(state: &mut State, requests: Vec<Request>) {
    for to in requests {
        let outcome = match &to {
            Request::Sites => Outcome::Sites(sample::sites()),
            Request::Stacks(_) => Outcome::Stacks(sample::stacks(true)),
            Request::SetConfig(_) => Outcome::Config(sample::config("5ms", 4)),
            Request::Watch(query) => {
                let suspects = Some(sample::suspects(query));
                let update = v1::Update { suspects, ..sample::later(60) };
                state.apply(Event::Update(Box::new(update)));
                Outcome::Watch
            }
            Request::SetTask(_) => Outcome::Task,
            Request::SetSite(_) => Outcome::Site,
        };
        state.apply(Event::Answer(Box::new(Answer { to, result: Ok(outcome) })));
    }
}

fn screen(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..height {
        let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        text += row.trim_end();
        text.push('\n');
    }
    text
}

fn compare(name: &str, found: &str) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/view/screens"));
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(found, stored, "{name}: found\n{found}\nstored\n{stored}");
}

/// What a screen is called, and the keys that lead there.
const SCREENS: [(&str, &str); 17] = [
    ("overview", ""),
    ("workers", "2jj"),
    ("suspects", "3"),
    ("suspects_filtered", "3o/port\nm"),
    ("suspect_tier", "3t9\n"),
    ("stalls", "4"),
    ("stall", "4\n"),
    ("sites", "5j"),
    ("lanes", "6"),
    ("alerts", "7"),
    ("config", "8"),
    ("config_edit", "8\n"),
    ("config_checked", "8\n\u{8}5ms\n"),
    ("config_applied", "8\n\u{8}5ms\n\n"),
    ("worker_stack", "2j\n"),
    ("help", "?"),
    ("help_suspects", "3?"),
];

#[test]
fn screens_are_as_they_are_stored() {
    for (name, keys) in SCREENS {
        let mut state = watched();
        for key in keys.chars() {
            let requests = press(&mut state, &key.to_string());
            answer(&mut state, requests);
        }
        let (width, height) = SMALLEST;
        compare(name, &screen(&state, width, height));
        if ["overview", "suspects", "config"].contains(&name) {
            compare(&format!("{name}_large"), &screen(&state, 120, 40));
        }
    }
}

#[test]
fn screens_without_a_service_are_as_they_are_stored() {
    let (width, height) = SMALLEST;
    let mut state = State::default();
    compare("connecting", &screen(&state, width, height));
    let why = "cannot reach 127.0.0.1:1: connection refused".to_owned();
    let next = Duration::from_secs(2);
    state.apply(Event::Link(Link::Down { why: why.clone(), next, attempt: 3 }));
    compare("unreachable", &screen(&state, width, height));

    let mut state = watched();
    let lost = v1::Lost { updates: 12, stall_events: 3 };
    let update = v1::Update { lost: Some(lost), ..sample::later(60) };
    state.apply(Event::Update(Box::new(update)));
    compare("lost", &screen(&state, width, height));
    state.apply(Event::Link(Link::Down { why, next, attempt: 1 }));
    compare("disconnected", &screen(&state, width, height));
    compare("small", &screen(&state, 60, 10));
}

#[test]
fn empty_views_say_so() {
    for view in View::ALL {
        let state = State { view, ..State::default() };
        let text = screen(&state, SMALLEST.0, SMALLEST.1);
        let body: Vec<&str> = text.lines().skip(2).filter(|line| !line.is_empty()).collect();
        assert!(body.len() > 1, "{view:?}: {text}");
    }
}

#[test]
fn the_keys_of_each_view_are_on_the_smallest_screen_and_in_its_help() {
    for view in View::ALL {
        let mut state = watched();
        state.view = view;
        let text = screen(&state, SMALLEST.0, SMALLEST.1);
        let last = text.lines().last().unwrap();
        for binding in BINDINGS.iter().filter(|it| it.is_in(view) && !it.short.is_empty()) {
            let key = binding.label.split(", ").next().unwrap();
            assert!(last.contains(&format!("{key} {}", binding.short)), "{view:?}: {last}");
        }
        state.help = true;
        let text = screen(&state, SMALLEST.0, SMALLEST.1);
        for binding in BINDINGS.iter().filter(|it| it.is_in(view)) {
            assert!(text.contains(binding.label), "{view:?}: {} in\n{text}", binding.label);
        }
    }
}

#[test]
fn names_from_the_service_cannot_write_to_the_terminal() {
    let mut state = watched();
    let mut update = sample::update();
    let evil = "a\u{1b}]0;b\u{7}\r\n";
    let suspects = update.suspects.as_mut().unwrap();
    suspects.suspects.iter_mut().for_each(|suspect| suspect.name = evil.into());
    state.apply(Event::Update(Box::new(update)));
    press(&mut state, "3t");
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, &state)).unwrap();
    let cells = terminal.backend().buffer().content();
    assert!(cells.iter().all(|cell| !cell.symbol().contains(char::is_control)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever is told and pressed, on a terminal of any size, there is a screen.
    #[test]
    fn nothing_panics(steps in proptest::collection::vec(random::step(), 1..40),
                      width in 1_u16..200, height in 1_u16..70) {
        let mut state = State::default();
        for step in steps {
            let requests = match step {
                random::Step::Event(event) => state.apply(event.make()),
                random::Step::Key(key) => state.press(key),
            };
            if requests.len() % 2 == 1 {
                answer(&mut state, requests);
            }
            screen(&state, width, height);
        }
        screen(&state, SMALLEST.0, SMALLEST.1);
    }
}
