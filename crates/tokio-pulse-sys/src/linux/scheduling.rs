//! The kernel's scheduling attributes of a thread: time slice, niceness, idle policy.
//!
//! The calls go to the kernel by number: for some of them the C libraries have no wrapper, and
//! musl's `sched_setscheduler` only ever answers `ENOSYS`.

use std::time::Duration;

use libc::c_long;

use crate::Unavailable;

const ATTRIBUTES: &str = "thread scheduling attributes";
const SLICE: &str = "kernel time slice";
const NICE: &str = "thread niceness";
const IDLE: &str = "idle scheduling policy";

/// The kernel's scheduling attributes of one thread, to be read and set from every thread of the
/// process.
///
/// It is a number, not a resource: it may outlive its thread, and then every method fails. A kernel
/// may give the number to a later thread of this process, which the methods then act on; never to
/// one of another process, for each method asks for that first.
///
/// A thread inherits all of this from the one that spawns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadScheduling {
    tid: libc::pid_t,
}

impl ThreadScheduling {
    /// The attributes of the calling thread.
    ///
    /// # Errors
    ///
    /// When the kernel does not let them be read, for instance in a sandbox.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        // SAFETY: no preconditions.
        let scheduling = Self { tid: unsafe { libc::gettid() } };
        scheduling.attributes(ATTRIBUTES).map(|_| scheduling)
    }

    /// Asks for a time slice, or with `None` for the kernel's own again. Needs no privilege.
    ///
    /// The slice is how long the thread may run before one with an equal claim gets its turn: a
    /// long one makes it yield, and be served, less often, at the same share of the processor. The
    /// kernel brings it into 0.1 ms to 100 ms. Policy and niceness stay as they are, unless another
    /// thread changes the niceness during this call: then one of the two is lost.
    ///
    /// # Errors
    ///
    /// Before Linux 6.12, whose kernels take a slice and ignore it; for a thread that has a policy
    /// without slices, the idle one included; when the thread has ended.
    pub fn set_slice(&self, slice: Option<Duration>) -> Result<(), Unavailable> {
        let mut wanted = self.sliced_attributes()?;
        // To the kernel 0 is "your own", so the shortest that can be asked for is 1.
        let nanoseconds = |slice: Duration| u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX);
        wanted.sched_runtime = slice.map_or(0, |slice| nanoseconds(slice).max(1));
        // Keeps the reset-on-fork bit along with the policy.
        wanted.sched_flags = libc::SCHED_FLAG_KEEP_POLICY as u64;
        let tid = c_long::from(self.tid);
        // SAFETY: `wanted` is a whole `sched_attr` that carries its own size, as the kernel's
        // answer left it there, and outlives the call, which only reads it.
        let result =
            unsafe { libc::syscall(libc::SYS_sched_setattr, tid, &raw const wanted, 0 as c_long) };
        answer(SLICE, result).map(drop)
    }

    /// Asks the kernel to let the thread run soon after it wakes up: for one that computes little, and
    /// that others wait for. By the shortest slice, which leaves its share as it is. Needs no privilege.
    ///
    /// # Errors
    ///
    /// As for [`set_slice`](Self::set_slice).
    pub fn hasten(&self) -> Result<(), Unavailable> {
        self.set_slice(Some(Duration::ZERO))
    }

    /// The time slice in force, whether asked for or the kernel's own.
    ///
    /// # Errors
    ///
    /// As for [`set_slice`](Self::set_slice).
    pub fn slice(&self) -> Result<Duration, Unavailable> {
        Ok(Duration::from_nanos(self.sliced_attributes()?.sched_runtime))
    }

    /// The niceness: from -20, the largest share of the processor, to 19.
    ///
    /// # Errors
    ///
    /// When the thread has ended.
    pub fn nice(&self) -> Result<i32, Unavailable> {
        self.check(NICE)?;
        let which = c_long::from(libc::PRIO_PROCESS);
        // SAFETY: no memory is passed.
        let result = unsafe { libc::syscall(libc::SYS_getpriority, which, c_long::from(self.tid)) };
        // The kernel keeps negative numbers for errors and answers 40 for -20, 1 for 19.
        answer(NICE, result).map(|turned| 20 - i32::try_from(turned).unwrap_or(20))
    }

    /// Sets the niceness of this thread alone; the kernel brings it into -20 to 19. The slice stays.
    ///
    /// # Errors
    ///
    /// When it would be lowered without the right to do so, see [`nice_restorable`]; when the thread
    /// has ended.
    pub fn set_nice(&self, nice: i32) -> Result<(), Unavailable> {
        self.check(NICE)?;
        let (which, who) = (c_long::from(libc::PRIO_PROCESS), c_long::from(self.tid));
        // SAFETY: no memory is passed.
        let result =
            unsafe { libc::syscall(libc::SYS_setpriority, which, who, c_long::from(nice)) };
        answer(NICE, result).map(drop)
    }

    /// Lets the thread run only on what all others leave over, or as an ordinary one again.
    /// Niceness and slice stay.
    ///
    /// # Errors
    ///
    /// For a thread whose policy is neither of the two; on the way back without the right to it, see
    /// [`idle_restorable`]; when the thread has ended.
    pub fn set_idle(&self, idle: bool) -> Result<(), Unavailable> {
        self.check(IDLE)?;
        let tid = c_long::from(self.tid);
        // SAFETY: no memory is passed.
        let result = unsafe { libc::syscall(libc::SYS_sched_getscheduler, tid) };
        let now = answer(IDLE, result)?;
        // Taking this bit away is a privilege, so it is handed back as it came.
        let reset_on_fork = now & c_long::from(libc::SCHED_RESET_ON_FORK);
        let policy = now & !reset_on_fork;
        if ![libc::SCHED_OTHER, libc::SCHED_IDLE].map(c_long::from).contains(&policy) {
            return Err(Unavailable::for_policy(IDLE));
        }
        let wanted = c_long::from(if idle { libc::SCHED_IDLE } else { libc::SCHED_OTHER });
        // The older of the two calls, on purpose: `sched_setattr` would have to name the slice, and
        // the kernel does not tell one that was asked for from its own.
        let priority: libc::c_int = 0;
        // SAFETY: the kernel's `sched_param` is one `int`; it outlives the call, which only reads it.
        let result = unsafe {
            let policy = wanted | reset_on_fork;
            libc::syscall(libc::SYS_sched_setscheduler, tid, policy, &raw const priority)
        };
        answer(IDLE, result).map(drop)
    }

    /// The attributes of a thread that has a slice.
    fn sliced_attributes(&self) -> Result<libc::sched_attr, Unavailable> {
        let attributes = self.attributes(SLICE)?;
        // The kernel answers success for the idle policy too, and sets nothing.
        let policies = [libc::SCHED_OTHER, libc::SCHED_BATCH].map(i64::from);
        if !policies.contains(&i64::from(attributes.sched_policy)) {
            Err(Unavailable::for_policy(SLICE))
        } else if attributes.sched_runtime == 0 {
            // A kernel that knows slices reports one, be it its own.
            Err(Unavailable::before_linux(SLICE, "6.12"))
        } else {
            Ok(attributes)
        }
    }

    fn attributes(&self, capability: &'static str) -> Result<libc::sched_attr, Unavailable> {
        self.check(capability)?;
        // SAFETY: `sched_attr` consists of integers, for which zero bytes are a value.
        let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
        let tid = c_long::from(self.tid);
        let size = size_of::<libc::sched_attr>() as c_long;
        // SAFETY: `attributes` is valid for a write of `size` bytes, and the kernel writes no more.
        let result = unsafe {
            libc::syscall(libc::SYS_sched_getattr, tid, &raw mut attributes, size, 0 as c_long)
        };
        answer(capability, result).map(|_| attributes)
    }

    /// Fails when the number is not one of a thread of this process.
    ///
    /// The kernel numbers the threads of all processes in one row. Between this and the call that
    /// follows it the number cannot come round to somebody else: the kernel uses up all others first.
    fn check(&self, capability: &'static str) -> Result<(), Unavailable> {
        let tid = c_long::from(self.tid);
        // SAFETY: no memory is passed, and signal 0 is sent to nobody.
        let result = unsafe {
            let process = c_long::from(libc::getpid());
            libc::syscall(libc::SYS_tgkill, process, tid, 0 as c_long)
        };
        answer(capability, result).map(drop)
    }
}

/// Whether the kernel takes time slices, tried on a thread that ends with this call.
///
/// A scheduler that was loaded into the kernel in place of its own (`sched_ext`) may ignore them.
///
/// # Errors
///
/// Before Linux 6.12; when no thread can be spawned. The new thread has the caller's policy, so a
/// caller with one that knows no slices learns that.
pub fn slices_available() -> Result<(), Unavailable> {
    on_fresh_thread(SLICE, |scheduling| {
        // The longest there is: no kernel has it as its own.
        let slice = Duration::from_millis(100);
        scheduling.set_slice(Some(slice))?;
        if scheduling.slice()? == slice {
            Ok(())
        } else {
            Err(Unavailable::before_linux(SLICE, "6.12"))
        }
    })
}

/// Whether a thread that was made nicer can be brought back to the caller's niceness, tried on a
/// thread that ends with this call.
///
/// # Errors
///
/// Without `CAP_SYS_NICE` and with an `RLIMIT_NICE` that does not reach that far, as is usual for
/// ordinary users.
pub fn nice_restorable() -> Result<(), Unavailable> {
    on_fresh_thread(NICE, |scheduling| {
        let nice = scheduling.nice()?;
        scheduling.set_nice(nice + 10)?;
        scheduling.set_nice(nice)
    })
}

/// Whether a thread can be brought back from the idle policy, tried on a thread that ends with this
/// call.
///
/// # Errors
///
/// As for [`nice_restorable`]: to the kernel the way back is a matter of niceness.
pub fn idle_restorable() -> Result<(), Unavailable> {
    on_fresh_thread(IDLE, |scheduling| {
        scheduling.set_idle(true)?;
        scheduling.set_idle(false)
    })
}

/// Runs a trial where what it leaves behind ends with it.
fn on_fresh_thread(
    capability: &'static str,
    trial: fn(ThreadScheduling) -> Result<(), Unavailable>,
) -> Result<(), Unavailable> {
    let thread = std::thread::Builder::new()
        .name("pulse-trial".to_owned())
        .spawn(move || trial(ThreadScheduling::of_current_thread()?))
        .map_err(|error| Unavailable::refused(capability, error.raw_os_error().unwrap_or(0)))?;
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What a call by number came back with.
fn answer(capability: &'static str, result: c_long) -> Result<c_long, Unavailable> {
    if result == -1 {
        let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        Err(Unavailable::refused(capability, error))
    } else {
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(20);

    /// Tests run on threads of their own: without privilege, nothing that they lower comes back.
    fn alone(test: impl FnOnce(ThreadScheduling) + Send + 'static) {
        let run = || test(ThreadScheduling::of_current_thread().unwrap());
        std::thread::spawn(run).join().unwrap();
    }

    #[test]
    fn a_slice_is_kept_within_bounds_and_given_back() {
        alone(|thread| {
            if let Err(missing) = slices_available() {
                assert_eq!(thread.set_slice(Some(LONG)), Err(missing));
                assert_eq!(thread.slice(), Err(missing));
                return;
            }
            thread.set_slice(None).unwrap();
            let default = thread.slice().unwrap();
            for (asked, given) in [
                (LONG, LONG),
                (Duration::ZERO, Duration::from_micros(100)),
                (Duration::MAX, Duration::from_millis(100)),
            ] {
                thread.set_slice(Some(asked)).unwrap();
                assert_eq!(thread.slice(), Ok(given));
            }
            thread.set_slice(None).unwrap();
            assert_eq!(thread.slice(), Ok(default));
        });
    }

    #[test]
    fn a_thread_in_haste_has_the_shortest_slice_and_no_more() {
        alone(|thread| {
            let nice = thread.nice();
            let asked = thread.hasten();
            assert_eq!(asked, slices_available());
            if asked.is_ok() {
                assert_eq!(thread.slice(), Ok(Duration::from_micros(100)));
            }
            assert_eq!(thread.nice(), nice);
        });
    }

    #[test]
    fn slice_niceness_and_policy_do_not_touch_one_another() {
        alone(|thread| {
            let nice = (thread.nice().unwrap() + 3).min(19);
            let slice = thread.set_slice(Some(LONG)).and_then(|()| thread.slice());
            thread.set_nice(nice).unwrap();
            assert_eq!(thread.slice(), slice, "niceness changed the slice");

            if slices_available().is_ok() {
                thread.set_slice(Some(LONG * 2)).unwrap();
                assert_eq!(thread.nice(), Ok(nice), "the slice changed the niceness");
                thread.set_slice(Some(LONG)).unwrap();
            }

            thread.set_idle(true).unwrap();
            assert_eq!(thread.nice(), Ok(nice), "the idle policy changed the niceness");
            let refusal = Err(Unavailable::for_policy(SLICE));
            assert_eq!(thread.set_slice(Some(LONG)), refusal);
            if thread.set_idle(false).is_ok() {
                assert_eq!(thread.nice(), Ok(nice), "the way back changed the niceness");
                assert_eq!(thread.slice(), slice, "the way back changed the slice");
            }
        });
    }

    #[test]
    fn what_the_trials_promise_holds() {
        alone(|thread| {
            let nice = thread.nice().unwrap();
            let restorable = nice_restorable();
            assert_eq!(thread.nice(), Ok(nice), "the trial touched the caller");
            thread.set_nice(nice + 10).unwrap();
            assert_eq!(thread.set_nice(nice), restorable);
            let expected = if restorable.is_ok() { nice } else { (nice + 10).min(19) };
            assert_eq!(thread.nice(), Ok(expected));
        });
        alone(|thread| {
            let restorable = idle_restorable();
            thread.set_idle(true).unwrap();
            thread.set_idle(true).unwrap();
            assert_eq!(thread.set_idle(false), restorable);
        });
    }

    #[test]
    fn another_thread_sets_them() {
        alone(|waiting| {
            let nice = (waiting.nice().unwrap() + 1).min(19);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let own = ThreadScheduling::of_current_thread().unwrap();
                    let before = own.nice();
                    assert_ne!(own, waiting);
                    waiting.set_nice(nice).unwrap();
                    waiting.set_idle(true).unwrap();
                    assert_eq!(own.nice(), before);
                });
            });
            assert_eq!(waiting.nice(), Ok(nice));
            assert_eq!(waiting.slice(), Err(Unavailable::for_policy(SLICE)));
        });
    }

    #[test]
    fn a_number_of_another_process_is_left_alone() {
        // SAFETY: no preconditions.
        let parent = ThreadScheduling { tid: unsafe { libc::getppid() } };
        assert!(parent.nice().is_err());
        assert!(parent.slice().is_err());
        assert!(parent.set_slice(None).is_err());
        assert!(parent.set_nice(19).is_err());
        assert!(parent.set_idle(true).is_err());
    }
}
