//! What unwinding and naming need of a file whose code is loaded.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use framehop::ModuleSectionInfo;
use object::{
    BinaryFormat, Object, ObjectSection, ObjectSegment, ObjectSymbol, ReadCache, ReadRef,
    SegmentFlags,
};
use tokio_pulse_sys::MappedCode;

/// One piece of loaded code. All but the addresses and the name may be missing.
pub(super) struct Image {
    pub(super) addresses: Range<u64>,
    pub(super) name: Arc<str>,
    /// Where the symbols are, for code that has a file.
    pub(super) path: Option<PathBuf>,
    /// What is added to the file's own addresses.
    pub(super) bias: u64,
    pub(super) sections: Sections,
    /// Where symbols begin and how long they are, by address: the library that names them takes the
    /// nearest one below, which in a stripped file is often another function's.
    extents: Vec<(u64, u64)>,
    /// Functions of code without a file, by address.
    pub(super) functions: Vec<(Range<u64>, String)>,
}

/// Sections with their addresses in the file. Copies: a library may be unloaded while it is read.
#[derive(Clone, Default)]
pub(super) struct Sections {
    /// What the file calls its own beginning.
    pub(super) base: u64,
    found: Vec<Section>,
}

#[derive(Clone)]
struct Section {
    name: &'static str,
    addresses: Range<u64>,
    data: Option<Arc<[u8]>>,
}

/// What unwinding asks for, by the names of all three formats, and whether it is the contents that are
/// wanted. The code itself only where unwinding reads it, in the format of Windows.
const WANTED: [(&str, bool); 12] = [
    (".text", cfg!(windows)),
    (".got", false),
    (".eh_frame", true),
    (".eh_frame_hdr", true),
    (".pdata", true),
    (".rdata", cfg!(windows)),
    (".xdata", true),
    ("__text", false),
    ("__stubs", false),
    ("__stub_helper", false),
    ("__unwind_info", true),
    ("__eh_frame", true),
];

impl Sections {
    fn of<'data, R: ReadRef<'data>>(file: &object::File<'data, R>) -> Self {
        let found = WANTED.iter().filter_map(|&(name, contents)| {
            let section = file.section_by_name(name)?;
            let addresses = section.address()..section.address().saturating_add(section.size());
            let data = contents.then(|| section.data().ok()).flatten().map(Arc::from);
            Some(Section { name, addresses, data })
        });
        Self { base: file.relative_address_base(), found: found.collect() }
    }

    fn find(&self, name: &[u8]) -> Option<&Section> {
        self.found.iter().find(|section| section.name.as_bytes() == name)
    }
}

impl ModuleSectionInfo<Arc<[u8]>> for Sections {
    fn base_svma(&self) -> u64 {
        self.base
    }

    fn section_svma_range(&mut self, name: &[u8]) -> Option<Range<u64>> {
        self.find(name).map(|section| section.addresses.clone())
    }

    fn section_data(&mut self, name: &[u8]) -> Option<Arc<[u8]>> {
        self.find(name)?.data.clone()
    }
}

impl Image {
    pub(super) fn of(code: &MappedCode) -> Self {
        let mut image = Self {
            addresses: code.start()..code.end(),
            name: code.name().into(),
            path: code.path().cloned(),
            bias: code.start().wrapping_sub(code.offset()),
            sections: Sections::default(),
            extents: Vec::new(),
            functions: Vec::new(),
        };
        if let Some(bytes) = code.image() {
            if let Ok(file) = object::File::parse(bytes) {
                image.read(&file, code.offset());
                image.functions = functions(&file);
            }
        } else if let Some(file) = code.path().and_then(|path| File::open(path).ok()) {
            // Reads what is asked for, and not the whole file.
            let cache = ReadCache::new(file);
            if let Ok(file) = object::File::parse(&cache) {
                image.read(&file, code.offset());
            }
        }
        image
    }

    fn read<'data, R: ReadRef<'data>>(&mut self, file: &object::File<'data, R>, offset: u64) {
        /// The right to be executed, in an ELF segment.
        const EXECUTE: u32 = 1;
        if file.format() != BinaryFormat::Elf {
            // Mapped as a whole, from where the file begins.
            self.bias = self.addresses.start.wrapping_sub(file.relative_address_base());
        }
        for segment in file.segments() {
            let (begins, length) = segment.file_range();
            // Mappings begin at a page, segments where they like.
            let mapped = begins & !0xffff..begins.saturating_add(length);
            let SegmentFlags::Elf { p_flags } = segment.flags() else { continue };
            if p_flags & EXECUTE != 0 && mapped.contains(&offset) {
                let address = segment.address().wrapping_add(offset).wrapping_sub(begins);
                self.bias = self.addresses.start.wrapping_sub(address);
            }
        }
        self.extents = extents(file);
        self.sections = Sections::of(file);
    }

    /// Whether an address of the file is inside the symbol that begins at another.
    pub(super) fn symbol_covers(&self, begins: u64, address: u64) -> bool {
        let first = self.extents.partition_point(|(other, _)| *other < begins);
        self.extents[first..]
            .iter()
            .take_while(|(other, _)| *other == begins)
            .any(|(_, size)| address.wrapping_sub(begins) < *size)
    }

    /// An address of this image as its file has it.
    pub(super) fn in_file(&self, address: u64) -> u64 {
        address.wrapping_sub(self.bias)
    }
}

/// Where the symbols begin and how long they are, by address. Formats that do not say how long have a
/// symbol end where the next begins.
fn extents<'data, R: ReadRef<'data>>(file: &object::File<'data, R>) -> Vec<(u64, u64)> {
    let symbols = file.symbols().chain(file.dynamic_symbols());
    let mut extents: Vec<_> = symbols.map(|symbol| (symbol.address(), symbol.size())).collect();
    extents.sort_unstable();
    if file.format() != BinaryFormat::Elf {
        extents.dedup_by_key(|(begins, _)| *begins);
        for index in 1..extents.len() {
            extents[index - 1].1 = extents[index].0 - extents[index - 1].0;
        }
    }
    extents.retain(|(_, size)| *size > 0);
    extents
}

fn functions<'data, R: ReadRef<'data>>(file: &object::File<'data, R>) -> Vec<(Range<u64>, String)> {
    let symbols = file.dynamic_symbols().filter_map(|symbol| {
        let addresses = symbol.address()..symbol.address().checked_add(symbol.size())?;
        Some((addresses, symbol.name().ok()?.to_owned()))
    });
    symbols.filter(|(addresses, _)| !addresses.is_empty()).collect()
}
