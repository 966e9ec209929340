#[tokio_pulse::main(max_poll = "5ms")]
async fn in_main() {}

#[tokio_pulse::test(max_poll = "5ms", slice = "5ms")]
async fn beside_a_slice() {}

#[tokio_pulse::test(max_poll = 5)]
async fn without_unit() {}

#[tokio_pulse::test(max_poll = "1us")]
async fn too_short() {}

fn main() {}
