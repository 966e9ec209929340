//! What goes wrong in a function under the attribute is reported at the place where its author wrote it.
#![allow(clippy::never_loop, reason = "the first turn is enough")]

use std::backtrace::Backtrace;
use std::panic::{self, Location};
use std::sync::{Arc, Mutex};

use tokio_pulse::preemption_budget;

const SOURCE: &str = include_str!("places.rs");
const ON_PURPOSE: &str = "on purpose";

/// The line of this file that ends so.
fn line_of(mark: &str) -> u32 {
    let index = SOURCE.lines().position(|line| line.ends_with(mark)).unwrap();
    u32::try_from(index + 1).unwrap()
}

#[track_caller]
fn caller() -> (&'static str, u32) {
    (Location::caller().file(), Location::caller().line())
}

#[preemption_budget]
async fn panics() {
    for _ in 0..3 {
        panic!("{ON_PURPOSE}"); // a panic
    }
}

#[preemption_budget(cpu_ms = 3, yield_interval = 2)]
fn panics_too() {
    loop {
        panic!("{ON_PURPOSE}"); // a synchronous panic
    }
}

#[preemption_budget(polls = 2)]
async fn called_from() -> Vec<(&'static str, u32)> {
    let mut places = Vec::new();
    while places.len() < 3 {
        places.push(caller()); // a call
    }
    places
}

#[preemption_budget]
async fn trace() -> String {
    loop {
        break Backtrace::force_capture().to_string(); // a frame
    }
}

/// Where it panics on purpose. Other panics are left to whoever looked after them before.
fn place_of_panic(f: impl FnOnce() + panic::UnwindSafe) -> Option<(String, u32)> {
    let place = Arc::new(Mutex::new(None));
    let (noted, before) = (place.clone(), panic::take_hook());
    panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<String>().is_none_or(|message| message != ON_PURPOSE) {
            return before(info);
        }
        let location = info.location();
        *noted.lock().unwrap() = location.map(|place| (place.file().to_owned(), place.line()));
    }));
    assert!(panic::catch_unwind(f).is_err());
    place.lock().unwrap().take()
}

#[test]
fn panics_are_where_they_were_written() {
    let runtime = tokio_pulse::Runtime::new().unwrap();
    let asynchronous = panic::AssertUnwindSafe(|| runtime.block_on(panics()));
    // One after the other: there is one hook.
    let places = [place_of_panic(asynchronous), place_of_panic(panics_too)];
    for (place, mark) in places.into_iter().zip(["// a panic", "// a synchronous panic"]) {
        let (file, line) = place.unwrap();
        assert!(file.ends_with("places.rs"), "{file}");
        assert_eq!(line, line_of(mark));
    }
}

#[tokio_pulse::test]
async fn callers_are_where_they_were_written() {
    for (file, line) in called_from().await {
        assert!(file.ends_with("places.rs"), "{file}");
        assert_eq!(line, line_of("// a call"));
    }
}

#[tokio_pulse::test]
async fn stack_traces_name_the_line() {
    let trace = trace().await;
    // Not where there is no debug information.
    if trace.contains("places.rs") {
        let line = format!("places.rs:{}", line_of("// a frame"));
        assert!(trace.contains(&line), "{line} is not in {trace}");
    }
}
