#[tokio_pulse::main(slice = 10)]
async fn not_a_string() {}

#[tokio_pulse::main(slice = "10")]
async fn no_unit() {}

#[tokio_pulse::main(slice = "soon")]
async fn no_number() {}

#[tokio_pulse::main(slice = "10min")]
async fn no_such_unit() {}

#[tokio_pulse::main(slice = "1.5ms")]
async fn fraction() {}

#[tokio_pulse::main(slice = "999us")]
async fn too_short() {}

#[tokio_pulse::main(slice = "61s")]
async fn too_long() {}

#[tokio_pulse::main(slice = "99999999999999999999s")]
async fn far_too_long() {}

fn main() {}
