//! The client of the console: `pulse top`, `pulse config` and `pulse stacks`.
//!
//! ```text
//! target -> conn -> message -> state -> view -> terminal
//!           client             pure     draws
//! ```
//!
//! `conn` knows the network and nothing of what is shown. `state` knows what has been told and what
//! the operator is about, and does no input or output. `view` draws a state. What runs beside what in
//! `pulse top` is in `README.md` beside this file.

mod config;
mod conn;
mod error;
mod format;
mod message;
mod once;
pub(crate) mod options;
mod picture;
#[cfg(test)]
#[path = "../../tests/console/sample.rs"]
mod sample;
mod stacks;
mod state;
mod stop;
mod target;
#[doc(hidden)]
pub mod terminal;
mod top;
mod view;

pub use error::{ConsoleError, Refusal};

use std::future::Future;

use crate::Error;
use options::{ConfigCommand, ConfigOptions, PictureOptions, StacksOptions, TopOptions};

/// `pulse top`: the terminal program, or with `--once` what it would show first.
pub(crate) fn run_top(options: &TopOptions) -> Result<(), Error> {
    if options.once { block_on(once::run(options)) } else { block_on(top::run(options)) }
}

/// `pulse config`.
pub(crate) fn run_config(options: &ConfigOptions) -> Result<(), Error> {
    match &options.command {
        ConfigCommand::Get(get) => block_on(config::get(get)),
        ConfigCommand::Set(set) => block_on(config::set(set)),
    }
}

/// `pulse stacks`.
pub(crate) fn run_stacks(options: &StacksOptions) -> Result<(), Error> {
    block_on(stacks::run(options))
}

/// `pulse picture`.
pub(crate) fn run_picture(options: &PictureOptions) -> Result<(), Error> {
    picture::run(options)
}

/// One thread is enough: everything here waits, for the network or for a key.
fn block_on(future: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ConsoleError::Runtime)?.block_on(future)
}
