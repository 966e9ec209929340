//! `pulse top` in a real terminal, with a made-up service. `UPDATE_SCREENS=1` stores the screens anew.
#![cfg(unix)]

#[path = "console/fake.rs"]
mod fake;
#[path = "console/sample.rs"]
mod sample;
#[path = "console/tmux.rs"]
mod tmux;

use std::net::SocketAddr;

use fake::{Fake, Manners};
use tmux::{Tmux, compare};

fn top(address: SocketAddr) -> Tmux {
    let pulse = env!("CARGO_BIN_EXE_pulse");
    Tmux::run(&format!("{pulse} top --interval-ms 200 --connect {address}"), &[])
}

#[test]
fn each_view_is_on_the_screen_as_it_is_stored() {
    if !Tmux::is_there() {
        return;
    }
    let (_fake, address) = Fake::tcp(Manners::default());
    let tmux = top(address);
    compare(&tmux, "overview", "connected");
    for (key, name, marker) in [
        ("2", "workers", "orders-4"),
        ("3", "suspects", "nightly-report"),
        ("4", "stalls", "aggregate"),
        ("5", "sites", "move that to the lane"),
        ("6", "lanes", "Gate"),
        ("7", "alerts", "many-stalls"),
        ("8", "config", "profile balanced"),
        ("?", "help", "Everywhere"),
    ] {
        tmux.text(key);
        compare(&tmux, name, marker);
    }
    tmux.key("Escape");
    tmux.text("4");
    tmux.wait_for("NOW");
    tmux.key("Enter");
    compare(&tmux, "stall", "nightly::{async_fn");
    tmux.text("q");
    tmux.wait_for_the_end(0);
}

#[test]
fn the_service_is_changed_by_keys() {
    if !Tmux::is_there() {
        return;
    }
    let (fake, address) = Fake::tcp(Manners::default());
    let tmux = top(address);
    tmux.wait_for("connected");
    tmux.text("8");
    tmux.wait_for("profile balanced");
    tmux.key("Enter");
    tmux.wait_for("Enter checks");
    tmux.key("C-u");
    tmux.text("soon");
    tmux.key("Enter");
    compare(&tmux, "config_refused", "! slice is");
    tmux.key("C-u");
    tmux.text("5ms");
    tmux.key("Enter");
    tmux.wait_for("would do; Enter applies");
    assert_eq!(fake.state.lock().unwrap().slice, None, "it was a question");
    tmux.key("Enter");
    tmux.wait_for("slice = 5ms is in force");
    assert_eq!(fake.state.lock().unwrap().slice.as_deref(), Some("5ms"));

    tmux.text("3t2");
    tmux.key("Enter");
    tmux.wait_for("it shows with the next update");
    tmux.text("jplow");
    tmux.key("Enter");
    let priority = || fake.state.lock().unwrap().tasks.get(1).and_then(|task| task.priority);
    tmux.wait("priority", |_| priority() == Some(4));
    let tasks = fake.state.lock().unwrap().tasks.clone();
    assert_eq!((tasks[0].task_id, tasks[0].tier, tasks[1].task_id), (77, Some(2), 91));

    tmux.text("/nightly");
    tmux.key("Enter");
    tmux.wait_for("1 shown of 1 that match");
    tmux.text("5");
    tmux.wait_for("move that to the lane");
    tmux.text("u");
    tmux.wait_for("taken back for tasks from src/report.rs:43:9");
    assert!(fake.state.lock().unwrap().sites[0].reset);
    tmux.key("C-c");
    tmux.wait_for_the_end(0);
}

#[test]
fn a_service_that_comes_back_is_found_again() {
    if !Tmux::is_there() {
        return;
    }
    let (fake, address) = Fake::tcp(Manners::default());
    let tmux = top(address);
    tmux.wait_for(" connected");
    drop(fake);
    tmux.wait_for("NO CONNECTION");
    tmux.text("8");
    tmux.wait_for("profile balanced");
    // What is asked for now is refused, and not kept for later.
    tmux.text("3t2");
    tmux.key("Enter");
    tmux.wait_for("nothing was done");
    let (fake, _) = Fake::at(address, Manners { loses: true, ..Default::default() });
    let screen = tmux.wait_for(" connected");
    assert!(!screen.contains("NO CONNECTION"), "{screen}");
    tmux.wait_for("LOST ");
    assert!(fake.state.lock().unwrap().tasks.is_empty());
    tmux.text("q");
    tmux.wait_for_the_end(0);
}

#[test]
fn a_small_terminal_says_so_and_a_larger_one_is_used() {
    if !Tmux::is_there() {
        return;
    }
    let (_fake, address) = Fake::tcp(Manners::default());
    let tmux = top(address);
    tmux.wait_for("Watchdog");
    tmux.resize(60, 20);
    tmux.wait_for("60 x 20 characters");
    tmux.resize(100, 30);
    tmux.wait_for("Watchdog");
    tmux.text("q");
    tmux.wait_for_the_end(0);
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_given_back() {
    if !Tmux::is_there() {
        return;
    }
    let (_fake, address) = Fake::tcp(Manners::default());
    for signal in ["TERM", "INT", "HUP"] {
        let tmux = top(address);
        tmux.wait_for("Watchdog");
        tmux.signal(signal);
        tmux.wait_for_the_end(0);
    }
}

#[test]
fn a_wrong_token_ends_it_with_a_message_on_the_ordinary_screen() {
    if !Tmux::is_there() {
        return;
    }
    let token = Some("a-token-of-the-test");
    let (_fake, address) = Fake::tcp(Manners { token, ..Default::default() });
    let tmux = top(address);
    let screen = tmux.wait_for_the_end(3);
    assert!(screen.contains("error: give the token"), "{screen}");
}

/// Set by the test below for the one that it runs.
const PANIC: &str = "PULSE_TEST_PANICS";

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    if !Tmux::is_there() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let command = format!("{} --ignored --exact --nocapture panics", this.display());
    let tmux = Tmux::run(&command, &[(PANIC, "1"), ("RUST_BACKTRACE", "0")]);
    let screen = tmux.wait_for_the_end(101);
    assert!(screen.contains("with the screen taken"), "{screen}");
}

#[test]
#[ignore = "run by another test, in a terminal"]
fn panics() {
    if std::env::var_os(PANIC).is_some() {
        let mut screen = pulse::console::terminal::Screen::take().unwrap();
        screen.draw(|frame| frame.render_widget("a picture", frame.area())).unwrap();
        panic!("with the screen taken");
    }
}
