const CORES: usize = 4;

#[tokio_pulse::main(flavor = "fast")]
async fn flavor_unknown() {}

#[tokio_pulse::main(flavor = 1)]
async fn flavor_not_a_string() {}

#[tokio_pulse::main(worker_threads = 0)]
async fn no_workers() {}

#[tokio_pulse::main(worker_threads = "4")]
async fn workers_not_a_number() {}

#[tokio_pulse::main(worker_threads = CORES)]
async fn workers_not_a_literal() {}

#[tokio_pulse::main(reserve_workers = -1)]
async fn reserve_negative() {}

#[tokio_pulse::main(reserve_workers = 99999999999999999999)]
async fn reserve_too_large() {}

#[tokio_pulse::test(start_paused = "yes")]
async fn paused_not_a_boolean() {}

#[tokio_pulse::main(crate = tokio_pulse)]
async fn crate_not_a_string() {}

#[tokio_pulse::main(crate = "tokio pulse")]
async fn crate_not_a_path() {}

fn main() {
    let _ = CORES;
}
