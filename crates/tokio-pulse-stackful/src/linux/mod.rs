//! Linux on x86-64 and AArch64: a signal to the very thread.

mod calls;
mod image;
mod inlined;
mod names;
mod overflow;
mod ranges;
mod registers;
mod signal;
mod walk;

use std::ffi::c_int;
use std::sync::OnceLock;

use crate::Unavailable;
use crate::metrics::Refusal;

pub(crate) use calls::Walker;
pub(crate) use image::Functions;
pub(crate) use registers::{FloatControl, Registers};
pub(crate) use signal::{interrupt, unblock};
pub(crate) use walk::Chain;

struct Machine {
    image: image::Image,
    signal: c_int,
}

static MACHINE: OnceLock<Result<Machine, Unavailable>> = OnceLock::new();

/// What a signal handler may call: after [`install`] it only reads.
fn machine() -> Result<&'static Machine, ()> {
    MACHINE.get().and_then(|machine| machine.as_ref().ok()).ok_or(())
}

/// Reads the program's code and takes a signal, once for the process.
pub(crate) fn install() -> Result<(), Unavailable> {
    let machine = MACHINE.get_or_init(|| {
        let image = image::Image::of_this_program()?;
        let signal = signal::install()?;
        overflow::install();
        Ok(Machine { image, signal })
    });
    machine.as_ref().map(drop).map_err(Clone::clone)
}

/// Whether the program's functions are known by name.
pub(crate) fn has_symbols() -> bool {
    machine().is_ok_and(|machine| machine.image.has_functions())
}

/// Whether anything is known of what the compiler has inlined.
pub(crate) fn has_descriptions() -> bool {
    machine().is_ok_and(|machine| machine.image.has_descriptions())
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
    Functions::of_this_program()
}

/// The calling thread's number, to interrupt it by.
pub(crate) fn thread_number() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() }
}

/// The monotonic clock; may be asked in a signal handler.
pub(crate) fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to a valid place.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Lets the calling thread be woken as soon as its timeouts end.
pub(crate) fn sleep_precisely() {
    // SAFETY: a number only.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_usize) };
}

/// The C library's error number of this thread, which an interrupted call may be about to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errno(c_int);

impl Errno {
    pub(crate) fn save() -> Self {
        // SAFETY: the place is this thread's for as long as it lives.
        Self(unsafe { *libc::__errno_location() })
    }

    pub(crate) fn restore(self) {
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = self.0 };
    }
}
