//! What `#[tokio_pulse::preemption_budget]` accepts, what is said when it does not, and that the code under it means what
//! it did before.
//!
//! After a change to a message: `TRYBUILD=overwrite cargo test -p tokio-pulse --test preemption_budget`, and read the
//! difference.

#![cfg(feature = "macros")]

mod common;

#[path = "preemption_budget/meaning.rs"]
mod meaning;
#[path = "preemption_budget/places.rs"]
mod places;
#[path = "preemption_budget/yields.rs"]
mod yields;

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/preemption_budget/pass/*.rs");
    cases.compile_fail("tests/preemption_budget/fail/*.rs");
}

/// Where the compiler's own errors point. Their words are those of Rust 1.95: with another version, look at the places.
#[test]
fn ui_compiler() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/preemption_budget/fail_compiler/*.rs");
}
