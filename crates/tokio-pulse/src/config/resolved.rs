//! What the layers came to.

use super::keys::Key;
use super::table::Draft;
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
}

impl Resolved {
    pub(super) fn new(draft: Draft, keys: &'static [Key], origins: Vec<Origin>) -> Self {
        let settings = keys
            .iter()
            .zip(origins)
            .map(|(key, origin)| Setting {
                key: &key.name,
                value: key.text(&key.get(&draft)),
                origin,
            })
            .collect();
        Self { config: draft.config, runtime: draft.runtime, settings }
    }

    /// All of it as a TOML file, comments included, that gives it back when read.
    pub fn to_toml(&self) -> String {
        document::of_draft(&Draft { config: self.config.clone(), runtime: self.runtime })
    }
}
