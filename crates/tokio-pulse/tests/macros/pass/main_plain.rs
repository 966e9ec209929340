#![deny(warnings)]

#[tokio_pulse::main]
async fn main() {
    let three = tokio::spawn(async { 3 }).await.unwrap();
    assert_eq!(three, 3);
}
