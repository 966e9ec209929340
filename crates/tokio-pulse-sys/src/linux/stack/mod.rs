//! The stack of another thread, by a signal to it. The protocol is in this folder's README.

mod handler;
mod install;
mod memory;
mod registers;
mod slot;
mod word;

use std::ffi::c_int;
use std::time::{Duration, Instant};

use crate::{SampleError, StackSignal, StackSnapshot, Unavailable};
use install::Refusal;
use slot::{SLOTS, Slot};
use word::{Progress, Withdrawal, Word};

const CAPABILITY: &str = "stack of another thread";

/// How often a requester looks for a free slot.
const RETRY: Duration = Duration::from_millis(1);

/// How often a requester looks whether the thread has ended, which then never answers: a signal that
/// comes in its last moments is lost with it.
const GLANCE: Duration = Duration::from_millis(10);

/// How long the trial may take: on a loaded machine its thread may have to wait for a processor.
const TRIAL: Duration = Duration::from_secs(5);

/// Takes the stacks of this process's threads.
///
/// The first one of a process installs a signal handler, which passes on all signals that are not
/// meant for it; the drop of the last restores what was there.
#[derive(Debug)]
pub struct StackSampler {
    signal: c_int,
}

impl StackSampler {
    /// Installs the handler, or counts one more user of it, and tries it on a thread that ends with
    /// this call.
    ///
    /// # Errors
    ///
    /// On processors other than x86-64 and AArch64; when another sampler is in use with another
    /// signal; when a sandbox forbids one of the system calls; when somebody has replaced the
    /// handler and does not pass on what is not theirs.
    pub fn install(signal: StackSignal) -> Result<Self, Unavailable> {
        if !registers::KNOWN {
            return Err(Unavailable::on_this_processor(CAPABILITY));
        }
        let refused = |code| Unavailable::refused(CAPABILITY, code);
        let signal = number(signal).ok_or(refused(libc::EINVAL))?;
        install::add_user(signal).map_err(|refusal| match refusal {
            Refusal::System(code) => refused(code),
            Refusal::OtherSignal => Unavailable::in_use(CAPABILITY),
        })?;
        // From here on the drop takes it back.
        let sampler = Self { signal };
        install::alone(|| memory::prepare(SLOTS.iter().map(|slot| &slot.pipe))).map_err(refused)?;
        sampler.try_out()?;
        Ok(sampler)
    }

    /// Takes a thread's registers and stack, as they are when the thread gets the signal.
    ///
    /// The thread is interrupted for the time of the copy. It costs it some tens of microseconds,
    /// and the `EINTR` of a system call that the kernel does not restart.
    ///
    /// # Errors
    ///
    /// When the thread has ended, has not answered in time, or may not be sent signals. `into` is
    /// then as it was.
    pub fn sample(
        &self,
        tid: i32,
        timeout: Duration,
        into: &mut StackSnapshot,
    ) -> Result<(), SampleError> {
        if !Word::fits(tid) {
            return Err(SampleError::Gone);
        }
        let began = Instant::now();
        let left = || timeout.saturating_sub(began.elapsed());
        let slot = loop {
            match SLOTS.iter().find(|slot| slot.word.hold()) {
                Some(slot) => break slot,
                None if left().is_zero() => return Err(SampleError::Busy),
                None => std::thread::sleep(RETRY.min(left())),
            }
        };
        slot.word.open(tid);
        let sent = handler::send(self.signal, tid);
        // Also after a failure: an earlier signal may have led to an answer.
        let mut has_waited = false;
        while let Progress::Pending(seen) = slot.word.progress() {
            let may_answer = sent.is_ok() && !left().is_zero() && !(has_waited && is_gone(tid));
            if may_answer {
                slot.sleep_while(seen, GLANCE.min(left()));
                has_waited = true;
                continue;
            }
            if give_up(slot, tid) {
                return Err(match sent {
                    Err(libc::ESRCH) => SampleError::Gone,
                    Err(code) => SampleError::Refused(code),
                    Ok(()) if is_gone(tid) => SampleError::Gone,
                    Ok(()) => SampleError::TimedOut,
                });
            }
        }
        // SAFETY: opened above and answered, and freed below.
        unsafe { slot.read_into(into) };
        slot.word.free_it();
        Ok(())
    }

    /// Samples a thread that does nothing but have itself sampled.
    fn try_out(&self) -> Result<(), Unavailable> {
        let trial = || {
            unblock(self.signal);
            // SAFETY: no preconditions.
            let tid = unsafe { libc::gettid() };
            self.sample(tid, TRIAL, &mut StackSnapshot::default())
        };
        let refused = |code| Unavailable::refused(CAPABILITY, code);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("pulse-trial".to_owned());
            let thread = thread
                .spawn_scoped(scope, trial)
                .map_err(|error| refused(error.raw_os_error().unwrap_or(0)))?;
            let sampled = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            sampled.map_err(|error| match error {
                SampleError::Refused(code) => refused(code),
                SampleError::Gone | SampleError::TimedOut | SampleError::Busy => {
                    refused(libc::ETIMEDOUT)
                }
            })
        })
    }
}

impl Drop for StackSampler {
    fn drop(&mut self) {
        install::remove_user();
    }
}

/// Whether there is no answer to come; otherwise it has come.
fn give_up(slot: &Slot, tid: i32) -> bool {
    match slot.word.withdraw(tid) {
        Withdrawal::Withdrawn => {
            slot.word.free_it();
            true
        }
        Withdrawal::Abandoned => true,
        Withdrawal::Answered => false,
    }
}

fn is_gone(tid: i32) -> bool {
    // SAFETY: no memory is passed, and signal 0 is sent to nobody.
    let result = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, 0) };
    result == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

fn number(signal: StackSignal) -> Option<c_int> {
    match signal {
        StackSignal::Urgent => Some(libc::SIGURG),
        StackSignal::RealTime(index) => {
            let number = libc::SIGRTMIN() + c_int::from(index);
            (number <= libc::SIGRTMAX()).then_some(number)
        }
    }
}

/// Lets the calling thread have the signal.
fn unblock(signal: c_int) {
    // SAFETY: a `sigset_t` consists of integers, for which zero bytes are a value; the calls write
    // and read the one given.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
    }
}

/// The kernel's number of the calling thread, by which others ask for it.
///
/// # Errors
///
/// Never on this platform.
pub fn current_thread_number() -> Result<i32, Unavailable> {
    // SAFETY: no preconditions.
    Ok(unsafe { libc::gettid() })
}
