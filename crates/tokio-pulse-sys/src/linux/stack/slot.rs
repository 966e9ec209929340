//! A place for one request: the word, and the buffer that it guards.

use std::cell::UnsafeCell;
use std::ptr;
use std::time::Duration;

use super::memory::{self, PIECE, Pipe};
use super::word::Word;
use crate::{Registers, StackSnapshot};

/// Requests at one time, those included whose thread is still writing after the requester left.
const COUNT: usize = 8;

/// What the kernel may return early at is a boundary between pieces.
const PIECES: usize = StackSnapshot::MAX_BYTES / PIECE + 1;

pub(super) static SLOTS: [Slot; COUNT] = [const { Slot::free() }; COUNT];

pub(super) struct Slot {
    pub(super) word: Word,
    pub(super) pipe: Pipe,
    answer: UnsafeCell<Answer>,
}

struct Answer {
    registers: Registers,
    length: usize,
    /// What the copy is asked for in; here, for the handler's stack is small.
    pieces: [libc::iovec; PIECES],
    bytes: [u8; StackSnapshot::MAX_BYTES],
}

// SAFETY: `answer` is touched by `write` and `read_into` only, whose callers own it by the word.
unsafe impl Sync for Slot {}

impl Slot {
    const fn free() -> Self {
        let answer = Answer {
            registers: Registers { instruction: 0, stack: 0, frame: 0, link: 0 },
            length: 0,
            pieces: [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; PIECES],
            bytes: [0; StackSnapshot::MAX_BYTES],
        };
        Self { word: Word::free(), pipe: Pipe::none(), answer: UnsafeCell::new(answer) }
    }

    /// Writes registers and stack of the calling thread. Async-signal-safe.
    ///
    /// # Safety
    ///
    /// The caller has claimed the slot and not yet published it.
    pub(super) unsafe fn write(&self, registers: Registers) {
        // SAFETY: by this function's contract nobody else touches the answer.
        let answer = unsafe { &mut *self.answer.get() };
        answer.registers = registers;
        let wanted = answer.bytes.len();
        let mut from = registers.stack as usize;
        let end = from.saturating_add(wanted);
        let mut count = 0;
        while from < end && count < PIECES {
            let length = (PIECE - from % PIECE).min(end - from);
            answer.pieces[count] =
                libc::iovec { iov_base: ptr::with_exposed_provenance_mut(from), iov_len: length };
            from += length;
            count += 1;
        }
        let into = libc::iovec { iov_base: answer.bytes.as_mut_ptr().cast(), iov_len: wanted };
        let pieces = &answer.pieces[..count];
        // SAFETY: the pieces are no longer than what `into` is valid for; the slot's owner owns the pipe.
        answer.length = unsafe { memory::read(&self.pipe, &into, pieces) }.unwrap_or(0);
    }

    /// Copies the answer out.
    ///
    /// # Safety
    ///
    /// The caller has opened the slot, has seen the answer, and has not yet freed it.
    pub(super) unsafe fn read_into(&self, snapshot: &mut StackSnapshot) {
        // SAFETY: by this function's contract nobody else touches the answer.
        let answer = unsafe { &*self.answer.get() };
        snapshot.registers = answer.registers;
        snapshot.bytes.clear();
        snapshot.bytes.extend_from_slice(&answer.bytes[..answer.length]);
    }

    /// Sleeps while the word is `seen`, until it is woken or the time is over.
    pub(super) fn sleep_while(&self, seen: u32, timeout: Duration) {
        let timeout = libc::timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // SAFETY: the word is static, the timeout outlives the call, and both are only read.
        unsafe {
            let (word, wait) = (self.word.address(), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG);
            libc::syscall(libc::SYS_futex, word, wait, seen, &raw const timeout);
        }
    }

    /// Wakes the requester. Async-signal-safe.
    pub(super) fn wake(&self) {
        // SAFETY: the word is static, and the kernel only looks for sleepers by its address.
        unsafe {
            let (word, wake) = (self.word.address(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG);
            libc::syscall(libc::SYS_futex, word, wake, 1);
        }
    }
}
