//! A thread of this process, opened by its number.
//!
//! Windows numbers the threads of all processes in one row and gives a number away again as soon as
//! nobody has the thread open. So each opening asks whose the thread is; from then on the handle
//! names this thread for good, also after its end.

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_INVALID_PARAMETER, HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcessId, GetCurrentThreadId, GetProcessIdOfThread, OpenThread,
    THREAD_ACCESS_RIGHTS, THREAD_QUERY_LIMITED_INFORMATION, THREAD_SYNCHRONIZE,
    WaitForSingleObject,
};

use super::last_error;

/// An open thread. Closed when it is dropped.
#[derive(Debug)]
pub(super) struct OpenedThread(HANDLE);

// SAFETY: a handle is a number that is valid in the whole process, and the calls made with it are
// safe to make from several threads at once.
unsafe impl Send for OpenedThread {}
// SAFETY: as above.
unsafe impl Sync for OpenedThread {}

/// Why a thread was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotOpened {
    /// It has ended, or is none of this process.
    Gone,
    /// The system's code.
    Refused(i32),
}

impl OpenedThread {
    /// Opens a thread with these rights, and those to ask whose it is and whether it has ended.
    pub(super) fn open(number: u32, rights: THREAD_ACCESS_RIGHTS) -> Result<Self, NotOpened> {
        let rights = rights | THREAD_QUERY_LIMITED_INFORMATION | THREAD_SYNCHRONIZE;
        // SAFETY: no memory is passed.
        let handle = unsafe { OpenThread(rights, 0, number) };
        if handle.is_null() {
            let code = last_error();
            let unknown = code == ERROR_INVALID_PARAMETER as i32;
            return Err(if unknown { NotOpened::Gone } else { NotOpened::Refused(code) });
        }
        let thread = Self(handle);
        // SAFETY: the handle is open and has the right to be asked.
        let ours = unsafe { GetProcessIdOfThread(handle) == GetCurrentProcessId() };
        if ours && !thread.has_ended() { Ok(thread) } else { Err(NotOpened::Gone) }
    }

    /// Opens the calling thread, for others to ask about it.
    pub(super) fn current() -> Result<Self, i32> {
        Self::open(current_number(), 0).map_err(|error| match error {
            NotOpened::Gone => ERROR_INVALID_PARAMETER as i32,
            NotOpened::Refused(code) => code,
        })
    }

    /// For calls that have the right that the thread was opened with.
    pub(super) fn handle(&self) -> HANDLE {
        self.0
    }

    pub(super) fn has_ended(&self) -> bool {
        // SAFETY: the handle is open and has the right to be waited for; nothing is waited for.
        unsafe { WaitForSingleObject(self.0, 0) == WAIT_OBJECT_0 }
    }
}

impl Drop for OpenedThread {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, and closed only here.
        unsafe { CloseHandle(self.0) };
    }
}

pub(super) fn current_number() -> u32 {
    // SAFETY: no preconditions.
    unsafe { GetCurrentThreadId() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_thread_is_seen() {
        let number = std::thread::spawn(current_number).join().unwrap();
        match OpenedThread::open(number, 0) {
            Err(error) => assert_eq!(error, NotOpened::Gone),
            // Given to another thread of this test.
            Ok(thread) => assert!(!thread.has_ended() || number != current_number()),
        }
        assert!(!OpenedThread::current().unwrap().has_ended());
        assert_eq!(OpenedThread::open(0, 0).unwrap_err(), NotOpened::Gone);
    }
}
