//! What must hold between keys. What one key must hold by itself is in the table.

use super::table::Draft;
use super::{ConfigError, Origin, RuntimeSettings, TierConfig, duration, keys};
use crate::tier::Tier;

/// Two keys that do not go together.
pub(super) struct Conflict {
    key: String,
    other: String,
    found: String,
    expected: String,
}

impl Conflict {
    /// The error, placed at the one of the two keys that somebody has set.
    pub(super) fn error(self, origins: impl Fn(&str) -> Option<Origin>) -> ConfigError {
        let explicit = |key: &str| origins(key).filter(Origin::is_explicit);
        let origin = explicit(&self.key).or_else(|| explicit(&self.other));
        let error = ConfigError::value(self.key, self.found, self.expected);
        match origin {
            Some(origin) => error.at(origin),
            None => error,
        }
    }
}

/// Everything about one configuration: each value, and the values with each other.
pub(super) fn whole(config: TierConfig) -> Result<TierConfig, ConfigError> {
    let mut draft = Draft { config, runtime: RuntimeSettings::default() };
    for key in keys::all() {
        let value = key.get(&draft);
        key.set(&mut draft, &value)?;
    }
    between(&draft.config).map_err(|conflict| conflict.error(|_| None))?;
    Ok(draft.config)
}

/// The values with each other.
pub(super) fn between(config: &TierConfig) -> Result<(), Conflict> {
    for tier in Tier::ALL {
        let policy = config.policy(tier);
        // A task that is escalated must not be better off for it.
        if let Some(above) = tier.up() {
            let stricter = config.policy(above).action();
            if stricter < policy.action() {
                return Err(Conflict {
                    key: format!("tier.{above}.action"),
                    other: format!("tier.{tier}.action"),
                    found: stricter.to_string(),
                    expected: format!(
                        "an action at least as strict as tier.{tier}.action, which is {}",
                        policy.action()
                    ),
                });
            }
        }
        // Otherwise a poll could be good and a violation.
        if policy.good_poll_cpu() > config.slice() {
            let slice = duration::text(config.slice());
            return Err(Conflict {
                key: format!("tier.{tier}.good_poll_cpu"),
                other: "slice".into(),
                found: duration::text(policy.good_poll_cpu()),
                expected: format!("at most the slice, which is {slice}"),
            });
        }
    }
    Ok(())
}
