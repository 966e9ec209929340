//! The program's own code: what its functions are, and how to unwind through them.

use std::fs;
use std::sync::Arc;

use framehop::{ExplicitModuleSectionInfo, Module, Unwinder as _, UnwinderNative};
use object::elf::PF_X;
use object::{
    Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _, SegmentFlags,
    SymbolKind,
};

use super::code::{Code, Functions, Inlined, Verdict, names};
use crate::unavailable::Reason;
use crate::{Unavailable, guard};

pub(super) type Policy = framehop::MustNotAllocateDuringUnwind;
pub(super) type Unwinder = UnwinderNative<Arc<[u8]>, Policy>;

pub(super) struct Image {
    pub(super) code: Code,
    pub(super) unwinder: Unwinder,
}

impl Image {
    pub(super) fn of_this_program() -> Result<Self, Unavailable> {
        let bytes = read()?;
        let file = parse(&bytes)?;
        let bias = load_bias();
        let text = file.segments().filter_map(|part| text(&part, bias));
        let excluded = guard::take_excluded();
        let functions = functions(&file).map(|symbol| {
            let verdict =
                symbol.name().map_or(Verdict::Denied, |name| names::verdict(name, &excluded));
            (bias.wrapping_add(symbol.address()), symbol.size(), verdict)
        });
        let code = Code::new(functions, Inlined::of(&file, bias, &excluded), text);
        let mut unwinder = Unwinder::new();
        unwinder.add_module(module(&file, bias).ok_or(Unavailable::because(Reason::UnwindTables))?);
        Ok(Self { code, unwinder })
    }
}

/// The program's file.
fn read() -> Result<Vec<u8>, Unavailable> {
    fs::read("/proc/self/exe").map_err(|error| failed(&error))
}

fn parse(bytes: &[u8]) -> Result<object::File<'_>, Unavailable> {
    object::File::parse(bytes).map_err(|error| failed(&error))
}

fn failed(error: &dyn ToString) -> Unavailable {
    Unavailable::because(Reason::Image(error.to_string()))
}

fn functions<'data, 'file>(
    file: &'file object::File<'data>,
) -> impl Iterator<Item = object::Symbol<'data, 'file>> {
    file.symbols().filter(|symbol| {
        symbol.kind() == SymbolKind::Text && symbol.is_definition() && symbol.size() > 0
    })
}

/// For a report. Read anew each time; none if it cannot be read.
pub(super) fn function_names() -> Functions {
    read_function_names().unwrap_or_default()
}

fn read_function_names() -> Result<Functions, Unavailable> {
    let bytes = read()?;
    let file = parse(&bytes)?;
    let bias = load_bias();
    let named = functions(&file).filter_map(|symbol| {
        Some((bias.wrapping_add(symbol.address()), symbol.size(), symbol.name().ok()?))
    });
    Ok(Functions::new(named))
}

fn text(segment: &object::Segment<'_, '_>, bias: u64) -> Option<(u64, u64)> {
    let SegmentFlags::Elf { p_flags } = segment.flags() else { return None };
    let start = bias.wrapping_add(segment.address());
    (p_flags & PF_X != 0).then_some((start, segment.size()))
}

fn module(file: &object::File<'_>, bias: u64) -> Option<Module<Arc<[u8]>>> {
    let range = |name: &str| {
        let section = file.section_by_name(name)?;
        Some(section.address()..section.address() + section.size())
    };
    let bytes = |name: &str| {
        Some(Arc::<[u8]>::from(&*file.section_by_name(name)?.uncompressed_data().ok()?))
    };
    let first = file.segments().map(|segment| segment.address()).min()?;
    let last = file.segments().map(|segment| segment.address() + segment.size()).max()?;
    let info = ExplicitModuleSectionInfo {
        base_svma: 0,
        text_svma: range(".text"),
        got_svma: range(".got"),
        eh_frame_svma: Some(range(".eh_frame")?),
        eh_frame: Some(bytes(".eh_frame")?),
        eh_frame_hdr_svma: range(".eh_frame_hdr"),
        eh_frame_hdr: bytes(".eh_frame_hdr"),
        ..ExplicitModuleSectionInfo::default()
    };
    let addresses = bias.wrapping_add(first)..bias.wrapping_add(last);
    Some(Module::new("program".to_owned(), addresses, bias, info))
}

/// How far from its link address the program was loaded; the loader names the program first.
fn load_bias() -> u64 {
    unsafe extern "C" fn first(
        info: *mut libc::dl_phdr_info,
        _: libc::size_t,
        bias: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: the loader passes a valid description, and `bias` is the `u64` from below.
        unsafe { *bias.cast::<u64>() = (*info).dlpi_addr };
        1
    }
    let mut bias = 0_u64;
    // SAFETY: the callback has the right type and ends the walk at once; `bias` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut bias).cast()) };
    bias
}
