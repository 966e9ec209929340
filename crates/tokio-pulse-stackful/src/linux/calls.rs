//! From a call to its caller, by the program's unwinding tables, which framehop reads.

use framehop::{CacheNative, FrameAddress, UnwindRegsNative, Unwinder as _};

use super::image::{Image, Policy};
use super::registers::Registers;

/// What unwinding needs room for, once for each thread.
pub(crate) struct Walker(CacheNative<Policy>);

impl Walker {
    pub(crate) fn new() -> Self {
        Self(CacheNative::new_in())
    }
}

/// A call chain, from the innermost call outwards.
pub(super) struct Calls<'a> {
    image: &'a Image,
    registers: UnwindRegsNative,
    frame: FrameAddress,
    /// The part of the stack that may be read.
    stack: (usize, usize),
}

impl<'a> Calls<'a> {
    pub(super) fn new(image: &'a Image, registers: &Registers, end: usize) -> Self {
        let stack = (registers.stack(), end);
        let (registers, instruction) = native(registers, image);
        let frame = FrameAddress::from_instruction_pointer(instruction);
        Self { image, registers, frame, stack }
    }

    /// From the innermost call that is the program's, for a report.
    pub(super) fn of_the_program(image: &'a Image, registers: &Registers, end: usize) -> Self {
        Self::new(image, &out_of_foreign_code(image, registers, end), end)
    }

    /// An address inside of the call's instruction.
    pub(super) fn address(&self) -> u64 {
        self.frame.address_for_lookup()
    }

    pub(super) fn stack(&self) -> usize {
        self.registers.sp() as usize
    }

    /// To the caller, if it can be found.
    pub(super) fn step(&mut self, walker: &mut Walker) -> Option<()> {
        let mut read = |address: u64| read_word(address, self.stack);
        let unwinder = &self.image.unwinder;
        let next = unwinder.unwind_frame(self.frame, &mut self.registers, &mut walker.0, &mut read);
        self.frame = FrameAddress::from_return_address(next.ok()??)?;
        Some(())
    }
}

/// The innermost call that is the program's. Of the C library's functions no unwinding
/// tables are at hand; the first address of the program's on the stack, or in the link register, is
/// where they were most likely called.
fn out_of_foreign_code(image: &Image, registers: &Registers, end: usize) -> Registers {
    const WORDS: usize = 128;
    if image.code.has(registers.instruction) {
        return *registers;
    }
    if image.code.has(registers.link) {
        return Registers { instruction: registers.link, ..*registers };
    }
    let places = (registers.stack()..end).step_by(8).take(WORDS);
    let found = places.map(|place| place as u64).find_map(|place| {
        let word = read_word(place, (registers.stack(), end)).ok()?;
        image.code.has(word).then_some(Registers {
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
