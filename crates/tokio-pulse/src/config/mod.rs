//! What Pulse goes by: plain, checked values, and the layers that they come from.
//!
//! [`TierConfig`] is one configuration, valid as a whole and never changed; [`ConfigHandle`] puts
//! another in its place while the runtime works. [`Layers`] finds the one to begin with: defaults,
//! [profile](ConfigProfile), file, builder, environment, of which the last that names a key wins.
//!
//! Each key is one entry of a table, `keys.rs`: its range, its meaning, where it is kept. Whatever
//! reads, shows or documents keys walks that table. `docs/configuration.md` of the repository lists
//! them all.

mod check;
mod demotion;
mod document;
mod duration;
mod environment;
mod error;
mod file;
mod glob;
mod handle;
mod keys;
mod layers;
mod live;
mod nearest;
mod origin;
mod profile;
mod provenance;
mod resolved;
mod rule;
mod runtime;
mod table;
mod tier_config;
mod tier_config_builder;
mod value;
mod watch;

pub use demotion::Demotion;
pub use error::ConfigError;
pub use handle::ConfigHandle;
pub use layers::Layers;
pub use live::{ConfigView, SiteTerms};
pub use origin::Origin;
pub use profile::ConfigProfile;
pub use resolved::{Resolved, RuntimeSettings, Setting};
pub use rule::{Rule, RuleBuilder, TaskFacts};
pub(crate) use runtime::{Config, DEFAULT_SLICE, Flavor, MAX_SLICE, MAX_THREADS, MIN_SLICE};
pub use tier_config::TierConfig;
pub use tier_config_builder::TierConfigBuilder;
pub use watch::FileWatch;

#[cfg(all(test, not(pulse_loom)))]
mod table_tests;
