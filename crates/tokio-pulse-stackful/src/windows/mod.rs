//! Windows on x86-64: the thread is stopped, and made to call us.
//!
//! Windows has no signals. An asynchronous procedure call (`QueueUserAPC`) reaches a thread only while it
//! waits and has said that it may be called, so it does nothing to a loop that computes. What does is to
//! stop the thread, to write another instruction pointer into its registers, and to let it go on: see
//! [`redirect`]. A thread that waits alertably gets the procedure call: see [`alert`].
//!
//! The rest is as on Linux, from the same files: whose code may be left is told by the program's symbols.

mod alert;
mod calls;
#[path = "../code/mod.rs"]
mod code;
#[path = "../float.rs"]
mod float;
mod image;
mod overflow;
mod redirect;
mod registers;
#[path = "../walk.rs"]
mod walk;

use std::sync::OnceLock;
use std::time::Instant;

use windows_sys::Win32::Foundation::{GetLastError, SetLastError};
use windows_sys::Win32::Media::timeBeginPeriod;
use windows_sys::Win32::System::Threading::GetCurrentThreadId;

use crate::Unavailable;
use crate::chain::Chain;
use crate::metrics::Refusal;

pub use alert::AlertableEvent;
pub(crate) use calls::Walker;
pub(crate) use code::Functions;
pub(crate) use float::FloatControl;
pub(crate) use redirect::interrupt;
pub(crate) use registers::Registers;

static MACHINE: OnceLock<Result<image::Image, Unavailable>> = OnceLock::new();

/// What redirected code may call: after [`install`] it only reads.
fn machine() -> Result<&'static image::Image, ()> {
    MACHINE.get().and_then(|machine| machine.as_ref().ok()).ok_or(())
}

/// Reads the program's code and tries what is needed, once for the process.
pub(crate) fn install() -> Result<(), Unavailable> {
    let machine = MACHINE.get_or_init(|| {
        redirect::prepare()?;
        // Before the first look from redirected code, which must set nothing up.
        now_ns();
        let image = image::Image::of_this_program()?;
        overflow::install();
        Ok(image)
    });
    machine.as_ref().map(drop).map_err(Clone::clone)
}

/// Whether the program's functions are known by name.
pub(crate) fn has_symbols() -> bool {
    machine().is_ok_and(|image| image.code.has_functions())
}

/// Whether anything is known of what the compiler has inlined.
pub(crate) fn has_descriptions() -> bool {
    machine().is_ok_and(|image| image.code.has_descriptions())
}

/// Judges a call chain.
pub(crate) fn check(
    walker: &mut Walker,
    registers: &Registers,
    chain: Chain,
) -> Result<(), Refusal> {
    let image = machine().map_err(|()| Refusal::Code)?;
    walker.check(image, registers, chain)
}

/// The calls of a chain on a stack that ends there, the innermost first; how many there are.
pub(crate) fn collect(
    walker: &mut Walker,
    registers: &Registers,
    end: usize,
    into: &mut [u64],
) -> usize {
    machine().map_or(0, |image| walker.collect(image, registers, end, into))
}

/// The names of the program's functions.
pub(crate) fn functions() -> Functions {
    image::function_names()
}

/// The calling thread's number, to interrupt it by.
pub(crate) fn thread_number() -> i32 {
    // SAFETY: no preconditions.
    unsafe { GetCurrentThreadId() as i32 }
}

/// The monotonic clock; may be asked by redirected code once [`install`] has asked it.
pub(crate) fn now_ns() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// There is no mask that could keep an interruption away.
pub(crate) fn unblock() -> u64 {
    0
}

/// The thread needs nothing taken back.
pub(crate) fn leave_thread() {}

/// Lets waits end at the next millisecond. Without it they end with the next clock interrupt, which is
/// every 15.6 ms. Since Windows 10 2004 that concerns this process only. It stays so.
pub(crate) fn sleep_precisely() {
    // SAFETY: a number only.
    unsafe { timeBeginPeriod(1) };
}

/// The system's error number of this thread, which the interrupted code may be about to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errno(u32);

impl Errno {
    pub(crate) fn save() -> Self {
        // SAFETY: reads a word of this thread's.
        Self(unsafe { GetLastError() })
    }

    pub(crate) fn restore(self) {
        // SAFETY: writes that word.
        unsafe { SetLastError(self.0) };
    }
}
