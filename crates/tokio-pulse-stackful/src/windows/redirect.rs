//! Interrupting a thread: stop it, make its next instruction ours, let it go on.
//!
//! ```text
//!   ticker                          thread
//!   SuspendThread                   ... computes, and stands still
//!   GetThreadContext
//!   is it in the program's code?
//!   note where it was               (PLACES)
//!   SetThreadContext: rip = trampoline
//!   ResumeThread                    trampoline: saves every register on the stack,
//!                                   calls `on_redirect`: takes the note, `current::on_tick`
//!                                   ... which may switch away, and come back much later;
//!                                   puts every register back, and returns to where it was
//! ```
//!
//! **Where.** Only in the program's own code. Inside of a library or of the system a thread may hold the
//! heap's or the loader's lock, and the system writes over its instruction pointer when a system call
//! ends. In the program's code it holds neither, whatever else it holds is the walk's to find out.
//!
//! **The stack.** Code for Windows keeps nothing below its stack pointer, so that the trampoline may push
//! there. The place to return to is not on the stack yet: the ticker writes nothing into a stack that is
//! not its own, which may have to grow first.
//!
//! **One at a time.** A thread has one interruption under way at most (`Slot`); it takes the note before it
//! says that it is done with it.
//!
//! **All registers**: the general ones and the flags by `push`, the rest (x87, vectors up to AVX-512,
//! protection keys) by `XSAVE`.

use std::arch::global_asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::System::Diagnostics::Debug::{
    CONTEXT_CONTROL_AMD64, GetThreadContext, SetThreadContext,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentThreadId, GetProcessIdOfThread, OpenThread, ResumeThread, SuspendThread,
    THREAD_GET_CONTEXT, THREAD_QUERY_LIMITED_INFORMATION, THREAD_SET_CONTEXT,
    THREAD_SUSPEND_RESUME,
};

use super::registers::{Context, Registers};
use super::{Errno, alert, machine};
use crate::Unavailable;
use crate::current::{self, Interrupted};

/// Threads that may be on their way into the trampoline at once.
const NOTES: usize = 256;

/// Where a redirected thread was. The ticker alone takes free ones.
struct Note {
    /// 0 is a free one.
    thread: AtomicU32,
    instruction: AtomicU64,
}

/// Written by whoever interrupts, before the thread goes on; taken by that thread.
static PLACES: [Note; NOTES] =
    [const { Note { thread: AtomicU32::new(0), instruction: AtomicU64::new(0) } }; NOTES];

/// What `XSAVE` is asked for: x87, SSE, AVX, the three parts of AVX-512, protection keys. Not the tiles of
/// AMX, 8 KiB that no ordinary code has in use.
const STATES: u32 = 0b10_1110_0111;

/// How much room that takes, with what aligns it. Read by the trampoline.
static SAVED: AtomicU64 = AtomicU64::new(0);

/// Finds out how much there is to save.
pub(super) fn prepare() -> Result<(), Unavailable> {
    const OSXSAVE: u32 = 1 << 27;
    #[allow(unused_unsafe, reason = "safe since Rust 1.94")]
    // SAFETY: every x86-64 processor has the instruction; the leaf is there with the feature.
    let size = unsafe {
        if __cpuid(1).ecx & OSXSAVE == 0 {
            return Err(Unavailable::on_this_platform());
        }
        // Offset and size of each part beyond the first two, which lie in the area's beginning.
        (2..32).filter(|part| STATES & 1 << part != 0).fold(512 + 64, |size, part| {
            let place = __cpuid_count(0xd, part);
            if place.eax == 0 { size } else { size.max(place.ebx + place.eax) }
        })
    };
    SAVED.store(u64::from(size.next_multiple_of(64)), Relaxed);
    Ok(())
}

/// Interrupts a thread of this process, if it is in the program's code just now; tells whether it is. A
/// number of a thread that has ended is the caller's mistake; at worst a thread that has the number now is
/// interrupted for nothing.
pub(crate) fn interrupt(thread: i32) -> bool {
    let Ok(image) = machine() else { return false };
    let Some(opened) = Opened::of(thread as u32) else { return false };
    if alert::alert(thread as u32, opened.0) {
        return true;
    }
    let Some(note) = PLACES.iter().find(|note| note.thread.load(Acquire) == 0) else {
        return false;
    };
    let Some(_stopped) = Stopped::of(&opened) else { return false };
    let mut context = Context::zeroed();
    context.0.ContextFlags = CONTEXT_CONTROL_AMD64;
    // SAFETY: the context is aligned and valid for a write; this waits until the thread stands still.
    let told = unsafe { GetThreadContext(opened.0, &mut context.0) } != 0;
    if !told || !image.code.has(context.0.Rip) {
        return false;
    }
    note.instruction.store(context.0.Rip, Relaxed);
    note.thread.store(thread as u32, Release);
    context.0.Rip = trampoline as *const () as u64;
    // SAFETY: only the instruction pointer differs from what it was. The trampoline ends where it was.
    let done = unsafe { SetThreadContext(opened.0, &context.0) } != 0;
    if !done {
        note.thread.store(0, Release);
    }
    done
}

/// An open thread of this process.
struct Opened(HANDLE);

impl Opened {
    fn of(thread: u32) -> Option<Self> {
        const RIGHTS: u32 = THREAD_SUSPEND_RESUME
            | THREAD_GET_CONTEXT
            | THREAD_SET_CONTEXT
            | THREAD_QUERY_LIMITED_INFORMATION;
        // SAFETY: passes no memory.
        let handle = unsafe { OpenThread(RIGHTS, 0, thread) };
        if handle.is_null() {
            return None;
        }
        let opened = Self(handle);
        // SAFETY: the handle is open, with the right to be asked.
        (unsafe { GetProcessIdOfThread(handle) } == std::process::id()).then_some(opened)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: opened by `of`, and closed only here.
        unsafe { CloseHandle(self.0) };
    }
}

/// A thread that stands still until this is dropped. Until then nothing may allocate or lock: the thread
/// may hold anything.
struct Stopped<'a>(&'a Opened);

impl<'a> Stopped<'a> {
    fn of(thread: &'a Opened) -> Option<Self> {
        // SAFETY: the handle is open, with the right to it; it is not the calling thread, whose number
        // nobody interrupts from inside.
        (unsafe { SuspendThread(thread.0) } != u32::MAX).then_some(Self(thread))
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is open, with the right to it; takes back one stop, ours.
        unsafe { ResumeThread(self.0.0) };
    }
}

/// What the trampoline has pushed, the last first.
#[repr(C)]
struct Frame {
    /// `r15` to `r8`.
    high: [u64; 8],
    rdi: u64,
    rsi: u64,
    rbp: u64,
    rbx: u64,
    rdx: u64,
    rcx: u64,
    rax: u64,
    flags: u64,
    /// Where to return to.
    instruction: u64,
}

unsafe extern "C" {
    #[link_name = "tokio_pulse_stackful_trampoline"]
    fn trampoline();
}

// `lea` moves the stack pointer and leaves the flags alone. The area for `xrstor` must be zero where its
// header is, and aligned to 64; the call wants 32 bytes of room above it and a stack aligned to 16.
global_asm!(
    ".globl tokio_pulse_stackful_trampoline",
    "tokio_pulse_stackful_trampoline:",
    "lea rsp, [rsp - 8]",
    "pushfq",
    "push rax", "push rcx", "push rdx", "push rbx", "push rbp", "push rsi", "push rdi",
    "push r8", "push r9", "push r10", "push r11", "push r12", "push r13", "push r14", "push r15",
    "cld",
    "mov rbp, rsp",
    "sub rsp, qword ptr [rip + {saved}]",
    "and rsp, -64",
    "xor eax, eax",
    "mov qword ptr [rsp + 512], rax", "mov qword ptr [rsp + 520], rax",
    "mov qword ptr [rsp + 528], rax", "mov qword ptr [rsp + 536], rax",
    "mov qword ptr [rsp + 544], rax", "mov qword ptr [rsp + 552], rax",
    "mov qword ptr [rsp + 560], rax", "mov qword ptr [rsp + 568], rax",
    "mov eax, {states}",
    "xor edx, edx",
    "xsave64 [rsp]",
    "mov rcx, rbp",
    "sub rsp, 32",
    "call {handler}",
    "add rsp, 32",
    "mov eax, {states}",
    "xor edx, edx",
    "xrstor64 [rsp]",
    "mov rsp, rbp",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop r11", "pop r10", "pop r9", "pop r8",
    "pop rdi", "pop rsi", "pop rbp", "pop rbx", "pop rdx", "pop rcx", "pop rax",
    "popfq",
    "ret",
    saved = sym SAVED,
    states = const STATES,
    handler = sym on_redirect,
);

/// Runs on the interrupted stack, between two of its instructions. It may not return for long: in
/// between, this thread runs others. Calls nothing but this crate's own code that is written for it.
///
/// # Safety
///
/// Called by the trampoline, with what it has pushed.
unsafe extern "C" fn on_redirect(frame: *mut Frame) {
    let error = Errno::save();
    // SAFETY: asks for a number; the frame is the trampoline's, which does nothing until this returns.
    let (thread, frame) = unsafe { (GetCurrentThreadId(), &mut *frame) };
    let note = PLACES.iter().find(|note| note.thread.load(Acquire) == thread);
    // There is one: whoever redirected this thread wrote it before.
    let Some(note) = note else { std::process::abort() };
    frame.instruction = note.instruction.load(Relaxed);
    note.thread.store(0, Release);
    let stack = std::ptr::from_ref(frame).addr() + size_of::<Frame>();
    let [r15, r14, r13, r12, ..] = frame.high;
    let registers = Registers {
        instruction: frame.instruction,
        stack: stack as u64,
        preserved: [frame.rbx, frame.rbp, frame.rsi, frame.rdi, r12, r13, r14, r15],
    };
    current::on_tick(&Interrupted { registers, mask: 0, waits_for: None, asked: false });
    error.restore();
}
