//! Copying from the stack of the calling thread, wherever that ends.
//!
//! A plain copy would fault where the mapping ends, and in a handler there is nobody to ask where that
//! is. So the kernel copies, which checks each address: `process_vm_readv`, with one call for the whole
//! stack. Where that is forbidden (some sandboxes) or missing (user-mode emulators), a pipe does: what is
//! written to it the kernel takes from the caller's memory, or answers `EFAULT`. That is two calls for
//! each page. Both are async-signal-safe.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::*};

/// A page, or the part of one that is asked for. What a pipe takes at once, and the first of which
/// fails as a whole.
pub(super) const PIECE: usize = 4096;

/// Whether the pipes are used instead.
static BY_PIPE: AtomicBool = AtomicBool::new(false);

/// A pipe of one slot's, to which only the slot's owner writes and from which only it reads. Made at
/// the first installation that needs it, and kept: a handler may be using it.
pub(super) struct Pipe {
    from: AtomicI32,
    into: AtomicI32,
}

impl Pipe {
    pub(super) const fn none() -> Self {
        Self { from: AtomicI32::new(-1), into: AtomicI32::new(-1) }
    }

    /// Makes it, if it is not there. One caller at a time.
    fn make(&self) -> Result<(), i32> {
        if self.into.load(Relaxed) >= 0 {
            return Ok(());
        }
        let mut ends = [-1; 2];
        // SAFETY: `ends` is valid for a write of two descriptors.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) } != 0 {
            return Err(error());
        }
        self.from.store(ends[0], Relaxed);
        self.into.store(ends[1], Release);
        Ok(())
    }

    /// Copies one piece through the pipe. `false` when its memory is not there.
    fn copy(&self, piece: &libc::iovec, into: *mut c_void) -> bool {
        let (end, begin) = (self.into.load(Acquire), self.from.load(Relaxed));
        // SAFETY: the kernel checks the address that it reads from; `into` is valid for a write of
        // the piece's length, by the contract of `read`. A pipe takes a piece whole or not at all.
        unsafe {
            let written = libc::write(end, piece.iov_base, piece.iov_len);
            let Ok(written) = usize::try_from(written) else { return false };
            // All that was written comes out, so that nothing is left for the next.
            libc::read(begin, into, written) == written as isize && written == piece.iov_len
        }
    }
}

/// Copies the pieces, up to the first that is not mapped, to what `into` is valid for. Tells how many
/// bytes were copied. Async-signal-safe.
///
/// # Safety
///
/// `into` is valid for a write of its length, which the pieces together do not exceed. The caller owns
/// the pipe.
pub(super) unsafe fn read(
    pipe: &Pipe,
    into: &libc::iovec,
    pieces: &[libc::iovec],
) -> Result<usize, i32> {
    if !BY_PIPE.load(Relaxed) {
        return read_at_once(into, pieces);
    }
    let mut copied = 0;
    for piece in pieces {
        if !pipe.copy(piece, into.iov_base.wrapping_byte_add(copied)) {
            break;
        }
        copied += piece.iov_len;
    }
    Ok(copied)
}

fn read_at_once(into: &libc::iovec, pieces: &[libc::iovec]) -> Result<usize, i32> {
    // SAFETY: `into` is valid for a write of its length, which the callers see to; of the pieces the
    // kernel checks each address and ends at one that cannot be read.
    let result = unsafe {
        let process = libc::getpid();
        let count = pieces.len() as libc::c_ulong;
        libc::process_vm_readv(process, into, 1, pieces.as_ptr(), count, 0)
    };
    usize::try_from(result).map_err(|_| error())
}

/// Finds out which of the two ways there is, and makes the pipes if it is theirs. One caller at a time.
pub(super) fn prepare<'a>(pipes: impl Iterator<Item = &'a Pipe>) -> Result<(), i32> {
    let source = [1_u8; 8];
    let mut copy = [0_u8; 8];
    let from = libc::iovec { iov_base: source.as_ptr().cast_mut().cast(), iov_len: source.len() };
    let into = libc::iovec { iov_base: copy.as_mut_ptr().cast(), iov_len: copy.len() };
    match read_at_once(&into, &[from]) {
        Ok(_) => Ok(()),
        Err(libc::ENOSYS | libc::EPERM) => {
            for pipe in pipes {
                pipe.make()?;
            }
            BY_PIPE.store(true, Relaxed);
            Ok(())
        }
        Err(code) => Err(code),
    }
}

fn error() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(from: *const u8, length: usize) -> libc::iovec {
        libc::iovec { iov_base: from.cast_mut().cast(), iov_len: length }
    }

    #[test]
    fn a_pipe_copies_what_is_there_and_leaves_nothing_behind() {
        let pipe = Pipe::none();
        pipe.make().unwrap();
        let source: Vec<u8> = (0..PIECE).map(|index| index as u8).collect();
        let mut copy = vec![0; PIECE];
        for _ in 0..100 {
            copy.fill(0);
            assert!(pipe.copy(&piece(source.as_ptr(), PIECE), copy.as_mut_ptr().cast()));
            assert_eq!(copy, source);
            // Nothing lies in the first page.
            assert!(
                !pipe.copy(&piece(std::ptr::without_provenance(8), 8), copy.as_mut_ptr().cast())
            );
        }
    }
}
