//! What the kernel counted for each thread of this process. Linux only.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::Result;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    /// Times a thread went to sleep, so times it was woken.
    pub(crate) sleeps: u64,
}

impl Usage {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            sleeps: self.sleeps.saturating_sub(before.sleeps),
        }
    }
}

/// All living threads with that name together; an error if there is none, which would otherwise
/// look like perfect idleness. The kernel keeps 15 bytes of a name.
pub(crate) fn usage_of_threads(name: &str) -> Result<Usage> {
    let mut usage = Usage::default();
    let mut found = false;
    for entry in fs::read_dir("/proc/self/task")? {
        let thread = entry?.path();
        // A thread may end while we look at it.
        let Ok(comm) = fs::read_to_string(thread.join("comm")) else { continue };
        if comm.trim_end() == name {
            let (cpu, sleeps) = (cpu_time(&thread)?, sleeps(&thread)?);
            usage.cpu += cpu;
            usage.sleeps += sleeps;
            found = true;
        }
    }
    if found { Ok(usage) } else { Err(format!("no thread is named {name}").into()) }
}

/// CPU time of the calling thread. The kernel brings it up to date when a thread goes to sleep, so
/// this sleeps first.
pub(crate) fn cpu_of_current_thread() -> Result<Duration> {
    thread::sleep(Duration::from_micros(100));
    cpu_time(Path::new("/proc/thread-self"))
}

/// CPU time of all threads of this process, those that have ended included. Exact, also while they run.
#[cfg(unix)]
pub(crate) fn cpu_of_process() -> Result<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::try_from(time)?)
}

#[cfg(not(unix))]
pub(crate) fn cpu_of_process() -> Result<Duration> {
    Err("the CPU time of the process is read on Unix only".into())
}

/// How long the calling thread was ready and had no processor.
pub(crate) fn run_delay_of_current_thread() -> Result<Duration> {
    schedstat(Path::new("/proc/thread-self"), 1)
}

/// In nanoseconds; `stat` would count in clock ticks of 10 ms.
fn cpu_time(thread: &Path) -> Result<Duration> {
    schedstat(thread, 0)
}

fn schedstat(thread: &Path, field: usize) -> Result<Duration> {
    let text = fs::read_to_string(thread.join("schedstat"))?;
    let nanos = text.split(' ').nth(field).and_then(|word| word.parse().ok());
    Ok(Duration::from_nanos(nanos.ok_or("schedstat is not what it used to be")?))
}

fn sleeps(thread: &Path) -> Result<u64> {
    let text = fs::read_to_string(thread.join("status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    let count = line.and_then(|rest| rest.trim().parse().ok());
    Ok(count.ok_or("status has no voluntary_ctxt_switches")?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Instant;

    #[test]
    fn a_thread_is_found_by_its_name_and_its_work_is_counted() {
        let (told, tell) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let worker = thread::Builder::new().name("bench-proc-test".into()).spawn(move || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(50) {}
            thread::sleep(Duration::from_millis(1));
            told.send(()).unwrap();
            let _ = ended.recv();
        });
        tell.recv().unwrap();
        let usage = usage_of_threads("bench-proc-test").unwrap();
        assert!(usage.cpu > Duration::from_millis(1), "{usage:?}");
        assert!(usage.sleeps >= 1, "{usage:?}");
        assert!(cpu_of_process().unwrap() >= Duration::from_millis(10));
        drop(end);
        worker.unwrap().join().unwrap();
        assert!(usage_of_threads("nobody").is_err());
    }
}
