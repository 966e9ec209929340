//! A Unix socket that only its owner can connect to.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};

use tokio::net::{UnixListener, UnixStream};

pub(crate) struct BoundSocket(StdListener);

/// The file of a socket; removed with this, unless another is there by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl BoundSocket {
    /// A socket that a program has left behind is replaced.
    ///
    /// The file is never there with another mode than 0600: it comes into being in a folder that only
    /// the owner can enter, and is moved into its place.
    pub(crate) fn bind(path: &Path) -> io::Result<(Self, SocketFile)> {
        make_room(path)?;
        let folder = private_folder_beside(path)?;
        let bound = bind_in(&folder, path);
        // Empty unless that has failed half way.
        let _ = fs::remove_dir_all(&folder);
        bound
    }

    /// Within a Tokio runtime.
    pub(super) fn listen(self) -> io::Result<Listener> {
        UnixListener::from_std(self.0).map(Listener)
    }
}

fn bind_in(folder: &Path, path: &Path) -> io::Result<(BoundSocket, SocketFile)> {
    let inside = folder.join("s");
    let listener = StdListener::bind(&inside)?;
    listener.set_nonblocking(true)?;
    fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
    let inode = inode(&inside)?;
    fs::rename(&inside, path)?;
    Ok((BoundSocket(listener), SocketFile { path: path.to_owned(), inode }))
}

/// Fails if somebody listens there, or if it is no socket.
fn make_room(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        let message = format!("{} is there and is no socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    match StdStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        _ => {
            let message = format!("another program listens at {}", path.display());
            Err(io::Error::new(io::ErrorKind::AddrInUse, message))
        }
    }
}

/// Its name is as short as can be: that of a socket is bounded.
fn private_folder_beside(path: &Path) -> io::Result<PathBuf> {
    let parent = path.parent().unwrap_or(Path::new(""));
    let process = std::process::id();
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..100 {
        let folder = parent.join(format!(".{process:x}{attempt}"));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

impl SocketFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|found| found == self.inode) {
            // Gone already, or not ours to remove: nothing to be done about either.
            let _ = fs::remove_file(&self.path);
        }
    }
}

pub(super) struct Listener(UnixListener);

impl Listener {
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        let (stream, _) = ready!(self.0.poll_accept(cx))?;
        Poll::Ready(Ok(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_its_owners_and_goes_with_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.sock");
        let (socket, file) = BoundSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");

        let error = BoundSocket::bind(&path).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(socket);
        // As a program that was killed leaves it.
        let (_socket, newer) = BoundSocket::bind(&path).unwrap();
        drop(file);
        assert!(path.exists(), "the newer one's is left alone");
        drop(newer);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "notes").unwrap();
        let error = BoundSocket::bind(&path).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
    }
}
