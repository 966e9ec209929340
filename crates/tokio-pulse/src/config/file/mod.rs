//! The layer of a TOML file. With the feature `config-file` only.

#[cfg(feature = "config-file")]
#[path = "enabled.rs"]
mod variant;
#[cfg(not(feature = "config-file"))]
#[path = "disabled.rs"]
mod variant;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::layers::Assignment;
use super::{ConfigError, Origin, Rule};

pub(super) use variant::parse;

/// Nobody writes more by hand; a wrong path may lead to much more.
const MAX_BYTES: u64 = 1 << 20;

/// What a file says.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) assignments: Vec<Assignment>,
    pub(super) rules: Vec<Rule>,
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    // Before it is looked for: without the feature it would not help if it were there.
    variant::available(path)?;
    read_text(path).map_err(|error| ConfigError::read(error).at(Origin::file(path, 0, 0)))
}

fn read_text(path: &Path) -> io::Result<String> {
    let refuse = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    // Opening a pipe would wait for somebody to write.
    if !std::fs::metadata(path)?.is_file() {
        return refuse("not a regular file");
    }
    let mut text = String::new();
    let read = File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_BYTES {
        return refuse("longer than 1 MiB");
    }
    Ok(text)
}

#[cfg(all(test, not(pulse_loom), feature = "config-file"))]
#[path = "tests.rs"]
mod tests;
