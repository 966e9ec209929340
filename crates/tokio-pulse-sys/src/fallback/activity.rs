//! Where in the kernel a thread sleeps: not available here.

use crate::{ThreadActivity, Unavailable};

/// What a thread is doing now.
///
/// # Errors
///
/// Always, on this platform.
pub fn thread_activity(_tid: i32) -> Result<ThreadActivity, Unavailable> {
    Err(Unavailable::on_this_platform("thread activity"))
}

/// The name of a system call; none is known on this platform.
pub fn system_call_name(_number: i64) -> Option<&'static str> {
    None
}
