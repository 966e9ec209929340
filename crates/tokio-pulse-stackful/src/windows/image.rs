//! The program's own code: what its functions are, and how to unwind through them.

use std::fs;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use windows_sys::Win32::System::Diagnostics::Debug::IMAGE_RUNTIME_FUNCTION_ENTRY;
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;

use super::code::functions::up_to_the_next;
use super::code::{Code, Functions, Inlined, names};
use crate::unavailable::Reason;
use crate::{Unavailable, guard};

pub(super) struct Image {
    /// Where the program was loaded.
    base: u64,
    pub(super) code: Code,
    /// How to unwind, by address: the program's own table, as it was loaded.
    tables: &'static [IMAGE_RUNTIME_FUNCTION_ENTRY],
}

impl Image {
    pub(super) fn of_this_program() -> Result<Self, Unavailable> {
        let bytes = read()?;
        let file = parse(&bytes)?;
        let (base, bias) = place(&file);
        let section = file.section_by_name(".text").ok_or(Unavailable::because(Reason::Symbols))?;
        let text = bias.wrapping_add(section.address());
        let excluded = guard::take_excluded();
        let functions = functions(&file, bias)
            .into_iter()
            .map(|(start, size, name)| (start, size, names::verdict(name, &excluded)));
        let inlined = Inlined::of(&file, bias, &excluded);
        Ok(Self {
            base,
            code: Code::new(functions, inlined, [(text, section.size())]),
            tables: tables(&file, bias).ok_or(Unavailable::because(Reason::UnwindTables))?,
        })
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// How to unwind from an address; `None` for a function that needs no telling.
    pub(super) fn table(&self, address: u64) -> Option<&'static IMAGE_RUNTIME_FUNCTION_ENTRY> {
        let offset = u32::try_from(address.checked_sub(self.base)?).ok()?;
        let next = self.tables.partition_point(|entry| entry.BeginAddress <= offset);
        self.tables.get(next.checked_sub(1)?).filter(|entry| offset < entry.EndAddress)
    }
}

/// The program's file.
fn read() -> Result<Vec<u8>, Unavailable> {
    std::env::current_exe().and_then(fs::read).map_err(|error| failed(&error))
}

fn parse(bytes: &[u8]) -> Result<object::File<'_>, Unavailable> {
    object::File::parse(bytes).map_err(|error| failed(&error))
}

fn failed(error: &dyn ToString) -> Unavailable {
    Unavailable::because(Reason::Image(error.to_string()))
}

/// Where the program was loaded, and how far from where its file says.
fn place(file: &object::File<'_>) -> (u64, u64) {
    // SAFETY: without a name it is the program, which is always there.
    let base = unsafe { GetModuleHandleW(std::ptr::null()) } as u64;
    (base, base.wrapping_sub(file.relative_address_base()))
}

/// Start, size and name of each function.
fn functions<'data>(file: &object::File<'data>, bias: u64) -> Vec<(u64, u64, &'data str)> {
    let Some(text) = file.section_by_name(".text") else { return Vec::new() };
    let end = bias.wrapping_add(text.address().saturating_add(text.size()));
    let defined = file.symbols().filter(|symbol| {
        symbol.kind() == SymbolKind::Text
            && symbol.is_definition()
            && symbol.section_index() == Some(text.index())
    });
    let named = defined
        .filter_map(|symbol| Some((bias.wrapping_add(symbol.address()), symbol.name().ok()?)));
    up_to_the_next(named.collect(), end, |_| None)
}

/// The table in memory, which lives as long as the program.
fn tables(file: &object::File<'_>, bias: u64) -> Option<&'static [IMAGE_RUNTIME_FUNCTION_ENTRY]> {
    let section = file.section_by_name(".pdata")?;
    let start =
        bias.wrapping_add(section.address()) as usize as *const IMAGE_RUNTIME_FUNCTION_ENTRY;
    // The file rounds the section up with zeros.
    let entries = section.size() as usize / size_of::<IMAGE_RUNTIME_FUNCTION_ENTRY>();
    // SAFETY: the loader has put the section there, which is never written to; its entries consist of
    // integers, and are aligned as the format has it.
    let table = unsafe { std::slice::from_raw_parts(start, entries) };
    let used = table.iter().position(|entry| entry.BeginAddress == 0).unwrap_or(entries);
    (used > 0).then_some(&table[..used])
}

/// For a report. Read anew each time; none if it cannot be read.
pub(super) fn function_names() -> Functions {
    read_function_names().unwrap_or_default()
}

fn read_function_names() -> Result<Functions, Unavailable> {
    let bytes = read()?;
    let file = parse(&bytes)?;
    let (_, bias) = place(&file);
    Ok(Functions::new(functions(&file, bias)))
}
