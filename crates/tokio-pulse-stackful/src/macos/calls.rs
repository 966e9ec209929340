//! From a call to its caller, by frame pointers.
//!
//! The system's tables (compact unwinding) are made for exceptions: they tell the truth at instructions
//! where calls return, and not at the others. A function that is interrupted while it makes its frame or
//! takes it down looks as if it had one, and its caller would be passed over. So the tables are believed
//! for callers only, and the interrupted function gets a closer look.
//!
//! **Callers.** A function that the tables call framed has, where its calls return, its frame's address in
//! the frame pointer; of functions that do not fit in there DWARF says the same, in the lines for just
//! these instructions. What the tables tell otherwise is refused. Each function is judged before the walk
//! goes through it, so that the frame pointer is never taken from one that is not Rust.
//!
//! **The interrupted function on Apple silicon.** The return address is in its register until the frame is
//! made, and again when it has been taken down. The frame pointer always is some caller's or the
//! function's own (*Writing ARM64 code for Apple platforms*). So the chain is whole if what is in the
//! register counts as one call more:
//!
//! | function | register | calls |
//! | --- | --- | --- |
//! | leaf | of another function | the register's, and those by frames |
//! | leaf | of the function itself | refused: the compiler's outlined code is being called |
//! | framed | of the function itself | those by frames: there was a call, and so there is a frame |
//! | framed | of another one that may be left | those by frames; the register's is its caller, or stale |
//! | framed | of none, or one that may not be left | refused: it may be its caller |
//! | other | | refused |
//!
//! **On Intel** the return address is on the stack, and it is not told where. The interrupted function's
//! instructions are looked at: [`entry::has_frame`]. Where that is not sure it is refused.
//!
//! A refusal costs little: the next signal comes 50 us later, at another instruction.

use super::entry;
use super::image::Image;
use super::registers::Registers;
use super::unwind::Style;

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
    instruction: u64,
    frame: u64,
    #[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "there is no such register"))]
    link: u64,
    interrupted: bool,
    /// The part of the stack that may be read, and that callers use.
    stack: (u64, u64),
}

impl<'a> Calls<'a> {
    pub(super) fn new(image: &'a Image, registers: &Registers, end: usize) -> Self {
        Self {
            image,
            instruction: registers.instruction,
            frame: registers.frame,
            link: registers.link,
            interrupted: !registers.in_call,
            stack: (registers.stack, end as u64),
        }
    }

    /// The same, for a report: what the innermost call is, is told as it is.
    pub(super) fn of_the_program(image: &'a Image, registers: &Registers, end: usize) -> Self {
        Self::new(image, registers, end)
    }

    /// An address inside of the call's instruction.
    pub(super) fn address(&self) -> u64 {
        self.instruction.wrapping_sub(u64::from(!self.interrupted))
    }

    pub(super) fn stack(&self) -> usize {
        self.stack.0 as usize
    }

    /// To the caller, if it can be found. In code that is not the program's nothing is.
    pub(super) fn step(&mut self, _: &mut Walker) -> Option<()> {
        let unwinding = self.image.unwinding();
        if self.interrupted {
            self.leave_interrupted(unwinding.style(self.instruction))
        } else if unwinding.has_frame(self.address()) {
            self.follow_frame()
        } else {
            None
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn leave_interrupted(&mut self, style: Style) -> Option<()> {
        use super::code::Verdict;

        let (start, end) = self.image.unwinding().function(self.instruction)?;
        let before = self.link.wrapping_sub(1);
        let inside = (start..end).contains(&before);
        match style {
            Style::Leaf if !inside => {
                self.instruction = self.link;
                self.interrupted = false;
                Some(())
            }
            Style::Framed if inside => {
                // Unless the call was of outlined code, from where there is no frame yet.
                let code = self.image.instructions(self.instruction)?;
                let instruction = u32::from_le_bytes(*code.first_chunk()?);
                if entry::restores_link(instruction) { None } else { self.follow_frame() }
            }
            Style::Framed => match self.image.code.verdict(before) {
                Verdict::Preemptible | Verdict::Root => self.follow_frame(),
                Verdict::Own | Verdict::Denied => None,
            },
            Style::Leaf | Style::Described | Style::Other => None,
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn leave_interrupted(&mut self, style: Style) -> Option<()> {
        let (start, _) = self.image.unwinding().function(self.instruction)?;
        let code = self.image.instructions(start)?;
        let offset = usize::try_from(self.instruction - start).ok()?;
        if style == Style::Framed && entry::has_frame(code, offset) {
            self.follow_frame()
        } else {
            None
        }
    }

    /// What the frame pointer points to: the caller's, and the return address.
    fn follow_frame(&mut self) -> Option<()> {
        let frame = self.frame;
        let (outer, back) = (self.read(frame)?, self.read(frame.checked_add(8)?)?);
        self.instruction = back;
        self.frame = outer;
        self.interrupted = false;
        self.stack.0 = frame.checked_add(16)?;
        Some(())
    }

    fn read(&self, address: u64) -> Option<u64> {
        let (low, high) = self.stack;
        let inside = address >= low && address.checked_add(8).is_some_and(|end| end <= high);
        if !inside || address % 8 != 0 {
            return None;
        }
        // SAFETY: inside the stack that this thread runs on, above the interrupted stack pointer, where
        // all is mapped; aligned.
        Some(unsafe { (address as *const u64).read_volatile() })
    }
}
