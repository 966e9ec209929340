//! The program's own code: what its functions are, and how to unwind through them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, slice};

use macho_unwind_info::UnwindInfo;
use object::macho::LC_FUNCTION_STARTS;
use object::read::macho::LoadCommandVariant;
use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _};

use super::code::functions::up_to_the_next;
use super::code::{Code, Functions, Inlined, Verdict, names};
use super::program::{Part, Program};
use super::unwind::{self, Described, Style, Unwinding};
use crate::unavailable::Reason;
use crate::{Unavailable, guard};

pub(super) struct Image {
    pub(super) code: Code,
    unwinding: Unwinding,
}

impl Image {
    pub(super) fn of_this_program() -> Result<Self, Unavailable> {
        let program = Program::this().ok_or_else(|| failed("the program names no UUID"))?;
        let path = path()?;
        let bytes = read(&path)?;
        let part = program.part(&bytes).ok_or_else(other_file)?;
        let text = Text::of(&part, program.slide).ok_or_else(|| failed("it has no code"))?;
        let missing = Unavailable::because(Reason::UnwindTables);
        let unwinding = text.unwinding(&part).ok_or(missing)?;
        let excluded = guard::take_excluded();
        let functions = text.functions(&part, &unwinding).into_iter();
        let functions =
            functions.map(|(start, size, name)| (start, size, verdict(name, &excluded)));
        let mut functions: Vec<_> = functions.collect();
        // A stripped program still has the names that its loader needs, but not this crate's.
        if !functions.iter().any(|(.., verdict)| matches!(verdict, Verdict::Own | Verdict::Root)) {
            functions.clear();
        }
        let inlined = inlined(&path, &program, &excluded);
        let code = Code::new(functions, inlined, [(text.start, text.end - text.start)]);
        Ok(Self { code, unwinding })
    }

    pub(super) fn unwinding(&self) -> &Unwinding {
        &self.unwinding
    }

    /// The instructions from an address to the end of its function.
    pub(super) fn instructions(&self, address: u64) -> Option<&'static [u8]> {
        let (_, end) = self.unwinding.function(address)?;
        let length = usize::try_from(end - address).ok()?;
        // SAFETY: functions end where the program's code does at last, which is mapped for reading as
        // long as the program runs, and never written to.
        Some(unsafe { slice::from_raw_parts(address as *const u8, length) })
    }
}

fn failed(error: &str) -> Unavailable {
    Unavailable::because(Reason::Image(error.to_owned()))
}

fn other_file() -> Unavailable {
    failed("it is another than the one that runs")
}

fn path() -> Result<PathBuf, Unavailable> {
    let path = env::current_exe().and_then(fs::canonicalize);
    path.map_err(|error| failed(&error.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, Unavailable> {
    fs::read(path).map_err(|error| failed(&error.to_string()))
}

/// Of a name as the linker sees it, which puts an underscore before each.
fn verdict(name: &str, excluded: &[String]) -> Verdict {
    // Rust's begin with another one; a C function's may look like Rust's without it.
    match name.strip_prefix('_') {
        Some(name) if name.starts_with('_') => names::verdict(name, excluded),
        _ => Verdict::Denied,
    }
}

/// What was inlined, if the program's descriptions lie beside it. The linker leaves them in the files that
/// it linked; `dsymutil` collects them in `PROGRAM.dSYM`, which Cargo has done where `split-debuginfo` is
/// `packed`.
fn inlined(path: &Path, program: &Program, excluded: &[String]) -> Inlined {
    let mut folder = OsString::from(path);
    folder.push(".dSYM/Contents/Resources/DWARF");
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files {
        let Ok(bytes) = fs::read(file.path()) else { continue };
        if let Some(part) = program.part(&bytes) {
            return Inlined::of(&part.file, program.slide, excluded);
        }
    }
    Inlined::default()
}

/// Where the code is.
struct Text {
    /// Where the program begins, by which the linker's lists go.
    base: u64,
    start: u64,
    end: u64,
    slide: u64,
    section: object::SectionIndex,
}

impl Text {
    fn of(part: &Part<'_>, slide: u64) -> Option<Self> {
        let section = part.file.section_by_name("__text")?;
        let mut segments = part.file.segments();
        let segment = segments.find(|segment| segment.name().ok().flatten() == Some("__TEXT"))?;
        let start = slide.wrapping_add(section.address());
        Some(Self {
            base: slide.wrapping_add(segment.address()),
            start,
            end: start.checked_add(section.size())?,
            slide,
            section: section.index(),
        })
    }

    /// The linker's list of functions and the unwinding tables, which all of Apple's linkers and LLVM's
    /// write.
    fn unwinding(&self, part: &Part<'_>) -> Option<Unwinding> {
        let starts = unwind::starts(function_starts(part)?, self.base)?;
        if starts.is_empty() {
            return None;
        }
        let section = part.file.section_by_name("__unwind_info")?;
        let info = UnwindInfo::parse(section.data().ok()?).ok()?;
        let mut styles = Vec::new();
        let mut functions = info.functions();
        while let Some(function) = functions.next().ok()? {
            let place = |offset: u32| self.base.wrapping_add(u64::from(offset));
            styles.push((place(function.start_address), Style::of(function.opcode)));
            // The next entry says otherwise, if there is one.
            styles.push((place(function.end_address), Style::Other));
        }
        let described = part.file.section_by_name("__eh_frame").and_then(|section| {
            let address = self.slide.wrapping_add(section.address());
            Some(Described::of(section.data().ok()?, address))
        });
        let described = described.unwrap_or_default();
        Some(Unwinding::new(starts, styles, described, self.start..self.end))
    }

    /// Start, size and name of each function.
    fn functions<'data>(
        &self,
        part: &Part<'data>,
        unwinding: &Unwinding,
    ) -> Vec<(u64, u64, &'data str)> {
        let defined = part.file.symbols().filter(|symbol| {
            symbol.is_definition() && symbol.section_index() == Some(self.section)
        });
        let named = defined.filter_map(|symbol| {
            let start = self.slide.wrapping_add(symbol.address());
            (self.start..self.end).contains(&start).then_some((start, symbol.name().ok()?))
        });
        up_to_the_next(named.collect(), self.end, |start| unwinding.next(start))
    }
}

fn function_starts<'data>(part: &Part<'data>) -> Option<&'data [u8]> {
    let object::File::MachO64(file) = &part.file else { return None };
    let mut commands = file.macho_load_commands().ok()?;
    while let Some(command) = commands.next().ok()? {
        if command.cmd() != LC_FUNCTION_STARTS {
            continue;
        }
        if let LoadCommandVariant::LinkeditData(list) = command.variant().ok()? {
            let from = list.dataoff.get(file.endian()) as usize;
            let size = list.datasize.get(file.endian()) as usize;
            return part.bytes.get(from..from.checked_add(size)?);
        }
    }
    None
}

/// For a report. Read anew each time; none if it cannot be read.
pub(super) fn function_names() -> Functions {
    read_function_names().unwrap_or_default()
}

fn read_function_names() -> Option<Functions> {
    let program = Program::this()?;
    let bytes = read(&path().ok()?).ok()?;
    let part = program.part(&bytes)?;
    let text = Text::of(&part, program.slide)?;
    Some(Functions::new(text.functions(&part, &text.unwinding(&part)?)))
}
