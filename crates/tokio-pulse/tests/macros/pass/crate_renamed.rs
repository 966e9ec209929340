#![deny(warnings)]

mod deep {
    pub(crate) use tokio_pulse as pulse;
}

use deep::pulse;

// Not this one, as long as the path starts with `::`.
#[allow(dead_code)]
mod tokio_pulse {}

#[pulse::main(crate = "crate::deep::pulse")]
async fn by_path() {}

#[pulse::main(crate = "pulse")]
async fn by_name() {}

#[pulse::main]
async fn main() {
    tokio::task::spawn_blocking(|| {
        by_path();
        by_name();
    })
    .await
    .unwrap();
}
