#![deny(warnings)]

extern crate tokio_pulse as renamed;

mod inner {
    pub use renamed::*;
}

#[renamed::preemption_budget(crate = "renamed", polls = 8)]
async fn by_name() {
    for _ in 0..3 {}
}

#[renamed::preemption_budget(crate = "crate::inner")]
fn by_path() {
    for _ in 0..3 {}
}

fn main() {
    by_path();
    inner::Runtime::new().unwrap().block_on(by_name());
}
