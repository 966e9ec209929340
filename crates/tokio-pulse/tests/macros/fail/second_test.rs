#[tokio_pulse::test]
#[test]
async fn above() {}

#[tokio_pulse::test]
#[tokio_pulse::test]
async fn twice() {}

#[tokio::test]
#[tokio_pulse::test]
async fn tokio_too() {}

#[tokio_pulse::test]
#[::core::prelude::v1::test]
async fn full_path() {}

fn main() {}
