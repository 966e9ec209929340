//! The keys: each entry of the table, once for each tier or priority that it is about.

use std::sync::LazyLock;

use super::table::{Draft, FIELDS, Field};
use super::value::Value;
use super::{ConfigError, duration, nearest};
use crate::task::TaskPriority;
use crate::tier::Tier;

/// In front of every environment variable of Pulse.
pub(super) const PREFIX: &str = "TOKIO_PULSE_";

/// One key.
pub(super) struct Key {
    /// As in a file, with dots: `tier.1.action`.
    pub(super) name: String,
    /// As in the environment: `TOKIO_PULSE_TIER_1_ACTION`.
    pub(super) variable: String,
    /// Its place in [`all`].
    pub(super) position: usize,
    pub(super) field: &'static Field,
    /// The tier or priority that it is about, else 0.
    pub(super) index: usize,
}

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    // Entries about the same thing stand together; among them the tiers come one after the other.
    for group in FIELDS.chunk_by(|a, b| section(a.name) == section(b.name)) {
        let (placeholder, instances) = instances(group[0].name);
        for (index, instance) in instances.iter().enumerate() {
            for field in group {
                let name = field.name.replacen(placeholder, instance, 1);
                let variable = PREFIX.to_owned() + &name.replace('.', "_").to_uppercase();
                keys.push(Key { name, variable, position: keys.len(), field, index });
            }
        }
    }
    keys
});

/// All keys, in the order of the table.
pub(super) fn all() -> &'static [Key] {
    &KEYS
}

/// The key of that name, or an error with the closest one.
pub(super) fn find(name: &str) -> Result<&'static Key, ConfigError> {
    all().iter().find(|key| key.name == name).ok_or_else(|| {
        let names = all().iter().map(|key| key.name.as_str());
        ConfigError::unknown_key(name, nearest::nearest(name, names.chain(["rule"])))
    })
}

/// `tier.1` of `tier.1.action`; empty for a key that stands alone.
pub(super) fn section(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(section, _)| section)
}

/// The placeholder in the name of an entry, and what takes its place.
fn instances(name: &str) -> (&'static str, Vec<String>) {
    match name.split('.').nth(1) {
        Some("N") => ("N", Tier::ALL.map(|tier| tier.to_string()).into()),
        Some("P") => ("P", TaskPriority::ALL.map(|priority| priority.to_string()).into()),
        _ => ("", vec![String::new()]),
    }
}

impl Key {
    /// Counts when a runtime is built, and at no other time.
    pub(super) fn is_start_only(&self) -> bool {
        self.name.starts_with("runtime.")
    }

    /// The value in a draft.
    pub(super) fn get(&self, draft: &Draft) -> Value {
        (self.field.get)(draft, self.index)
    }

    /// Checks the value and puts it into a draft.
    pub(super) fn set(&self, draft: &mut Draft, value: &Value) -> Result<(), ConfigError> {
        if self.takes(value) && (self.field.set)(draft, self.index, value) {
            return Ok(());
        }
        Err(self.refuse(self.text(value)))
    }

    fn takes(&self, value: &Value) -> bool {
        match value {
            Value::Unset => self.field.unset.is_some(),
            value => self.field.kind.contains(value),
        }
    }

    /// Reads a value from text. Its range is checked when it is put somewhere.
    pub(super) fn parse(&self, text: &str) -> Result<Value, ConfigError> {
        if self.field.unset == Some(text) {
            return Ok(Value::Unset);
        }
        self.field.kind.parse(text).ok_or_else(|| self.refuse(format!("{text:?}")))
    }

    pub(super) fn refuse(&self, found: impl Into<String>) -> ConfigError {
        ConfigError::value(&self.name, found, self.expected())
    }

    /// The end of the sentence "give ...".
    pub(super) fn expected(&self) -> String {
        let unset = self.field.unset.map(|word| format!(", or {word:?}")).unwrap_or_default();
        self.field.kind.expected() + &unset
    }

    /// A value as text that [`parse`](Self::parse) reads back.
    pub(super) fn text(&self, value: &Value) -> String {
        match value {
            Value::Duration(duration) => duration::text(*duration),
            Value::Count(count) => count.to_string(),
            Value::Factor(factor) => factor.to_string(),
            Value::Word(word) => word.clone(),
            Value::Unset => self.field.unset.unwrap_or("none").to_owned(),
        }
    }
}
