#[tokio_pulse::main(flavor = "local")]
async fn local() {}

#[tokio_pulse::main(flavor = "current_thread", unhandled_panic = "shutdown_runtime")]
async fn unhandled_panic() {}

#[tokio_pulse::main(name = "my-runtime")]
async fn name() {}

fn main() {}
