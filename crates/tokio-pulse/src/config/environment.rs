//! The layer of environment variables.
//!
//! They are handed in, not fetched: a test must not change what its neighbours see.

use std::ffi::OsString;
use std::path::PathBuf;

use super::keys::{self, PREFIX};
use super::layers::Assignment;
use super::{ConfigError, Origin, nearest};

/// Names the file; no key, for a file cannot name itself.
const FILE: &str = "TOKIO_PULSE_CONFIG";

/// What the variables say.
#[derive(Default)]
pub(super) struct Environment {
    pub(super) file: Option<PathBuf>,
    pub(super) assignments: Vec<Assignment>,
}

/// Keeps the variables that are meant for Pulse. Others are nobody's business here.
pub(super) fn ours(
    variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
) -> Vec<(String, OsString)> {
    variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into().into_string().ok()?, value.into())))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

pub(super) fn read(variables: &[(String, OsString)]) -> Result<Environment, ConfigError> {
    let mut environment = Environment::default();
    for (name, value) in variables {
        if name == FILE {
            if value.is_empty() {
                let error = ConfigError::value(FILE, "empty", "a path, or unset it");
                return Err(error.at(Origin::variable(name)));
            }
            environment.file = Some(value.into());
        } else {
            environment.assignments.push(assignment(name, value)?);
        }
    }
    Ok(environment)
}

fn assignment(name: &str, value: &OsString) -> Result<Assignment, ConfigError> {
    let Some(key) = keys::all().iter().find(|key| key.variable == name) else {
        let known = keys::all().iter().map(|key| key.variable.as_str()).chain([FILE]);
        // The prefix must not count as likeness.
        let known = known.map(|known| &known[PREFIX.len()..]);
        let nearest = nearest::nearest(&name[PREFIX.len()..], known);
        let nearest = nearest.map(|rest| format!("{PREFIX}{rest}"));
        return Err(ConfigError::unknown_variable(name, nearest.as_deref()));
    };
    let origin = Origin::variable(name);
    let value = match value.to_str() {
        Some(text) => key.parse(text),
        None => Err(key.refuse("not Unicode")),
    };
    match value {
        Ok(value) => Ok(Assignment { key, value, origin }),
        Err(error) => Err(error.at(origin)),
    }
}
