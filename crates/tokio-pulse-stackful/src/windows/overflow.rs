//! A task that runs out of its stack is named before the process ends.
//!
//! The system raises an exception on the very stack that is full, with the few pages that it has kept for
//! that (`SetThreadStackGuarantee`). Handlers that were added as vectored ones see it first.

use windows_sys::Win32::Foundation::EXCEPTION_STACK_OVERFLOW;
use windows_sys::Win32::Storage::FileSystem::WriteFile;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_SEARCH, EXCEPTION_POINTERS,
};

use crate::current;

/// Puts ours before those that are there, such as the standard library's.
pub(super) fn install() {
    // SAFETY: the function has the right type, and is there for as long as the program.
    unsafe { AddVectoredExceptionHandler(1, Some(on_exception)) };
}

unsafe extern "system" fn on_exception(exception: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system passes a whole description, valid until this returns.
    let (code, stack) = unsafe {
        let EXCEPTION_POINTERS { ExceptionRecord, ContextRecord } = *exception;
        ((*ExceptionRecord).ExceptionCode, (*ContextRecord).Rsp as usize)
    };
    if code == EXCEPTION_STACK_OVERFLOW {
        if let Some(name) = current::overflowed(stack) {
            for part in [b"\ntask '", name, b"' has overflowed its stack\n"] {
                write(part);
            }
            std::process::abort();
        }
    }
    EXCEPTION_CONTINUE_SEARCH
}

/// Past the standard library's lock, which this thread may hold.
fn write(bytes: &[u8]) {
    let mut written = 0;
    // SAFETY: reads `bytes` only, and writes a number to a valid place.
    unsafe {
        let errors = GetStdHandle(STD_ERROR_HANDLE);
        WriteFile(errors, bytes.as_ptr(), bytes.len() as u32, &mut written, std::ptr::null_mut());
    }
}
