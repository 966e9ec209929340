//! Whether a whole call chain can be set aside, asked from inside a signal handler.
//!
//! Nothing here allocates, locks or touches per-thread state: the ranges and the unwinder never
//! change, the cache is the thread's own and used by one at a time.

use framehop::{CacheNative, FrameAddress, UnwindRegsNative, Unwinder as _};

use super::image::{Image, Policy};
use super::ranges::Verdict;
use super::registers::Registers;
use crate::metrics::Refusal;

/// A chain this deep takes long to look at; a deeper one is not preempted.
const MAX_FRAMES: usize = 2048;

/// What unwinding needs room for, once for each thread.
pub(crate) struct Walker(CacheNative<Policy>);

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
        Self(CacheNative::new_in())
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
            calls.step(self).ok_or(Refusal::Unwinding)?;
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
        let registers = out_of_foreign_code(image, registers, end);
        let mut calls = Calls::new(image, &registers, end);
        for (count, place) in into.iter_mut().enumerate() {
            *place = calls.address();
            if image.verdict(*place) == Verdict::Root || calls.step(self).is_none() {
                return count + 1;
            }
        }
        into.len()
    }
}

/// A call chain, from the innermost call outwards.
struct Calls<'a> {
    image: &'a Image,
    registers: UnwindRegsNative,
    frame: FrameAddress,
    /// The part of the stack that may be read.
    stack: (usize, usize),
}

impl<'a> Calls<'a> {
    fn new(image: &'a Image, registers: &Registers, end: usize) -> Self {
        let stack = (registers.stack(), end);
        let (registers, instruction) = native(registers, image);
        let frame = FrameAddress::from_instruction_pointer(instruction);
        Self { image, registers, frame, stack }
    }

    /// An address inside of the call's instruction.
    fn address(&self) -> u64 {
        self.frame.address_for_lookup()
    }

    fn stack(&self) -> usize {
        self.registers.sp() as usize
    }

    /// To the caller, if it can be found.
    fn step(&mut self, walker: &mut Walker) -> Option<()> {
        let mut read = |address: u64| read_word(address, self.stack);
        let unwinder = &self.image.unwinder;
        let next = unwinder.unwind_frame(self.frame, &mut self.registers, &mut walker.0, &mut read);
        self.frame = FrameAddress::from_return_address(next.ok()??)?;
        Some(())
    }
}

/// For a report: the innermost call that is the program's. Of the C library's functions no unwinding
/// tables are at hand; the first address of the program's on the stack, or in the link register, is
/// where they were most likely called.
fn out_of_foreign_code(image: &Image, registers: &Registers, end: usize) -> Registers {
    const WORDS: usize = 128;
    if image.is_code(registers.instruction) {
        return *registers;
    }
    if image.is_code(registers.link) {
        return Registers { instruction: registers.link, ..*registers };
    }
    let places = (registers.stack()..end).step_by(8).take(WORDS);
    let found = places.map(|place| place as u64).find_map(|place| {
        let word = read_word(place, (registers.stack(), end)).ok()?;
        image.is_code(word).then_some(Registers {
            instruction: word,
            stack: place + 8,
            ..*registers
        })
    });
    found.unwrap_or(*registers)
}

fn read_word(address: u64, (low, high): (usize, usize)) -> Result<u64, ()> {
    let address = usize::try_from(address).map_err(drop)?;
    let inside = address >= low && address.checked_add(8).is_some_and(|end| end <= high);
    if !inside || address % 8 != 0 {
        return Err(());
    }
    // SAFETY: inside the stack that this thread runs on, above the interrupted stack pointer, where
    // all is mapped; aligned.
    Ok(unsafe { (address as *const u64).read_volatile() })
}

#[cfg(target_arch = "x86_64")]
fn native(registers: &Registers, _: &Image) -> (UnwindRegsNative, u64) {
    let Registers { instruction, stack, frame, .. } = *registers;
    (UnwindRegsNative::new(instruction, stack, frame), instruction)
}

/// Return addresses may carry a signature above the address proper.
#[cfg(target_arch = "aarch64")]
fn native(registers: &Registers, image: &Image) -> (UnwindRegsNative, u64) {
    let mask = framehop::aarch64::PtrAuthMask::from_max_known_address(
        image.unwinder.max_known_code_address(),
    );
    let Registers { instruction, stack, frame, link } = *registers;
    (UnwindRegsNative::new_with_ptr_auth_mask(mask, link, stack, frame), instruction)
}
