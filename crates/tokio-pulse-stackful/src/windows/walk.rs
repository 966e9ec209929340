//! Whether a whole call chain can be set aside, asked by redirected code.
//!
//! Nothing here allocates, locks or touches per-thread state. The system unwinds, frame by frame, by the
//! tables of the program, which lie in memory and are looked up here: `RtlVirtualUnwind` reads them and
//! the stack, and nothing else.

use std::ptr;

use windows_sys::Win32::System::Diagnostics::Debug::{
    IMAGE_RUNTIME_FUNCTION_ENTRY, RtlVirtualUnwind, UNW_FLAG_NHANDLER,
};

use super::image::Image;
use super::ranges::Verdict;
use super::registers::{Context, Registers};
use crate::metrics::Refusal;

/// A chain this deep takes long to look at; a deeper one is not preempted.
const MAX_FRAMES: usize = 2048;

/// What unwinding needs room for, once for each thread: here nothing.
pub(crate) struct Walker(());

/// How to judge a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    /// The end of the stack.
    pub(crate) end: usize,
    /// The task was called at this depth.
    pub(crate) root: usize,
    /// Only code inside regions is preempted, so that the program's text is all that counts when
    /// its functions are not known.
    pub(crate) marked: bool,
    /// Only code whose inlined parts are known is preempted.
    pub(crate) described: bool,
    /// The innermost calls are this crate's, asking for the switch.
    pub(crate) asked: bool,
}

impl Walker {
    pub(crate) fn new() -> Self {
        Self(())
    }

    pub(super) fn check(
        &mut self,
        image: &Image,
        registers: &Registers,
        chain: Chain,
    ) -> Result<(), Refusal> {
        let known = image.has_functions();
        if !known && !chain.marked {
            return Err(Refusal::Code);
        }
        let mut own = chain.asked;
        let mut calls = Calls::new(image, registers, chain.end);
        for depth in 0..MAX_FRAMES {
            let innermost = depth == 0;
            let verdict = image.verdict(calls.address());
            let undescribed = chain.described && !image.is_described(calls.address());
            match verdict {
                Verdict::Root if !innermost => return Ok(()),
                _ if !known && calls.stack() >= chain.root => return Ok(()),
                Verdict::Preemptible if !undescribed => own = false,
                Verdict::Own if own => {}
                _ if innermost => return Err(Refusal::Code),
                _ => return Err(Refusal::Caller),
            }
            calls.step().ok_or(Refusal::Unwinding)?;
        }
        Err(Refusal::Deep)
    }

    /// The instructions of a chain's calls, the innermost first, up to where the task was called.
    /// Returns how many there are.
    pub(super) fn collect(
        &mut self,
        image: &Image,
        registers: &Registers,
        end: usize,
        into: &mut [u64],
    ) -> usize {
        let mut calls = Calls::new(image, registers, end);
        for (count, place) in into.iter_mut().enumerate() {
            *place = calls.address();
            if image.verdict(*place) == Verdict::Root || calls.step().is_none() {
                return count + 1;
            }
        }
        into.len()
    }
}

/// A call chain, from the innermost call outwards.
struct Calls<'a> {
    image: &'a Image,
    context: Context,
    innermost: bool,
    /// The part of the stack that may be read.
    stack: (u64, u64),
}

impl<'a> Calls<'a> {
    fn new(image: &'a Image, registers: &Registers, end: usize) -> Self {
        let stack = (registers.stack, end as u64);
        Self { image, context: registers.to_context(), innermost: true, stack }
    }

    /// An address inside of the call's instruction.
    fn address(&self) -> u64 {
        self.context.0.Rip - u64::from(!self.innermost)
    }

    fn stack(&self) -> usize {
        self.context.0.Rsp as usize
    }

    /// To the caller, if it can be found. In code that is not the program's nothing is.
    fn step(&mut self) -> Option<()> {
        let before = self.context.0.Rsp;
        let (low, high) = self.stack;
        let inside = |stack: u64| stack % 8 == 0 && stack >= low && stack <= high.saturating_sub(8);
        if !inside(before) || !self.image.is_code(self.address()) {
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
