//! What the layers came to.

use super::keys::Key;
use super::table::Draft;
use super::value::Kind;
use super::{Origin, TierConfig, document};

/// Settings that count when a runtime is built, and at no other time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeSettings {
    /// Workers that serve tasks; `None`: as Tokio does it.
    pub worker_threads: Option<usize>,
    /// Workers that stand by; `None`: by the number of workers.
    pub reserve_workers: Option<usize>,
    /// The real-time signal, so many above `SIGRTMIN`, by which threads are asked for their stacks;
    /// `None`: `SIGURG`.
    pub stack_signal: Option<u8>,
}

/// What the layers came to, and which layer each value is from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resolved {
    /// What can also be changed later.
    pub config: TierConfig,
    /// What cannot.
    pub runtime: RuntimeSettings,
    /// Each key that holds one value, in the order of the documentation.
    pub settings: Vec<Setting>,
}

/// One key, its value, and where that came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The name in a file, with dots.
    pub key: &'static str,
    /// The value, as one would write it.
    pub value: String,
    /// The layer.
    pub origin: Origin,
    /// What it is for.
    pub meaning: &'static str,
    /// What would do, as the end of the sentence "give ...".
    pub expected: String,
    /// The words that would do, if there are only some.
    pub choices: &'static [&'static str],
    /// It is read when a runtime starts, and cannot be changed later.
    pub start_only: bool,
}

impl Setting {
    pub(super) fn new(key: &'static Key, draft: &Draft, origin: Origin) -> Self {
        Self {
            key: &key.name,
            value: key.text(&key.get(draft)),
            origin,
            meaning: key.field.meaning,
            expected: key.expected(),
            choices: match key.field.kind {
                Kind::Choice(words) => words,
                _ => &[],
            },
            start_only: key.is_start_only(),
        }
    }
}

impl Resolved {
    pub(super) fn new(draft: Draft, keys: &'static [Key], origins: Vec<Origin>) -> Self {
        let settings = keys
            .iter()
            .zip(origins)
            .map(|(key, origin)| Setting::new(key, &draft, origin))
            .collect();
        Self { config: draft.config, runtime: draft.runtime, settings }
    }

    /// All of it as a TOML file, comments included, that gives it back when read.
    pub fn to_toml(&self) -> String {
        document::of_draft(&Draft { config: self.config.clone(), runtime: self.runtime })
    }
}
