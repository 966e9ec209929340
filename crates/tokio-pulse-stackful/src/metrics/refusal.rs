//! Why a poll is not set aside.

/// Why an interrupted poll was let go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The signal came too late: another poll was running, or none.
    Late,
    /// The runtime's own code was running.
    Runtime,
    /// A [`NoPreempt`](crate::NoPreempt) guard, the allocator or a lock.
    Guarded,
    /// Outside of a marked region, with [`Coverage::Marked`](crate::Coverage::Marked).
    Unmarked,
    /// A panic was unwinding.
    Panicking,
    /// It waited in the kernel for a lock.
    Blocked,
    /// Signals were blocked: inside of another handler, or by the task itself.
    Mask,
    /// On a stack that is not the task's.
    ForeignStack,
    /// Too little of the stack was left to work on.
    StackLow,
    /// The instruction was in the C library, the standard library, a lock, or code that is not Rust.
    Code,
    /// A caller was.
    Caller,
    /// The call chain could not be followed.
    Unwinding,
    /// The call chain was too long to look at.
    Deep,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Late,
        Self::Runtime,
        Self::Guarded,
        Self::Unmarked,
        Self::Panicking,
        Self::Blocked,
        Self::Mask,
        Self::ForeignStack,
        Self::StackLow,
        Self::Code,
        Self::Caller,
        Self::Unwinding,
        Self::Deep,
    ];
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_numbered_as_listed() {
        for (index, reason) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
