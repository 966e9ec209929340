//! Whether a whole call chain can be set aside, asked from inside a signal handler.
//!
//! Nothing here allocates, locks or touches per-thread state: the ranges and the unwinder never
//! change, the cache is the thread's own and used by one at a time.

use framehop::{CacheNative, UnwindRegsNative, Unwinder as _};

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
    /// The part of the stack that may be read.
    pub(crate) stack: (usize, usize),
    /// The task was called at this depth.
    pub(crate) root: usize,
    /// Only code inside regions is preempted, so that the program's text is all that counts when
    /// its functions are not known.
    pub(crate) marked: bool,
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
        let known = !image.functions.is_empty();
        if !known && !chain.marked {
            return Err(Refusal::Code);
        }
        let verdict = |address| {
            if known { image.functions.verdict(address) } else { image.text.verdict(address) }
        };
        let (mut registers_now, mut address) = native(registers, image);
        let mut innermost = true;
        let mut own = chain.asked;
        let mut read = |address: u64| read_word(address, chain.stack);
        let mut frame = framehop::FrameAddress::from_instruction_pointer(address);
        for _ in 0..MAX_FRAMES {
            let beyond = registers_now.sp() as usize >= chain.root;
            match verdict(frame.address_for_lookup()) {
                Verdict::Root if !innermost => return Ok(()),
                _ if !known && beyond => return Ok(()),
                Verdict::Preemptible => own = false,
                Verdict::Own if own => {}
                _ if innermost => return Err(Refusal::Code),
                _ => return Err(Refusal::Caller),
            }
            innermost = false;
            let next =
                image.unwinder.unwind_frame(frame, &mut registers_now, &mut self.0, &mut read);
            let Ok(Some(return_address)) = next else { return Err(Refusal::Unwinding) };
            address = return_address;
            let Some(next) = framehop::FrameAddress::from_return_address(address) else {
                return Err(Refusal::Unwinding);
            };
            frame = next;
        }
        Err(Refusal::Deep)
    }
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
