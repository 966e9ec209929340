//! What of a thread's registers the walk and the switch need.

/// The registers that unwinding starts from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registers {
    pub(super) instruction: u64,
    pub(super) stack: u64,
    pub(super) frame: u64,
    /// The return address of a leaf function; 0 where the processor has no such register.
    #[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "there is no such register"))]
    pub(super) link: u64,
}

/// A wait without an end, of `futex(address, operation, value, timeout)`.
fn endless_wait(address: u64, operation: u64, timeout: u64) -> Option<u64> {
    const LOCK_PI: u64 = 6;
    let command = operation & !((libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME) as u64);
    let waits = [libc::FUTEX_WAIT as u64, libc::FUTEX_WAIT_BITSET as u64, LOCK_PI];
    (waits.contains(&command) && timeout == 0).then_some(address)
}

impl Registers {
    pub(crate) fn stack(&self) -> usize {
        self.stack as usize
    }
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

    /// The lock that an interrupted system call waits for: the kernel has put the registers back so
    /// that the call is made again when the handler returns.
    pub(super) fn waits_for(context: &libc::ucontext_t) -> Option<u64> {
        const SYSCALL: [u8; 2] = [0x0f, 0x05];
        let register = |index: libc::c_int| context.uc_mcontext.gregs[index as usize] as u64;
        if register(libc::REG_RAX) != libc::SYS_futex as u64 {
            return None;
        }
        // SAFETY: the instruction that the thread is about to execute, at least two bytes long where
        // it is the one asked for; code can be read.
        let code = unsafe { (register(libc::REG_RIP) as *const [u8; 2]).read() };
        let (operation, timeout) = (register(libc::REG_RSI), register(libc::REG_R10));
        (code == SYSCALL).then(|| endless_wait(register(libc::REG_RDI), operation, timeout))?
    }

    #[inline(always)]
    pub(crate) fn here() -> Self {
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

    /// The lock that an interrupted system call waits for: the kernel has put the registers back so
    /// that the call is made again when the handler returns.
    pub(super) fn waits_for(context: &libc::ucontext_t) -> Option<u64> {
        const SVC: u32 = 0xd400_0001;
        let machine = &context.uc_mcontext;
        if machine.regs[8] != libc::SYS_futex as u64 {
            return None;
        }
        // SAFETY: the instruction that the thread is about to execute; code can be read.
        let code = unsafe { (machine.pc as *const u32).read() };
        (code == SVC).then(|| endless_wait(machine.regs[0], machine.regs[1], machine.regs[3]))?
    }

    #[inline(always)]
    pub(crate) fn here() -> Self {
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
