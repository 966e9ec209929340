//! What a thread's stack looks like from outside, the same on all platforms.

use std::fmt;

/// The signal that asks a thread for its stack.
///
/// Wanted is a signal that a stray one kills nobody with, that the C library and the runtimes of
/// other languages leave alone, that debuggers pass on without stopping, and that programs hardly
/// use. That is how Go came to `SIGURG` for its own preemption, and it is the default here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StackSignal {
    /// `SIGURG`, which is ignored by default, and otherwise announces urgent data on a socket whose
    /// owner was set. Like all signals of its age it is not queued: one that is pending already
    /// swallows the next, ours or theirs.
    #[default]
    Urgent,
    /// The real-time signal of this number above `SIGRTMIN`: queued, and used by few, but a stray
    /// one ends the process where nobody handles it. The handler therefore stays once installed.
    RealTime(u8),
}

/// The registers that unwinding starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// The next instruction.
    pub instruction: u64,
    /// The top of the stack, its lowest address in use.
    pub stack: u64,
    /// The frame pointer, as far as the code keeps one.
    pub frame: u64,
    /// The return address of a leaf function; 0 where the processor has no such register.
    pub link: u64,
}

/// A thread's registers, and a copy of its stack from the top on.
#[derive(Clone, Debug, Default)]
pub struct StackSnapshot {
    pub(crate) registers: Registers,
    pub(crate) bytes: Vec<u8>,
}

impl StackSnapshot {
    /// The registers at the moment of the snapshot.
    pub fn registers(&self) -> Registers {
        self.registers
    }

    /// The bytes above the stack pointer; at most [`MAX_BYTES`](Self::MAX_BYTES), fewer when the
    /// mapping ends before that. Beyond the stack's own end they are whatever lies there.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The word at an address of the thread's stack, if it was copied.
    pub fn word(&self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.registers.stack)?).ok()?;
        let word = self.bytes.get(offset..offset.checked_add(8)?)?;
        Some(u64::from_ne_bytes(word.try_into().ok()?))
    }

    /// How much of a stack is copied: a poll that is deeper shows its inner frames only.
    pub const MAX_BYTES: usize = 256 << 10;
}

/// Why there is no snapshot of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleError {
    /// The thread has ended, or is none of this process.
    Gone,
    /// It has not answered in time: it blocks the signal, sleeps uninterruptibly, or has not had a
    /// processor.
    TimedOut,
    /// All places for requests were taken until the time was over.
    Busy,
    /// The system does not let the signal be sent; its error code.
    Refused(i32),
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the thread has ended"),
            Self::TimedOut => f.write_str("the thread has not answered in time"),
            Self::Busy => f.write_str("too many stacks are being taken at once"),
            Self::Refused(code) => write!(
                f,
                "the signal was refused by the system: {}",
                std::io::Error::from_raw_os_error(*code)
            ),
        }
    }
}

impl std::error::Error for SampleError {}
