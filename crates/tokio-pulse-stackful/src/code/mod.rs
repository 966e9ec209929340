//! What may happen to a call chain with a piece of the program's code in it, the same on every system.
//!
//! How the program's file tells what its functions are differs, and so does how to unwind through them:
//! that is the matter of each system's `image`.

pub(crate) mod functions;
mod inlined;
pub(crate) mod names;
mod ranges;

pub(crate) use functions::Functions;
pub(crate) use inlined::Inlined;
pub(crate) use ranges::Verdict;

use ranges::Ranges;

/// Read by a signal handler: it never changes once it is built.
#[derive(Debug)]
pub(crate) struct Code {
    /// By function; empty without a symbol table.
    functions: Ranges,
    /// What of them was inlined from code that is denied.
    inlined: Inlined,
    /// All of the program's code.
    text: Ranges,
}

impl Code {
    /// From the program's functions, as start, size and verdict, and from all that is code, as start and
    /// size; each in any order.
    pub(crate) fn new(
        functions: impl IntoIterator<Item = (u64, u64, Verdict)>,
        inlined: Inlined,
        text: impl IntoIterator<Item = (u64, u64)>,
    ) -> Self {
        let text = text.into_iter().map(|(start, size)| (start, size, Verdict::Preemptible));
        Self {
            functions: Ranges::new(functions.into_iter().collect()),
            inlined,
            text: Ranges::new(text.collect()),
        }
    }

    /// What may happen to a call chain with this instruction in it. Where functions are not known,
    /// all of the program is preemptible.
    pub(crate) fn verdict(&self, address: u64) -> Verdict {
        if !self.has_functions() {
            return self.text.verdict(address);
        }
        match self.functions.verdict(address) {
            Verdict::Preemptible => self.inlined.verdict(address),
            verdict => verdict,
        }
    }

    pub(crate) fn has_functions(&self) -> bool {
        !self.functions.is_empty()
    }

    /// Whether it is known what was inlined there.
    pub(crate) fn is_described(&self, address: u64) -> bool {
        self.inlined.is_described(address)
    }

    /// Whether anything is known of what was inlined where.
    pub(crate) fn has_descriptions(&self) -> bool {
        self.inlined.has_descriptions()
    }

    /// Whether an address is the program's code.
    #[allow(dead_code, reason = "where unwinding begins in foreign code, which is not on macOS")]
    pub(crate) fn has(&self, address: u64) -> bool {
        self.text.has(address)
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn without_symbols_all_of_the_program_is_preemptible_and_nothing_else() {
        let code = Code::new([], Inlined::default(), [(100, 50)]);
        let verdicts = [99, 100, 149, 150].map(|address| code.verdict(address));
        use Verdict::{Denied, Preemptible};
        assert_eq!(verdicts, [Denied, Preemptible, Preemptible, Denied]);
    }

    #[test]
    fn with_symbols_each_function_has_its_own_verdict() {
        let functions = [(120, 10, Verdict::Denied), (100, 10, Verdict::Preemptible)];
        let code = Code::new(functions, Inlined::default(), [(100, 50)]);
        let verdicts = [100, 115, 120].map(|address| code.verdict(address));
        assert_eq!(verdicts, [Verdict::Preemptible, Verdict::Denied, Verdict::Denied]);
        assert!(code.has(115) && !code.has(150));
    }
}
