#![deny(warnings)]

use tokio::runtime::{Handle, RuntimeFlavor};

#[tokio_pulse::main(
    flavor = "multi_thread",
    worker_threads = 2,
    reserve_workers = 1,
    slice = "1500us"
)]
async fn multi_thread() {
    assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::MultiThread);
}

#[tokio_pulse::main(worker_threads = 1, reserve_workers = 0, slice = "60s")]
async fn without_reserve() {
    assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::MultiThread);
}

#[tokio_pulse::main(flavor = "current_thread", slice = "1ms")]
async fn current_thread() {
    assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::CurrentThread);
}

macro_rules! with_workers {
    ($name:ident, $workers:expr) => {
        #[tokio_pulse::main(worker_threads = $workers)]
        async fn $name() {}
    };
}

with_workers!(from_a_macro, 1);

fn main() {
    multi_thread();
    without_reserve();
    current_thread();
    from_a_macro();
}
