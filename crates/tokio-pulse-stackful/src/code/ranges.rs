//! What the program's code is, by address.

/// What may happen to a call chain with such a piece of code in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It can be set aside anywhere.
    Preemptible,
    /// It is this crate's; passed over at the top of a chain that asks for a switch itself.
    Own,
    /// It is where this crate calls a task: all above it is the task's.
    Root,
    /// It may hold what others on the thread need.
    Denied,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    start: u64,
    end: u64,
    verdict: Verdict,
}

/// Sorted and without overlaps. Read by a signal handler: it never changes once it is built.
#[derive(Debug, Default)]
pub(crate) struct Ranges(Vec<Range>);

impl Ranges {
    /// From symbols in any order: start, size, and what they are. Of two that overlap the stricter
    /// one counts for both; functions that were folded into one have several names.
    pub(crate) fn new(mut symbols: Vec<(u64, u64, Verdict)>) -> Self {
        symbols.sort_by_key(|&(start, size, _)| (start, size));
        let mut ranges: Vec<Range> = Vec::new();
        for (start, size, verdict) in symbols {
            let end = start.saturating_add(size);
            match ranges.last_mut() {
                Some(last) if start < last.end => {
                    last.end = last.end.max(end);
                    if last.verdict != verdict {
                        last.verdict = Verdict::Denied;
                    }
                }
                _ => ranges.push(Range { start, end, verdict }),
            }
        }
        Self(ranges)
    }

    /// An address in no symbol is denied.
    pub(crate) fn verdict(&self, address: u64) -> Verdict {
        self.at(address).map_or(Verdict::Denied, |range| range.verdict)
    }

    fn at(&self, address: u64) -> Option<&Range> {
        let next = self.0.partition_point(|range| range.start <= address);
        self.0.get(next.checked_sub(1)?).filter(|range| address < range.end)
    }

    /// Whether an address is in any of them.
    pub(crate) fn has(&self, address: u64) -> bool {
        self.at(address).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::Verdict::*;
    use super::*;

    #[test]
    fn addresses_between_symbols_are_denied() {
        let ranges = Ranges::new(vec![(30, 10, Own), (10, 10, Preemptible)]);
        let verdicts = [9, 10, 19, 20, 30, 39, 40].map(|address| ranges.verdict(address));
        assert_eq!(verdicts, [Denied, Preemptible, Preemptible, Denied, Own, Own, Denied]);
    }

    #[test]
    fn folded_functions_get_the_stricter_verdict() {
        let ranges = Ranges::new(vec![(10, 10, Preemptible), (10, 10, Denied), (20, 5, Root)]);
        assert_eq!([10, 19, 20].map(|address| ranges.verdict(address)), [Denied, Denied, Root]);
    }
}
