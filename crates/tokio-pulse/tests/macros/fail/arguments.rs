#[tokio_pulse::main(threads = 4)]
async fn unknown() {}

#[tokio_pulse::main(foo::bar = 4)]
async fn unknown_path() {}

#[tokio_pulse::main(core_threads = 4)]
async fn renamed_long_ago() {}

#[tokio_pulse::main(multi_thread)]
async fn flavor_alone() {}

#[tokio_pulse::main(worker_threads)]
async fn without_value() {}

#[tokio_pulse::main(slice("10ms"))]
async fn in_parentheses() {}

#[tokio_pulse::main("multi_thread")]
async fn without_name() {}

#[tokio_pulse::main(flavor = "current_thread" slice = "10ms")]
async fn without_comma() {}

#[tokio_pulse::main(worker_threads = 0, slice = "1us", speed = 9)]
async fn three_errors() {}

fn main() {}
