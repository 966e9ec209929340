//! What of a thread's registers the walk and the switch need.

use windows_sys::Win32::System::Diagnostics::Debug::{CONTEXT, RtlCaptureContext};

/// A [`CONTEXT`], aligned as the processor stores vector registers, which the bindings do not say.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Context(pub(super) CONTEXT);

impl Context {
    pub(super) fn zeroed() -> Self {
        Self(CONTEXT::default())
    }
}

/// The registers that unwinding starts from: where it is, and those that calls preserve.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registers {
    pub(super) instruction: u64,
    pub(super) stack: u64,
    /// `rbx`, `rbp`, `rsi`, `rdi`, `r12` to `r15`.
    pub(super) preserved: [u64; 8],
}

impl Registers {
    pub(crate) fn stack(&self) -> usize {
        self.stack as usize
    }

    #[inline(always)]
    pub(crate) fn here() -> Self {
        let mut context = Context::zeroed();
        // SAFETY: the context is aligned and valid for a write.
        unsafe { RtlCaptureContext(&mut context.0) };
        Self::of(&context)
    }

    pub(super) fn of(Context(context): &Context) -> Self {
        Self {
            instruction: context.Rip,
            stack: context.Rsp,
            preserved: [
                context.Rbx,
                context.Rbp,
                context.Rsi,
                context.Rdi,
                context.R12,
                context.R13,
                context.R14,
                context.R15,
            ],
        }
    }

    pub(super) fn to_context(self) -> Context {
        let mut context = Context::zeroed();
        context.0.Rip = self.instruction;
        context.0.Rsp = self.stack;
        [
            context.0.Rbx,
            context.0.Rbp,
            context.0.Rsi,
            context.0.Rdi,
            context.0.R12,
            context.0.R13,
            context.0.R14,
            context.0.R15,
        ] = self.preserved;
        context
    }
}
