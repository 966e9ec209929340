//! The rounding mode and exception masks of floating point: the processor's, on every system.

/// Those of an interrupted poll are put back with its other registers; these are its resumer's, which a switch
/// out of it would lose.
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
