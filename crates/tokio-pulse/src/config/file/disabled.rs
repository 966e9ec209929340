//! Without the feature `config-file`: the answer which feature it takes.

use std::path::Path;

use super::Contents;
use crate::config::{ConfigError, Origin};

pub(in crate::config) fn available(path: &Path) -> Result<(), ConfigError> {
    Err(ConfigError::no_feature().at(Origin::file(path, 0, 0)))
}

pub(in crate::config) fn parse(path: &Path, _text: &str) -> Result<Contents, ConfigError> {
    available(path).map(|()| Contents::default())
}
