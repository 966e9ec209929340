//! Systems without a way to interrupt a thread from here. The same items as the others.

use crate::Unavailable;
use crate::chain::Chain;
use crate::metrics::Refusal;

pub(crate) fn install() -> Result<(), Unavailable> {
    Err(Unavailable::on_this_platform())
}

pub(crate) fn has_symbols() -> bool {
    false
}

pub(crate) fn has_descriptions() -> bool {
    false
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registers;

impl Registers {
    pub(crate) fn here() -> Self {
        Self
    }

    pub(crate) fn stack(&self) -> usize {
        0
    }
}

pub(crate) struct Walker(());

impl Walker {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

pub(crate) fn check(_: &mut Walker, _: &Registers, _: Chain) -> Result<(), Refusal> {
    Err(Refusal::Code)
}

pub(crate) fn collect(_: &mut Walker, _: &Registers, _: usize, _: &mut [u64]) -> usize {
    0
}

pub(crate) struct Functions(());

pub(crate) fn functions() -> Functions {
    Functions(())
}

impl Functions {
    pub(crate) fn name(&self, address: u64) -> String {
        format!("{address:#x}")
    }
}

pub(crate) fn interrupt(_: i32) -> bool {
    false
}

pub(crate) fn unblock() -> u64 {
    0
}

pub(crate) fn leave_thread() {}

pub(crate) fn thread_number() -> i32 {
    0
}

pub(crate) fn now_ns() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;

    static BEGAN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn sleep_precisely() {}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Errno;

impl Errno {
    pub(crate) fn save() -> Self {
        Self
    }

    pub(crate) fn restore(self) {}
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatControl;

impl FloatControl {
    pub(crate) fn save() -> Self {
        Self
    }

    pub(crate) fn restore(self) {}
}
