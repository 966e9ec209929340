//! The program's own code: what its functions are, and how to unwind through them.

use std::fs;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use windows_sys::Win32::System::Diagnostics::Debug::IMAGE_RUNTIME_FUNCTION_ENTRY;
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;

use super::inlined::Inlined;
use super::names;
use super::ranges::{Ranges, Verdict};
use crate::unavailable::Reason;
use crate::{Unavailable, guard};

pub(super) struct Image {
    /// Where the program was loaded.
    base: u64,
    /// By function; empty without a symbol table.
    functions: Ranges,
    /// What of them was inlined from code that is denied.
    inlined: Inlined,
    /// All of the program's code.
    text: Ranges,
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
        Ok(Self {
            base,
            functions: Ranges::new(functions.collect()),
            inlined: Inlined::of(&file, bias, &excluded),
            text: Ranges::new(vec![(text, section.size(), Verdict::Preemptible)]),
            tables: tables(&file, bias).ok_or(Unavailable::because(Reason::UnwindTables))?,
        })
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// What may happen to a call chain with this instruction in it. Where functions are not known,
    /// all of the program is preemptible.
    pub(super) fn verdict(&self, address: u64) -> Verdict {
        if !self.has_functions() {
            return self.text.verdict(address);
        }
        match self.functions.verdict(address) {
            Verdict::Preemptible => self.inlined.verdict(address),
            verdict => verdict,
        }
    }

    pub(super) fn has_functions(&self) -> bool {
        !self.functions.is_empty()
    }

    /// Whether it is known what was inlined there.
    pub(super) fn is_described(&self, address: u64) -> bool {
        self.inlined.is_described(address)
    }

    /// Whether anything is known of what was inlined where.
    pub(super) fn has_descriptions(&self) -> bool {
        self.inlined.has_descriptions()
    }

    /// Whether an address is the program's code.
    pub(super) fn is_code(&self, address: u64) -> bool {
        self.text.has(address)
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

/// Start, size and name of each function. The format has no sizes: one ends where the next begins.
fn functions<'data>(file: &object::File<'data>, bias: u64) -> Vec<(u64, u64, &'data str)> {
    let Some(text) = file.section_by_name(".text") else { return Vec::new() };
    let end = bias.wrapping_add(text.address().saturating_add(text.size()));
    let defined = file.symbols().filter(|symbol| {
        symbol.kind() == SymbolKind::Text
            && symbol.is_definition()
            && symbol.section_index() == Some(text.index())
    });
    let named = defined
        .filter_map(|symbol| Some((bias.wrapping_add(symbol.address()), 0, symbol.name().ok()?)));
    let mut functions: Vec<(u64, u64, &str)> = named.collect();
    functions.sort_unstable();
    let mut next = end;
    for index in (0..functions.len()).rev() {
        let start = functions[index].0;
        // Of several names for one function each gets its whole length.
        let same = functions.get(index + 1).filter(|later| later.0 == start);
        functions[index].1 = same.map_or(next.saturating_sub(start), |later| later.1);
        next = start;
    }
    functions
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

/// The names of the program's functions, for a report. Read anew each time.
pub(crate) struct Functions(Vec<(u64, u64, String)>);

impl Functions {
    pub(super) fn of_this_program() -> Self {
        let Ok(bytes) = read() else { return Self(Vec::new()) };
        let Ok(file) = parse(&bytes) else { return Self(Vec::new()) };
        let (_, bias) = place(&file);
        let named = functions(&file, bias).into_iter().map(|(start, size, name)| {
            (start, start + size, format!("{:#}", rustc_demangle::demangle(name)))
        });
        Self(named.collect())
    }

    /// The function that an address is in, or the address.
    pub(crate) fn name(&self, address: u64) -> String {
        let next = self.0.partition_point(|&(start, ..)| start <= address);
        let found = next.checked_sub(1).and_then(|index| self.0.get(index));
        match found {
            Some((_, end, name)) if address < *end => name.clone(),
            _ => format!("{address:#x}"),
        }
    }
}
