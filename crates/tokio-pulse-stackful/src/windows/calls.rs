//! From a call to its caller. The system unwinds, frame by frame, by the tables of the program, which lie
//! in memory and are looked up here: `RtlVirtualUnwind` reads them and the stack, and nothing else.

use std::ptr;

use windows_sys::Win32::System::Diagnostics::Debug::{
    IMAGE_RUNTIME_FUNCTION_ENTRY, RtlVirtualUnwind, UNW_FLAG_NHANDLER,
};

use super::image::Image;
use super::registers::{Context, Registers};

/// What unwinding needs room for, once for each thread: here nothing.
pub(crate) struct Walker(());

impl Walker {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

/// A call chain, from the innermost call outwards.
pub(super) struct Calls<'a> {
    image: &'a Image,
    context: Context,
    innermost: bool,
    /// The part of the stack that may be read.
    stack: (u64, u64),
}

impl<'a> Calls<'a> {
    pub(super) fn new(image: &'a Image, registers: &Registers, end: usize) -> Self {
        let stack = (registers.stack, end as u64);
        Self { image, context: registers.to_context(), innermost: true, stack }
    }

    /// The same, for a report: what the innermost call is, is told as it is.
    pub(super) fn of_the_program(image: &'a Image, registers: &Registers, end: usize) -> Self {
        Self::new(image, registers, end)
    }

    /// An address inside of the call's instruction.
    pub(super) fn address(&self) -> u64 {
        self.context.0.Rip - u64::from(!self.innermost)
    }

    pub(super) fn stack(&self) -> usize {
        self.context.0.Rsp as usize
    }

    /// To the caller, if it can be found. In code that is not the program's nothing is.
    pub(super) fn step(&mut self, _: &mut Walker) -> Option<()> {
        let before = self.context.0.Rsp;
        let (low, high) = self.stack;
        let inside = |stack: u64| stack % 8 == 0 && stack >= low && stack <= high.saturating_sub(8);
        if !inside(before) || !self.image.code.has(self.address()) {
            return None;
        }
        match self.image.table(self.address()) {
            Some(entry) => self.unwind(entry),
            // A function without an entry touches no register that calls preserve, the stack's included.
            None => {
                // SAFETY: aligned, and inside of the stack that this thread runs on, above the
                // interrupted stack pointer, where all is mapped.
                self.context.0.Rip = unsafe { (before as *const u64).read_volatile() };
                self.context.0.Rsp = before + 8;
            }
        }
        self.innermost = false;
        (self.context.0.Rsp > before && self.context.0.Rsp <= high).then_some(())
    }

    fn unwind(&mut self, entry: &IMAGE_RUNTIME_FUNCTION_ENTRY) {
        let (mut data, mut frame) = (ptr::null_mut(), 0);
        // SAFETY: the entry is the one for this instruction, of the program's own table. The context is
        // whole and aligned. The system reads the stack where the compiler's tables say that registers
        // were saved, which is between the two ends for code that keeps to them.
        unsafe {
            RtlVirtualUnwind(
                UNW_FLAG_NHANDLER,
                self.image.base(),
                self.context.0.Rip,
                ptr::from_ref(entry).cast_mut(),
                &mut self.context.0,
                &mut data,
                &mut frame,
                ptr::null_mut(),
            );
        }
    }
}
