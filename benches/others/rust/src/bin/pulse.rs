//! `tokio-pulse-stackful`, with a quantum as long as those of the others: pulse [SECONDS [MILLISECONDS]]

use std::time::Duration;

use others::{LOOPS, endless, report, time};
use tokio_pulse_stackful::PreemptiveRuntime;

fn main() {
    let quantum = std::env::args().nth(2).map_or(10, |time| time.parse().expect("milliseconds"));
    let runtime = PreemptiveRuntime::builder()
        .worker_threads(1)
        .quantum(Duration::from_millis(quantum))
        .build()
        .expect("a runtime");
    for me in 0..LOOPS {
        // SAFETY: it computes; it holds no lock, and nothing of its thread's.
        unsafe { runtime.spawn(async move { endless(me) }) };
    }
    report(&format!("tokio-pulse-stackful, {quantum} ms"), time());
}
