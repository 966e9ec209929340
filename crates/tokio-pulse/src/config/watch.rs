//! A thread that reads a configuration file again when it has changed.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use super::{ConfigError, ConfigHandle, file};

/// More often would be a load and not a watch.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// File systems round the time of modification, the coarsest ones to two seconds. Of a file that
/// was written less long ago, the time and the length may stay as they are when it is written
/// again.
const COARSEST_TIME: Duration = Duration::from_secs(2);

/// Watches a configuration file until it is dropped.
///
/// A file that cannot be read, or is refused, leaves the configuration as it was; the reason is
/// [`last_error`](Self::last_error) until the file is good again.
#[derive(Debug)]
#[must_use = "the file is watched until this is dropped"]
pub struct FileWatch {
    error: Arc<Mutex<Option<ConfigError>>>,
    /// Dropped to stop the thread.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FileWatch {
    pub(super) fn start(
        handle: ConfigHandle,
        path: PathBuf,
        interval: Duration,
    ) -> Result<Self, ConfigError> {
        let mut watcher = Watcher { handle, path, taken: None, stamp: None };
        watcher.look()?;
        let error = Arc::new(Mutex::new(None));
        let (stop, stopped) = mpsc::channel::<()>();
        let told = error.clone();
        let interval = interval.max(MIN_INTERVAL);
        let watch = move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                if let Some(news) = watcher.look_if_changed() {
                    *lock(&told) = news.err();
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("pulse-config".into())
            .spawn(watch)
            .map_err(ConfigError::watch)?;
        Ok(Self { error, stop: Some(stop), thread: Some(thread) })
    }

    /// Why the file as it is now is not in force; `None` when it is.
    pub fn last_error(&self) -> Option<ConfigError> {
        lock(&self.error).clone()
    }
}

impl Drop for FileWatch {
    fn drop(&mut self) {
        // Wakes the thread at once, whatever the interval.
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watcher {
    handle: ConfigHandle,
    path: PathBuf,
    /// The text that was read last, good or bad; `None` when it could not be read.
    taken: Option<String>,
    stamp: Option<Stamp>,
}

/// What tells, without reading it, that a file has not changed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
}

impl Stamp {
    /// `None` when there is none that could be relied on.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        let settled = modified.elapsed().is_ok_and(|age| age > COARSEST_TIME);
        settled.then_some(Self { modified, length: metadata.len() })
    }
}

impl Watcher {
    /// `None` when nothing has changed.
    fn look_if_changed(&mut self) -> Option<Result<(), ConfigError>> {
        let stamp = Stamp::of(&self.path);
        if stamp.is_some() && stamp == self.stamp {
            return None;
        }
        let before = self.taken.clone();
        let result = self.look();
        let changed = self.taken.is_none() || self.taken != before;
        changed.then_some(result)
    }

    /// Reads the file, and takes it up if its text is not the one there is.
    fn look(&mut self) -> Result<(), ConfigError> {
        // Taken before the text: what is written in between has another.
        self.stamp = Stamp::of(&self.path);
        let text = match file::read(&self.path) {
            Ok(text) => text,
            Err(error) => {
                self.taken = None;
                return Err(error);
            }
        };
        if self.taken.as_ref() == Some(&text) {
            return Ok(());
        }
        let result = self.handle.reload_text(&self.path, &text);
        self.taken = Some(text);
        result
    }
}

#[cfg(all(test, not(pulse_loom), feature = "config-file"))]
#[path = "watch_tests.rs"]
mod tests;
