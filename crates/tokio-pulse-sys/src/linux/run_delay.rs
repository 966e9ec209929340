//! How long a thread was ready to run and had no processor, and how often it gave one up by itself.

use std::fs::File;
use std::mem::MaybeUninit;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use crate::Unavailable;

const CAPABILITY: &str = "thread run delay";

/// The time that one thread has waited for a processor, readable from every thread of the process.
///
/// Keeps `/proc/thread-self/schedstat` open: one file descriptor, which names its thread for good,
/// and a read is one system call, where opening the file each time would be three.
/// That file also has the thread's CPU time, but of a thread that runs only as of the last tick;
/// [`ThreadCpuClock`](crate::ThreadCpuClock) is exact.
#[derive(Debug)]
pub struct ThreadRunDelay(File);

impl ThreadRunDelay {
    /// The run delay of the calling thread.
    ///
    /// # Errors
    ///
    /// When `/proc` is not mounted, or the kernel was built or started without the count.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        let delay = Self(File::open("/proc/thread-self/schedstat").map_err(refused)?);
        delay.read().map(|_| delay)
    }

    /// The time that the thread has waited since it began.
    ///
    /// A wait counts when it ends. Of a thread that waits now, the kernel does not tell since when.
    ///
    /// # Errors
    ///
    /// When the thread has ended.
    pub fn read(&self) -> Result<Duration, Unavailable> {
        // Room for three numbers of 64 bits.
        let mut line = [0; 64];
        let length = self.0.read_at(&mut line, 0).map_err(refused)?;
        parse(&line[..length]).ok_or(Unavailable::refused(CAPABILITY, libc::ENODATA))
    }
}

/// How often the calling thread has gone to sleep in the kernel since it began.
///
/// Being set aside for another thread is no sleep, nor is `sched_yield`; a page that must be read from disk
/// is one. Two equal readings prove that all time in between which the thread has not burned was taken from
/// it: by other threads, or by other machines on the same processors, of which the run delay knows nothing.
///
/// Costs one system call.
///
/// # Errors
///
/// When a sandbox does not let it be read.
#[inline]
pub fn current_thread_sleeps() -> Result<u64, Unavailable> {
    Ok(count(usage(libc::RUSAGE_THREAD, "thread sleeps")?.ru_nvcsw))
}

/// How often a thread of this process was set aside for another thread, since the process began: of any
/// process, or its own. Two equal readings prove that in between all of its threads ran for as long as they
/// had something to do, those excepted that woke and had to wait.
///
/// Costs one system call, which adds up all threads.
///
/// # Errors
///
/// When a sandbox does not let it be read.
pub fn threads_set_aside() -> Result<u64, Unavailable> {
    Ok(count(usage(libc::RUSAGE_SELF, "threads set aside")?.ru_nivcsw))
}

fn usage(of: libc::c_int, capability: &'static str) -> Result<libc::rusage, Unavailable> {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: `usage` is valid for a write of one `rusage`.
    let code = unsafe { libc::getrusage(of, usage.as_mut_ptr()) };
    if code != 0 {
        let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        return Err(Unavailable::refused(capability, error));
    }
    // SAFETY: the call above succeeded, and then it has written `usage`.
    Ok(unsafe { usage.assume_init() })
}

fn count(times: libc::c_long) -> u64 {
    u64::try_from(times).unwrap_or(0)
}

/// The same for a thread that is only known by number, opened for this one read.
pub(super) fn of_thread(tid: libc::pid_t) -> Result<Duration, Unavailable> {
    let path = format!("/proc/self/task/{tid}/schedstat");
    ThreadRunDelay(File::open(path).map_err(refused)?).read()
}

fn refused(error: std::io::Error) -> Unavailable {
    Unavailable::refused(CAPABILITY, error.raw_os_error().unwrap_or(0))
}

/// The fields: time on a processor, time waiting for one, and how often one was given.
fn parse(line: &[u8]) -> Option<Duration> {
    let mut fields = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let waited = fields.nth(1)?.parse().ok()?;
    let turns: u64 = fields.next()?.parse().ok()?;
    // Each thread that can be asked has had a turn; a kernel that does not count has only zeros.
    (turns > 0).then(|| Duration::from_nanos(waited))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RunState, ThreadProbe};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::sync::mpsc::channel;
    use std::time::Instant;

    #[test]
    fn a_kernel_that_does_not_count_is_noticed() {
        assert_eq!(parse(b"12 345 6\n"), Some(Duration::from_nanos(345)));
        assert_eq!(parse(b"12 0 6\n"), Some(Duration::ZERO));
        assert_eq!(parse(b"0 0 0\n"), None);
        assert_eq!(parse(b"12 345"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn sleeps_count_and_waits_do_not() {
        std::thread::spawn(|| {
            let before = current_thread_sleeps().unwrap();
            std::thread::sleep(Duration::from_millis(1));
            let slept = current_thread_sleeps().unwrap();
            assert!(slept > before);
            let deadline = Instant::now() + Duration::from_secs(60);
            let delay = ThreadRunDelay::of_current_thread();
            while delay.as_ref().is_ok_and(|delay| delay.read().unwrap().is_zero())
                && Instant::now() < deadline
            {
                std::thread::yield_now();
            }
            assert_eq!(
                current_thread_sleeps().unwrap(),
                slept,
                "computing and yielding is no sleep"
            );
        })
        .join()
        .unwrap();
    }

    /// Binds the calling thread to the first of the processors that it may use.
    fn bind_to_one_processor() {
        // SAFETY: a `cpu_set_t` consists of integers, for which zero bytes are a value; it is valid
        // for a write of its size; each index is below the `CPU_SETSIZE` bits that it has.
        let code = unsafe {
            let mut allowed: libc::cpu_set_t = std::mem::zeroed();
            libc::sched_getaffinity(0, size_of_val(&allowed), &mut allowed);
            let first = (0..libc::CPU_SETSIZE as usize).find(|&cpu| libc::CPU_ISSET(cpu, &allowed));
            let mut one: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(first.unwrap_or(0), &mut one);
            libc::sched_setaffinity(0, size_of_val(&one), &one)
        };
        assert_eq!(code, 0, "{}", std::io::Error::last_os_error());
    }

    #[test]
    fn grows_while_others_have_the_processor() {
        let Ok(_) = ThreadRunDelay::of_current_thread() else { return };
        let deadline = Instant::now() + Duration::from_secs(60);
        let done = &AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(move || {
                    bind_to_one_processor();
                    while !done.load(Relaxed) && Instant::now() < deadline {}
                });
            }
            scope.spawn(move || {
                bind_to_one_processor();
                let (began, delay) = (Instant::now(), ThreadRunDelay::of_current_thread().unwrap());
                let before = delay.read().unwrap();
                let goal = before + Duration::from_millis(5);
                while delay.read().unwrap() < goal && Instant::now() < deadline {}
                let waited = delay.read().unwrap() - before;
                done.store(true, Relaxed);
                assert!(waited >= Duration::from_millis(5), "waited {waited:?}");
                assert!(waited <= began.elapsed() + SLACK, "waited {waited:?}");
            });
        });
    }

    /// For the difference between the scheduler's clock and the one of this test.
    const SLACK: Duration = Duration::from_millis(10);

    #[test]
    fn sleep_does_not_count_and_the_end_is_an_answer() {
        let Ok(_) = ThreadRunDelay::of_current_thread() else { return };
        let (delay_out, delay_in) = channel();
        let (go_out, go_in) = channel::<()>();
        let (awake_out, awake_in) = channel();
        let thread = std::thread::spawn(move || {
            let delay = ThreadRunDelay::of_current_thread().unwrap();
            delay_out.send((delay, ThreadProbe::of_current_thread().unwrap())).unwrap();
            go_in.recv().unwrap();
            awake_out.send(Instant::now()).unwrap();
            go_in.recv().unwrap();
        });
        let (delay, probe) = delay_in.recv().unwrap();

        // On a loaded machine it may take the thread a while to fall asleep.
        let deadline = Instant::now() + Duration::from_secs(60);
        let asleep = loop {
            let blocked = probe.state() == Ok(RunState::Blocked);
            let before = delay.read().unwrap();
            std::thread::sleep(Duration::from_millis(50));
            if blocked && delay.read().unwrap() == before {
                break before;
            }
            assert!(Instant::now() < deadline, "a sleeping thread gathers waiting time");
        };
        // A wait counts when it ends, so only now could the 50 ms show. What counts is at most the
        // time since the wake-up.
        let woken = Instant::now();
        go_out.send(()).unwrap();
        awake_in.recv().unwrap();
        let gained = delay.read().unwrap() - asleep;
        assert!(
            gained <= woken.elapsed() + SLACK,
            "{gained:?} of waiting in {:?}",
            woken.elapsed()
        );

        go_out.send(()).unwrap();
        thread.join().unwrap();
        while delay.read().is_ok() {
            assert!(Instant::now() < deadline, "an ended thread still answers");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(delay.read(), Err(Unavailable::refused(CAPABILITY, libc::ESRCH)));
    }
}
