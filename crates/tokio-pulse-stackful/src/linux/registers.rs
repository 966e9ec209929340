//! What of a thread's registers the walk and the switch need.

/// The registers that unwinding starts from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Registers {
    pub(super) instruction: u64,
    pub(super) stack: u64,
    pub(super) frame: u64,
    /// The return address of a leaf function; 0 where the processor has no such register.
    #[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "there is no such register"))]
    pub(super) link: u64,
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    pub(super) fn of(context: &libc::ucontext_t) -> Self {
        let register = |index: libc::c_int| context.uc_mcontext.gregs[index as usize] as u64;
        Self {
            instruction: register(libc::REG_RIP),
            stack: register(libc::REG_RSP),
            frame: register(libc::REG_RBP),
            link: 0,
        }
    }

    #[inline(always)]
    pub(super) fn here() -> Self {
        let (instruction, stack, frame): (u64, u64, u64);
        // SAFETY: reads three registers and touches nothing else.
        unsafe {
            std::arch::asm!(
                "lea {}, [rip]", "mov {}, rsp", "mov {}, rbp",
                out(reg) instruction, out(reg) stack, out(reg) frame,
                options(nomem, nostack, preserves_flags)
            );
        }
        Self { instruction, stack, frame, link: 0 }
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    pub(super) fn of(context: &libc::ucontext_t) -> Self {
        let machine = &context.uc_mcontext;
        Self {
            instruction: machine.pc,
            stack: machine.sp,
            frame: machine.regs[29],
            link: machine.regs[30],
        }
    }

    #[inline(always)]
    pub(super) fn here() -> Self {
        let (instruction, stack, frame, link): (u64, u64, u64, u64);
        // SAFETY: reads four registers and touches nothing else.
        unsafe {
            std::arch::asm!(
                "adr {}, .", "mov {}, sp", "mov {}, x29", "mov {}, x30",
                out(reg) instruction, out(reg) stack, out(reg) frame, out(reg) link,
                options(nomem, nostack, preserves_flags)
            );
        }
        Self { instruction, stack, frame, link }
    }
}

/// The rounding mode and exception masks of floating point. The kernel puts those of an
/// interrupted poll back; these are its resumer's, which a switch out of a handler would lose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatControl {
    #[cfg(target_arch = "x86_64")]
    sse: u32,
    #[cfg(target_arch = "x86_64")]
    x87: u16,
    #[cfg(target_arch = "aarch64")]
    fpcr: u64,
}

#[cfg(target_arch = "x86_64")]
impl FloatControl {
    #[inline(always)]
    pub(crate) fn save() -> Self {
        let (mut sse, mut x87) = (0_u32, 0_u16);
        // SAFETY: stores two control registers into valid places.
        unsafe {
            std::arch::asm!(
                "stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut sse, in(reg) &raw mut x87,
                options(nostack, preserves_flags)
            );
        }
        Self { sse, x87 }
    }

    #[inline(always)]
    pub(crate) fn restore(self) {
        // SAFETY: loads what was stored before, on the same thread.
        unsafe {
            std::arch::asm!(
                "ldmxcsr [{}]", "fldcw [{}]", in(reg) &raw const self.sse, in(reg) &raw const self.x87,
                options(nostack, preserves_flags)
            );
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl FloatControl {
    #[inline(always)]
    pub(crate) fn save() -> Self {
        let fpcr;
        // SAFETY: reads a control register.
        unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack)) };
        Self { fpcr }
    }

    #[inline(always)]
    pub(crate) fn restore(self) {
        // SAFETY: writes what was read before, on the same thread.
        unsafe { std::arch::asm!("msr fpcr, {}", in(reg) self.fpcr, options(nostack)) };
    }
}
