//! Standard output and standard error, without the panic that `println!` has for a closed pipe.

use std::io::{self, Write as _};

use crate::Error;

/// Writes one piece of text and a newline to standard output.
///
/// A reader that went away (`pulse demo | head -1`) has what it wanted: not an error.
pub(crate) fn say(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Stdout(error)),
        _ => Ok(()),
    }
}

/// Tells the user why the command stops.
pub(crate) fn complain(error: &Error) {
    let _ = writeln!(io::stderr().lock(), "error: {error}");
}

/// Tells the user something that does not stop the command.
pub(crate) fn warn(text: &str) {
    let _ = writeln!(io::stderr().lock(), "warning: {text}");
}
