//! Which files a process runs code of, the same on all platforms.

use std::path::PathBuf;

/// A piece of code in this process's memory, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedCode {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) offset: u64,
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
    pub(crate) image: Option<Vec<u8>>,
}

impl MappedCode {
    /// Its first address.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The first address after it.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Where in the file it begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What the system calls it; usually the file's path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where to open the file: that of the program also after it was deleted, of a library not.
    pub fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// The image itself, when the kernel keeps it in memory and there is no file.
    pub fn image(&self) -> Option<&[u8]> {
        self.image.as_deref()
    }
}
