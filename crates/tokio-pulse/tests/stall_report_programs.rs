//! Reports of programs whose file is gone or stripped.
#![cfg(all(
    feature = "stacks",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

#[path = "common/stuck.rs"]
mod stuck;

use std::time::{Duration, Instant};

use stuck::{LONG, Stuck, builder, has};
use tokio_pulse::stall_report::{Frame, StallReport, StallVerdict};

/// Set for the child: what it does with its own program file first.
const CHILD: &str = "PULSE_TEST_STALL_REPORT_CHILD";

/// The child of the next test; by itself it does nothing.
#[test]
fn child_without_its_program_file() {
    let Ok(program) = std::env::var(CHILD) else { return };
    std::fs::remove_file(program).unwrap();
    let reporter = builder().build();
    let stuck = Stuck::burning();
    let report = stuck.report_when(&reporter, |report| has(report, "burn_deep"));
    println!("{report}");
    stuck.end();
}

#[test]
fn a_program_that_was_deleted_or_replaced_is_read_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("a program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = std::process::Command::new(&program)
        .args(["--exact", "child_without_its_program_file", "--nocapture"])
        .env(CHILD, &program)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if !text.contains("running 1 test") {
        return eprintln!("skipped: under this emulator a program cannot be started by another");
    }
    assert!(output.status.success(), "{text}");
    assert!(text.contains("stuck::burn_deep"), "{text}");
    assert!(text.contains("tests/common/stuck.rs:"), "{text}");
    assert!(!program.exists());
}

/// Set for the child of the next test.
const STRIPPED: &str = "PULSE_TEST_STALL_REPORT_STRIPPED";

/// The child of the next test; by itself it does nothing.
#[test]
fn child_that_is_stripped() {
    if std::env::var_os(STRIPPED).is_none() {
        return;
    }
    let reporter = builder().build();
    let stuck = Stuck::burning();
    let mut facts = stuck.facts(1, 80);
    facts.cpu_used = Some(Duration::from_millis(79));
    let deep = |report: &StallReport| {
        let own = |frame: &&Frame| frame.module().is_some_and(|name| name.ends_with("stripped"));
        report.stack.frames().iter().filter(own).count() > 40
    };
    let deadline = Instant::now() + LONG;
    let report = loop {
        let report = reporter.report(&facts);
        if deep(&report) {
            break report;
        }
        assert!(Instant::now() < deadline, "{report}");
    };
    assert_eq!(report.verdict, StallVerdict::Computing);
    assert!(!report.stack.is_truncated(), "{report}");
    assert_ne!(report.fingerprint, 0);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["stack"].as_array().unwrap().len(), report.stack.frames().len());
    println!("{report}");
    stuck.end();
}

/// No names are left in it, and what there is, is told: the module and the offset, for `addr2line` and
/// the program before it was stripped.
#[test]
fn a_stripped_program_is_unwound_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("stripped");
    let stripped = std::process::Command::new("strip")
        .args(["--strip-all", "-o"])
        .arg(&program)
        .arg(std::env::current_exe().unwrap())
        .status();
    if !stripped.is_ok_and(|status| status.success()) {
        println!("SKIPPED: no strip on this machine");
        return;
    }
    let output = std::process::Command::new(&program)
        .args(["--exact", "child_that_is_stripped", "--nocapture"])
        .env(STRIPPED, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("stripped+0x"), "{text}");
    assert!(!text.contains("burn_deep"), "{text}");
}
