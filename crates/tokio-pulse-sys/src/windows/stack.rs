//! The stack of another thread: it is stopped, looked at, and let run again.
//!
//! Windows has no signals. `SuspendThread` asks for a stop, `GetThreadContext` waits for it and tells
//! the registers, then the stack is copied and `ResumeThread` lets the thread go on; all unwinding is
//! done afterwards, on the copy.
//!
//! **What must not happen in between.** The thread is stopped wherever it is, perhaps with the heap's
//! lock in its hands, or the loader's. Whoever wants one of them would wait for a thread that waits
//! for him. So between stop and go there are system calls only: memory is got before, nothing is
//! allocated, looked up or reported. Two threads that stop each other would both stay: one lock lets
//! one sample be taken at a time, and is held by nobody who can be stopped by its holder's work: who
//! waits for it has stopped nobody.
//!
//! **What it costs the thread**: two switches and the copy. Waits that can be broken by an APC are not
//! ended by it.

use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use windows_sys::Win32::System::Diagnostics::Debug::{
    CONTEXT, GetThreadContext, ReadProcessMemory, RtlCaptureContext,
};
use windows_sys::Win32::System::Memory::{MEMORY_BASIC_INFORMATION, VirtualQuery};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, ResumeThread, SuspendThread, THREAD_GET_CONTEXT, THREAD_SUSPEND_RESUME,
};

use super::last_error;
use super::on_fresh_thread;
use super::thread::{NotOpened, OpenedThread, current_number};
use crate::{Registers, SampleError, StackSignal, StackSnapshot, Unavailable};

const CAPABILITY: &str = "stack of another thread";

/// What `SuspendThread` and `ResumeThread` answer when they fail.
const FAILED: u32 = u32::MAX;

/// One sample at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Takes the stacks of this process's threads. There is nothing to install for it.
#[derive(Debug)]
pub struct StackSampler(());

impl StackSampler {
    /// Tries it on a thread that ends with this call. There are no signals here, so which one would
    /// be used makes no difference.
    ///
    /// # Errors
    ///
    /// On processors other than x86-64 and AArch64; when the system refuses.
    pub fn install(_signal: StackSignal) -> Result<Self, Unavailable> {
        if !KNOWN {
            return Err(Unavailable::on_this_processor(CAPABILITY));
        }
        let number = current_number();
        on_fresh_thread(CAPABILITY, || {
            of_stopped(number, &mut StackSnapshot::default()).map_err(|error| match error {
                SampleError::Refused(code) => Unavailable::refused(CAPABILITY, code),
                _ => Unavailable::refused(CAPABILITY, 0),
            })
        })?;
        Ok(Self(()))
    }

    /// Takes a thread's registers and stack. The thread stands still for the time of the copy, some
    /// tens of microseconds; nothing is waited for, so `timeout` only bounds a queue of samplers in
    /// principle.
    ///
    /// # Errors
    ///
    /// When the thread has ended, or the system refuses. `into` is then as it was.
    pub fn sample(
        &self,
        tid: i32,
        _timeout: Duration,
        into: &mut StackSnapshot,
    ) -> Result<(), SampleError> {
        let number = tid as u32;
        if number == current_number() { of_itself(into) } else { of_stopped(number, into) }
    }
}

/// A thread that stands still, until this is dropped.
struct Stopped<'a>(&'a OpenedThread);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is open, with the right to it; one stop is taken back, ours.
        unsafe { ResumeThread(self.0.handle()) };
    }
}

/// Aligned as the processor stores vector registers, which the bindings do not say.
#[repr(C, align(16))]
struct Aligned(CONTEXT);

impl Aligned {
    fn zeroed() -> Self {
        let mut context = Self(CONTEXT::default());
        context.0.ContextFlags = FLAGS;
        context
    }
}

fn of_stopped(number: u32, into: &mut StackSnapshot) -> Result<(), SampleError> {
    let rights = THREAD_SUSPEND_RESUME | THREAD_GET_CONTEXT;
    let thread = OpenedThread::open(number, rights).map_err(|error| match error {
        NotOpened::Gone => SampleError::Gone,
        NotOpened::Refused(code) => SampleError::Refused(code),
    })?;
    // All memory, before the stop.
    let mut context = Aligned::zeroed();
    let mut bytes = Vec::with_capacity(StackSnapshot::MAX_BYTES);
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);

    // SAFETY: the handle is open, with the right to it. It is not the calling thread, which could
    // not let itself go on.
    if unsafe { SuspendThread(thread.handle()) } == FAILED {
        let code = last_error();
        return Err(if thread.has_ended() {
            SampleError::Gone
        } else {
            SampleError::Refused(code)
        });
    }
    let stopped = Stopped(&thread);
    // SAFETY: the context is aligned and valid for a write; its flags say what is asked for. This
    // call waits until the thread has stopped.
    let told = unsafe { GetThreadContext(thread.handle(), &mut context.0) } != 0;
    let code = if told { 0 } else { last_error() };
    if told {
        copy_stack(registers(&context.0).stack, &mut bytes);
    }
    drop(stopped);
    drop(turn);

    if !told {
        return Err(if thread.has_ended() {
            SampleError::Gone
        } else {
            SampleError::Refused(code)
        });
    }
    *into = StackSnapshot { registers: registers(&context.0), bytes };
    Ok(())
}

/// The caller's own, from inside this function.
fn of_itself(into: &mut StackSnapshot) -> Result<(), SampleError> {
    let mut context = Aligned::zeroed();
    let mut bytes = Vec::with_capacity(StackSnapshot::MAX_BYTES);
    // SAFETY: the context is aligned and valid for a write.
    unsafe { RtlCaptureContext(&mut context.0) };
    copy_stack(registers(&context.0).stack, &mut bytes);
    *into = StackSnapshot { registers: registers(&context.0), bytes };
    Ok(())
}

/// Copies from the top of a stack to the end of its memory, into what `bytes` has room for. Two
/// system calls and no allocation.
fn copy_stack(top: u64, bytes: &mut Vec<u8>) {
    let from = top as usize as *const c_void;
    let mut region = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: `region` is valid for a write of its size; of the address the system only looks up
    // what lies there.
    let known = unsafe { VirtualQuery(from, &mut region, size_of_val(&region)) } != 0;
    // What is in use of a stack is one region, which ends where the stack does.
    let end = (region.BaseAddress as usize).saturating_add(region.RegionSize);
    let wanted = end.saturating_sub(from as usize).min(bytes.capacity());
    if !known || wanted == 0 {
        return;
    }
    let mut copied = 0;
    // SAFETY: `bytes` has room for `wanted`; the system checks what it reads, and says how much of
    // the beginning it has written.
    unsafe {
        let into = bytes.as_mut_ptr().cast();
        let done = ReadProcessMemory(GetCurrentProcess(), from, into, wanted, &mut copied) != 0;
        bytes.set_len(if done { copied.min(wanted) } else { 0 });
    }
}

#[cfg(target_arch = "x86_64")]
const FLAGS: u32 = windows_sys::Win32::System::Diagnostics::Debug::CONTEXT_CONTROL_AMD64
    | windows_sys::Win32::System::Diagnostics::Debug::CONTEXT_INTEGER_AMD64;
#[cfg(target_arch = "aarch64")]
const FLAGS: u32 = windows_sys::Win32::System::Diagnostics::Debug::CONTEXT_CONTROL_ARM64
    | windows_sys::Win32::System::Diagnostics::Debug::CONTEXT_INTEGER_ARM64;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const FLAGS: u32 = 0;

#[cfg(target_arch = "x86_64")]
fn registers(context: &CONTEXT) -> Registers {
    Registers { instruction: context.Rip, stack: context.Rsp, frame: context.Rbp, link: 0 }
}

#[cfg(target_arch = "aarch64")]
fn registers(context: &CONTEXT) -> Registers {
    // SAFETY: the two halves of the union are the same registers, by number and by name.
    let general = unsafe { context.Anonymous.Anonymous };
    let (frame, link) = (general.Fp, general.Lr);
    Registers { instruction: context.Pc, stack: context.Sp, frame, link }
}

/// Never reached: nothing is sampled where [`KNOWN`] is false.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn registers(_: &CONTEXT) -> Registers {
    Registers::default()
}

/// Whether this processor's registers can be read.
const KNOWN: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// The system's number of the calling thread, by which others ask for it.
///
/// # Errors
///
/// Never on this platform.
pub fn current_thread_number() -> Result<i32, Unavailable> {
    Ok(current_number() as i32)
}
