use std::time::Instant;

use super::*;
use crate::config::TierConfig;

const PATIENCE: Duration = Duration::from_secs(20);

struct Fixture {
    _folder: tempfile::TempDir,
    path: PathBuf,
    handle: ConfigHandle,
}

impl Fixture {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.toml");
        std::fs::write(&path, text).unwrap();
        Self { _folder: folder, path, handle: ConfigHandle::new(TierConfig::default()) }
    }

    fn write(&self, text: &str) {
        // As a careful writer does it: nobody sees half a file.
        let draft = self.path.with_extension("new");
        std::fs::write(&draft, text).unwrap();
        // On Windows not while somebody reads the old one.
        until("the file can be replaced", || std::fs::rename(&draft, &self.path).is_ok());
    }

    fn watch(&self) -> FileWatch {
        self.handle.watch_file(&self.path, Duration::ZERO).unwrap()
    }

    fn slice_ms(&self) -> u128 {
        self.handle.current().slice().as_millis()
    }
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn each_change_is_taken_up() {
    let file = Fixture::new("slice = \"5ms\"");
    let watch = file.watch();
    assert_eq!(file.slice_ms(), 5);
    for ms in [6, 7, 8] {
        file.write(&format!("slice = \"{ms}ms\""));
        until("the change", || file.slice_ms() == ms);
    }
    assert!(watch.last_error().is_none());
}

#[test]
fn a_bad_file_leaves_the_configuration_and_its_error_can_be_read() {
    let file = Fixture::new("slice = \"5ms\"");
    let watch = file.watch();
    file.write("slice = \"5 ms\"");
    until("the error", || watch.last_error().is_some());
    assert_eq!(watch.last_error().unwrap().key(), Some("slice"));
    assert_eq!(file.slice_ms(), 5);
    file.write("slice = \"6ms\"");
    until("the good file", || watch.last_error().is_none());
    assert_eq!(file.slice_ms(), 6);

    std::fs::remove_file(&file.path).unwrap();
    until("the loss", || watch.last_error().is_some());
    assert_eq!(file.slice_ms(), 6);
    // The same text as before is good again.
    file.write("slice = \"6ms\"");
    until("the return", || watch.last_error().is_none());
}

#[test]
fn a_file_that_is_bad_from_the_beginning_is_not_watched() {
    let file = Fixture::new("slice = 5");
    let error = file.handle.watch_file(&file.path, Duration::ZERO).unwrap_err();
    assert!(error.is_file() && error.is_value());
    assert_eq!(file.slice_ms(), 10);
}

#[test]
fn the_same_length_at_the_same_time_is_still_a_change() {
    let file = Fixture::new("slice = \"5ms\"");
    let _watch = file.watch();
    let modified = std::fs::metadata(&file.path).unwrap().modified().unwrap();
    let writer = std::fs::OpenOptions::new().write(true).open(&file.path).unwrap();
    std::io::Write::write_all(&mut &writer, b"slice = \"6ms\"").unwrap();
    writer.set_modified(modified).unwrap();
    until("the change", || file.slice_ms() == 6);
}

#[test]
fn what_has_not_changed_does_not_undo_an_update() {
    let file = Fixture::new("slice = \"5ms\"");
    let _watch = file.watch();
    let mut news = file.handle.subscribe();
    file.handle.update_config(TierConfig::default());
    news.mark_unchanged();
    // Written again, with the same text.
    file.write("slice = \"5ms\"");
    std::thread::sleep(MIN_INTERVAL * 5);
    assert!(!news.has_changed().unwrap());
    assert_eq!(file.slice_ms(), 10);
}

#[test]
fn a_settled_file_is_not_read() {
    let file = Fixture::new("slice = \"5ms\"");
    let old = SystemTime::now() - 2 * COARSEST_TIME;
    let set_old = || std::fs::File::options().write(true).open(&file.path)?.set_modified(old);
    set_old().unwrap();
    let mut watcher =
        Watcher { handle: file.handle.clone(), path: file.path.clone(), taken: None, stamp: None };
    watcher.look().unwrap();
    // A change that the stamp does not show.
    std::fs::write(&file.path, "slice = \"6ms\"").unwrap();
    set_old().unwrap();
    assert!(watcher.look_if_changed().is_none());
    assert_eq!(file.slice_ms(), 5);
}

#[test]
fn the_guard_ends_the_thread_at_once() {
    let file = Fixture::new("");
    for interval in [Duration::from_secs(3600), Duration::MAX] {
        let watch = file.handle.watch_file(&file.path, interval).unwrap();
        let begun = Instant::now();
        drop(watch);
        assert!(begun.elapsed() < PATIENCE);
    }
}
