//! Who has no sink has no signal handler either. Alone in its process, for handlers are of the process.
#![cfg(target_os = "linux")]

mod common;

use common::{Stall, builder, eventually};
use tokio_pulse::stall_report::StallReport;

/// Whether this process handles `SIGURG`, by what the kernel says.
fn handles_urgent() -> bool {
    const URGENT: u32 = 23;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (URGENT - 1)) != 0
}

#[test]
fn without_a_sink_nobody_is_asked_for_a_stack() {
    let runtime = builder(1).stall_reports(tokio_pulse::stall_report::ReportLimits::new()).build();
    let runtime = runtime.unwrap();
    let stall = Stall::spawn_on(&runtime);
    eventually("the stall is old", || runtime.metrics().longest_stall().as_millis() > 200);
    assert!(!handles_urgent());
    assert_eq!(runtime.handle().reports(), Default::default());
    stall.end();
    drop(runtime);

    // With one, but switched off.
    let silent = builder(1).report_sink(|_: &StallReport| {}).stall_reports(None).build().unwrap();
    assert!(!handles_urgent());
    drop(silent);

    #[cfg(all(feature = "stacks", any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let loud = builder(1).report_sink(|_: &StallReport| {}).build().unwrap();
        assert!(handles_urgent());
        drop(loud);
    }
}
