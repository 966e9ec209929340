#[tokio_pulse::main(flavor = "current_thread", worker_threads = 4)]
async fn worker_threads() {}

#[tokio_pulse::test(worker_threads = 4)]
async fn worker_threads_in_test() {}

#[tokio_pulse::main(flavor = "current_thread", reserve_workers = 0)]
async fn reserve_workers() {}

#[tokio_pulse::main(start_paused = true)]
async fn start_paused() {}

#[tokio_pulse::test(flavor = "multi_thread", start_paused = true)]
async fn start_paused_in_test() {}

fn main() {}
