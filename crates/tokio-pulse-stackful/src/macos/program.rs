//! Which program this is, and which file it is in.

use std::slice;

use mach2::dyld::{_dyld_get_image_header, _dyld_get_image_vmaddr_slide, _dyld_image_count};
use object::Endianness;
use object::macho::{MH_EXECUTE, MH_MAGIC_64, MachHeader64};
use object::read::macho::{FatArch as _, MachHeader as _, MachOFatFile32, MachOFatFile64};
use object::{FileKind, Object as _};

/// The program as `dyld` has loaded it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    /// How far from its link address.
    pub(super) slide: u64,
    /// What the linker has given it to be told from all others by.
    uuid: [u8; 16],
}

impl Program {
    /// The image that is a program, among those that are loaded. It stays for the life of the process;
    /// others may come and go meanwhile, so that one may be missed or seen twice, and that one not.
    pub(super) fn this() -> Option<Self> {
        // SAFETY: no preconditions.
        let count = unsafe { _dyld_image_count() };
        (0..count).find_map(|index| {
            // SAFETY: an index that is none gives null, or a slide of 0.
            let (header, slide) = unsafe {
                (_dyld_get_image_header(index), _dyld_get_image_vmaddr_slide(index) as u64)
            };
            if header.is_null() {
                return None;
            }
            // SAFETY: a loaded image begins with its header.
            let (magic, kind) = unsafe { ((*header).magic, (*header).filetype) };
            if magic != MH_MAGIC_64 || kind != MH_EXECUTE {
                return None;
            }
            // SAFETY: behind the header are the commands that it speaks of, in memory that is never
            // unmapped: it is the program's.
            let bytes = unsafe {
                let length = size_of::<MachHeader64<Endianness>>() + (*header).sizeofcmds as usize;
                slice::from_raw_parts(header.cast::<u8>(), length)
            };
            let header = MachHeader64::<Endianness>::parse(bytes, 0).ok()?;
            let uuid = header.uuid(header.endian().ok()?, bytes, 0).ok()??;
            Some(Self { slide, uuid })
        })
    }

    /// What of a file's content is this program, or describes it: a file may be for several processors,
    /// and may have been replaced since the program began.
    pub(super) fn part<'data>(&self, bytes: &'data [u8]) -> Option<Part<'data>> {
        let parts = match FileKind::parse(bytes).ok()? {
            FileKind::MachO64 => vec![bytes],
            FileKind::MachOFat32 => {
                let file = MachOFatFile32::parse(bytes).ok()?;
                file.arches().iter().filter_map(|part| part.data(bytes).ok()).collect()
            }
            FileKind::MachOFat64 => {
                let file = MachOFatFile64::parse(bytes).ok()?;
                file.arches().iter().filter_map(|part| part.data(bytes).ok()).collect()
            }
            _ => return None,
        };
        parts.into_iter().find_map(|bytes| {
            let file = object::File::parse(bytes).ok()?;
            (file.mach_uuid().ok()?? == self.uuid).then_some(Part { bytes, file })
        })
    }
}

pub(super) struct Part<'data> {
    pub(super) bytes: &'data [u8],
    pub(super) file: object::File<'data>,
}
