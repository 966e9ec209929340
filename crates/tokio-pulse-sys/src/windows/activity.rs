//! What a thread waits for, from the kernel's [`thread_table`](super::thread_table).
//!
//! Windows does not tell which system call a thread is in. It tells the reason of the wait, which
//! stands here in the place of Linux's wait channel, by the names of `KWAIT_REASON`.

use crate::{Call, RunState, ThreadActivity, Unavailable};

const CAPABILITY: &str = "thread activity";

/// What a thread is doing now.
///
/// # Errors
///
/// When the system does not tell.
pub fn thread_activity(tid: i32) -> Result<ThreadActivity, Unavailable> {
    let (state, line) = super::run_state::of_thread(tid as u32, CAPABILITY)?;
    let reason = line.filter(|_| state == RunState::Blocked).map(|line| line.reason());
    let call = match reason {
        None => Call::Running,
        Some(PAGE_IN | WR_PAGE_IN) => Call::Fault,
        Some(_) => Call::Unknown,
    };
    let wait_channel = reason.and_then(name).map(str::to_owned);
    Ok(ThreadActivity { state, call, wait_channel })
}

/// The name of a system call; Windows has no stable numbers for them, and tells none.
pub fn system_call_name(_number: i64) -> Option<&'static str> {
    None
}

const PAGE_IN: u32 = 2;
const WR_PAGE_IN: u32 = 9;

/// In the order in which the kernel counts them (`KWAIT_REASON` of the driver kit's `wdm.h`).
const NAMES: [&str; 39] = [
    "Executive",
    "FreePage",
    "PageIn",
    "PoolAllocation",
    "DelayExecution",
    "Suspended",
    "UserRequest",
    "WrExecutive",
    "WrFreePage",
    "WrPageIn",
    "WrPoolAllocation",
    "WrDelayExecution",
    "WrSuspended",
    "WrUserRequest",
    "WrEventPair",
    "WrQueue",
    "WrLpcReceive",
    "WrLpcReply",
    "WrVirtualMemory",
    "WrPageOut",
    "WrRendezvous",
    "WrKeyedEvent",
    "WrTerminated",
    "WrProcessInSwap",
    "WrCpuRateControl",
    "WrCalloutStack",
    "WrKernel",
    "WrResource",
    "WrPushLock",
    "WrMutex",
    "WrQuantumEnd",
    "WrDispatchInt",
    "WrPreempted",
    "WrYieldExecution",
    "WrFastMutex",
    "WrGuardedMutex",
    "WrRundown",
    "WrAlertByThreadId",
    "WrDeferredPreempt",
];

fn name(reason: u32) -> Option<&'static str> {
    NAMES.get(reason as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_as_the_kernel_does() {
        assert_eq!(name(4), Some("DelayExecution"));
        assert_eq!(name(15), Some("WrQueue"));
        assert_eq!(name(37), Some("WrAlertByThreadId"));
        assert_eq!(name(39), None);
        assert_eq!(name(PAGE_IN), Some("PageIn"));
        assert_eq!(name(WR_PAGE_IN), Some("WrPageIn"));
    }

    #[test]
    fn a_waiting_thread_has_a_reason_where_the_system_tells() {
        let (number_out, number_in) = std::sync::mpsc::channel();
        let (done_out, done_in) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            number_out.send(super::super::stack::current_thread_number().unwrap()).unwrap();
            let _ = done_in.recv();
        });
        let tid = number_in.recv().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while let Ok(activity) = thread_activity(tid) {
            if activity.state == RunState::Blocked {
                assert!(activity.wait_channel.is_some());
                break;
            }
            assert!(std::time::Instant::now() < deadline, "never seen waiting: {activity:?}");
        }
        drop(done_out);
        thread.join().unwrap();
    }
}
