//! Functions by their symbols: where each ends, and their names for a report.

/// The names of the program's functions, by address.
#[derive(Default)]
pub(crate) struct Functions(Vec<(u64, u64, String)>);

impl Functions {
    /// From start, size and symbol of each, in any order.
    pub(crate) fn new<'data>(symbols: impl IntoIterator<Item = (u64, u64, &'data str)>) -> Self {
        let named = symbols.into_iter().map(|(start, size, symbol)| {
            let name = format!("{:#}", rustc_demangle::demangle(symbol));
            (start, start.saturating_add(size), name)
        });
        let mut functions: Vec<_> = named.collect();
        functions.sort_unstable();
        Self(functions)
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

/// Start, size and symbol of each function, in order, in a format that has no sizes: one ends where the next
/// one begins, or where `cut` says that something without a symbol does; the last one at `end`.
#[allow(dead_code, reason = "Linux's format has sizes")]
pub(crate) fn up_to_the_next(
    mut symbols: Vec<(u64, &str)>,
    end: u64,
    cut: impl Fn(u64) -> Option<u64>,
) -> Vec<(u64, u64, &str)> {
    symbols.sort_unstable();
    let mut functions: Vec<(u64, u64, &str)> = Vec::with_capacity(symbols.len());
    for (start, symbol) in symbols.into_iter().rev() {
        let size = match functions.last() {
            // Of several names for one function each gets its whole length.
            Some(&(later, size, _)) if later == start => size,
            next => {
                let next = next.map_or(end, |&(later, ..)| later);
                cut(start).map_or(next, |cut| cut.min(next)).saturating_sub(start)
            }
        };
        functions.push((start, size, symbol));
    }
    functions.reverse();
    functions
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_function_ends_where_the_next_one_begins_whether_that_has_a_name_or_not() {
        let symbols = vec![(30, "last"), (10, "first"), (20, "folded"), (20, "twin")];
        let sized = up_to_the_next(symbols, 40, |start| (start == 10).then_some(15));
        let expected = [(10, 5, "first"), (20, 10, "folded"), (20, 10, "twin"), (30, 10, "last")];
        assert_eq!(sized, expected);
    }

    #[test]
    fn an_address_in_no_function_is_named_by_itself() {
        let functions =
            Functions::new([(20, 10, "main"), (10, 5, "_ZN4core5panic17h0123456789abcdefE")]);
        let names = [9, 10, 14, 15, 29].map(|address| functions.name(address));
        assert_eq!(names, ["0x9", "core::panic", "core::panic", "0xf", "main"]);
    }
}
