//! Which processor a thread runs on: not available here.

use crate::Unavailable;

/// The number of the processor that the calling thread runs on.
///
/// # Errors
///
/// Always, on this platform.
pub fn current_processor() -> Result<u32, Unavailable> {
    Err(Unavailable::on_this_platform("number of the processor"))
}
