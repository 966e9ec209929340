// The code that is written raises no lint of its own.
#![deny(warnings, unused, unused_results, unused_qualifications, let_underscore_drop)]

/// Documented.
#[must_use]
#[inline]
#[tokio_pulse::preemption_budget(cpu_ms = 5, polls = 8, yield_interval = 2)]
pub async fn asynchronous(rows: &[u64]) -> u64 {
    let mut sum = 0;
    for row in rows {
        sum += row;
    }
    sum
}

#[tokio_pulse::preemption_budget]
pub fn synchronous(rows: &[u64]) -> u64 {
    let mut sum = 0;
    for row in rows {
        sum += row;
    }
    sum
}

#[tokio_pulse::preemption_budget(yield_interval = 2)]
pub fn never() -> ! {
    loop {
        std::process::exit(0)
    }
}

fn main() {
    assert_eq!(synchronous(&[1, 2]), 3);
    let sum = asynchronous(&[1, 2]);
    drop(sum);
    never()
}
