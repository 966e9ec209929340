#[tokio_pulse::main]
struct Structure;

trait Trait {
    #[tokio_pulse::main]
    async fn without_body();
}

fn main() {
    // Still there.
    let _ = Structure;
}
