//! The walk over a call chain on macOS, for an emulator to ask: the stackful crate's own files, and what
//! stands in for the rest of it. The program is loaded where it was linked to, in the emulator's memory and
//! at the same addresses in this process's.

#![allow(dead_code, reason = "a part of the files is asked")]

pub mod guard {
    pub fn take_excluded() -> Vec<String> {
        Vec::new()
    }
}

pub mod unavailable {
    #[derive(Debug)]
    pub enum Reason {
        Image(String),
        UnwindTables,
    }
}

#[derive(Debug)]
pub struct Unavailable(unavailable::Reason);

impl Unavailable {
    fn because(reason: unavailable::Reason) -> Self {
        Self(reason)
    }
}

mod walk {
    mod calls;
    mod code;
    mod entry;
    mod image;
    mod unwind;

    use std::sync::OnceLock;

    mod registers {
        #[derive(Clone, Copy, Debug)]
        pub(super) struct Registers {
            pub(super) instruction: u64,
            pub(super) stack: u64,
            pub(super) frame: u64,
            pub(super) link: u64,
            pub(super) in_call: bool,
        }
    }

    mod program {
        pub(super) struct Program {
            pub(super) slide: u64,
        }

        pub(super) struct Part<'data> {
            pub(super) bytes: &'data [u8],
            pub(super) file: object::File<'data>,
        }

        impl Program {
            pub(super) fn this() -> Option<Self> {
                Some(Self { slide: 0 })
            }

            pub(super) fn part<'data>(&self, bytes: &'data [u8]) -> Option<Part<'data>> {
                Some(Part { bytes, file: object::File::parse(bytes).ok()? })
            }
        }

        pub(super) fn path() -> std::io::Result<std::path::PathBuf> {
            Ok(std::env::var_os("MACOS_WALK_PROGRAM").unwrap_or_default().into())
        }
    }

    static IMAGE: OnceLock<image::Image> = OnceLock::new();

    pub(super) fn load() -> Result<(), crate::Unavailable> {
        let _ = IMAGE.set(image::Image::of_this_program()?);
        Ok(())
    }

    /// Walks up to the function in `root`, and writes down where it came by. Returns how many places these
    /// are, or why it was refused.
    pub(super) fn walk(
        [instruction, stack, frame, link]: [u64; 4],
        end: usize,
        root: std::ops::Range<u64>,
        places: &mut [u64],
    ) -> Result<usize, i64> {
        let image = IMAGE.get().ok_or(-4)?;
        let registers = registers::Registers { instruction, stack, frame, link, in_call: false };
        let mut calls = calls::Calls::new(image, &registers, end);
        let mut walker = calls::Walker::new();
        for (depth, place) in places.iter_mut().enumerate() {
            *place = calls.address();
            if depth > 0 && root.contains(place) {
                return Ok(depth + 1);
            }
            if image.code.verdict(*place) != code::Verdict::Preemptible {
                return Err(-1);
            }
            calls.step(&mut walker).ok_or(-2)?;
        }
        Err(-3)
    }
}

/// Reads the program that the environment names; whether that went well.
#[unsafe(no_mangle)]
pub extern "C" fn macos_walk_load() -> bool {
    walk::load().inspect_err(|error| eprintln!("{error:?}")).is_ok()
}

/// # Safety
///
/// The program is loaded, the stack is there up to `end`, and there is room for `room` places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn macos_walk(
    registers: &[u64; 4],
    end: usize,
    root: &[u64; 2],
    places: *mut u64,
    room: usize,
) -> i64 {
    // SAFETY: the caller says so.
    let places = unsafe { std::slice::from_raw_parts_mut(places, room) };
    walk::walk(*registers, end, root[0]..root[1], places)
        .map_or_else(|refusal| refusal, |count| count as i64)
}
