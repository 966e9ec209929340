//! Who owns a group's directory, and what is done with those whose owner is dead.
//!
//! An owner keeps the directory open and holds a lock (`flock`) on it. The kernel lets the lock go
//! when the process ends, however it ends. So whoever gets the lock knows that the owner is dead,
//! also when it was in another pid namespace, where its number means nothing here; and a number that
//! was used again deceives nobody. The number in the name is for people.
//!
//! Who gets the lock of a directory may find that it is no longer the one with that name: somebody
//! else has removed it meanwhile. So it looks again. After that, all who keep to this leave it alone.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the names of all groups begin.
const PREFIX: &str = "tokio-pulse-";

/// How the names of groups end whose owner must see to it that the controller is switched off again.
const SWITCHED_ON: &str = "-cpu";

/// Groups with this process's number that are passed over: of other pid namespaces, or in use.
const NAMES: u32 = 4096;

/// A group's directory that this process owns.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl Claim {
    /// Makes a directory. `None` when all names are taken, or no directory can be locked.
    pub(super) fn create(base: &Path, switched_on: bool) -> io::Result<Option<Self>> {
        let end = if switched_on { SWITCHED_ON } else { "" };
        let mut lost = 0;
        for number in 0..NAMES {
            let path = base.join(format!("{PREFIX}{}-{number}{end}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            if let Some(claim) = Self::of(&path) {
                return Ok(Some(claim));
            }
            // Between the two, somebody took it for a leftover, and has it or has removed it.
            lost += 1;
            if lost == 8 {
                break;
            }
        }
        Ok(None)
    }

    /// Becomes the owner of a directory that has none.
    fn of(path: &Path) -> Option<Self> {
        let directory = File::open(path).ok()?;
        if !lock(&directory) {
            return None;
        }
        let (locked, named) = (directory.metadata().ok()?, fs::symlink_metadata(path).ok()?);
        let same = locked.ino() == named.ino() && locked.dev() == named.dev();
        same.then(|| Self { path: path.to_owned(), _lock: directory })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets all threads go to `base`, and removes the directory.
    ///
    /// A thread that is about to end cannot be moved, and is in the way until it has. That takes a
    /// moment only, so this waits for it, for 100 ms at most.
    pub(super) fn dissolve(self, base: &Path, threads: &str) -> io::Result<()> {
        let mut tries = 0;
        loop {
            let inside = fs::read_to_string(self.path.join(threads)).unwrap_or_default();
            for thread in inside.lines() {
                // One that has ended meanwhile is out as well.
                let _ = write(&base.join(threads), thread);
            }
            match fs::remove_dir(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) && tries < 100 => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(1));
                }
                result => return result,
            }
        }
    }
}

/// Removes the groups of dead processes.
pub(super) fn sweep(base: &Path, threads: &str) {
    for claim in groups(base).filter_map(|path| Claim::of(&path)) {
        // What cannot be removed now is left to whoever starts next.
        let _ = claim.dissolve(base, threads);
    }
}

/// Whether one of the groups must see to it that the controller is switched off again.
pub(super) fn any_switched_on(base: &Path) -> bool {
    groups(base).any(|path| name(&path).is_some_and(|name| name.ends_with(SWITCHED_ON)))
}

/// Whether there is any group of this kind.
pub(super) fn any(base: &Path) -> bool {
    groups(base).next().is_some()
}

/// `group`, or what it is in if it is one of these groups: a process started by an isolated thread
/// begins there, and must make no group that would be in its parent's way.
pub(super) fn without_own(group: &Path) -> &Path {
    group
        .ancestors()
        .find(|path| !name(path).is_some_and(|name| name.starts_with(PREFIX)))
        .unwrap_or(group)
}

/// Only one process at a time switches the controller of `base` on or off. `None` when another
/// holds on to it for more than 100 ms.
pub(super) fn lock_base(base: &Path) -> Option<File> {
    let directory = File::open(base).ok()?;
    for _ in 0..100 {
        if lock(&directory) {
            return Some(directory);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

/// One write of a whole value to a file that is there.
pub(super) fn write(file: &Path, value: &str) -> io::Result<()> {
    use std::io::Write;
    fs::OpenOptions::new().write(true).open(file)?.write_all(value.as_bytes())
}

fn groups(base: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| name(path).is_some_and(|name| name.starts_with(PREFIX)))
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// Takes the lock if nobody else has it. It goes with the last descriptor of this opening.
fn lock(directory: &File) -> bool {
    // SAFETY: no memory is involved, and the descriptor is open for as long as `directory` lives.
    unsafe { libc::flock(directory.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}
