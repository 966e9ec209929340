//! What the kernel says that a thread is doing, the same on all platforms.

use crate::{RunState, system_call_name};

/// What the kernel says of one thread at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadActivity {
    /// Whether it runs.
    pub state: RunState,
    /// Where it entered the kernel.
    pub call: Call,
    /// The kernel's function in which it sleeps, if that is told.
    pub wait_channel: Option<String>,
}

impl ThreadActivity {
    /// Whether it waits for another thread of this process, as far as the kernel tells: for a mutex, a condition
    /// variable, a channel, a thread's end, or for the lock of the process's own memory.
    pub fn waits_for_thread(&self) -> bool {
        match self.call {
            Call::Running => return false,
            Call::System(number) if system_call_name(number) == Some("futex") => return true,
            Call::System(_) | Call::Fault | Call::Unknown => {}
        }
        let channel = self.wait_channel.as_deref().unwrap_or_default();
        // The last is what a lock comes to on Windows.
        ["futex", "rwsem", "WrAlertByThreadId"].iter().any(|lock| channel.contains(lock))
    }
}

/// Where a thread entered the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// It is not asleep, or was not when the kernel looked.
    Running,
    /// It sleeps in the system call of this number.
    System(i64),
    /// It sleeps without a system call: on a page that must be read, for instance.
    Fault,
    /// The kernel does not tell.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_for_another_thread_is_told_from_other_sleepers() {
        let waits = |call, channel: Option<&str>| {
            let wait_channel = channel.map(str::to_owned);
            ThreadActivity { state: RunState::Blocked, call, wait_channel }.waits_for_thread()
        };
        assert!(waits(Call::Unknown, Some("futex_wait_queue")));
        assert!(waits(Call::Unknown, Some("WrAlertByThreadId")));
        assert!(waits(Call::Fault, Some("rwsem_down_read_slowpath")));
        assert!(!waits(Call::Fault, Some("folio_wait_bit_common")));
        assert!(!waits(Call::Unknown, Some("hrtimer_nanosleep")));
        assert!(!waits(Call::Unknown, None));
        assert!(!waits(Call::Running, Some("futex_wait_queue")));
    }
}
