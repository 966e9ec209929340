//! What of a thread's registers the walk and the switch need.

use std::arch::global_asm;

/// The registers that unwinding starts from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registers {
    pub(super) instruction: u64,
    pub(super) stack: u64,
    pub(super) frame: u64,
    /// Where the processor has such a register, the return address as a function finds it; otherwise 0.
    #[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "there is no such register"))]
    pub(super) link: u64,
    /// `instruction` is where a call returns to, and not where the thread was interrupted.
    pub(super) in_call: bool,
}

impl Registers {
    pub(crate) fn stack(&self) -> usize {
        self.stack as usize
    }

    /// What a wait of the thread's is for cannot be told: how locks wait in the kernel is the system's
    /// secret.
    pub(super) fn waits_for(_: &libc::ucontext_t) -> Option<u64> {
        None
    }

    /// Those of the caller, at the instruction after this.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        let mut words = [0; 3];
        // SAFETY: writes three words to a valid place, and nothing else but registers that calls may
        // change.
        unsafe { here(&mut words) };
        let [instruction, stack, frame] = words;
        Self { instruction, stack, frame, link: 0, in_call: true }
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn of(context: &libc::ucontext_t) -> Self {
        // SAFETY: the kernel's pointer to what it has put on the stack, valid until the handler returns;
        // its place may not be aligned as the type asks for.
        let state = unsafe { (&raw const (*context.uc_mcontext).__ss).read_unaligned() };
        Self {
            instruction: state.__rip,
            stack: state.__rsp,
            frame: state.__rbp,
            link: 0,
            in_call: false,
        }
    }

    #[cfg(target_arch = "aarch64")]
    pub(super) fn of(context: &libc::ucontext_t) -> Self {
        // SAFETY: the kernel's pointer to what it has put on the stack, valid until the handler returns;
        // its place may not be aligned as the type asks for.
        let state = unsafe { (&raw const (*context.uc_mcontext).__ss).read_unaligned() };
        Self {
            instruction: state.__pc,
            stack: state.__sp,
            frame: state.__fp,
            link: state.__lr,
            in_call: false,
        }
    }
}

unsafe extern "C" {
    /// Writes where it returns to, the stack pointer as it is then, and the frame pointer.
    #[link_name = "tokio_pulse_stackful_here"]
    fn here(into: *mut [u64; 3]);
}

// A function of its own, without a frame: what the compiler makes of it could have one or not.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _tokio_pulse_stackful_here",
    ".p2align 4",
    "_tokio_pulse_stackful_here:",
    "mov rax, qword ptr [rsp]",
    "mov qword ptr [rdi], rax",
    "lea rax, [rsp + 8]",
    "mov qword ptr [rdi + 8], rax",
    "mov qword ptr [rdi + 16], rbp",
    "ret",
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _tokio_pulse_stackful_here",
    ".p2align 2",
    "_tokio_pulse_stackful_here:",
    "mov x9, sp",
    "stp x30, x9, [x0]",
    "str x29, [x0, #16]",
    "ret",
);
