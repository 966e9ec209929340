//! A service that can be watched and steered by `pulse top` while it runs.
//!
//! ```sh
//! cargo run -p pulse-examples --example console -- "$XDG_RUNTIME_DIR/console.sock"
//! pulse top "$XDG_RUNTIME_DIR/console.sock" # in another terminal
//! ```
//!
//! Without a path it listens on a loopback address, and prints which.

use std::time::{Duration, Instant};

use tokio_pulse::task::Builder;
use tokio_pulse_console::ConsoleServer;

#[tokio_pulse::main]
async fn main() {
    let handle = tokio_pulse::Handle::current();
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next();
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(600);
    // It answers from a thread of its own, until it is dropped.
    let console = match &path {
        Some(path) => ConsoleServer::bind_unix(path, &handle),
        None => ConsoleServer::bind("127.0.0.1:0", &handle),
    }
    .expect("the console listens");
    match (console.path(), console.local_addr()) {
        (Some(path), _) => println!("console: {}", path.display()),
        (_, Some(address)) => println!("console: http://{address}"),
        _ => {}
    }

    let end = Instant::now() + Duration::from_secs(seconds);
    for (name, millis) in [("thumbnails", 40), ("report", 120)] {
        Builder::new().name(name).spawn(async move {
            loop {
                burn(Duration::from_millis(millis));
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
        });
    }
    tokio::time::sleep_until(end.into()).await;
}

/// Work that does not yield.
fn burn(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::black_box(began);
    }
}
