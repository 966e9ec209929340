//! What is set up once for the process, and what a handler asks of it.

use std::ffi::c_int;
use std::sync::OnceLock;

use super::calls::Walker;
use super::code::Functions;
use super::image::{self, Image};
use super::registers::Registers;
use super::{delivery, overflow, signal};
use crate::Unavailable;
use crate::chain::Chain;
use crate::metrics::Refusal;

pub(super) struct Machine {
    image: Image,
    pub(super) signal: c_int,
}

static MACHINE: OnceLock<Result<Machine, Unavailable>> = OnceLock::new();

/// What a signal handler may call: after [`install`] it only reads.
pub(super) fn machine() -> Result<&'static Machine, ()> {
    MACHINE.get().and_then(|machine| machine.as_ref().ok()).ok_or(())
}

/// Reads the program's code and takes a signal, once for the process.
pub(crate) fn install() -> Result<(), Unavailable> {
    let machine = MACHINE.get_or_init(|| {
        delivery::prepare()?;
        let image = Image::of_this_program()?;
        let signal = signal::install()?;
        overflow::install();
        Ok(Machine { image, signal })
    });
    machine.as_ref().map(drop).map_err(Clone::clone)
}

/// Whether the program's functions are known by name.
pub(crate) fn has_symbols() -> bool {
    machine().is_ok_and(|machine| machine.image.code.has_functions())
}

/// Whether anything is known of what the compiler has inlined.
pub(crate) fn has_descriptions() -> bool {
    machine().is_ok_and(|machine| machine.image.code.has_descriptions())
}

/// Judges a call chain.
pub(crate) fn check(
    walker: &mut Walker,
    registers: &Registers,
    chain: Chain,
) -> Result<(), Refusal> {
    let machine = machine().map_err(|()| Refusal::Code)?;
    walker.check(&machine.image, registers, chain)
}

/// The calls of a chain on a stack that ends there, the innermost first; how many there are.
pub(crate) fn collect(
    walker: &mut Walker,
    registers: &Registers,
    end: usize,
    into: &mut [u64],
) -> usize {
    machine().map_or(0, |machine| walker.collect(&machine.image, registers, end, into))
}

/// The names of the program's functions.
pub(crate) fn functions() -> Functions {
    image::function_names()
}
