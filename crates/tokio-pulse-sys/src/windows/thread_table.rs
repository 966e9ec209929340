//! The kernel's table of threads, from which it tells what each is doing.
//!
//! No call tells of one thread alone: `NtQuerySystemInformation` copies the table of the whole
//! machine, so it is for suspects only. Its documentation names the fields used here and warns that
//! the call may change. Therefore nothing rests on it: whoever asks it first has it tried, on two
//! threads of which the answer is known, and a system that gives another is one that does not tell.
//! (Wine fills in a constant.)

use std::mem::{offset_of, size_of};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::time::{Duration, Instant};

use windows_sys::Wdk::System::SystemInformation::{
    NtQuerySystemInformation, SystemProcessInformation,
};
use windows_sys::Win32::Foundation::{STATUS_INFO_LENGTH_MISMATCH, STATUS_SUCCESS};
use windows_sys::Win32::System::WindowsProgramming::{
    SYSTEM_PROCESS_INFORMATION, SYSTEM_THREAD_INFORMATION,
};

use super::thread::current_number;
use crate::Unavailable;

/// The values of `ThreadState` that say "in nobody's way"; named in the documentation of the class
/// `Win32_Thread` and of the performance counter of that name.
const WAITING: u32 = 5;
const TRANSITION: u32 = 6;

/// How often the table is asked for again when it has grown meanwhile.
const ATTEMPTS: usize = 4;

/// For how long a thread that waits is given to be seen waiting.
const TRIAL: Duration = Duration::from_millis(200);

const SILENT: Unavailable = Unavailable::lacking(
    "thread run state",
    "this system does not tell which threads run and which wait",
    "a poll that got little CPU is rescued, and not held against its task",
    None,
);

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    state: u32,
    reason: u32,
}

impl Line {
    pub(super) fn is_waiting(self) -> bool {
        matches!(self.state, WAITING | TRANSITION)
    }

    /// Why it waits, as `KWAIT_REASON` counts them.
    pub(super) fn reason(self) -> u32 {
        self.reason
    }
}

/// The line of a thread of this process; `None` for one that is not there.
pub(super) fn line_of(thread: u32) -> Result<Option<Line>, Unavailable> {
    static TELLS: OnceLock<bool> = OnceLock::new();
    if *TELLS.get_or_init(try_out) { look_up(thread) } else { Err(SILENT) }
}

/// Whether this thread is said to run, and one that waits to wait.
fn try_out() -> bool {
    let runs = |thread| matches!(look_up(thread), Ok(Some(line)) if !line.is_waiting());
    let waits = |thread| matches!(look_up(thread), Ok(Some(line)) if line.is_waiting());
    let done = &AtomicBool::new(false);
    let trial = || {
        std::thread::scope(|scope| {
            let (number_out, number_in) = std::sync::mpsc::channel();
            let thread = std::thread::Builder::new().name("pulse-trial".to_owned());
            let waiting = thread.spawn_scoped(scope, move || {
                let _ = number_out.send(current_number());
                while !done.load(Acquire) {
                    std::thread::park();
                }
            });
            let Ok(waiting) = waiting else { return false };
            let number = number_in.recv().unwrap_or_default();
            let begun = Instant::now();
            let mut seen = waits(number);
            while !seen && begun.elapsed() < TRIAL {
                std::thread::sleep(Duration::from_millis(1));
                seen = waits(number);
            }
            done.store(true, Release);
            waiting.thread().unpark();
            seen
        })
    };
    runs(current_number()) && trial()
}

fn look_up(thread: u32) -> Result<Option<Line>, Unavailable> {
    let table = take()?;
    Ok(find(&table, std::process::id(), thread))
}

/// A copy of the table.
fn take() -> Result<Vec<u64>, Unavailable> {
    let mut table: Vec<u64> = Vec::new();
    let mut bytes: u32 = 1 << 18;
    for _ in 0..ATTEMPTS {
        table.resize(bytes as usize / 8, 0);
        // SAFETY: the buffer is valid for a write of that many bytes, and aligned for every field of
        // the table; `bytes` is valid for a write.
        let status = unsafe {
            let (length, into) = (bytes, table.as_mut_ptr().cast());
            NtQuerySystemInformation(SystemProcessInformation, into, length, &mut bytes)
        };
        match status {
            STATUS_SUCCESS => return Ok(table),
            // Says how long it is now, and it may grow.
            STATUS_INFO_LENGTH_MISMATCH => bytes = (bytes + (1 << 16)) & !7,
            _ => break,
        }
    }
    Err(SILENT)
}

/// The table is a chain of processes with their threads behind each. All is read by offsets that are
/// checked against its length.
fn find(table: &[u64], process: u32, thread: u32) -> Option<Line> {
    let mut at = 0;
    loop {
        let next = number(table, at + offset_of!(SYSTEM_PROCESS_INFORMATION, NextEntryOffset))?;
        let id = number(table, at + offset_of!(SYSTEM_PROCESS_INFORMATION, UniqueProcessId))?;
        if id == process {
            let count =
                number(table, at + offset_of!(SYSTEM_PROCESS_INFORMATION, NumberOfThreads))?;
            let first = at + size_of::<SYSTEM_PROCESS_INFORMATION>();
            return (0..count as usize)
                .map(|index| first + index * size_of::<SYSTEM_THREAD_INFORMATION>())
                .find(|line| number(table, line + THREAD_NUMBER) == Some(thread))
                .and_then(|line| {
                    let field = |offset| number(table, line + offset);
                    Some(Line {
                        state: field(offset_of!(SYSTEM_THREAD_INFORMATION, ThreadState))?,
                        reason: field(offset_of!(SYSTEM_THREAD_INFORMATION, WaitReason))?,
                    })
                });
        }
        if next == 0 {
            return None;
        }
        at += next as usize;
    }
}

/// Numbers of processes and threads are handles in here, of which the lower half is used.
const THREAD_NUMBER: usize =
    offset_of!(SYSTEM_THREAD_INFORMATION, ClientId) + size_of::<*const ()>();

fn number(table: &[u64], offset: usize) -> Option<u32> {
    let word = *table.get(offset / 8)?;
    // Every field used here lies at a multiple of 4; the low half comes first.
    Some(if offset % 8 == 0 { word as u32 } else { (word >> 32) as u32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two processes, the second with two threads.
    fn table() -> Vec<u64> {
        let (process, thread) =
            (size_of::<SYSTEM_PROCESS_INFORMATION>(), size_of::<SYSTEM_THREAD_INFORMATION>());
        let mut bytes = vec![0_u8; 2 * process + 2 * thread];
        let mut put =
            |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        put(0, process as u32);
        put(offset_of!(SYSTEM_PROCESS_INFORMATION, UniqueProcessId), 4);
        put(process + offset_of!(SYSTEM_PROCESS_INFORMATION, UniqueProcessId), 8);
        put(process + offset_of!(SYSTEM_PROCESS_INFORMATION, NumberOfThreads), 2);
        for (index, (number, state, reason)) in [(100, 2, 0), (104, 5, 37)].into_iter().enumerate()
        {
            let line = 2 * process + index * thread;
            put(line + THREAD_NUMBER, number);
            put(line + offset_of!(SYSTEM_THREAD_INFORMATION, ThreadState), state);
            put(line + offset_of!(SYSTEM_THREAD_INFORMATION, WaitReason), reason);
        }
        bytes.chunks(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect()
    }

    #[test]
    fn a_thread_is_found_in_its_process_alone() {
        let table = table();
        assert_eq!(find(&table, 8, 100), Some(Line { state: 2, reason: 0 }));
        let waiting = find(&table, 8, 104).unwrap();
        assert!(waiting.is_waiting());
        assert_eq!(waiting.reason(), 37);
        assert_eq!(find(&table, 8, 108), None);
        assert_eq!(find(&table, 4, 100), None);
        assert_eq!(find(&table, 12, 100), None);
    }

    #[test]
    fn a_table_that_ends_early_is_no_answer() {
        let table = table();
        for length in 0..table.len() {
            find(&table[..length], 8, 104);
        }
        assert_eq!(find(&[], 8, 104), None);
    }

    #[test]
    fn this_system_tells_or_says_that_it_does_not() {
        match line_of(current_number()) {
            Ok(line) => assert!(!line.unwrap().is_waiting()),
            Err(missing) => assert_eq!(missing, SILENT),
        }
    }
}
