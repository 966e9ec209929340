//! Where the values in force come from, kept beside them while updates come and go.

use super::keys;
use super::layers::base;
use super::table::Draft;
use super::{Origin, Resolved, RuntimeSettings, Setting, TierConfig};

/// Where the values in force come from.
pub(super) struct Provenance {
    /// Of each key, in the order of the table.
    origins: Vec<Origin>,
    runtime: RuntimeSettings,
    revision: u64,
}

impl Provenance {
    pub(super) fn of(resolved: &Resolved) -> Self {
        let origins = resolved.settings.iter().map(|setting| setting.origin.clone()).collect();
        Self { origins, runtime: resolved.runtime, revision: 1 }
    }

    /// Of a configuration that a program has made: what differs from its profile is the program's.
    pub(super) fn guess(config: &TierConfig) -> Self {
        let profile = TierConfig::profile(config.base_profile());
        let origins = match base(&[]) {
            Ok((_, defaults)) => defaults,
            // Without assignments there is nothing to refuse.
            Err(_) => vec![Origin::Default; keys::all().len()],
        };
        let mut provenance = Self { origins, runtime: RuntimeSettings::default(), revision: 1 };
        let default = TierConfig::default();
        provenance.note(&default, &profile, &Origin::Profile(config.base_profile()));
        provenance.note(&profile, config, &Origin::Builder);
        provenance
    }

    /// Takes up the origins of all values, but of those that are read at start only.
    pub(super) fn adopt(&mut self, resolved: &Resolved) {
        for (origin, setting) in self.origins.iter_mut().zip(&resolved.settings) {
            if !setting.start_only {
                *origin = setting.origin.clone();
            }
        }
    }

    pub(super) fn note_changes(&mut self, before: &TierConfig, after: &TierConfig) {
        self.note(before, after, &Origin::Update);
    }

    fn note(&mut self, before: &TierConfig, after: &TierConfig, origin: &Origin) {
        let (before, after) = (self.draft(before), self.draft(after));
        for key in keys::all() {
            if key.get(&before) != key.get(&after) {
                self.origins[key.position] = origin.clone();
            }
        }
    }

    /// There is another configuration.
    pub(super) fn count(&mut self) {
        self.revision += 1;
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn origin(&self, key: &keys::Key) -> &Origin {
        &self.origins[key.position]
    }

    pub(super) fn draft(&self, config: &TierConfig) -> Draft {
        Draft { config: config.clone(), runtime: self.runtime }
    }

    pub(super) fn settings(&self, config: &TierConfig) -> Vec<Setting> {
        let draft = self.draft(config);
        let setting = |key: &'static keys::Key| Setting::new(key, &draft, self.origin(key).clone());
        keys::all().iter().map(setting).collect()
    }
}
