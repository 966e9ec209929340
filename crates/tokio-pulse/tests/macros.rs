//! What `#[tokio_pulse::main]` and `#[tokio_pulse::test]` accept, and what is said when they do not.
//!
//! After a change to a message: `TRYBUILD=overwrite cargo test -p tokio-pulse --test macros`, and read the difference.

#![cfg(feature = "macros")]

#[path = "macros/run.rs"]
mod run;

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/macros/pass/*.rs");
    cases.compile_fail("tests/macros/fail/*.rs");
    if cfg!(feature = "test-util") {
        cases.pass("tests/macros/pass_test_util/*.rs");
    }
}

/// Where the compiler's own errors point. Their words are those of Rust 1.95: with another version, look at the places.
#[test]
fn ui_compiler() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/macros/fail_compiler/*.rs");
    if !cfg!(feature = "test-util") {
        cases.compile_fail("tests/macros/fail_compiler_test_util/*.rs");
    }
}
