//! Where functions begin, and how the compiler says that they are unwound (`mach-o/compact_unwind_encoding.h`,
//! and for those that do not fit in there, DWARF).

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, EhFrame, EndianSlice, FrameDescriptionEntry, LittleEndian,
    Register, RegisterRule, UnwindContext, UnwindSection as _,
};

/// How a function is unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Where its calls return, the frame pointer points to what its caller had in it, and the return
    /// address is next to that.
    Framed,
    /// It has no frame and calls nobody: the return address stays in its register. Apple silicon only.
    Leaf,
    /// DWARF tells.
    Described,
    /// Not told, or told in another way.
    Other,
}

/// DWARF's numbers of the frame pointer and the return address.
const FRAME: Register = Register(if cfg!(target_arch = "aarch64") { 29 } else { 6 });
const RETURN: Register = Register(if cfg!(target_arch = "aarch64") { 30 } else { 16 });

impl Style {
    /// Of an entry's encoding.
    pub(super) fn of(encoding: u32) -> Self {
        const MODE: u32 = 0x0f00_0000;
        let apple = cfg!(target_arch = "aarch64");
        match (encoding & MODE, apple) {
            (0x0100_0000, false) | (0x0400_0000, true) => Self::Framed,
            (0x0200_0000, true) => Self::Leaf,
            (0x0400_0000, false) | (0x0300_0000, true) => Self::Described,
            _ => Self::Other,
        }
    }
}

/// The program's functions, by address. Read by a signal handler: it never changes once it is built.
#[derive(Debug, Default)]
pub(super) struct Unwinding {
    /// Where functions begin, and at last where the code ends.
    starts: Vec<u64>,
    /// From which address on which style is told; neighbours of one style may be told as one.
    styles: Vec<(u64, Style)>,
    described: Described,
}

impl Unwinding {
    /// From the linker's two lists, for the code in that range.
    pub(super) fn new(
        mut starts: Vec<u64>,
        mut styles: Vec<(u64, Style)>,
        described: Described,
        code: std::ops::Range<u64>,
    ) -> Self {
        starts.retain(|start| code.contains(start));
        starts.push(code.end);
        starts.sort_unstable();
        starts.dedup();
        styles.sort_by_key(|(start, _)| *start);
        Self { starts, styles, described }
    }

    /// Begin and end of the function that an address is in.
    pub(super) fn function(&self, address: u64) -> Option<(u64, u64)> {
        let next = self.starts.partition_point(|start| *start <= address);
        let start = self.starts.get(next.checked_sub(1)?)?;
        Some((*start, *self.starts.get(next)?))
    }

    /// Where the first function after an address begins, or where the code ends.
    pub(super) fn next(&self, address: u64) -> Option<u64> {
        let next = self.starts.partition_point(|start| *start <= address);
        self.starts.get(next).copied()
    }

    /// Of the function that an address is in.
    pub(super) fn style(&self, address: u64) -> Style {
        match self.told(address) {
            Style::Described => {
                at(&self.described.functions, address).map_or(Style::Other, |found| found.2)
            }
            style => style,
        }
    }

    /// Whether the frame pointer is the function's at an address inside of a call.
    pub(super) fn has_frame(&self, call: u64) -> bool {
        match self.told(call) {
            Style::Framed => true,
            Style::Described => at(&self.described.framed, call).is_some(),
            Style::Leaf | Style::Other => false,
        }
    }

    fn told(&self, address: u64) -> Style {
        let next = self.styles.partition_point(|(start, _)| *start <= address);
        let found = next.checked_sub(1).and_then(|index| self.styles.get(index));
        found.map_or(Style::Other, |(_, style)| *style)
    }
}

/// A range of addresses, and what is said of it.
type Told<T> = (u64, u64, T);

fn at<T>(sorted: &[Told<T>], address: u64) -> Option<&Told<T>> {
    let next = sorted.partition_point(|(start, ..)| *start <= address);
    sorted.get(next.checked_sub(1)?).filter(|(_, end, _)| address < *end)
}

/// What DWARF says, in short.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// By function.
    functions: Vec<Told<Style>>,
    /// The parts of them at which the frame pointer is their own.
    framed: Vec<Told<()>>,
}

impl Described {
    /// Of a section (`__eh_frame`) that lies at that address now. What is not understood is left out.
    pub(super) fn of(bytes: &[u8], address: u64) -> Self {
        let mut described = Self::default();
        let mut section = EhFrame::new(bytes, LittleEndian);
        section.set_address_size(8);
        let bases = BaseAddresses::default().set_eh_frame(address);
        let mut context = UnwindContext::new();
        let mut entries = section.entries(&bases);
        while let Ok(Some(entry)) = entries.next() {
            let CieOrFde::Fde(partial) = entry else { continue };
            let Ok(function) = partial.parse(EhFrame::cie_from_offset) else { continue };
            let framed = described.framed.len();
            let style = described.read(&section, &bases, &mut context, &function);
            if style.is_none() {
                described.framed.truncate(framed);
            }
            let (start, end) = (function.initial_address(), function.end_address());
            described.functions.push((start, end, style.unwrap_or(Style::Other)));
        }
        described.functions.sort_by_key(|(start, ..)| *start);
        described.framed.sort_by_key(|(start, ..)| *start);
        described
    }

    fn read(
        &mut self,
        section: &EhFrame<Reader<'_>>,
        bases: &BaseAddresses,
        context: &mut UnwindContext<usize>,
        function: &FrameDescriptionEntry<Reader<'_>>,
    ) -> Option<Style> {
        let (mut framed, mut saved) = (false, false);
        let mut rows = function.rows(section, bases, context).ok()?;
        while let Some(row) = rows.next_row().ok()? {
            let kept = [row.register(FRAME), row.register(RETURN)];
            let beside = kept == [RegisterRule::Offset(-16), RegisterRule::Offset(-8)];
            match row.cfa() {
                CfaRule::RegisterAndOffset { register, offset } if *register == FRAME => {
                    if *offset != 16 || !beside {
                        return None;
                    }
                    framed = true;
                    self.framed.push((row.start_address(), row.end_address(), ()));
                }
                CfaRule::RegisterAndOffset { .. } => {}
                CfaRule::Expression(_) => return None,
            }
            let in_register = matches!(kept[1], RegisterRule::Undefined | RegisterRule::SameValue);
            // Where only the stack pointer tells where it was put, nobody finds it.
            if !in_register && !beside && cfg!(target_arch = "aarch64") {
                return None;
            }
            saved |= !in_register;
        }
        Some(match (framed, saved) {
            (true, _) => Style::Framed,
            (false, false) => Style::Leaf,
            (false, true) => Style::Other,
        })
    }
}

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// The linker's list of where functions begin (`LC_FUNCTION_STARTS`): distances from one to the next, the
/// first from `base`, as ULEB128; a 0 ends it.
pub(super) fn starts(bytes: &[u8], base: u64) -> Option<Vec<u64>> {
    let mut starts = Vec::new();
    let (mut at, mut distance, mut shift) = (base, 0_u64, 0);
    for byte in bytes {
        if shift > 56 {
            return None;
        }
        distance |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 != 0 {
            continue;
        }
        if distance == 0 {
            break;
        }
        at = at.checked_add(distance)?;
        starts.push(at);
        (distance, shift) = (0, 0);
    }
    Some(starts)
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn distances_add_up() {
        assert_eq!(
            starts(&[0x10, 0x80, 0x01, 0x04, 0, 7], 0x1000),
            Some(vec![0x1010, 0x1090, 0x1094])
        );
        assert_eq!(starts(&[], 0), Some(vec![]));
        assert_eq!(starts(&[0xff; 10], 0), None);
    }

    #[test]
    fn what_is_not_told_is_not_guessed() {
        let styles = vec![(20, Style::Framed), (40, Style::Other), (10, Style::Leaf)];
        let unwinding = Unwinding::new(vec![30, 10, 20, 99], styles, Described::default(), 5..50);
        assert_eq!(unwinding.function(9), None);
        assert_eq!(unwinding.function(10), Some((10, 20)));
        assert_eq!(unwinding.function(49), Some((30, 50)));
        assert_eq!(unwinding.function(50), None);
        assert_eq!(
            (unwinding.next(5), unwinding.next(30), unwinding.next(50)),
            (Some(10), Some(50), None)
        );
        let told = [9, 10, 19, 20, 39, 40].map(|address| unwinding.style(address));
        let (frame, leaf, other) = (Style::Framed, Style::Leaf, Style::Other);
        assert_eq!(told, [other, leaf, leaf, frame, frame, other]);
    }
}
