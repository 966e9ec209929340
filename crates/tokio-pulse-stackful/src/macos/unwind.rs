//! Where functions begin, and how the compiler says that they are unwound (`mach-o/compact_unwind_encoding.h`).

/// How a function is unwound at the instructions where its calls return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// The frame pointer points to what its caller had in it, and the return address is next to that.
    Framed,
    /// It has no frame and calls nobody: the return address stays in its register. Apple silicon only.
    Leaf,
    /// Not told, or told in another way.
    Other,
}

impl Style {
    /// Of an entry's encoding.
    pub(super) fn of(encoding: u32) -> Self {
        const MODE: u32 = 0x0f00_0000;
        let apple = cfg!(target_arch = "aarch64");
        match (encoding & MODE, apple) {
            (0x0100_0000, false) | (0x0400_0000, true) => Self::Framed,
            (0x0200_0000, true) => Self::Leaf,
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
}

impl Unwinding {
    /// From the linker's two lists, for the code in that range.
    pub(super) fn new(
        mut starts: Vec<u64>,
        mut styles: Vec<(u64, Style)>,
        code: std::ops::Range<u64>,
    ) -> Self {
        starts.retain(|start| code.contains(start));
        starts.push(code.end);
        starts.sort_unstable();
        starts.dedup();
        styles.sort_by_key(|(start, _)| *start);
        Self { starts, styles }
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

    pub(super) fn style(&self, address: u64) -> Style {
        let next = self.styles.partition_point(|(start, _)| *start <= address);
        let found = next.checked_sub(1).and_then(|index| self.styles.get(index));
        found.map_or(Style::Other, |(_, style)| *style)
    }
}

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
        let unwinding = Unwinding::new(vec![30, 10, 20, 99], styles, 5..50);
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
