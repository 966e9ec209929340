#[tokio_pulse::main(flavor = "multi_thread", flavor = "current_thread")]
async fn flavor() {}

#[tokio_pulse::main(worker_threads = 1, worker_threads = 2)]
async fn worker_threads() {}

#[tokio_pulse::main(reserve_workers = 1, reserve_workers = 1)]
async fn reserve_workers() {}

#[tokio_pulse::main(slice = "1ms", slice = "1ms")]
async fn slice() {}

#[tokio_pulse::test(start_paused = true, start_paused = true)]
async fn start_paused() {}

#[tokio_pulse::main(crate = "tokio_pulse", crate = "tokio_pulse")]
async fn crate_path() {}

fn main() {}
