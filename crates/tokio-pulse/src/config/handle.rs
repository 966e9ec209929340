//! The configuration of a working runtime, and how another takes its place.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::provenance::Provenance;
use super::{ConfigError, FileWatch, Layers, Resolved, TierConfig, file};
use crate::tier::{Tier, TierPolicy};

/// The configuration of a working runtime. Clones are handles to the same one.
///
/// A configuration is checked as a whole before it takes the place of the one there is; one that is
/// refused changes nothing. Tasks take up a new one at the next occasion that they are judged at.
///
/// **A poll never waits for a configuration.** Who reads takes no lock: [`current`](Self::current)
/// is a few atomic operations, whatever a writer is doing, and a writer that the kernel sets aside
/// in the middle of an update holds nobody up but other writers. Hence `ArcSwap` for readers beside
/// the channel, whose own `borrow` is a lock.
///
/// ```
/// use tokio_pulse::{ConfigHandle, ConfigProfile, TierConfig};
///
/// let handle = ConfigHandle::new(TierConfig::default());
/// handle.update_config(TierConfig::profile(ConfigProfile::Aggressive));
/// assert_eq!(handle.current().base_profile(), ConfigProfile::Aggressive);
/// ```
#[derive(Clone)]
pub struct ConfigHandle(pub(super) Arc<Shared>);

pub(super) struct Shared {
    current: ArcSwap<TierConfig>,
    news: watch::Sender<Arc<TierConfig>>,
    /// What a file is laid between when it is read again.
    layers: Layers,
    /// Held from what an update reads to what it writes, so that no update is lost to another.
    updates: Mutex<Provenance>,
}

impl ConfigHandle {
    /// Begins with that configuration.
    pub fn new(config: TierConfig) -> Self {
        Self::with_layers(config, Layers::new())
    }

    /// Begins with that configuration, which those layers came to. A file that is read again is
    /// laid between the same layers.
    pub fn with_layers(config: TierConfig, layers: Layers) -> Self {
        let provenance = Provenance::guess(&config);
        Self::begin(config, provenance, layers)
    }

    /// Begins with what those layers came to.
    pub(crate) fn of_resolved(resolved: Resolved, layers: Layers) -> Self {
        let provenance = Provenance::of(&resolved);
        Self::begin(resolved.config, provenance, layers)
    }

    fn begin(config: TierConfig, provenance: Provenance, layers: Layers) -> Self {
        let config = Arc::new(config);
        Self(Arc::new(Shared {
            current: ArcSwap::new(config.clone()),
            news: watch::Sender::new(config),
            layers,
            updates: Mutex::new(provenance),
        }))
    }

    /// The configuration as it is now. It does not change any more; ask again for the next one.
    pub fn current(&self) -> Arc<TierConfig> {
        Arc::clone(&self.load())
    }

    /// As [`current`](Self::current), for a short look: there are only so many cheap ones at once.
    pub(crate) fn load(&self) -> arc_swap::Guard<Arc<TierConfig>> {
        self.0.current.load()
    }

    /// Puts another configuration in its place.
    pub fn update_config(&self, config: TierConfig) {
        self.publish_changed(&mut self.updating(), config);
    }

    /// Puts another policy for one tier in its place.
    ///
    /// # Errors
    ///
    /// When it does not go with the rest of the configuration; nothing has changed then.
    pub fn update_tier_policy(&self, tier: Tier, policy: TierPolicy) -> Result<(), ConfigError> {
        let mut updating = self.updating();
        let config = self.load().to_builder().tier_policy(tier, policy).build()?;
        self.publish_changed(&mut updating, config);
        Ok(())
    }

    /// Reads a file, in the place of the one that the runtime began with.
    ///
    /// What the program and the environment said at the beginning still counts for more than the
    /// file. Updates that were made since are gone. Keys that are read at start only are checked,
    /// and change nothing.
    ///
    /// # Errors
    ///
    /// As in [`Layers::resolve`]; nothing has changed then.
    pub fn reload_file(&self, path: impl AsRef<Path>) -> Result<(), ConfigError> {
        let mut updating = self.updating();
        let text = file::read(path.as_ref())?;
        self.take_up(&mut updating, path.as_ref(), &text)
    }

    /// Reads a file now, and again whenever it has changed, until the guard is dropped. Looks at it
    /// every `interval`, but every 10 ms at most.
    ///
    /// # Errors
    ///
    /// As in [`reload_file`](Self::reload_file), or when no thread can be started. Errors that come
    /// later are told by [`FileWatch::last_error`].
    pub fn watch_file(
        &self,
        path: impl Into<PathBuf>,
        interval: Duration,
    ) -> Result<FileWatch, ConfigError> {
        FileWatch::start(self.clone(), path.into(), interval)
    }

    /// A receiver that is told of each new configuration.
    pub fn subscribe(&self) -> watch::Receiver<Arc<TierConfig>> {
        self.0.news.subscribe()
    }

    pub(super) fn reload_text(&self, path: &Path, text: &str) -> Result<(), ConfigError> {
        self.take_up(&mut self.updating(), path, text)
    }

    fn take_up(
        &self,
        updating: &mut Provenance,
        path: &Path,
        text: &str,
    ) -> Result<(), ConfigError> {
        let resolved = self.0.layers.resolve_with(path, text)?;
        updating.adopt(&resolved);
        self.publish(updating, resolved.config);
        Ok(())
    }

    /// What a panic under the lock may leave behind is an origin that is not true.
    pub(super) fn updating(&self) -> MutexGuard<'_, Provenance> {
        self.0.updates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What differs from before was changed by an update.
    pub(super) fn publish_changed(&self, updating: &mut Provenance, config: TierConfig) {
        updating.note_changes(&self.load(), &config);
        self.publish(updating, config);
    }

    /// Readers first: whoever is told must find it.
    pub(super) fn publish(&self, updating: &mut Provenance, config: TierConfig) {
        let config = Arc::new(config);
        updating.count();
        self.0.current.store(config.clone());
        self.0.news.send_replace(config);
    }
}

impl fmt::Debug for ConfigHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigHandle").field("current", &self.current()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "handle_tests.rs"]
mod tests;
