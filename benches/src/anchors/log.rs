//! A file with the lines of all runs, one by one as they come.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Error;
use super::columns::Column;
use super::outcome::Outcome;
use super::systems::System;

/// Writes nothing without a path.
#[derive(Debug)]
pub(crate) struct Log(Option<(PathBuf, File)>);

impl Log {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Self(None)) };
        match File::create(path) {
            Ok(file) => Ok(Self(Some((path.into(), file)))),
            Err(source) => Err(Error::Log { path: path.into(), source }),
        }
    }

    pub(crate) fn write(
        &mut self,
        system: &System,
        column: &Column,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let Some((path, file)) = &mut self.0 else { return Ok(()) };
        let (name, column) = (&system.name, column.title);
        let entry = match outcome {
            Outcome::Done { text, .. } => {
                let line = serde_json::from_str(text).unwrap_or(Value::Null);
                json!({ "name": name, "column": column, "line": line })
            }
            Outcome::Failed(failure) => {
                json!({ "name": name, "column": column, "failed": failure.to_string() })
            }
        };
        let path = path.clone();
        writeln!(file, "{entry}").map_err(|source| Error::Log { path, source })
    }
}
