//! Which files the process runs code of: the images that `dyld` has loaded.
//!
//! The list is `dyld`'s own (`dyld(3)`), and asking for it "is not thread safe": an image may go while it
//! is read. A name or a header that is gone is null, and is left out; of those that are there, only the
//! load commands are read, at the beginning of the image. Images are unloaded by `dlclose` alone, and
//! those with Rust or Objective-C code hardly ever.

use std::ffi::{CStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use mach2::dyld::{
    _dyld_get_image_header, _dyld_get_image_name, _dyld_get_image_vmaddr_slide, _dyld_image_count,
};

use crate::{MappedCode, Unavailable};

/// `mach-o/loader.h`.
const MAGIC_64: u32 = 0xfeed_facf;
const SEGMENT_64: u32 = 0x19;
const TEXT: &[u8] = b"__TEXT\0";

#[repr(C)]
struct Header {
    magic: u32,
    processor: [u32; 2],
    kind: u32,
    commands: u32,
    size_of_commands: u32,
    flags: [u32; 2],
}

#[repr(C)]
struct Command {
    kind: u32,
    size: u32,
}

#[repr(C)]
struct Segment {
    command: Command,
    name: [u8; 16],
    address: u64,
    size: u64,
    offset: u64,
}

/// The program and its libraries, by address.
///
/// # Errors
///
/// Never on this platform.
pub fn mapped_code() -> Result<Vec<MappedCode>, Unavailable> {
    // SAFETY: no preconditions.
    let count = unsafe { _dyld_image_count() };
    let mut code: Vec<_> = (0..count).filter_map(image).collect();
    code.sort_by_key(|code| code.start);
    Ok(code)
}

fn image(index: u32) -> Option<MappedCode> {
    // SAFETY: an index that is none gives null, or a slide of 0.
    let (name, header, slide) = unsafe {
        let header = _dyld_get_image_header(index);
        (_dyld_get_image_name(index), header, _dyld_get_image_vmaddr_slide(index))
    };
    if name.is_null() || header.is_null() {
        return None;
    }
    // SAFETY: a loaded image begins with its header, which is followed by its commands.
    let text = unsafe { text(header.cast()) }?;
    // SAFETY: the name of a loaded image ends in zero.
    let name = unsafe { CStr::from_ptr(name.cast::<c_char>()) };
    let start = text.address.wrapping_add_signed(slide as i64);
    Some(MappedCode {
        start,
        end: start + text.size,
        offset: text.offset,
        name: name.to_string_lossy().into_owned(),
        path: Some(PathBuf::from(std::ffi::OsStr::from_bytes(name.to_bytes()))),
        image: None,
    })
}

/// The segment with the code.
///
/// # Safety
///
/// `header` is valid for reads, with the commands behind it that it speaks of.
unsafe fn text<'a>(header: *const Header) -> Option<&'a Segment> {
    // SAFETY: by this function's contract. Headers and commands are aligned to 8, as the format has it;
    // no command is looked at beyond its own size and the size of all.
    unsafe {
        if (*header).magic != MAGIC_64 {
            return None;
        }
        let mut at = header.add(1).cast::<u8>();
        let end = at.add((*header).size_of_commands as usize);
        for _ in 0..(*header).commands {
            let left = end.offset_from(at) as usize;
            let command = at.cast::<Command>();
            if left < size_of::<Command>() || left < (*command).size as usize {
                return None;
            }
            if (*command).kind == SEGMENT_64 && (*command).size as usize >= size_of::<Segment>() {
                let segment = &*at.cast::<Segment>();
                if segment.name.starts_with(TEXT) {
                    return Some(segment);
                }
            }
            at = at.add((*command).size as usize);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_function_is_in_the_program() {
        let here = this_function_is_in_the_program as fn() as usize as u64;
        let code = mapped_code().unwrap();
        let mine = code.iter().find(|code| (code.start..code.end).contains(&here)).unwrap();
        assert_eq!(mine.path().unwrap().file_name(), std::env::current_exe().unwrap().file_name());
    }
}
