//! Functions that not every Windows has, looked up when they are asked for first.
//!
//! A program that is linked with a function that its system lacks does not start at all. So these are
//! found with `GetProcAddress`, and a system without one is a typed answer of its caller's.

use std::ffi::CStr;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{FARPROC, HANDLE};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::core::{BOOL, PCWSTR};

/// `QueryThreadCycleTime`: since Windows Vista; Wine exports it and answers
/// `ERROR_CALL_NOT_IMPLEMENTED`.
pub(super) type QueryThreadCycleTime = unsafe extern "system" fn(HANDLE, *mut u64) -> BOOL;

/// `SetThreadInformation`: since Windows 8, and power throttling since Windows 10, version 1709.
pub(super) type SetThreadInformation =
    unsafe extern "system" fn(HANDLE, i32, *const core::ffi::c_void, u32) -> BOOL;

pub(super) fn query_thread_cycle_time() -> Option<QueryThreadCycleTime> {
    static FOUND: OnceLock<Option<QueryThreadCycleTime>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // SAFETY: a function of this name in this library has this type, by its documentation.
        find(c"QueryThreadCycleTime").map(|function| unsafe {
            std::mem::transmute::<unsafe extern "system" fn() -> isize, QueryThreadCycleTime>(
                function,
            )
        })
    })
}

pub(super) fn set_thread_information() -> Option<SetThreadInformation> {
    static FOUND: OnceLock<Option<SetThreadInformation>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // SAFETY: as above.
        find(c"SetThreadInformation").map(|function| unsafe {
            std::mem::transmute::<unsafe extern "system" fn() -> isize, SetThreadInformation>(
                function,
            )
        })
    })
}

/// In `kernel32.dll`, which every process has loaded and none unloads.
fn find(name: &CStr) -> FARPROC {
    const KERNEL32: PCWSTR = windows_sys::w!("kernel32.dll");
    // SAFETY: both names end in zero and outlive the calls; a null module is one that is not there,
    // and then nothing is looked up.
    unsafe {
        let module = GetModuleHandleW(KERNEL32);
        if module.is_null() { None } else { GetProcAddress(module, name.as_ptr().cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_none() {
        assert!(find(c"ThereIsNoSuchFunction").is_none());
        assert!(find(c"GetCurrentThreadId").is_some());
    }
}
