//! With the feature `config-file`: TOML, read strictly. What is not known is a typo.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Contents;
use crate::config::keys::{self, Key};
use crate::config::layers::Assignment;
use crate::config::value::{Kind, Value};
use crate::config::{ConfigError, Origin};

#[path = "rules.rs"]
mod rules;

pub(in crate::config) fn available(_path: &Path) -> Result<(), ConfigError> {
    Ok(())
}

/// What the text says. `path` is for messages only.
pub(in crate::config) fn parse(path: &Path, text: &str) -> Result<Contents, ConfigError> {
    let source = Source { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        ConfigError::syntax(error.message()).at(source.at(error.span().unwrap_or(0..0)))
    })?;
    let mut contents = Contents::default();
    source.read_table(table.get_ref(), "", &mut contents)?;
    Ok(contents)
}

/// The text, to tell lines and columns.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    /// The place that a span of bytes begins at.
    fn at(&self, span: Range<usize>) -> Origin {
        let bytes = self.text.as_bytes();
        let before = &bytes[..span.start.min(bytes.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        // Each character has one byte that does not continue another.
        let column = 1 + before[line_start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        Origin::file(self.path, line, column)
    }

    fn read_table(
        &self,
        table: &DeTable<'_>,
        section: &str,
        contents: &mut Contents,
    ) -> Result<(), ConfigError> {
        for (word, value) in in_order(table) {
            let name = match section {
                "" => word.get_ref().to_string(),
                section => format!("{section}.{}", word.get_ref()),
            };
            match value.get_ref() {
                value if name == "rule" => {
                    contents.rules = rules::read(self, value, word.span())?;
                }
                DeValue::Table(inner) if is_section(&name) => {
                    self.read_table(inner, &name, contents)?;
                }
                found if is_section(&name) => {
                    let error = ConfigError::value(&name, show(found), "a table");
                    return Err(error.at(self.at(value.span())));
                }
                _ => {
                    let key = keys::find(&name).map_err(|error| error.at(self.at(word.span())))?;
                    contents.assignments.push(self.assignment(key, value)?);
                }
            }
        }
        Ok(())
    }

    fn assignment(
        &self,
        key: &'static Key,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Assignment, ConfigError> {
        let origin = self.at(value.span());
        match convert(key, value.get_ref()) {
            Some(value) => Ok(Assignment { key, value, origin }),
            None => Err(key.refuse(show(value.get_ref())).at(origin)),
        }
    }
}

/// As written, so that the first mistake of a file is the one that is told.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(word, _)| word.span().start);
    entries
}

/// Some key is below it.
fn is_section(name: &str) -> bool {
    keys::all()
        .iter()
        .any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// Each kind of key has its type in TOML, and only that.
fn convert(key: &Key, found: &DeValue<'_>) -> Option<Value> {
    match (key.field.kind, found) {
        (_, DeValue::String(word)) if key.field.unset == Some(&**word) => Some(Value::Unset),
        (Kind::Duration(..) | Kind::Choice(_) | Kind::Name, DeValue::String(text)) => {
            key.parse(text).ok()
        }
        (Kind::Count(..), DeValue::Integer(number)) => {
            u64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Count)
        }
        (Kind::Factor(..), DeValue::Integer(number)) if number.radix() == 10 => {
            key.parse(number.as_str()).ok()
        }
        (Kind::Factor(..), DeValue::Float(number)) => key.parse(number.as_str()).ok(),
        _ => None,
    }
}

fn show(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "an array".into(),
        DeValue::Table(_) => "a table".into(),
    }
}
