#[tokio_pulse::test]
fn test() {}

#[tokio_pulse::main]
fn main() {}
