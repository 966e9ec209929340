//! Whether a thread runs; where in the kernel it sleeps macOS tells only the tools of root.

use super::thread::Port;
use crate::{Call, RunState, ThreadActivity, Unavailable};

const CAPABILITY: &str = "thread activity";

/// What a thread is doing now.
///
/// # Errors
///
/// When the kernel does not tell.
pub fn thread_activity(tid: i32) -> Result<ThreadActivity, Unavailable> {
    let state = super::run_state::of_thread(tid as Port, CAPABILITY)?;
    let call = if state == RunState::Blocked { Call::Unknown } else { Call::Running };
    Ok(ThreadActivity { state, call, wait_channel: None })
}

/// The name of a system call; the kernel tells no numbers, so none is known.
pub fn system_call_name(_number: i64) -> Option<&'static str> {
    None
}
