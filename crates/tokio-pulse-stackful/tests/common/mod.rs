//! What tests share that start their own program again.

use std::env;
use std::process::Command;

/// This program, once more. Of an emulated one the host's kernel knows nothing, so it is started through
/// its emulator: `STACKFUL_RUNNER` has that command, with spaces between its words.
pub(crate) fn this_program() -> Command {
    let program = env::current_exe().unwrap();
    let runner = env::var("STACKFUL_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    let Some(emulator) = words.next() else { return Command::new(program) };
    let mut command = Command::new(emulator);
    command.args(words).arg(program);
    command
}
