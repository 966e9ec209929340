//! The configuration, and what the service said about attempts to change it.

use std::collections::BTreeMap;

use tokio_pulse_proto::v1;

use super::Cursor;

#[derive(Debug, Default)]
pub(crate) struct ConfigPane {
    settings: Vec<v1::Setting>,
    pub(crate) rules: Vec<v1::Rule>,
    pub(crate) revision: u64,
    pub(crate) filter: String,
    pub(crate) cursor: Cursor<String>,
    /// Why the last value given for a key was refused.
    pub(crate) errors: BTreeMap<String, String>,
}

impl ConfigPane {
    pub(super) fn told(&mut self, config: v1::Config) {
        self.settings = config.settings;
        self.rules = config.rules;
        self.revision = config.revision;
        self.settle();
    }

    pub(super) fn filter_by(&mut self, filter: String) {
        self.filter = filter;
        self.settle();
    }

    fn settle(&mut self) {
        let keys: Vec<String> = self.shown().map(|setting| setting.key.clone()).collect();
        self.cursor.settle(keys.into_iter());
    }

    /// Those that the filter lets through.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &v1::Setting> {
        let filter = self.filter.to_lowercase();
        self.settings.iter().filter(move |setting| setting.key.to_lowercase().contains(&filter))
    }

    pub(crate) fn selected(&self) -> Option<&v1::Setting> {
        let key = self.cursor.selected()?;
        self.settings.iter().find(|setting| setting.key == *key)
    }

    pub(crate) fn setting(&self, key: &str) -> Option<&v1::Setting> {
        self.settings.iter().find(|setting| setting.key == key)
    }
}
