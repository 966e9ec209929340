//! What the compiler has inlined where, told by the program's line tables.
//!
//! A function's symbol says whose it is, not what is inside of it. With debug information the compiler
//! also writes down which instructions came from which inlined function, and a closure that ran inside
//! of `LocalKey::with` is inside of that even when nothing was called. Such instructions are denied
//! like the function itself. Instructions that the optimiser made from more than one place are
//! described as one of them, or as none.
//!
//! Line tables alone name an inlined function without its path, so that it cannot be told whose it
//! is: what was compiled with no more than that counts as not described.

use std::borrow::Cow;
use std::collections::HashMap;

use gimli::{
    AttributeValue, DebugInfoOffset, Dwarf, DwarfSections, EndianSlice, NativeEndian, Unit,
    UnitOffset,
};
use object::{Object as _, ObjectSection as _};

use super::names;
use super::ranges::{Ranges, Verdict};

type Reader<'a> = EndianSlice<'a, NativeEndian>;
type Spans = Vec<(u64, u64, Verdict)>;

#[derive(Debug, Default)]
pub(crate) struct Inlined {
    /// What is denied, and what is this crate's.
    foreign: Ranges,
    /// Where something is known.
    described: Ranges,
}

impl Inlined {
    /// What is not there or cannot be read is not described.
    pub(crate) fn of(file: &object::File<'_>, bias: u64, excluded: &[String]) -> Self {
        let load = |id: gimli::SectionId| -> Result<Cow<'_, [u8]>, gimli::Error> {
            let section = file.section_by_name(id.name());
            Ok(section.and_then(|section| section.uncompressed_data().ok()).unwrap_or_default())
        };
        let Ok(sections) = DwarfSections::load(load) else { return Self::default() };
        let dwarf = sections.borrow(|bytes| EndianSlice::new(bytes, NativeEndian));
        let mut tables = Tables { dwarf: &dwarf, bias, excluded, known: HashMap::new() };
        let (mut foreign, mut described) = (Vec::new(), Vec::new());
        let mut headers = dwarf.units();
        while let Ok(Some(header)) = headers.next() {
            let Ok(unit) = dwarf.unit(header) else { continue };
            let mut of_unit = (Vec::new(), Vec::new());
            // A unit that is not understood is one that is not described.
            if tables.read(&unit, &mut of_unit.0, &mut of_unit.1).unwrap_or(false) {
                foreign.append(&mut of_unit.0);
                described.append(&mut of_unit.1);
            }
        }
        Self { foreign: Ranges::new(foreign), described: Ranges::new(described) }
    }

    /// Of an instruction of a preemptible function.
    pub(crate) fn verdict(&self, address: u64) -> Verdict {
        if self.foreign.has(address) { self.foreign.verdict(address) } else { Verdict::Preemptible }
    }

    /// Whether it is known where the instruction came from.
    pub(crate) fn is_described(&self, address: u64) -> bool {
        self.described.has(address)
    }

    pub(crate) fn has_descriptions(&self) -> bool {
        !self.described.is_empty()
    }
}

struct Tables<'a> {
    dwarf: &'a Dwarf<Reader<'a>>,
    bias: u64,
    excluded: &'a [String],
    /// What functions are, by where they are described.
    known: HashMap<usize, Option<Verdict>>,
}

impl<'a> Tables<'a> {
    /// Whether the unit says what was inlined in it.
    fn read(
        &mut self,
        unit: &Unit<Reader<'a>>,
        foreign: &mut Spans,
        described: &mut Spans,
    ) -> gimli::Result<bool> {
        // Of a unit whose description is in another file only the outline is here.
        if unit.dwo_name()?.is_some() {
            return Ok(false);
        }
        // Most entries are types and variables: their attributes are skipped, not read.
        let mut entries = unit.entries_raw(None)?;
        // Inside of what is foreign as a whole.
        let mut inside: Option<isize> = None;
        while !entries.is_empty() {
            let (at, depth) = (entries.next_offset(), entries.next_depth());
            let Some(kind) = entries.read_abbreviation()? else { continue };
            entries.skip_attributes(kind.attributes())?;
            if inside.is_some_and(|outer| depth > outer) {
                continue;
            }
            inside = None;
            if kind.tag() != gimli::DW_TAG_inlined_subroutine {
                continue;
            }
            let entry = unit.entry(at)?;
            let Some(origin) = entry.attr_value(gimli::DW_AT_abstract_origin)? else { continue };
            // Line tables only: nothing of the unit is known.
            let Some(verdict) = self.verdict(unit, origin)? else { return Ok(false) };
            if verdict == Verdict::Preemptible {
                continue;
            }
            inside = Some(depth);
            let mut ranges = self.dwarf.die_ranges(unit, &entry)?;
            while let Some(range) = ranges.next()? {
                foreign.extend(self.span(range, verdict));
            }
        }
        let mut ranges = self.dwarf.unit_ranges(unit)?;
        while let Some(range) = ranges.next()? {
            described.extend(self.span(range, Verdict::Preemptible));
        }
        Ok(true)
    }

    fn span(&self, range: gimli::Range, verdict: Verdict) -> Option<(u64, u64, Verdict)> {
        let start = self.bias.wrapping_add(range.begin);
        // The linker leaves ranges of functions that it removed at 0.
        (range.begin > 0 && range.begin < range.end)
            .then(|| (start, range.end - range.begin, verdict))
    }

    /// Of the function that a description refers to; `None` if its path is not told.
    fn verdict(
        &mut self,
        unit: &Unit<Reader<'a>>,
        origin: AttributeValue<Reader<'a>>,
    ) -> gimli::Result<Option<Verdict>> {
        let key = match origin {
            AttributeValue::UnitRef(offset) => offset.to_debug_info_offset(&unit.header),
            AttributeValue::DebugInfoRef(offset) => Some(offset),
            _ => None,
        };
        // What cannot be found may be anything.
        let Some(DebugInfoOffset(key)) = key else {
            return Ok(Some(Verdict::Denied));
        };
        if let Some(verdict) = self.known.get(&key) {
            return Ok(*verdict);
        }
        let verdict = match origin {
            AttributeValue::UnitRef(offset) => self.judge(unit, offset)?,
            _ => self.judge_elsewhere(DebugInfoOffset(key))?,
        };
        self.known.insert(key, verdict);
        Ok(verdict)
    }

    fn judge(&mut self, unit: &Unit<Reader<'a>>, at: UnitOffset) -> gimli::Result<Option<Verdict>> {
        let entry = unit.entry(at)?;
        for name in [gimli::DW_AT_linkage_name, gimli::DW_AT_MIPS_linkage_name] {
            if let Some(name) = entry.attr_value(name)? {
                let name = self.dwarf.attr_string(unit, name)?;
                return Ok(Some(names::verdict(&name.to_string_lossy(), self.excluded)));
            }
        }
        for link in [gimli::DW_AT_specification, gimli::DW_AT_abstract_origin] {
            if let Some(origin) = entry.attr_value(link)? {
                return self.verdict(unit, origin);
            }
        }
        // Without a linkage name: C, or told by line tables only.
        Ok(entry.attr(gimli::DW_AT_decl_line)?.map(|_| Verdict::Denied))
    }

    fn judge_elsewhere(&mut self, at: DebugInfoOffset) -> gimli::Result<Option<Verdict>> {
        let mut headers = self.dwarf.units();
        while let Some(header) = headers.next()? {
            if let Some(offset) = at.to_unit_offset(&header) {
                let unit = self.dwarf.unit(header)?;
                return self.judge(&unit, offset);
            }
        }
        Ok(Some(Verdict::Denied))
    }
}
