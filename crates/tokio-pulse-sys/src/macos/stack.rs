//! The stack of another thread: it is stopped, looked at, and let run again.
//!
//! By the thread's port: `thread_suspend`, which returns when the thread has stopped,
//! `thread_get_state` for the registers, `mach_vm_read_overwrite` for the stack, `thread_resume`. No
//! signal is used, so no system call of the thread ends early by it, and no handler of the program's is
//! in the way. Unwinding is done afterwards, on the copy.
//!
//! **What must not happen in between.** The thread is stopped wherever it is, perhaps with the heap's
//! lock in its hands. So between stop and go there are calls to the kernel only: memory is got before,
//! nothing is allocated, looked up or reported. One lock lets one sample be taken at a time, so that two
//! threads cannot stop each other.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mach2::kern_return::KERN_SUCCESS;
use mach2::thread_act::{thread_get_state, thread_resume, thread_suspend};
use mach2::traps::mach_task_self;
use mach2::vm::mach_vm_read_overwrite;

use super::thread::{self, Port, Silence};
use crate::{Registers, SampleError, StackSignal, StackSnapshot, Unavailable};

const CAPABILITY: &str = "stack of another thread";

/// What is asked for at once: the larger of the two sizes of pages.
const PIECE: u64 = 16 << 10;

/// One sample at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Takes the stacks of this process's threads. There is nothing to install for it.
#[derive(Debug)]
pub struct StackSampler(());

impl StackSampler {
    /// Tries it on a thread that ends with this call. No signal is used, so which one is wanted makes
    /// no difference.
    ///
    /// # Errors
    ///
    /// On processors other than x86-64 and AArch64; when a sandbox forbids it.
    pub fn install(_signal: StackSignal) -> Result<Self, Unavailable> {
        if !KNOWN {
            return Err(Unavailable::on_this_processor(CAPABILITY));
        }
        let caller = thread::current();
        let trial = move || of_stopped(caller, &mut StackSnapshot::default());
        let thread = std::thread::Builder::new()
            .name("pulse-trial".to_owned())
            .spawn(trial)
            .map_err(|error| Unavailable::refused(CAPABILITY, error.raw_os_error().unwrap_or(0)))?;
        let sampled = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        sampled.map_err(|silence| silence.unavailable(CAPABILITY))?;
        Ok(Self(()))
    }

    /// Takes a thread's registers and stack. The thread stands still for the time of the copy; nothing
    /// is waited for, so `timeout` is not needed.
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
        let port = tid as Port;
        let answer = if port == thread::current() {
            // A thread cannot stop itself and go on: another one does it.
            let ask = || of_stopped(port, into);
            std::thread::scope(|scope| scope.spawn(ask).join()).unwrap_or(Err(Silence::Gone))
        } else {
            of_stopped(port, into)
        };
        answer.map_err(|silence| match silence {
            Silence::Gone => SampleError::Gone,
            Silence::Kernel(code) => SampleError::Refused(code),
        })
    }
}

/// A thread that stands still, until this is dropped.
struct Stopped(Port);

impl Drop for Stopped {
    fn drop(&mut self) {
        // SAFETY: no memory is passed; one stop is taken back, ours.
        unsafe { thread_resume(self.0) };
    }
}

fn of_stopped(port: Port, into: &mut StackSnapshot) -> Result<(), Silence> {
    // Names of other things than threads are refused here, before anything is stopped.
    thread::basic_info(port)?;
    // All memory, before the stop.
    let mut bytes = Vec::with_capacity(StackSnapshot::MAX_BYTES);
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);

    // SAFETY: no memory is passed. It is not the calling thread, which could not let itself go on.
    let code = unsafe { thread_suspend(port) };
    if code != KERN_SUCCESS {
        return Err(Silence::of(code));
    }
    let stopped = Stopped(port);
    let registers = registers(port);
    if let Ok(registers) = registers {
        copy_stack(registers.stack, &mut bytes);
    }
    drop(stopped);
    drop(turn);

    *into = StackSnapshot { registers: registers?, bytes };
    Ok(())
}

/// Copies from the top of a stack to the end of its mapping, into what `bytes` has room for. Calls to
/// the kernel only.
fn copy_stack(top: u64, bytes: &mut Vec<u8>) {
    let mut from = top;
    while bytes.len() < bytes.capacity() {
        let room = (bytes.capacity() - bytes.len()) as u64;
        let length = (PIECE - from % PIECE).min(room);
        let mut copied = 0;
        // SAFETY: behind its length `bytes` has room for `length`; the kernel checks what it reads, and
        // writes `length` bytes or fails.
        let code = unsafe {
            let into = bytes.as_mut_ptr().add(bytes.len()) as u64;
            mach_vm_read_overwrite(mach_task_self(), from, length, into, &mut copied)
        };
        if code != KERN_SUCCESS || copied != length {
            return;
        }
        // SAFETY: so many bytes were written there just now.
        unsafe { bytes.set_len(bytes.len() + length as usize) };
        from += length;
    }
}

#[cfg(target_arch = "x86_64")]
fn registers(port: Port) -> Result<Registers, Silence> {
    use mach2::structs::x86_thread_state64_t;
    let mut state = x86_thread_state64_t::new();
    let mut count = x86_thread_state64_t::count();
    // SAFETY: `state` is valid for a write of `count` integers, and `count` for one of a number.
    let code = unsafe {
        let flavor = mach2::thread_status::x86_THREAD_STATE64;
        thread_get_state(port, flavor, (&raw mut state).cast(), &mut count)
    };
    if code != KERN_SUCCESS {
        return Err(Silence::of(code));
    }
    let (instruction, stack, frame) = (state.__rip, state.__rsp, state.__rbp);
    Ok(Registers { instruction, stack, frame, link: 0 })
}

#[cfg(target_arch = "aarch64")]
fn registers(port: Port) -> Result<Registers, Silence> {
    use mach2::structs::arm_thread_state64_t;
    let mut state = arm_thread_state64_t::new();
    let mut count = arm_thread_state64_t::count();
    // SAFETY: `state` is valid for a write of `count` integers, and `count` for one of a number.
    let code = unsafe {
        let flavor = mach2::thread_status::ARM_THREAD_STATE64;
        thread_get_state(port, flavor, (&raw mut state).cast(), &mut count)
    };
    if code != KERN_SUCCESS {
        return Err(Silence::of(code));
    }
    let (instruction, stack) = (state.__pc, state.__sp);
    Ok(Registers { instruction, stack, frame: state.__fp, link: state.__lr })
}

/// Never reached: nothing is sampled where [`KNOWN`] is false.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn registers(_: Port) -> Result<Registers, Silence> {
    Err(Silence::Kernel(0))
}

/// Whether this processor's registers can be read.
const KNOWN: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// The system's number of the calling thread, by which others ask for it: the name of its port.
///
/// # Errors
///
/// Never on this platform.
pub fn current_thread_number() -> Result<i32, Unavailable> {
    Ok(thread::current() as i32)
}
