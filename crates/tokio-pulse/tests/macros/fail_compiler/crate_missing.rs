#[tokio_pulse::main(crate = "nowhere")]
async fn missing() {}

#[tokio_pulse::main(crate = "tokio")]
async fn left_from_tokio() {}

fn main() {}
