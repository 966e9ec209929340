//! The registers of an interrupted thread, one body for each processor.

use crate::Registers;

#[cfg(target_arch = "x86_64")]
pub(super) fn of(context: &libc::ucontext_t) -> Registers {
    let register = |index: i32| context.uc_mcontext.gregs[index as usize] as u64;
    Registers {
        instruction: register(libc::REG_RIP),
        stack: register(libc::REG_RSP),
        frame: register(libc::REG_RBP),
        link: 0,
    }
}

#[cfg(target_arch = "aarch64")]
pub(super) fn of(context: &libc::ucontext_t) -> Registers {
    let machine = &context.uc_mcontext;
    Registers {
        instruction: machine.pc,
        stack: machine.sp,
        frame: machine.regs[29],
        link: machine.regs[30],
    }
}

/// Never reached: nothing is installed where [`KNOWN`] is false.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn of(_: &libc::ucontext_t) -> Registers {
    Registers::default()
}

/// Whether this processor's registers can be read.
pub(super) const KNOWN: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
