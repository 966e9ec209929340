//! A real-time signal instead of the usual one.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::time::Duration;

use tokio_pulse_sys::{StackSampler, StackSignal, StackSnapshot, current_thread_number};

#[test]
fn a_real_time_signal_does_as_well() {
    assert!(StackSampler::install(StackSignal::RealTime(200)).is_err());
    for _ in 0..2 {
        let sampler = StackSampler::install(StackSignal::RealTime(7)).unwrap();
        let mut snapshot = StackSnapshot::default();
        let tid = current_thread_number().unwrap();
        sampler.sample(tid, Duration::from_secs(30), &mut snapshot).unwrap();
        assert!(!snapshot.bytes().is_empty());
    }
}
