//! Which processor a thread runs on.

use windows_sys::Win32::System::Threading::GetCurrentProcessorNumber;

use crate::Unavailable;

/// The number of the processor that the calling thread ran on a moment ago, within its group: with more than
/// 64 processors, two of different groups have the same number. It may have moved by the time that this returns:
/// for hints, not for decisions that have to be right.
///
/// # Errors
///
/// None on this platform.
pub fn current_processor() -> Result<u32, Unavailable> {
    // SAFETY: no preconditions.
    Ok(unsafe { GetCurrentProcessorNumber() })
}
