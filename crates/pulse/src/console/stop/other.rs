//! Ctrl-C, where there are no signals.

use std::io;

/// Listens while it is asked.
pub(crate) struct Stop;

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Until the program should end.
    pub(crate) async fn asked(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // It cannot be heard: the key still can.
            std::future::pending::<()>().await;
        }
    }
}
